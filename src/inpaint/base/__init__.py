"""What all the rest stands on: files and where they lie, seeds, errors, where code comes from."""
