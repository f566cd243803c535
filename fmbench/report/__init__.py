"""Tables and figures, computed from rows without torch or mujoco."""
