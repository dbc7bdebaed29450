"""What people see at the terminal while something runs. It changes no result."""
