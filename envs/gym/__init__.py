"""The tasks as Gymnasium environments: single, vectorised and goal-conditioned."""
