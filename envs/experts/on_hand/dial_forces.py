"""Postures of a described hand around a dial, and what its servos add to press and turn it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from envs.experts.posture_table import PostureTable, solve_table
from envs.hand.description import Hand
from envs.hand.loading import load_hand
from envs.hand.reach import pressing_targets, solve_fingertips
from envs.task import FloatArray
from envs.tasks.on_hand.dial import ITERATIONS, rim_places

GRID_RAD = np.linspace(-0.8, 0.8, 17)
OPENING_M = 0.014
PRESS_N = 3.0  # of the thumb; the fingers opposed to it press against it with as much
TURN_N = 3.0  # of the thumb along the rim; the fingers opposed to it share as much
SMALL_RAD, SMALL_M = 1e-3, 0.01

Forces = dict[str, FloatArray]


@dataclass(frozen=True)
class DialGrasp:
    """Tables over the stroke.

    Attributes:
        open: Postures with the tips off the rim.
        touch: Postures with the tips on the rim.
        press: What to add to the targets of touching fingers so that they press on the knob.
        turn: What to add so that they push along the rim, counter-clockwise.
    """

    open: PostureTable
    touch: PostureTable
    press: PostureTable
    turn: PostureTable


@lru_cache(maxsize=16)
def dial_grasp(hand: Hand) -> DialGrasp:
    """Solve the tables of a hand."""
    touch = _postures(hand, 0.0)

    def added(forces: Callable[[Hand, float], Forces]) -> PostureTable:
        pairs = zip(GRID_RAD.tolist(), touch.postures, strict=True)
        rows = [pressing_targets(hand, q, forces(hand, stroke)) - q for stroke, q in pairs]
        return PostureTable(GRID_RAD, np.array(rows))

    return DialGrasp(_postures(hand, OPENING_M), touch, added(_inwards), added(_along))


def _postures(hand: Hand, gap_m: float) -> PostureTable:
    """Return the postures whose tips are `gap_m` [m] off the rim."""

    def solve(stroke: float, initial: FloatArray) -> FloatArray:
        return solve_fingertips(hand, rim_places(hand, stroke, gap_m), initial, ITERATIONS)[0]

    return solve_table(GRID_RAD, solve, load_hand(hand).pregrasp)


def _inwards(hand: Hand, stroke: float) -> Forces:
    """Return the force of each tip on the knob, towards its axis, (3,) [N]."""
    near, far = rim_places(hand, stroke, 0.0), rim_places(hand, stroke, SMALL_M)
    ways = {finger: (near[finger] - far[finger]) / SMALL_M for finger in near}
    thumb, *others = ways
    share = PRESS_N / float(np.linalg.norm(np.sum([ways[finger] for finger in others], axis=0)))
    forces = {finger: share * ways[finger] for finger in others}
    return {thumb: PRESS_N * ways[thumb], **forces}


def _along(hand: Hand, stroke: float) -> Forces:
    """Return the force of each tip along the rim, counter-clockwise, (3,) [N]."""
    before, after = (rim_places(hand, stroke + side, 0.0) for side in (-SMALL_RAD, SMALL_RAD))
    thumb, *others = before
    forces = {}
    for finger in before:
        way = after[finger] - before[finger]
        share = 1.0 if finger == thumb else 1.0 / len(others)
        forces[finger] = TURN_N * share * way / float(np.linalg.norm(way))
    return forces
