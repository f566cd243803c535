"""Experts of the tasks on described hands."""
