"""Real images: which there are, where they come from, how they are read and split."""
