"""Name every task once: where its class and its expert's class are, loaded when asked for."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # registering the ids must not import mujoco
    from envs.experts.base import Expert
    from envs.task import Task
    from envs.world import World


@dataclass(frozen=True)
class TaskEntry:
    """What Gymnasium must know of a task before its class is imported.

    Attributes:
        task: Where its class is, "module:Class".
        expert: Where its expert's class is, "module:Class".
        horizon: The class's `horizon` [control steps].
        version: The class's `version`.
        extra: The optional part of the installation that the task needs, or "".
        twin_of: The task of which it is a variant, or ""; "all" leaves variants out.
        has_goal: Whether the class is an `envs.goals.GoalTask`.
        is_sanity: Whether regression, flow and diffusion all reach the expert from 200
            demonstrations (`results/demonstrations`): it checks a policy and ranks none.
    """

    task: str
    expert: str
    horizon: int
    version: int = 0
    extra: str = ""
    twin_of: str = ""
    has_goal: bool = False
    is_sanity: bool = False


EXTRA_MODULES = {"adroit": "gymnasium_robotics"}
"""The extras that tasks need, each with the module that it installs."""


def _built_in(name: str, module: str, horizon: int, version: int = 0, **marks: bool) -> TaskEntry:
    place, expert = f"envs.tasks.{module}:{name}", f"envs.experts.{module}:{name}Expert"
    return TaskEntry(place, expert, horizon, version, **marks)  # type: ignore[arg-type]


def _adroit(
    name: str, module: str, has_goal: bool = False, is_sanity: bool = False
) -> dict[str, TaskEntry]:
    """Return a task of Adroit and its twin, which observes what was published and no more."""
    place = f"envs.adroit.{module}_task:{name}"
    expert = f"envs.adroit.{module}_expert:{name}Expert"
    return {
        name: TaskEntry(place, expert, 200, extra="adroit", has_goal=has_goal, is_sanity=is_sanity),
        f"{name}Published": TaskEntry(
            f"{place}Published", expert, 200, extra="adroit", twin_of=name
        ),
    }


TASKS: dict[str, TaskEntry] = {
    # The hand on a fixed palm.
    "ReachPose": _built_in("ReachPose", "reach_pose", horizon=60, version=1, has_goal=True),
    "TurnDial": _built_in("TurnDial", "turn_dial", horizon=200, has_goal=True),
    "PressEither": _built_in("PressEither", "press_either", horizon=80, version=2),
    "PressChord": _built_in("PressChord", "press_chord", horizon=100, is_sanity=True),
    "TurnEither": _built_in("TurnEither", "turn_either", horizon=250, version=1, has_goal=True),
    "RotateCube": _built_in("RotateCube", "rotate_cube", horizon=200, version=1, has_goal=True),
    # The hand on its wrist.
    "LiftCube": _built_in("LiftCube", "lift_cube", horizon=150, has_goal=True, is_sanity=True),
    "PickEither": _built_in("PickEither", "pick_either", horizon=120),
    "PlaceCube": _built_in("PlaceCube", "place_cube", horizon=150, has_goal=True),
    "RelocateBall": _built_in(
        "RelocateBall", "relocate_ball", horizon=150, has_goal=True, is_sanity=True
    ),
    "AvoidPost": _built_in("AvoidPost", "avoid_post", horizon=150, has_goal=True),
    "OpenDoor": _built_in("OpenDoor", "open_door", horizon=150, version=1),
    "InsertPeg": _built_in("InsertPeg", "insert_peg", horizon=200, has_goal=True),
    "StackCubes": _built_in("StackCubes", "stack_cubes", horizon=150),
    "TurnValve": _built_in("TurnValve", "turn_valve", horizon=300, version=1, has_goal=True),
    # Two hands.
    "HandOver": _built_in("HandOver", "hand_over", horizon=300, version=1, has_goal=True),
    # Another hand, with gymnasium-robotics' models.
    **_adroit("AdroitRelocate", "relocate", has_goal=True, is_sanity=True),
    **_adroit("AdroitDoor", "door"),
    **_adroit("AdroitHammer", "hammer", is_sanity=True),
    **_adroit("AdroitPen", "pen", has_goal=True),
    "AdroitHammerWide": TaskEntry(
        "envs.adroit.hammer_wide_task:AdroitHammerWide",
        "envs.adroit.hammer_expert:AdroitHammerExpert",
        horizon=200,
        version=1,
        extra="adroit",
        is_sanity=True,
    ),
}


def task_id(name: str) -> str:
    """Return a task's Gymnasium id without importing the task."""
    return f"fmbench/{name}-v{TASKS[name].version}"


