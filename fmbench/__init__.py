"""Flow matching, diffusion and behaviour cloning on dexterous-hand tasks, under one harness.

Importing this package registers the tasks with Gymnasium, so that both
`import fmbench; gymnasium.make("fmbench/LiftCube-v0")` and
`gymnasium.make("fmbench:fmbench/LiftCube-v0")` work; it imports neither torch nor mujoco.
"""

from typing import Any

from fmbench.cli import early

early.begin()  # first of all: a signal during the imports below ends a command with one line

from fmbench.install_check import check_install  # noqa: E402

check_install()  # before `envs` is imported

import gymnasium  # noqa: E402

from envs import register_all  # noqa: E402

__version__ = "0.1.0"

register_all()


def make_env(env_id: str, **options: Any) -> gymnasium.Env[Any, Any]:
    """Make an environment without Gymnasium's wrappers: the entry point named in stored data.

    The id is looked up at the call, so that stored data recover their environment even after its
    class has moved, and recover none if the task has a newer version.

    Args:
        env_id: The Gymnasium id, `fmbench/<Name>-v<version>`.
        options: Further arguments of `gymnasium.make`.
    """
    return gymnasium.make(env_id, **options).unwrapped
