"""Policies compared over all tasks at once, as in rliable."""
