"""A grid of runs from one file: its plan, the processes that do it, shards, and its assembly."""
