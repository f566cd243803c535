"""Stages of the tasks that hold an object in the air: it is never put down, only dropped."""

import numpy as np

from envs.arrays import BoolArray
from envs.stages.declaration import Carry, Stages
from envs.stages.gaps import is_grasped, is_reached, tips_at_ball, tips_at_box, under_box
from envs.task import Task, View
from envs.tasks.avoid_post import AvoidPost
from envs.tasks.cube_parts import CLEAR_M, CUBE_HALF_SIZE_M
from envs.tasks.lift_cube import LiftCube
from envs.tasks.pick_either import LIFT_HEIGHT_M, PickEither
from envs.tasks.relocate_ball import RelocateBall

Grip = tuple[BoolArray, BoolArray]
"""Which fingertips are at the object, (n, tips), and whether it is off the table, (n,)."""


def grip_of_cube(task: Task, view: View, site: int) -> Grip:
    """Return the grip of a cube whose lowest corner is lifted by `CLEAR_M`."""
    lifted = under_box(view, site, CUBE_HALF_SIZE_M) > CLEAR_M
    return tips_at_box(task, view, site, CUBE_HALF_SIZE_M), np.asarray(lifted)


def grip_of_ball(task: RelocateBall, view: View) -> Grip:
    """Return the grip of the ball."""
    ball, radius = view.site_position(task.object_site), view.memory("radius")[:, 0]
    return tips_at_ball(task, view, ball, radius), np.asarray(ball[:, 2] - radius > CLEAR_M)


def grasp_stages(grip: Grip) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return who has reached, grasped and lifted an object, each (n,), but not flung it up."""
    at, high = grip
    reached = is_reached(at)
    return reached, is_grasped(at), reached & high


def in_air(*grips: Grip) -> Carry:
    """Return where objects are that must not be let go anywhere."""
    at = np.stack([is_reached(at) for at, _ in grips], axis=1)
    lifted = np.stack([lifted for _, lifted in grips], axis=1)
    return Carry(held=at & lifted, free=~at, placed=np.zeros_like(at))


def _lift_cube(task: LiftCube, view: View) -> tuple[BoolArray, ...]:
    at_goal = task.reaches(task.achieved_goal(view), task.desired_goal(view))
    return (*grasp_stages(grip_of_cube(task, view, task.object_site)), at_goal)


def _avoid_post(task: AvoidPost, view: View) -> tuple[BoolArray, ...]:
    at_goal = task.reaches(task.achieved_goal(view), task.desired_goal(view))
    grasp, clear = grasp_stages(grip_of_cube(task, view, task.object_site)), ~task.is_touched(view)
    return (*grasp, np.asarray((view.memory("side")[:, 0] != 0.0) & clear), at_goal & clear)


def _relocate_ball(task: RelocateBall, view: View) -> tuple[BoolArray, ...]:
    at_goal = task.reaches(task.achieved_goal(view), task.desired_goal(view))
    return (*grasp_stages(grip_of_ball(task, view)), at_goal)


def _pick_either(task: PickEither, view: View) -> tuple[BoolArray, ...]:
    of_each = [grasp_stages(grip_of_cube(task, view, site)) for site in task.cube_sites]
    heights = np.stack([view.site_position(site)[:, 2] for site in task.cube_sites], axis=1)
    high = (heights - CUBE_HALF_SIZE_M >= LIFT_HEIGHT_M).any(axis=1)
    either = [np.logical_or(*stage) for stage in zip(*of_each, strict=True)]
    return (*either, np.asarray(high))


def _cube_carry(task: LiftCube | AvoidPost, view: View) -> Carry:
    return in_air(grip_of_cube(task, view, task.object_site))


def _ball_carry(task: RelocateBall, view: View) -> Carry:
    return in_air(grip_of_ball(task, view))


def _cubes_carry(task: PickEither, view: View) -> Carry:
    return in_air(*(grip_of_cube(task, view, site) for site in task.cube_sites))


LIFT_CUBE = Stages(("reached", "grasped", "lifted", "at goal", "held"), _lift_cube, _cube_carry)
PICK_EITHER = Stages(("reached", "grasped", "lifted", "high", "held"), _pick_either, _cubes_carry)
AVOID_POST = Stages(
    ("reached", "grasped", "lifted", "past the post", "at goal", "held"), _avoid_post, _cube_carry
)
RELOCATE_BALL = Stages(
    ("reached", "grasped", "lifted", "at goal", "held"), _relocate_ball, _ball_carry
)
