"""Flow matching, diffusion and behaviour cloning on dexterous-hand tasks, under one harness.

Importing this package registers the tasks with Gymnasium, so that both
`import fmbench; gymnasium.make("fmbench/LiftCube-v0")` and
`gymnasium.make("fmbench:fmbench/LiftCube-v0")` work; it imports neither torch nor mujoco.
"""

from fmbench.install_check import check_install

check_install()  # before `envs` is imported

from envs import register_all  # noqa: E402

__version__ = "0.1.0"

register_all()
