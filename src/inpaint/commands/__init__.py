"""What the commands of `inpaint` do with runs and experiments. Each has ``run(root, ...)``: ask the
library, print the answer, and give the exit code. They never import each other."""
