"""From an image with a hole to the restored image.

A registered model holds a copy of this package, which imports nothing else of the project.
"""