def goal_id(name: str) -> str:
    """Return the Gymnasium id of a task's goal-conditioned variant."""
    return f"fmbench/{name}Goal-v{TASKS[name].version}"


def add_task(task: type[Task], expert: type[Expert]) -> None:
    """Make a task of your own known under its name, here and to Gymnasium.

    Raises:
        ValueError: Another task has that name.
    """
    if task.name in TASKS:
        raise ValueError(f"A task named {task.name!r} is registered already; choose another name.")
    places = [f"{kind.__module__}:{kind.__qualname__}" for kind in (task, expert)]
    has_goal = hasattr(task, "goal_size")  # `envs.goals.GoalTask` imports mujoco
    TASKS[task.name] = TaskEntry(
        places[0], places[1], task.horizon, task.version, has_goal=has_goal
    )
    register_ids()


def register_ids() -> None:
    """Register `fmbench/<Name>-v<version>` with Gymnasium for every task that is not yet.

    It imports Gymnasium only: a task is compiled when the first environment of it is made.
    """
    from gymnasium.envs.registration import register, registry

    for name, entry in TASKS.items():
        if entry.has_goal and goal_id(name) not in registry:
            register(
                id=goal_id(name),
                entry_point="envs.gym.goal_env:HandGoalEnv",
                vector_entry_point="envs.gym.goal_vector_env:HandGoalVectorEnv",
                max_episode_steps=entry.horizon,
                kwargs={"task": name},
            )
        if task_id(name) not in registry:
            register(
                id=task_id(name),
                entry_point="envs.gym.env:HandEnv",
                vector_entry_point="envs.gym.vector_env:HandVectorEnv",
                max_episode_steps=entry.horizon,
                kwargs={"task": name},
            )


def check_task_name(name: str) -> None:
    """Refuse a task that is not registered.

    Raises:
        ValueError: Names the known tasks, and those that look like `name`.
    """
    if name not in TASKS:
        near = difflib.get_close_matches(name, sorted(TASKS), n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        # In the words of `fmbench.errors.unknown`.
        raise ValueError(f"unknown task {name!r}; {hint}known: {', '.join(sorted(TASKS))}")


def has_extra(name: str) -> bool:
    """Return whether what a registered task needs besides the core is installed."""
    extra = TASKS[name].extra
    return not extra or importlib.util.find_spec(EXTRA_MODULES[extra]) is not None


def check_extra(name: str) -> None:
    """Refuse a registered task whose extra is not installed.

    Raises:
        ValueError: Says how to install it.
    """
    if not has_extra(name):
        extra = TASKS[name].extra
        raise ValueError(
            f"{name} needs the extra {extra!r}, which is not installed: "
            f"pip install 'fmbench[{extra}]'"
        )


def suite() -> tuple[str, ...]:
    """Return the names that "all" stands for: every task but variants of another one."""
    return tuple(name for name, entry in TASKS.items() if not entry.twin_of)


@lru_cache(maxsize=64)
def make_task(name: str) -> Task:
    """Return the task called `name`, compiled once per process.

    Raises:
        ValueError: The task is not registered, or the extra that it needs is not installed.
    """
    check_task_name(name)
    check_extra(name)
    task: Task = _load(TASKS[name].task)()
    return task


def make_expert(world: World) -> Expert:
    """Return the scripted expert of the world's task."""
    expert: Expert = _load(TASKS[world.task.name].expert)(world)
    return expert


def _load(place: str) -> Any:
    """Return the class at "module:Class"."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
