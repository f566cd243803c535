"""ReachPose expert of a described hand: move straight to the goal; open the hand when blocked."""

import numpy as np

from envs.experts.base import follow
from envs.experts.reach_pose import (
    BLOCKED_RAD,
    CORRECTION,
    OPEN_ENOUGH_RAD,
    ReachPhase,
    ReachPoseExpert,
)
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.on_hand.base import straight
from envs.tasks.on_hand.reach_pose import ReachPoseOnHand
from envs.world import World

TARGET_STEP_RAD = 0.14
STILL_RAD_S = 0.1  # a fast servo (LEAP) nearly stops within the control step that moved it


class ReachPoseOnHandExpert(ReachPoseExpert):
    """Reach; straighten the hand when links block each other. Random per episode: the speed."""

    task: ReachPoseOnHand

    def __init__(self, world: World) -> None:
        super().__init__(world)
        neutral, open_hand = self.task.loaded.neutral, straight(self.task.loaded)
        moves = self.task.posture_low < self.task.posture_high
        self._open: FloatArray = np.where(moves, open_hand, neutral)

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Open when the hand is still far from the goal, reach again when it is open."""
        joints, velocity = self.task.measured(view), self.task.measured_velocity(view)
        is_still = (np.abs(velocity) < STILL_RAD_S).all(axis=1) & (self.phase_steps[rows] > 2)
        is_far = (np.abs(view.memory("goal_posture") - joints) > BLOCKED_RAD).any(axis=1)
        is_open = (np.abs(self._open - joints) < OPEN_ENOUGH_RAD).all(axis=1)
        rules = (
            (ReachPhase.REACH, is_far & (is_still | is_late), ReachPhase.PART),
            (ReachPhase.PART, is_open | is_late, ReachPhase.REACH),
        )
        return follow(phase, rules)

    def part(self, rows: IntArray, view: View) -> FloatArray:
        """Open the hand."""
        return self.steer(rows, view, self._open)

    def steer(self, rows: IntArray, view: View, posture: FloatArray) -> FloatArray:
        """Return targets that move all servos along a straight line, (n, act_dim) [rad]."""
        joints = self.task.measured(view)
        error = (1.0 + CORRECTION) * (posture - joints)
        step = TARGET_STEP_RAD * self.speed[rows, None]
        largest = np.abs(error).max(axis=1, keepdims=True)
        return np.asarray(joints + error * np.minimum(1.0, step / np.maximum(largest, 1e-9)))
