"""Models that others rely on: how one becomes champion, and what a registered version holds."""
