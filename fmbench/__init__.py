"""Flow matching, diffusion and behaviour cloning on dexterous-hand tasks, under one harness.

Importing this package registers the tasks with Gymnasium, so that both
`import fmbench; gymnasium.make("fmbench/LiftCube-v0")` and
`gymnasium.make("fmbench:fmbench/LiftCube-v0")` work; it imports neither torch nor mujoco.
"""

from envs import register_all

__version__ = "0.1.0"

register_all()
