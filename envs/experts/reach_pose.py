"""ReachPose's expert: move straight to the goals' posture; where blocked, open first."""

import numpy as np

from envs.experts.base import Expert, Methods, Phase, follow
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.reach_pose import ReachPose

JOINT_STEP_RAD = 0.14
CORRECTION = 0.4  # share of the remaining error that is commanded beyond the target
BLOCKED_RAD, STILL_RAD_S, OPEN_ENOUGH_RAD = 0.3, 0.5, 0.2
# Thumb beside the palm and fingers stretched: nothing blocks anything here.
OPEN_RAD = np.array([0.1, 0.0, 0.2, 0.2, 0.0, 0.0, 0.1, 0.0, 0.0, 0.1, 0.0, 0.1, 0.0, 0.1])


class ReachPhase(Phase):
    """Where the hand moves."""

    REACH = 0, 30
    PART = 1, 14


class ReachPoseExpert(Expert):
    """Reach; part when links block each other. Its randomness: the speed of each episode."""

    phases = ReachPhase
    task: ReachPose

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Part when the hand stands still far from the goal, reach again when it is open."""
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
        """Steer as each row's phase says."""
        methods: Methods = {ReachPhase.REACH: self.reach, ReachPhase.PART: self.part}
        return self.by_phase(rows, view, phase, methods)

    def reach(self, rows: IntArray, view: View) -> FloatArray:
        """Move to the goals' posture."""
        return self.steer(rows, view, view.memory("goal_posture"))

    def part(self, rows: IntArray, view: View) -> FloatArray:
        """Open the hand."""
        return self.steer(rows, view, OPEN_RAD)

    def steer(self, rows: IntArray, view: View, posture: FloatArray) -> FloatArray:
        """Return targets that move all joints along one line, so that they arrive together."""
        joints = view.qpos[:, self.task.hand.qpos]
        error = (1.0 + CORRECTION) * (posture - joints)
        step = JOINT_STEP_RAD * self.speed[rows, None]
        largest = np.abs(error).max(axis=1, keepdims=True)
        return np.asarray(joints + error * np.minimum(1.0, step / np.maximum(largest, 1e-9)))
