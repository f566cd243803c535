"""Rows and files: written atomically, verified when they are read."""
