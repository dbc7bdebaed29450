"""Fills holes in small images, and proves how well it does so."""

__version__ = "0.1.0"
