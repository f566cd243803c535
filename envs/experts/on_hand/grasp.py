"""Grasps of a described hand: finger postures from its hold, around cubes and balls.

Targets of squeezing fingers follow the fingers by the share `GIVE`: they are `Grasp.squeeze` plus
`GIVE` times the present angles. So the fingers are softer than their servos, and press on when an
object in the hand moves by some millimetres. Where they touch it, they press with `PRESS_N`.
"""

from functools import lru_cache

import numpy as np

from envs.experts.grasp import OPENING_M, Grasp
from envs.hand.description import Hand
from envs.hand.hold import hold_of
from envs.hand.loading import load_hand
from envs.hand.reach import pressing_targets, reach_fingertips
from envs.task import FloatArray

PRESS_N = 3.0  # of the thumb; the fingers opposed to it press against it with as much
GIVE = 0.4
WITHIN_M = 0.005  # of a fingertip from its place; squeezing brings it there
OPEN_WITHIN_M = 0.010  # of an open one, which touches nothing


@lru_cache(maxsize=16)
def cube_grasp_of(hand: Hand, half_size_m: float) -> Grasp:
    """Solve the postures with which a hand holds a cube by two opposite faces.

    Raises:
        ValueError: A finger does not reach its face; the message has the distance that remains.
    """
    what, initial = f"a cube of {200 * half_size_m:g} cm", load_hand(hand).pregrasp
    touch = _solved(hand, what, _on_faces(hand, half_size_m), initial, WITHIN_M)
    wide = _on_faces(hand, half_size_m + OPENING_M)
    hold = hold_of(hand)
    inwards = dict.fromkeys(hold.others, -hold.axes[:, 0])
    return Grasp(
        open=_solved(hand, what, wide, touch, OPEN_WITHIN_M),
        squeeze=_squeeze(hand, touch, inwards),
    )


@lru_cache(maxsize=16)
def ball_grasps_of(hand: Hand, radii_m: tuple[float, ...]) -> Grasp:
    """Solve the postures with which a hand holds balls of k radii, each (k, act_dim) [rad].

    Raises:
        ValueError: A finger does not reach a ball; the message has the distance that remains.
    """
    initial, opened, squeeze = load_hand(hand).pregrasp, [], []
    for radius in radii_m:
        what, places = f"a ball of {200 * radius:g} cm", _on_ball(hand, radius)
        touch = _solved(hand, what, places, initial, WITHIN_M)
        wide = _on_ball(hand, radius + OPENING_M)
        opened.append(_solved(hand, what, wide, touch, OPEN_WITHIN_M))
        inwards = {finger: -places[finger] for finger in hold_of(hand).others}
        squeeze.append(_squeeze(hand, touch, inwards))
    return Grasp(np.stack(opened), np.stack(squeeze))


def _on_faces(hand: Hand, half_size_m: float) -> dict[str, FloatArray]:
    """Return where the tips touch a cube, from the hold point, each (3,) [m]."""
    hold = hold_of(hand)
    axis, left, _ = hold.axes.T
    places = {hold.thumb: -axis * (half_size_m + hand.fingers[hold.thumb].radius_m)}
    for finger, aside in zip(hold.others, hold.aside, strict=True):
        places[finger] = axis * (half_size_m + hand.fingers[finger].radius_m) + aside * left
    return places


def _on_ball(hand: Hand, radius_m: float) -> dict[str, FloatArray]:
    """Return where the tips touch a ball, from the hold point, each (3,) [m]."""
    hold, places = hold_of(hand), _on_faces(hand, radius_m)
    axis, left, _ = hold.axes.T
    for finger, aside in zip(hold.others, hold.aside, strict=True):
        front = np.sqrt((radius_m + hand.fingers[finger].radius_m) ** 2 - aside**2)
        places[finger] = axis * front + aside * left
    return places


def _squeeze(hand: Hand, touch: FloatArray, inwards: dict[str, FloatArray]) -> FloatArray:
    """Return the constant part of the squeezing targets, (act_dim,) [rad].

    Args:
        hand: The hand.
        touch: The posture that touches the object, (act_dim,) [rad].
        inwards: Direction in which each finger presses against the thumb, (3,), palm frame.
    """
    forces = {finger: way / np.linalg.norm(way) for finger, way in inwards.items()}
    total = np.sum(list(forces.values()), axis=0)
    share = PRESS_N / float(np.linalg.norm(total))
    forces = {finger: share * force for finger, force in forces.items()}
    forces[hold_of(hand).thumb] = -share * total
    return pressing_targets(hand, touch, forces) - GIVE * touch


def _solved(
    hand: Hand, what: str, places: dict[str, FloatArray], initial: FloatArray, within_m: float
) -> FloatArray:
    """Solve the posture whose tips are at `places`, from the hold point, (act_dim,) [rad].

    Raises:
        ValueError: A finger does not reach its place around `what`.
    """
    targets = {finger: hold_of(hand).point + place for finger, place in places.items()}
    try:
        return reach_fingertips(hand, targets, initial, within_m)
    except ValueError as error:
        raise ValueError(f"{what} does not fit between the pregrasp fingers: {error}") from None
