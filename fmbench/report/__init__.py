"""Tables and figures as functions of rows; neither torch nor mujoco is imported."""
