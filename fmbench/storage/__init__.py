"""Rows and files: written whole or not at all, and verified when they are read."""
