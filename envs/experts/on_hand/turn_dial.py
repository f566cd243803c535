"""TurnDial expert of a described hand: finger gaiting with the hand's own strokes and forces."""

import numpy as np

from envs.experts.base import Expert, Phase, choose, follow
from envs.experts.dial_gait import AGAIN_RAD, DONE_RAD
from envs.experts.on_hand.carry import straight_step
from envs.experts.on_hand.dial_forces import dial_grasp
from envs.experts.on_hand.grasp import GIVE
from envs.rotations import wrap
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.dial_parts import DIAL_M, KNOB_RADIUS_M
from envs.tasks.on_hand.dial import contact_angles, reached_strokes
from envs.tasks.on_hand.turn_dial import TurnDialOnHand
from envs.world import World

LARGEST_STROKE_RAD = 0.5  # from the middle
STEP_RAD, CLOSE_STEP_RAD = 0.2, 0.1
PRESS_STEPS = 5  # control steps in which closing fingers begin to press
LEAD_RAD = 0.18  # of the turning fingers' targets
FULL_RAD = 0.15  # remaining turn from which on they push with all force
STUCK_RAD_S, STUCK_STEPS = 0.1, 8
PLACED_RAD, CLOSED_M, OPEN_M = 0.06, 0.002, 0.010


class GaitPhase(Phase):
    """The fingers' phases."""

    PLACE = 0, 20
    CLOSE = 1, 20
    TURN = 2, 30
    OPEN = 3, 8


class TurnDialOnHandExpert(Expert):
    """Place, close, turn, open. Random per episode: the speed."""

    phases = GaitPhase
    task: TurnDialOnHand

    def __init__(self, world: World) -> None:
        super().__init__(world)
        hand = self.task.described
        self.grasp = dial_grasp(hand)
        self.largest_stroke = min(LARGEST_STROKE_RAD, reached_strokes(hand)[1])
        contacts, names = contact_angles(hand), list(hand.fingers)
        self._tips = self.task.hand.tips[[names.index(finger) for finger in contacts]]
        self._angles = np.array(list(contacts.values()))
        self._radii = np.array([hand.fingers[finger].radius_m for finger in contacts])

    def grasp_state(self, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the mean stroke of the tips, (n,) [rad], and their gaps to the rim, (n, k) [m]."""
        tips = view.site_position(self._tips)[..., :2] - DIAL_M[:2]
        stroke = wrap(np.arctan2(tips[..., 1], tips[..., 0]) - self._angles).mean(axis=1)
        gap = np.sqrt((tips**2).sum(axis=2)) - KNOB_RADIUS_M - self._radii
        return stroke, gap

    def first_stroke(self, remaining: FloatArray) -> FloatArray:
        """Return the stroke at which to grasp, (n,) [rad]: half of the remaining turn backwards."""
        return -np.sign(remaining) * np.minimum(self.largest_stroke, np.abs(remaining) / 2)

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Cycle through place, close, turn, open; stay open once the dial is at its goal."""
        steps, remaining = self.phase_steps[rows], self.task.remaining(view)
        stroke, gap = self.grasp_state(view)
        is_done, is_far = np.abs(remaining) < DONE_RAD, np.abs(remaining) > AGAIN_RAD
        is_placed = np.abs(stroke - self.first_stroke(remaining)) < PLACED_RAD
        is_open, is_closed = (gap > OPEN_M).all(axis=1), (gap < CLOSED_M).all(axis=1)
        is_at_end = stroke * np.sign(remaining) > self.largest_stroke
        is_slow = np.abs(view.qvel[:, self.task.dial_dof]) < STUCK_RAD_S
        is_stuck = is_slow & (steps > STUCK_STEPS)
        rules = (
            (GaitPhase.PLACE, ((is_placed & is_open) | is_late) & is_far, GaitPhase.CLOSE),
            (GaitPhase.CLOSE, is_closed | is_late, GaitPhase.TURN),
            (GaitPhase.TURN, is_done | is_at_end | is_stuck | is_late, GaitPhase.OPEN),
            (GaitPhase.OPEN, (is_open | is_late) & is_far, GaitPhase.PLACE),
        )
        return follow(phase, rules)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return a step towards the phase's posture, and the forces of fingers on the knob.

        Steps limit the fingers' way, not their forces, for which soft servos need larger ones.
        """
        remaining, (stroke, _) = self.task.remaining(view), self.grasp_state(view)
        first, measured = self.first_stroke(remaining), self.task.measured(view)
        push = np.clip(remaining / FULL_RAD, -1.0, 1.0)
        led: dict[int, FloatArray] = {
            GaitPhase.PLACE: first,
            GaitPhase.CLOSE: first,
            GaitPhase.TURN: stroke + LEAD_RAD * push,
            GaitPhase.OPEN: stroke + LEAD_RAD * push,
        }
        at = choose(phase, led)
        is_closing, is_turning = phase == GaitPhase.CLOSE, phase == GaitPhase.TURN
        touch = (1.0 - GIVE) * self.grasp.touch(at) + GIVE * measured
        is_open = ~(is_closing | is_turning)[:, None]
        target = np.where(is_open, self.grasp.open(at), touch)
        step = np.where(is_closing, CLOSE_STEP_RAD, STEP_RAD) * self.speed[rows]
        begun = np.minimum(1.0, (self.phase_steps[rows] + 1) / PRESS_STEPS)
        press = np.where(is_closing, begun, is_turning)[:, None] * self.grasp.press(at)
        turn = (is_turning * push * self.speed[rows])[:, None] * self.grasp.turn(at)
        return np.asarray(straight_step(measured, target, step[:, None]) + press + turn)
