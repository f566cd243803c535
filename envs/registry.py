"""Name every task once: where its class and its expert's class are, loaded when asked for."""

import ast
import difflib
import hashlib
import importlib
import inspect
from functools import lru_cache

from envs.experts.base import Expert
from envs.task import Task
from envs.world import World

# name -> modules under envs.tasks and envs.experts; the classes are <Name> and <Name>Expert.
TASKS: dict[str, str] = {
    "ReachPose": "reach_pose",
    "TurnDial": "turn_dial",
    "LiftCube": "lift_cube",
    "PickEither": "pick_either",
    "PressEither": "press_either",
}
SHARED_MODULES = ("hand", "scene", "task", "world", "rotations", "kinematics", "experts.base")


def check_task_name(name: str) -> None:
    """Refuse a task that is not registered.

    Raises:
        ValueError: Names the known tasks, and those that look like `name`.
    """
    if name not in TASKS:
        near = difflib.get_close_matches(name, TASKS, n=2)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"Unknown task {name!r}; known: {', '.join(TASKS)}.{hint}")
