"""TurnValve expert: put two fingers between the spokes, then turn the wrist or the fingers."""

from functools import lru_cache

import numpy as np

from envs.experts.base import Expert, Phase, choose, follow, step_towards
from envs.experts.posture_table import PostureTable, solve_table
from envs.hand.kinematics import solve_fingertips
from envs.rotations import distance, turn, wrap
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.turn_valve import MOUNT_HEIGHT_M, START_RAD, TOLERANCE_RAD, TurnValve
from envs.world import World

AXIS_M = np.array([0.062, 0.016, -0.078])  # the valve's centre in the palm frame when grasped
# Angles of thumb and middle tip about the axis at mid-stroke, and their radius.
PLACE_RAD, REACH_M = np.array([np.pi - 0.2, -0.2]), 0.028
DOWN_M, UP_M = 0.0, 0.034  # tip centres over the spokes' middle
FINGER_STROKE_RAD, WRIST_STROKE_RAD = 0.88, 1.40  # to either side
GRID_RAD = np.linspace(-1.0, 1.0, 21)
QUARTER_RAD = np.pi / 2
FORWARD_RAD = 0.10  # tips are placed this far ahead of the middle between two spokes
LEAD, TURN_STEP_RAD, ROLL_STEP_RAD, PLACE_STEP_RAD = 3.0, 0.22, 0.14, 0.35
STUCK_RAD_S, STUCK_STEPS = 0.25, 5
ALIGNED_M, ALIGNED_RAD = 0.006, 0.10
LOWERED_M, RAISED_M = 0.007, 0.028
WRIST_STEP_M, WRIST_STEP_RAD, FINGER_STEP_RAD = 0.03, 0.25, 0.30


@lru_cache(maxsize=2)
def _tip_table(height: float) -> PostureTable:
    """Return the postures whose thumb and middle tip are `height` [m] over the spokes' middle."""

    def solve(stroke: float, initial: FloatArray) -> FloatArray:
        targets = {}
        for finger, angle in zip(("thumb", "middle"), PLACE_RAD + stroke, strict=True):
            arc = [REACH_M * np.cos(angle), REACH_M * np.sin(angle), height]
            targets[finger] = AXIS_M + np.array(arc)
        return solve_fingertips(targets, initial)[0]

    return solve_table(GRID_RAD, solve, START_RAD)


class ValvePhase(Phase):
    """The hand's phases."""

    APPROACH = 0, 40
    LOWER = 1, 10
    TURN = 2, 60
    RAISE = 3, 10


