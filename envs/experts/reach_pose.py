"""ReachPose expert: move straight to the goal posture; open the hand first when blocked."""

import numpy as np

from envs.experts.base import Expert, Methods, Phase, follow
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.reach_pose import ReachPose

JOINT_STEP_RAD = 0.14
CORRECTION = 0.4  # share of the remaining error by which the command exceeds the target
BLOCKED_RAD, STILL_RAD_S, OPEN_ENOUGH_RAD = 0.3, 0.5, 0.2
# Thumb beside the palm and fingers extended: no links block each other.
OPEN_RAD = np.array([0.1, 0.0, 0.2, 0.2, 0.0, 0.0, 0.1, 0.0, 0.0, 0.1, 0.0, 0.1, 0.0, 0.1])


class ReachPhase(Phase):
    """The hand's phases."""

    REACH = 0, 30
    PART = 1, 14


class ReachPoseExpert(Expert):
    """Reach; open the hand when links block each other. Random per episode: the speed."""

    phases = ReachPhase
    task: ReachPose

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Open when the hand is still far from the goal, reach again when it is open."""
        joints = view.qpos[:, self.task.hand.qpos]
        velocity = view.qvel[:, self.task.hand.dof]
        is_still = (np.abs(velocity) < STILL_RAD_S).all(axis=1) & (self.phase_steps[rows] > 2)
        is_far = (np.abs(view.memory("goal_posture") - joints) > BLOCKED_RAD).any(axis=1)
        is_open = (np.abs(OPEN_RAD - joints) < OPEN_ENOUGH_RAD).all(axis=1)
        rules = (
            (ReachPhase.REACH, is_far & (is_still | is_late), ReachPhase.PART),
            (ReachPhase.PART, is_open | is_late, ReachPhase.REACH),
        )
        return follow(phase, rules)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return each row's command for its phase."""
        methods: Methods = {ReachPhase.REACH: self.reach, ReachPhase.PART: self.part}
        return self.by_phase(rows, view, phase, methods)

    def reach(self, rows: IntArray, view: View) -> FloatArray:
        """Move to the goal posture."""
        return self.steer(rows, view, view.memory("goal_posture"))

    def part(self, rows: IntArray, view: View) -> FloatArray:
        """Open the hand."""
        return self.steer(rows, view, OPEN_RAD)

    def steer(self, rows: IntArray, view: View, posture: FloatArray) -> FloatArray:
        """Return targets that move all joints along a straight line, (n, 14) [rad]."""
        joints = view.qpos[:, self.task.hand.qpos]
        error = (1.0 + CORRECTION) * (posture - joints)
        step = JOINT_STEP_RAD * self.speed[rows, None]
        largest = np.abs(error).max(axis=1, keepdims=True)
        return np.asarray(joints + error * np.minimum(1.0, step / np.maximum(largest, 1e-9)))
