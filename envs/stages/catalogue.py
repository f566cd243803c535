"""Which stages a task has: where those of each class are defined, imported on first use."""

import importlib
from typing import Any

from envs.stages.declaration import Stages
from envs.task import Task

_TASKS, _ADROIT = "envs.tasks.", "envs.adroit."
_HERE = "envs.stages."
STAGES: dict[str, str | Stages[Any]] = {
    f"{_TASKS}reach_pose:ReachPose": f"{_HERE}pressed:REACH_POSE",
    f"{_TASKS}press_either:PressEither": f"{_HERE}pressed:PRESS_EITHER",
    f"{_TASKS}press_chord:PressChord": f"{_HERE}pressed:PRESS_CHORD",
    f"{_TASKS}turn_dial:TurnDial": f"{_HERE}turned:TURN_DIAL",
    f"{_TASKS}turn_either:TurnEither": f"{_HERE}turned:TURN_EITHER",
    f"{_TASKS}turn_valve:TurnValve": f"{_HERE}turned:TURN_VALVE",
    f"{_TASKS}rotate_cube:RotateCube": f"{_HERE}turned:ROTATE_CUBE",
    f"{_TASKS}open_door:OpenDoor": f"{_HERE}turned:OPEN_DOOR",
    f"{_TASKS}lift_cube:LiftCube": f"{_HERE}lifted:LIFT_CUBE",
    f"{_TASKS}pick_either:PickEither": f"{_HERE}lifted:PICK_EITHER",
    f"{_TASKS}avoid_post:AvoidPost": f"{_HERE}lifted:AVOID_POST",
    f"{_TASKS}relocate_ball:RelocateBall": f"{_HERE}lifted:RELOCATE_BALL",
    f"{_TASKS}place_cube:PlaceCube": f"{_HERE}placed:PLACE_CUBE",
    f"{_TASKS}stack_cubes:StackCubes": f"{_HERE}placed:STACK_CUBES",
    f"{_TASKS}insert_peg:InsertPeg": f"{_HERE}placed:INSERT_PEG",
    f"{_TASKS}hand_over:HandOver": f"{_HERE}placed:HAND_OVER",
    f"{_ADROIT}relocate_task:AdroitRelocate": f"{_HERE}adroit:RELOCATE",
    f"{_ADROIT}door_task:AdroitDoor": f"{_HERE}adroit:DOOR",
    f"{_ADROIT}hammer_task:AdroitHammer": f"{_HERE}adroit:HAMMER",
    f"{_ADROIT}pen_task:AdroitPen": f"{_HERE}adroit:PEN",
}
"""Class, "module:Class", to its stages or to their place, "module:NAME". Subclasses have the stages
of their class: goal-conditioned variants, twins and the tasks on described hands."""


def stages_of(task: Task) -> Stages[Any] | None:
    """Return the stages of a task, those of its nearest class that has some; None if none has."""
    for kind in type(task).__mro__:
        found = STAGES.get(_place(kind))
        if isinstance(found, str):
            module, _, name = found.partition(":")
            found = getattr(importlib.import_module(module), name)
        if found is not None:
            stages: Stages[Any] = found
            return stages
    return None


def add_stages(task: type[Task], stages: Stages[Any]) -> None:
    """Register the stages of a task and of its subclasses.

    Raises:
        ValueError: The class has stages already.
    """
    if _place(task) in STAGES:
        raise ValueError(f"{task.__name__} has stages already; register them once")
    STAGES[_place(task)] = stages


def _place(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"
