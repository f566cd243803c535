"""Stages of the Adroit tasks, which are solved at a single control step.

Where their success reads a pose one substep late, so do the stages.
"""

from functools import lru_cache

import mujoco
import numpy as np

from envs.adroit.door_task import AJAR_RAD, UNLATCHED_RAD, AdroitDoor
from envs.adroit.hammer_task import FLOOR_Z_M, NAIL_M, TOLERANCE_M, AdroitHammer
from envs.adroit.pen_task import DROPPED_Z_M, AdroitPen
from envs.adroit.relocate_task import BALL_Z_M, AdroitRelocate
from envs.arrays import BoolArray
from envs.stages.declaration import Carry, Stages
from envs.stages.gaps import is_reached, tips_at_ball
from envs.task import View
from envs.tasks.cube_parts import CLEAR_M

HALF = 0.5


def _ball(task: AdroitRelocate, view: View) -> tuple[BoolArray, BoolArray]:
    """Return which fingertips are at the ball, and whether it is off the table."""
    ball = view.site_position(task.ball_site)
    geom = int(task.model.body_geomadr[task.ball_body])
    radius = np.full(len(view), task.model.geom_size[geom, 0])
    return tips_at_ball(task, view, ball, radius), np.asarray(ball[:, 2] - BALL_Z_M > CLEAR_M)


def _relocate(task: AdroitRelocate, view: View) -> tuple[BoolArray, ...]:
    at, lifted = _ball(task, view)
    return is_reached(at), lifted


def _relocate_carry(task: AdroitRelocate, view: View) -> Carry:
    at, lifted = _ball(task, view)
    near = is_reached(at)[:, None]
    return Carry(near & lifted[:, None], ~near, np.zeros_like(near))


def _door(task: AdroitDoor, view: View) -> tuple[BoolArray, ...]:
    hinge, latch = view.qpos[:, task.hinge_qpos], view.qpos[:, task.latch_qpos]
    return latch >= HALF * UNLATCHED_RAD, latch >= UNLATCHED_RAD, hinge > AJAR_RAD


@lru_cache(maxsize=8)
def _resting_heights(task: AdroitHammer) -> tuple[float, float]:
    """Return the heights of the hammer's handle and head on the table [m]."""
    data = mujoco.MjData(task.model)
    mujoco.mj_kinematics(task.model, data)
    hammer, head = data.site_xpos[[task.hammer_site, task.head_site], 2]
    return float(hammer), float(head)


def _is_lifted(task: AdroitHammer, view: View) -> BoolArray:
    """Return whether handle and head are off the table, (n,)."""
    handle, head = _resting_heights(task)
    rises = view.memory("hammer")[:, 2] - handle, view.memory("head")[:, 2] - head
    return np.asarray(np.minimum(*rises) > CLEAR_M)


def _hammer(task: AdroitHammer, view: View) -> tuple[BoolArray, ...]:
    left = np.linalg.norm(view.memory("nail") - view.memory("goal"), axis=1)
    return _is_lifted(task, view), left < NAIL_M - TOLERANCE_M, left < HALF * NAIL_M


def _hammer_carry(task: AdroitHammer, view: View) -> Carry:
    """Return where the hammer is: carried while lifted, dropped when its handle is down again."""
    handle, _ = _resting_heights(task)
    height = view.memory("hammer")[:, 2]
    down = (height - handle < CLEAR_M) | (height < FLOOR_Z_M)
    held = _is_lifted(task, view)
    return Carry(held[:, None], down[:, None], np.zeros_like(held[:, None]))


def _pen(task: AdroitPen, view: View) -> tuple[BoolArray, ...]:
    share = view.memory("turned")[:, 0]
    return share > HALF / 2, share > HALF, share >= 1.0


def _pen_carry(task: AdroitPen, view: View) -> Carry:
    """Return where the pen is: in the hand from the start."""
    out = view.memory("pen")[:, 2, None] < DROPPED_Z_M
    return Carry(held=~out, free=out, placed=np.zeros_like(out))


RELOCATE = Stages(("reached", "lifted", "at goal"), _relocate, _relocate_carry)
DOOR = Stages(("latch moved", "unlatched", "ajar", "open"), _door)
HAMMER = Stages(("lifted", "struck", "half driven", "driven"), _hammer, _hammer_carry)
PEN = Stages(("a quarter turned", "half turned", "turned", "in place"), _pen, _pen_carry)
