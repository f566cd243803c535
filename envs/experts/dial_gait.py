"""Base of the experts that turn a dial by finger gaiting."""

from abc import abstractmethod
from functools import lru_cache
from typing import ClassVar

import numpy as np

from envs.experts.base import Expert, Phase, choose, follow, step_towards
from envs.experts.posture_table import PostureTable, solve_table
from envs.hand.hand import CAPSULE_RADII_M, FINGERS
from envs.hand.kinematics import solve_fingertips
from envs.rotations import wrap
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.dial_parts import DIAL_M, KNOB_RADIUS_M, PALM_HEIGHT_M, START_RAD, DialTask
from envs.world import World

# Contact angles of thumb, index and middle on the rim at mid-stroke, from the x axis [rad].
CONTACT_RAD = np.array([np.pi + 0.15, 0.50, -0.15])
TIP_RADII_M = CAPSULE_RADII_M[2] + np.array([0.0005, 0.0, 0.0])
OPENING_M, SQUEEZE_M = 0.014, 0.010
GRID_RAD = np.linspace(-0.8, 0.8, 17)
JOINT_STEP_RAD, CLOSE_STEP_RAD = 0.25, 0.15
LEAD = 3.0  # lead of the commanded grasp over the fingers, per remaining angle
TURN_STEP_RAD = 0.18  # largest lead of the commanded grasp over the fingers
DONE_RAD, AGAIN_RAD = 0.04, 0.07  # release below, grasp again above
STUCK_RAD_S = 0.35
PLACED_RAD, CLOSED_M, OPEN_M = 0.10, 0.0015, 0.008


def _grip(stroke: float, inset: float, initial: FloatArray) -> FloatArray:
    """Solve the posture whose tips are `inset` [m] inside the rim, turned by `stroke` [rad]."""
    centre = DIAL_M - np.array([0.0, 0.0, PALM_HEIGHT_M])
    targets = {}
    for finger, angle, radius in zip(FINGERS[:3], CONTACT_RAD + stroke, TIP_RADII_M, strict=True):
        reach = KNOB_RADIUS_M - inset + radius
        targets[finger] = centre + reach * np.array([np.cos(angle), np.sin(angle), 0.0])
    return solve_fingertips(targets, initial)[0]


@lru_cache(maxsize=4)
def _grip_table(inset: float) -> PostureTable:
    """Return the postures whose tips are `inset` [m] inside the rim."""
    return solve_table(GRID_RAD, lambda stroke, initial: _grip(stroke, inset, initial), START_RAD)


class DialPhase(Phase):
    """The fingers' phases."""

    PLACE = 0, 15
    CLOSE = 1, 6
    TURN = 2, 20
    OPEN = 3, 8


class DialGait(Expert):
    """Place, close, turn, open. Random per episode: the speed.

    Class attributes:
        strokes_rad: Largest clockwise and counter-clockwise stroke from the middle.
        place_step_rad: Largest lead of the commanded open grasp over the fingers.
    """

    phases = DialPhase
    task: DialTask
    strokes_rad: ClassVar[tuple[float, float]] = (0.60, 0.60)
    place_step_rad: ClassVar[float] = 2 * np.pi

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.open_table, self.squeeze_table = _grip_table(-OPENING_M), _grip_table(SQUEEZE_M)

    @abstractmethod
    def remaining(self, rows: IntArray, view: View) -> FloatArray:
        """Return the signed remaining angle of the dial, (n,) [rad]."""

    def grasp_state(self, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the mean stroke of the tips, (n,) [rad], and their gaps to the rim, (n, 3) [m]."""
        tips = view.site_position(self.task.hand.tips)[:, :3, :2] - DIAL_M[:2]
        stroke = wrap(np.arctan2(tips[..., 1], tips[..., 0]) - CONTACT_RAD).mean(axis=1)
        gap = np.sqrt((tips**2).sum(axis=2)) - KNOB_RADIUS_M - TIP_RADII_M
        return stroke, gap

    def first_stroke(self, remaining: FloatArray) -> FloatArray:
        """Return the stroke at which to grasp, (n,) [rad]: half of the remaining turn backwards."""
        clockwise, counterclockwise = self.strokes_rad
        limit = np.where(remaining > 0.0, clockwise, counterclockwise)
        return -np.sign(remaining) * np.minimum(limit, np.abs(remaining) / 2)

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Cycle through place, close, turn, open; stay open once the dial is at its goal."""
        steps, remaining = self.phase_steps[rows], self.remaining(rows, view)
        stroke, gap = self.grasp_state(view)
        is_done = np.abs(remaining) < DONE_RAD
        is_far = np.abs(remaining) > AGAIN_RAD
        is_placed = np.abs(stroke - self.first_stroke(remaining)) < PLACED_RAD
        is_open, is_closed = (gap > OPEN_M).all(axis=1), (gap < CLOSED_M).all(axis=1)
        limit = np.where(remaining > 0.0, self.strokes_rad[1], self.strokes_rad[0])
        is_at_end = stroke * np.sign(remaining) > limit
        is_stuck = (np.abs(view.qvel[:, self.task.dial_dof]) < STUCK_RAD_S) & (steps > 2)
        rules = (
            (DialPhase.PLACE, ((is_placed & is_open) | is_late) & is_far, DialPhase.CLOSE),
            (DialPhase.CLOSE, is_closed | is_late, DialPhase.TURN),
            (DialPhase.TURN, is_done | is_at_end | is_stuck | is_late, DialPhase.OPEN),
            (DialPhase.OPEN, (is_open | is_late) & is_far, DialPhase.PLACE),
        )
        return follow(phase, rules)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return a step towards the open or squeezing posture of the phase's stroke."""
        remaining, (stroke, _) = self.remaining(rows, view), self.grasp_state(view)
        first = self.first_stroke(remaining)
        led = choose(
            phase,
            {
                DialPhase.PLACE: self.placed_stroke(stroke, first),
                DialPhase.CLOSE: first,
                DialPhase.TURN: self.led_stroke(rows, stroke, remaining),
                DialPhase.OPEN: stroke,
            },
        )
        is_open = ((phase == DialPhase.PLACE) | (phase == DialPhase.OPEN))[:, None]
        target = np.where(is_open, self.open_table(led), self.squeeze_table(led))
        step = np.where(phase == DialPhase.CLOSE, CLOSE_STEP_RAD, JOINT_STEP_RAD)
        joints = view.qpos[:, self.task.hand.qpos]
        return step_towards(joints, target, (step * self.speed[rows])[:, None])

    def placed_stroke(self, stroke: FloatArray, first: FloatArray) -> FloatArray:
        """Return the next stroke of the open fingers, along the rim to the first, (n,) [rad]."""
        is_far = np.abs(first - stroke) > self.place_step_rad
        ahead = stroke + self.place_step_rad * np.sign(first - stroke)
        return np.where(is_far, ahead, first)

    def led_stroke(self, rows: IntArray, stroke: FloatArray, remaining: FloatArray) -> FloatArray:
        """Return the commanded stroke, ahead of the turning fingers, (n,) [rad]."""
        step = TURN_STEP_RAD * self.speed[rows]
        return stroke + np.clip(LEAD * remaining, -step, step)
