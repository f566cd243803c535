"""Geometry of the swinging door of AdroitDoor: points on it and hand positions around it."""

import numpy as np

from envs.task import FloatArray

# In the coordinates of the door's frame: hinge axis, latch axis (along y), and the y at which the
# bar extends from the latch axis along x.
HINGE_M = np.array([0.60, 0.0, 0.0])
LATCH_M = np.array([0.14, 0.0, -0.025])
BAR_Y_M = -0.15
GRIP_M = 0.149  # from the latch axis along the bar
FOLLOW = 0.457  # share of the door's angle by which the hand turns
# In the rotating door's coordinates, origin at the hinge: faces at y = ±0.05, edge at x = -0.56.
INSIDE_Y_M, OUTSIDE_Y_M, EDGE_X_M = 0.091, -0.02, -0.7
AROUND_M = np.array([-0.802, 0.171, -0.0505])  # past the door's edge, on its inner side


def bar_at(
    frame: FloatArray, hinge: FloatArray, latch: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the grasp point on the bar [m], its upward normal and the hand's direction.

    Args:
        frame: Position of the door's frame, (n, 3) [m].
        hinge: Angle of the door, (n,) [rad].
        latch: Angle of the latch, (n,) [rad].
    """
    cos, sin, zero = np.cos(latch), np.sin(latch), np.zeros_like(latch)
    along = np.stack([cos, zero, -sin], axis=1)
    up = np.stack([sin, zero, cos], axis=1)
    point = LATCH_M + np.array([0.0, BAR_Y_M, 0.0]) + GRIP_M * along - HINGE_M
    turn = FOLLOW * hinge
    forward = np.stack([-np.sin(turn), np.cos(turn), zero], axis=1)
    return frame + HINGE_M + _about_z(point, hinge), _about_z(up, hinge), forward


def round_edge(frame: FloatArray, hinge: FloatArray, hand: FloatArray) -> FloatArray:
    """Return the hand's next target on its way around the door's edge, (n, 3) [m].

    Args:
        frame: Position of the door's frame, (n, 3) [m].
        hinge: Angle of the door, (n,) [rad].
        hand: Position of the hand, (n, 3) [m].
    """
    here = in_door(frame, hinge, hand)
    is_blocked = (here[:, 0] > EDGE_X_M) & (here[:, 1] < INSIDE_Y_M)
    goal = np.tile(AROUND_M, (len(hand), 1))
    goal[is_blocked, 1] = here[is_blocked, 1]
    return in_world(frame, hinge, goal)


def in_world(frame: FloatArray, hinge: FloatArray, point: FloatArray) -> FloatArray:
    """Transform points (n, 3) from door to world coordinates, (n, 3) [m]."""
    place: FloatArray = frame + HINGE_M + _about_z(point, hinge)
    return place


def in_door(frame: FloatArray, hinge: FloatArray, point: FloatArray) -> FloatArray:
    """Transform points (n, 3) from world to door coordinates, with origin at the hinge [m]."""
    offset: FloatArray = point - frame - HINGE_M
    return _about_z(offset, -hinge)


def _about_z(vector: FloatArray, angle: FloatArray) -> FloatArray:
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = vector[:, 0], vector[:, 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y, vector[:, 2]], axis=1)
