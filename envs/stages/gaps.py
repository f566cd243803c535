"""Gaps between fingertips, objects and the table, from which stages are read.

A fingertip is at an object where a task of `envs.tasks.cube_parts` would not count the object as
released: nearer than `CLEAR_M` to its surface, with the thumb's radius for every tip.
"""

import numpy as np

from envs.arrays import BoolArray, FloatArray
from envs.rotations import distance
from envs.task import Task, View
from envs.tasks.cube_parts import CLEAR_M, THUMB_TIP_RADIUS_M

THUMB = 0
"""Place of the thumb among the fingertips of every hand."""


def tips_at_box(task: Task, view: View, site: int, half_size: float | FloatArray) -> BoolArray:
    """Return which fingertips are at a box whose centre is a site, (n, tips).

    Args:
        task: The task.
        view: Its rows.
        site: The site, whose axes are the box's.
        half_size: Half of the box's edges, one for all or (3,) [m].
    """
    offsets = view.site_position(task.hand.tips) - view.site_position(site)[:, None]
    # Row vectors times the rotation matrix: the offsets in the box's frame.
    outside = np.maximum(np.abs(offsets @ view.site_matrix(site)) - half_size, 0.0)
    return _is_near(np.sqrt((outside**2).sum(axis=2)))


def tips_at_ball(task: Task, view: View, centre: FloatArray, radius: FloatArray) -> BoolArray:
    """Return which fingertips are at balls at (n, 3) of radii (n,) [m], (n, tips)."""
    tips = view.site_position(task.hand.tips)
    return _is_near(distance(tips, centre[:, None]) - radius[:, None])


def tips_at_bar(task: Task, view: View, end: FloatArray, way: FloatArray, r: float) -> BoolArray:
    """Return which fingertips are at capsules, (n, tips).

    Args:
        task: The task.
        view: Its rows.
        end: One end of their axes, (n, 3) [m].
        way: From there to the other end, (n, 3) [m].
        r: Their radius [m].
    """
    offsets = view.site_position(task.hand.tips) - end[:, None]
    along = (offsets * way[:, None]).sum(axis=2) / (way**2).sum(axis=1)[:, None]
    nearest = np.clip(along, 0.0, 1.0)[:, :, None] * way[:, None]
    return _is_near(distance(offsets, nearest) - r)


def is_reached(at: BoolArray) -> BoolArray:
    """Return whether any fingertip is at an object, (n, tips) to (n,)."""
    return np.asarray(at.any(axis=1))


def is_grasped(at: BoolArray) -> BoolArray:
    """Return whether the thumb and another fingertip are at an object, (n, tips) to (n,)."""
    return np.asarray(at[:, THUMB] & at[:, THUMB + 1 :].any(axis=1))


def under_box(view: View, site: int, half_size: float | FloatArray) -> FloatArray:
    """Return the height of the lowest corner of a box whose centre is a site, (n,) [m]."""
    corner = (np.abs(view.site_matrix(site)[:, 2]) * half_size).sum(axis=1)
    return np.asarray(view.site_position(site)[:, 2] - corner)


def _is_near(gaps: FloatArray) -> BoolArray:
    """Return whether tips whose centres are at these distances [m] from a surface are at it."""
    return np.asarray(gaps - THUMB_TIP_RADIUS_M < CLEAR_M)
