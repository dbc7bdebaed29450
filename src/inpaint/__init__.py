"""Fills holes in images, and proves how well it does so."""

__version__ = "0.1.0"
