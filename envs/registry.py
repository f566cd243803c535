"""Task registry: where each task's class and expert are defined, imported on first use."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from envs.entries import TaskEntry
from envs.hand_entries import LEFT_OUT as LEFT_OUT
from envs.hand_entries import ON_HAND as ON_HAND
from envs.names import check_new_name, on_hand, unknown

if TYPE_CHECKING:  # registering the ids must not import mujoco
    from envs.experts.base import Expert
    from envs.task import Task
    from envs.world import World

EXTRA_MODULES = {"adroit": "gymnasium_robotics"}
"""The extras that tasks need, and the module that each one installs. A task on a described hand
needs the hand's model, which the extra `hands` downloads."""


def _built_in(name: str, module: str, horizon: int, version: int = 0, **marks: bool) -> TaskEntry:
    place, expert = f"envs.tasks.{module}:{name}", f"envs.experts.{module}:{name}Expert"
    return TaskEntry(place, expert, horizon, version, **marks)  # type: ignore[arg-type]


def _adroit(
    name: str, module: str, has_goal: bool = False, is_sanity: bool = False
) -> dict[str, TaskEntry]:
    """Return an Adroit task and its twin, which has the published observation only."""
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
        "RelocateBall", "relocate_ball", horizon=150, version=1, has_goal=True, is_sanity=True
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


def add_hand_tasks(hand: str, extra: str = "", files: Mapping[str, str] | None = None) -> None:
    """Register the tasks on a described hand, here only.

    Args:
        hand: The hand's name.
        extra: As in `TaskEntry`.
        files: As in `TaskEntry`.
    """
    for name, entry in ON_HAND.items():
        if hand in LEFT_OUT.get(name, ()):
            continue
        check_new_name("task", on_hand(name, hand), TASKS)
        TASKS[on_hand(name, hand)] = replace(entry, hand=hand, extra=extra, files=files or {})


for _hand in ("shadow", "allegro", "leap"):
    add_hand_tasks(_hand, extra="hands")


def task_id(name: str) -> str:
    """Return a task's Gymnasium id without importing the task."""
    return _ids(name, TASKS[name])[0]


def goal_id(name: str) -> str:
    """Return the Gymnasium id of a task's goal-conditioned variant."""
    return f"fmbench/{name}Goal-v{TASKS[name].version}"


def add_task(
    task: type[Task], expert: type[Expert], files: Mapping[str, str] | None = None
) -> None:
    """Register a task and its expert under the task's name, here and with Gymnasium.

    Args:
        task: The task.
        expert: Its expert.
        files: The files that define it, as in its entry.

    Raises:
        ValueError: The name is taken or not accepted, or a class is not at the top level of a file.
    """
    check_new_name("task", task.name, TASKS)
    places = [f"{kind.__module__}:{kind.__qualname__}" for kind in (task, expert)]
    for place in places:
        _check_source(place)
    has_goal = hasattr(task, "goal_size")  # `envs.goals.GoalTask` imports mujoco
    entry = TaskEntry(
        places[0], places[1], task.horizon, task.version, has_goal=has_goal, files=files or {}
    )
    taken = {name for known in TASKS.items() for name in _ids(*known)}
    if shared := taken.intersection(_ids(task.name, entry)):
        raise ValueError(
            f"the name of the task is {task.name!r}, but {shared.pop()} is the Gymnasium id of "
            "another task; choose another name"
        )
    TASKS[task.name] = entry
    register_ids()


def _ids(name: str, entry: TaskEntry) -> tuple[str, ...]:
    """Return the Gymnasium ids of a task and of its goal-conditioned variant, if it has one."""
    names = (name, f"{name}Goal") if entry.has_goal else (name,)
    return tuple(f"fmbench/{each}-v{entry.version}" for each in names)


def _check_source(place: str) -> None:
    """Reject a class, "module:Class", without a source from which its hash can be computed.

    Raises:
        ValueError: It is not at the top level of a file; the message states what to do.
    """
    from envs.hashing.bindings import Place
    from envs.hashing.definitions import installed_definitions

    try:
        installed_definitions()[Place(*place.split(":", 1))]
    except ValueError:
        raise ValueError(
            f"{place} is not at the top level of a Python file, and a task is identified by its "
            "source; write the task and its expert into a file, and import that file or give it "
            "to a command with --plugin FILE"
        ) from None


def register_ids() -> None:
    """Register `fmbench/<Name>-v<version>` with Gymnasium for every task not yet registered.

    This imports Gymnasium only. A task is compiled when its first environment is made.
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
    """Check that a task is registered.

    Raises:
        ValueError: It is not; the message lists the known tasks and near matches.
    """
    if name not in TASKS:
        raise unknown("task", name, TASKS)


def has_extra(name: str) -> bool:
    """Return whether the extra, or the model, that a registered task needs is installed."""
    if TASKS[name].hand:
        from envs.hand.catalogue import find_hand  # not before it is needed

        return find_hand(TASKS[name].hand).source.is_at_hand()
    extra = TASKS[name].extra
    return not extra or importlib.util.find_spec(EXTRA_MODULES[extra]) is not None


def check_extra(name: str) -> None:
    """Check that the extra of a registered task is installed.

    Raises:
        ValueError: It is not; the message contains the install command.
    """
    if not has_extra(name):
        extra = TASKS[name].extra
        copy = "; or set MENAGERIE_ROOT to a copy of MuJoCo Menagerie" if TASKS[name].hand else ""
        raise ValueError(
            f"{name} needs the extra {extra!r}, which is not installed: "
            f"pip install 'fmbench[{extra}]'{copy}"
        )


def suite() -> tuple[str, ...]:
    """Return the tasks that "all" selects: those that are no variant and on no described hand."""
    return tuple(name for name, entry in TASKS.items() if not entry.twin_of and not entry.hand)


@lru_cache(maxsize=64)
def make_task(name: str) -> Task:
    """Return the task called `name`, compiled once per process.

    Raises:
        ValueError: The task is not registered, the extra that it needs is not installed, or the
            model of its hand is missing or damaged.
    """
    check_task_name(name)
    check_extra(name)
    entry = TASKS[name]
    kind: type[Any] = _load(entry.task)
    if entry.hand:
        from envs.tasks.on_hand.pairs import put_on

        kind = put_on(kind, entry.hand)
    task: Task = kind()
    return task


def make_expert(world: World) -> Expert:
    """Return the scripted expert of the world's task."""
    expert: Expert = _load(TASKS[world.task.name].expert)(world)
    return expert


def _load(place: str) -> Any:
    """Return the class at "module:Class"."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
