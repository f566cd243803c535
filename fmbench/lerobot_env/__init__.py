"""The tasks as environments of LeRobot's own commands: `--env.type=fmbench`.

LeRobot imports this package where `--env.discover_packages_path=fmbench.lerobot_env` names it;
nothing else does, and LeRobot must be installed.
"""

from fmbench.lerobot_env.config import FmbenchEnv as FmbenchEnv
