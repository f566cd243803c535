"""Stages of the tasks that put an object down at its goal."""

import numpy as np

from envs.arrays import BoolArray
from envs.rotations import distance
from envs.stages.declaration import Carry, Stages
from envs.stages.gaps import is_reached, tips_at_box, under_box
from envs.stages.lifted import Grip, grasp_stages, grip_of_cube
from envs.task import View
from envs.tasks.cube_parts import CLEAR_M, CUBE_HALF_SIZE_M, rests_at
from envs.tasks.hand_over import STICK_HALF_SIZE_M, HandOver
from envs.tasks.insert_peg import (
    ASIDE_M,
    HANDLE_HALF_SIZE_M,
    NEAR_M,
    RAIL_TOP_M,
    InsertPeg,
)
from envs.tasks.place_cube import REACH_TOLERANCE_M, PlaceCube
from envs.tasks.stack_cubes import OVER_TOLERANCE_M, StackCubes


def put_down(grip: Grip, placed: BoolArray) -> Carry:
    """Return where an object is that may be let go where it is `placed`, (n,)."""
    at, lifted = grip
    near = is_reached(at)
    return Carry((near & lifted)[:, None], ~near[:, None], placed[:, None])


def _is_on_pad(task: PlaceCube, view: View) -> BoolArray:
    cube = task.achieved_goal(view)
    rests = rests_at(view, cube, CUBE_HALF_SIZE_M, task.cube_dof)
    return task.reaches(cube, task.desired_goal(view)) & rests


def _place_cube(task: PlaceCube, view: View) -> tuple[BoolArray, ...]:
    miss = distance(task.achieved_goal(view)[:, :2], task.desired_goal(view)[:, :2])
    grasp = grasp_stages(grip_of_cube(task, view, task.cube_site))
    return (*grasp, np.asarray(miss < REACH_TOLERANCE_M), _is_on_pad(task, view))


def _place_cube_carry(task: PlaceCube, view: View) -> Carry:
    at_pad = task.reaches(task.achieved_goal(view), task.desired_goal(view))
    return put_down(grip_of_cube(task, view, task.cube_site), at_pad)


def _is_over_base(task: StackCubes, view: View) -> BoolArray:
    miss = distance(task.place(view)[:, :2], view.site_position(task.cube_sites[0])[:, :2])
    return np.asarray(miss < OVER_TOLERANCE_M)


def _is_stacked(task: StackCubes, view: View) -> BoolArray:
    placed = _is_over_base(task, view)
    heights = (3 * CUBE_HALF_SIZE_M, CUBE_HALF_SIZE_M)
    for site, height, dof in zip(task.cube_sites, heights, task.cube_dof, strict=True):
        placed = placed & rests_at(view, view.site_position(site), height, dof)
    return placed


def _stack_cubes(task: StackCubes, view: View) -> tuple[BoolArray, ...]:
    grasp = grasp_stages(grip_of_cube(task, view, task.cube_sites[0]))
    return (*grasp, _is_over_base(task, view), _is_stacked(task, view))


def _stack_cubes_carry(task: StackCubes, view: View) -> Carry:
    over = task.place(view)[:, 2] - view.site_position(task.cube_sites[0])[:, 2]
    on_base = _is_over_base(task, view) & (np.abs(over) < CLEAR_M)
    return put_down(grip_of_cube(task, view, task.cube_sites[0]), np.asarray(on_base))


def _grip_of_peg(task: InsertPeg, view: View) -> Grip:
    """Return the grip of the peg, which is lifted while its handle is higher than in the rack."""
    lifted = under_box(view, task.peg_site, HANDLE_HALF_SIZE_M) - RAIL_TOP_M > CLEAR_M
    return tips_at_box(task, view, task.peg_site, HANDLE_HALF_SIZE_M), np.asarray(lifted)


def _insert_peg(task: InsertPeg, view: View) -> tuple[BoolArray, ...]:
    tip, rim = view.site_position(task.tip_site), task.rim(view)
    over = distance(tip[:, :2], rim[:, :2]) < NEAR_M
    done = task.reaches(tip, task.desired_goal(view))
    return (*grasp_stages(_grip_of_peg(task, view)), over, _is_in_hole(task, view), done)


def _is_in_hole(task: InsertPeg, view: View) -> BoolArray:
    tip, rim = view.site_position(task.tip_site), task.rim(view)
    aside = np.abs(tip - rim)[:, :2].max(axis=1)
    return np.asarray((aside < ASIDE_M) & (tip[:, 2] < rim[:, 2]))


def _insert_peg_carry(task: InsertPeg, view: View) -> Carry:
    return put_down(_grip_of_peg(task, view), _is_in_hole(task, view))


def _stick(task: HandOver, view: View) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return whether the right and the left hand are at the stick, and whether it is lifted."""
    at = tips_at_box(task, view, task.object_site, STICK_HALF_SIZE_M)
    right, left = (is_reached(each) for each in np.split(at, 2, axis=1))
    lifted = under_box(view, task.object_site, STICK_HALF_SIZE_M) > CLEAR_M
    return right, left, np.asarray(lifted)


def _hand_over(task: HandOver, view: View) -> tuple[BoolArray, ...]:
    right, left, lifted = _stick(task, view)
    at_goal = task.reaches(task.achieved_goal(view), task.desired_goal(view))
    placed = at_goal & task.is_still(view)
    return right, lifted, right & left & lifted, ~right & left & lifted, placed


def _hand_over_carry(task: HandOver, view: View) -> Carry:
    right, left, lifted = _stick(task, view)
    at_goal = task.reaches(task.achieved_goal(view), task.desired_goal(view))
    return put_down((np.stack([right, left], axis=1), lifted), at_goal)


PLACE_CUBE = Stages(
    ("reached", "grasped", "lifted", "over the pad", "on the pad", "let go"),
    _place_cube,
    _place_cube_carry,
)
STACK_CUBES = Stages(
    ("reached", "grasped", "lifted", "over the base", "on the base", "let go"),
    _stack_cubes,
    _stack_cubes_carry,
)
INSERT_PEG = Stages(
    ("reached", "grasped", "lifted", "over the hole", "in the hole", "inserted", "held"),
    _insert_peg,
    _insert_peg_carry,
)
HAND_OVER = Stages(
    ("reached", "lifted", "in both hands", "passed", "on the pad", "let go"),
    _hand_over,
    _hand_over_carry,
)
