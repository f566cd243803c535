"""Grasps of a described hand: finger postures from its hold, on either side of an object."""

from functools import lru_cache

from envs.experts.grasp import OPENING_M, Grasp
from envs.hand.description import Hand
from envs.hand.hold import hold_of
from envs.hand.loading import load_hand
from envs.hand.reach import pressing_targets, reach_fingertips
from envs.task import FloatArray

PRESS_N = 3.0  # of the thumb; the fingers opposed to it share as much
WITHIN_M = 0.001  # of a touching fingertip from its place on the object
OPEN_WITHIN_M = 0.010  # of an open one, which touches nothing


@lru_cache(maxsize=16)
def cube_grasp_of(hand: Hand, half_size_m: float) -> Grasp:
    """Solve the postures with which a hand holds a cube by two opposite faces.

    Raises:
        ValueError: A finger does not reach its face; the message has the distance that remains.
    """
    touch = _posture(hand, half_size_m, 0.0, load_hand(hand).pregrasp, WITHIN_M)
    opened = _posture(hand, half_size_m, -OPENING_M, touch, OPEN_WITHIN_M)
    hold = hold_of(hand)
    press = PRESS_N * hold.axes[:, 0]
    forces = {hold.thumb: press} | dict.fromkeys(hold.others, -press / len(hold.others))
    return Grasp(opened, pressing_targets(hand, touch, forces))


def _posture(
    hand: Hand, half_size_m: float, inset: float, initial: FloatArray, within_m: float
) -> FloatArray:
    """Solve the posture whose tips are `inset` [m] inside opposite faces, (act_dim,) [rad]."""
    hold = hold_of(hand)
    axis, left, _ = hold.axes.T
    places = {hold.thumb: -axis * _reach(hand, hold.thumb, half_size_m - inset)}
    for finger, aside in zip(hold.others, hold.aside, strict=True):
        places[finger] = axis * _reach(hand, finger, half_size_m - inset) + aside * left
    return solved(hand, places, initial, within_m, f"a cube of {200 * half_size_m:g} cm")


def solved(
    hand: Hand,
    places: dict[str, FloatArray],
    initial: FloatArray,
    within_m: float,
    what: str,
) -> FloatArray:
    """Solve the posture whose tips are at `places`, from the hold point, (act_dim,) [rad].

    Raises:
        ValueError: A finger does not reach its place.
    """
    point = hold_of(hand).point
    targets = {finger: point + place for finger, place in places.items()}
    try:
        return reach_fingertips(hand, targets, initial, within_m)
    except ValueError as error:
        raise ValueError(f"{what} does not fit between the pregrasp fingers: {error}") from None


def _reach(hand: Hand, finger: str, distance_m: float) -> float:
    return distance_m + hand.fingers[finger].radius_m
