"""The pipeline's stages. Each has ``run(params, paths)``: read files, call the library, write
files, and return the line that says what came out. They never import each other."""
