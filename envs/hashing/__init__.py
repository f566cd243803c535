"""Canonical text of the code that a definition reaches, with names replaced."""
