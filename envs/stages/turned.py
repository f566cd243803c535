"""Stages of the tasks that turn a dial, a valve, a cube in the hand, or a door."""

import numpy as np

from envs.arrays import BoolArray, FloatArray
from envs.rotations import wrap
from envs.stages.declaration import Carry, Stages
from envs.stages.gaps import is_reached, tips_at_bar
from envs.task import View
from envs.tasks import rotate_cube, turn_dial, turn_either, turn_valve
from envs.tasks.door_parts import GRIP_LENGTH_M, GRIP_MIDDLE_M, GRIP_RADIUS_M, LATCH_RAD
from envs.tasks.open_door import FREE_RAD, OPEN_RAD, OpenDoor


def turn_stages(
    remaining: FloatArray, turn: FloatArray | float, tolerance: float
) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return who has moved something towards its goal, half-way, and to it, each (n,).

    Args:
        remaining: The angle that remains, (n,) [rad].
        turn: That at the start, one for all or (n,) [rad].
        tolerance: The task's tolerance [rad]: who is nearer to the goal by this has moved it.
    """
    left, whole = np.abs(remaining), np.abs(turn)
    return left < whole - tolerance, left < whole / 2, left < tolerance


def _turn_dial(task: turn_dial.TurnDial, view: View) -> tuple[BoolArray, ...]:
    turn = view.memory("turn")[:, 0]
    return turn_stages(task.remaining(view), turn, turn_dial.TOLERANCE_RAD)


def _turn_either(task: turn_either.TurnEither, view: View) -> tuple[BoolArray, ...]:
    remaining = wrap(np.pi - task.turned(view))
    return turn_stages(remaining, np.pi, turn_either.TOLERANCE_RAD)


def _turn_valve(task: turn_valve.TurnValve, view: View) -> tuple[BoolArray, ...]:
    turn = view.memory("turn")[:, 0]
    return turn_stages(task.remaining(view), turn, turn_valve.TOLERANCE_RAD)


def _rotate_cube(task: rotate_cube.RotateCube, view: View) -> tuple[BoolArray, ...]:
    inside, turn = ~_is_out(task, view), view.memory("turn")[:, 0]
    upright = task.cube_matrix(view)[:, 2, 2]
    is_over = upright < np.cos(rotate_cube.TURNED_OVER_RAD)
    stages = turn_stages(task.remaining(view), turn, rotate_cube.TOLERANCE_RAD)
    is_flat = upright > np.cos(rotate_cube.UPRIGHT_RAD)
    moved, half, there = (np.asarray(stage & inside & ~is_over) for stage in stages)
    return moved, half, np.asarray(there & is_flat)


def _is_out(task: rotate_cube.RotateCube, view: View) -> BoolArray:
    """Return whether the cube has left the hand, the task's own condition, (n,)."""
    place = task.cube_position(view)
    aside = np.sqrt((place[:, :2] ** 2).sum(axis=1))
    return np.asarray((aside > rotate_cube.DROP_RADIUS_M) | (place[:, 2] < 0.0))


def _rotate_cube_carry(task: rotate_cube.RotateCube, view: View) -> Carry:
    """Return where the cube is: in the hand from the start."""
    out = _is_out(task, view)[:, None]
    return Carry(held=~out, free=out, placed=np.zeros_like(out))


def _open_door(task: OpenDoor, view: View) -> tuple[BoolArray, ...]:
    along = view.site_matrix(task.grip_site)[:, :, 1]
    end = view.site_position(task.grip_site) - GRIP_MIDDLE_M * along
    at = tips_at_bar(task, view, end, GRIP_LENGTH_M * along, GRIP_RADIUS_M)
    door = task.door_angle(view)
    return is_reached(at), task.lever_angle(view) >= LATCH_RAD, door > FREE_RAD, door > OPEN_RAD


TURN = ("moved", "half-way", "at goal", "held")
TURN_DIAL = Stages(TURN, _turn_dial)
TURN_EITHER = Stages(TURN, _turn_either)
TURN_VALVE = Stages(TURN, _turn_valve)
ROTATE_CUBE = Stages(TURN, _rotate_cube, _rotate_cube_carry)
OPEN_DOOR = Stages(("reached", "lever down", "unlatched", "open", "held"), _open_door)
