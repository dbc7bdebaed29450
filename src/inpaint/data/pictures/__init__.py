"""People's own pictures: their files, what is missing from them, which belong together."""
