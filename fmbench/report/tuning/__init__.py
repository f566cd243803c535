"""Trials of a search for a recipe."""
