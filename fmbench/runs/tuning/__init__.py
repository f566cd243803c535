"""Search for the recipe of a backbone."""
