"""What the commands of `inpaint` do; ``launch`` starts them, and the stages. Each has ``run(root,
...)``: ask the library, print the answer, give the exit code. They never import each other."""