class TurnValveExpert(Expert):
    """Approach, lower, turn, raise. Random per episode: the mode and the speed."""

    phases = ValvePhase
    task: TurnValve

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.up, self.down = _tip_table(UP_M), _tip_table(DOWN_M)

    def rolls(self, rows: IntArray) -> BoolArray:
        """Return which rows turn the valve with the wrist, (n,)."""
        return np.asarray(self.mode[rows] == self.task.modes.index("roll"))

    def hand_state(self, view: View) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the wrist's yaw and the tips' mean stroke [rad] and height [m], each (n,)."""
        yaw = view.qpos[:, self.task.yaw_qpos]
        tips = view.site_position(self.task.hand.tips)[:, [0, 2]]
        tips = tips - self.task.valve_centre(view)[:, None]
        angle = np.arctan2(tips[..., 1], tips[..., 0])
        return yaw, wrap(angle - PLACE_RAD - yaw[:, None]).mean(axis=1), tips[..., 2].mean(axis=1)

    def first_angle(self, rows: IntArray, view: View) -> FloatArray:
        """Return the yaw or stroke at which the tips are lowered between spokes, (n,) [rad].

        Of the four positions between the spokes, this is the one nearest to half of the remaining
        turn backwards, within the range of the wrist or the fingers.
        """
        remaining = self.task.remaining(view)
        way = np.sign(remaining)
        limit = np.where(self.rolls(rows), WRIST_STROKE_RAD, FINGER_STROKE_RAD)
        ideal = -way * np.minimum(limit, np.abs(remaining) / 2)
        between = self.task.valve_angle(view) + QUARTER_RAD / 2 - PLACE_RAD[1] + way * FORWARD_RAD
        nearest = ideal + wrap(between - ideal, QUARTER_RAD)
        inward = np.where(np.abs(nearest) > limit, np.sign(nearest) * QUARTER_RAD, 0.0)
        return np.asarray(nearest - inward)

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Cycle through approach, lower, turn, raise; stay on the spokes at the goal.

        A hand that stays keeps correcting, and so does a policy trained on it. A hand that lets go
        would need a complete new cycle to correct a small error.
        """
        steps, remaining = self.phase_steps[rows], self.task.remaining(view)
        yaw, stroke, height = self.hand_state(view)
        rolls, first = self.rolls(rows), self.first_angle(rows, view)
        at = np.where(rolls, yaw, stroke)
        limit = np.where(rolls, WRIST_STROKE_RAD, FINGER_STROKE_RAD)
        wrist = view.qpos[:, self.task.hand.qpos[:3]]
        off = distance(wrist, self.wrist_over(view, yaw))
        is_aligned = (off < ALIGNED_M) & (np.abs(at - first) < ALIGNED_RAD)
        is_aligned &= np.abs(np.where(rolls, stroke, yaw)) < ALIGNED_RAD
        is_far = np.abs(remaining) > TOLERANCE_RAD
        is_still = np.abs(view.qvel[:, self.task.valve_dof]) < STUCK_RAD_S
        is_up = height > RAISED_M
        is_over = at * np.sign(remaining) > limit
        is_stuck = is_still & (steps > STUCK_STEPS)
        rules = (
            (ValvePhase.APPROACH, (is_aligned | is_late) & is_up & is_far, ValvePhase.LOWER),
            (ValvePhase.LOWER, (height < LOWERED_M) | is_late, ValvePhase.TURN),
            (ValvePhase.TURN, is_far & (is_over | is_stuck | is_late), ValvePhase.RAISE),
            (ValvePhase.RAISE, (is_up | is_late) & is_far, ValvePhase.APPROACH),
        )
        return follow(phase, rules)

    def wrist_over(self, view: View, yaw: FloatArray) -> FloatArray:
        """Return the wrist slides (n, 3) [m] that put the hand over the valve."""
        palm = self.task.valve_centre(view) - turn(AXIS_M, yaw)
        return np.asarray(palm - np.array([0.0, 0.0, MOUNT_HEIGHT_M]))

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Move the wrist to its pose over the valve and the fingers along their arc."""
        joints = view.qpos[:, self.task.hand.qpos]
        yaw, stroke, _ = self.hand_state(view)
        rolls, first = self.rolls(rows), self.first_angle(rows, view)
        speed = self.speed[rows]
        at = np.where(rolls, yaw, stroke)
        target_angle = choose(
            phase,
            {
                ValvePhase.APPROACH: step_towards(at, first, PLACE_STEP_RAD * speed),
                ValvePhase.LOWER: first,
                ValvePhase.TURN: self.led_angle(rows, view, at),
                ValvePhase.RAISE: at,
            },
        )
        target = np.zeros_like(joints)  # pitch and roll stay level
        target[:, 3] = np.where(rolls, target_angle, 0.0)
        bend = np.where(rolls, 0.0, target_angle)
        is_up = ((phase == ValvePhase.APPROACH) | (phase == ValvePhase.RAISE))[:, None]
        target[:, 6:] = np.where(is_up, self.up(bend), self.down(bend))
        target[:, :3] = self.wrist_over(view, target[:, 3])
        limit = np.repeat([WRIST_STEP_M, WRIST_STEP_RAD, FINGER_STEP_RAD], [3, 3, 14])
        return step_towards(joints, target, limit * speed[:, None])

    def led_angle(self, rows: IntArray, view: View, at: FloatArray) -> FloatArray:
        """Return the commanded angle of wrist or fingers, ahead of `at`, (n,) [rad]."""
        step = np.where(self.rolls(rows), ROLL_STEP_RAD, TURN_STEP_RAD) * self.speed[rows]
        return at + np.clip(LEAD * self.task.remaining(view), -step, step)
