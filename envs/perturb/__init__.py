"""Disturbances of an episode: of its observations, commands, physics or initial state."""
