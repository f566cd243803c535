"""Where the fingertips of a described hand are around the knob of a dial.

The dial's axis goes through the hand's hold point, and the thumb and the fingers opposed to it
touch the knob's rim as they would touch an object there. A stroke is a turn of all these tips about
the axis. Strokes are counted from the middle of those that the hand reaches.
"""

from functools import lru_cache

import numpy as np

from envs.arrays import FloatArray
from envs.hand.description import Hand
from envs.hand.hold import hold_of
from envs.hand.loading import load_hand
from envs.hand.reach import solve_fingertips
from envs.tasks.dial_parts import KNOB_HALF_HEIGHT_M, KNOB_RADIUS_M

CLEAR_M = 0.006  # between the tips and the skirt
WITHIN_M = 0.003  # of a tip from its place on the rim; pressing brings it there
STROKES_RAD = np.linspace(0.0, 0.6, 13)  # to either side, at most
ITERATIONS = 60


@lru_cache(maxsize=16)
def reached_strokes(hand: Hand) -> tuple[float, float]:
    """Return the middle of the strokes that all tips reach, from the hold's axis, and half of them.

    They are the strokes around the pregrasp posture's at which no tip is farther than `WITHIN_M`
    from its place, at most ±0.6 rad [rad].

    Raises:
        ValueError: In the pregrasp posture's stroke a tip does not reach the knob.
    """
    ends = []
    for sign in (-1.0, 1.0):
        posture, end = load_hand(hand).pregrasp, 0.0
        for stroke in sign * STROKES_RAD:
            places = _places(hand, float(stroke), 0.0)
            posture, errors = solve_fingertips(hand, places, posture, ITERATIONS)
            finger = max(errors, key=errors.__getitem__)
            if errors[finger] > WITHIN_M and not stroke:
                raise ValueError(
                    f"hand {hand.name} does not fit the dial: {finger} misses the knob by "
                    f"{1000 * errors[finger]:.1f} mm; describe another pregrasp posture"
                )
            if errors[finger] > WITHIN_M:
                break
            end = float(stroke)
        ends.append(end)
    return (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2


def contact_angles(hand: Hand) -> dict[str, float]:
    """Return where each turning tip touches the rim at mid-stroke, from the hold's axis [rad]."""
    middle, _ = reached_strokes(hand)
    return {finger: angle + middle for finger, angle in _pregrasp_angles(hand).items()}


def rim_places(hand: Hand, stroke: float, gap_m: float) -> dict[str, FloatArray]:
    """Return the places of the tips around the rim, each (3,) [m], palm frame.

    Args:
        hand: The hand.
        stroke: Turn of all of them from the middle [rad].
        gap_m: Distance of their surfaces from the rim [m].
    """
    return _places(hand, stroke + reached_strokes(hand)[0], gap_m)


@lru_cache(maxsize=16)
def open_posture(hand: Hand, gap_m: float) -> FloatArray:
    """Return the position targets with open fingers at mid-stroke, (act_dim,) [rad]."""
    return solve_fingertips(hand, rim_places(hand, 0.0, gap_m), load_hand(hand).pregrasp)[0]


def _pregrasp_angles(hand: Hand) -> dict[str, float]:
    """Return where each tip would touch the rim from the pregrasp posture [rad]."""
    hold = hold_of(hand)
    angles = {hold.thumb: np.pi}
    for finger, aside in zip(hold.others, hold.aside, strict=True):
        angles[finger] = float(np.arcsin(aside / (KNOB_RADIUS_M + hand.fingers[finger].radius_m)))
    return angles


def _places(hand: Hand, stroke: float, gap_m: float) -> dict[str, FloatArray]:
    """Return the places of the tips at a stroke from the pregrasp posture's."""
    hold, places = hold_of(hand), {}
    axis, left, up = hold.axes.T
    for finger, angle in _pregrasp_angles(hand).items():
        radius = hand.fingers[finger].radius_m
        way = np.cos(angle + stroke) * axis + np.sin(angle + stroke) * left
        rise = max(0.0, radius + CLEAR_M - KNOB_HALF_HEIGHT_M)
        places[finger] = hold.point + (KNOB_RADIUS_M + gap_m + radius) * way + rise * up
    return places
