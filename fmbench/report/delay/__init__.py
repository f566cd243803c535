"""Success of policies whose decisions take time, and of other executions of their chunks."""
