"""ReachPose's expert: move straight to the goals' posture; where blocked, open first."""

import numpy as np

from envs.experts.base import Expert
from envs.task import FloatArray, IntArray, View
from envs.tasks.reach_pose import ReachPose

JOINT_STEP_RAD = 0.14
CORRECTION = 0.4  # share of the remaining error that is commanded beyond the target
BLOCKED_RAD, STILL_RAD_S, OPEN_ENOUGH_RAD = 0.3, 0.5, 0.2
# Thumb beside the palm and fingers stretched: nothing blocks anything here.
OPEN_RAD = np.array([0.1, 0.0, 0.2, 0.2, 0.0, 0.0, 0.1, 0.0, 0.0, 0.1, 0.0, 0.1, 0.0, 0.1])


class ReachPoseExpert(Expert):
    """Reach; part when links block each other. Its randomness: the speed of each episode."""

    phases = ("reach", "part")
    time_outs = (30, 14)
    task: ReachPose

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: np.ndarray
    ) -> IntArray:
        """Part when the hand stands still far from the goal, reach again when it is open."""
        joints = view.qpos[:, self.task.hand.qpos]
        velocity = view.qvel[:, self.task.hand.dof]
        is_still = (np.abs(velocity) < STILL_RAD_S).all(axis=1) & (self.phase_steps[rows] > 2)
        is_far = (np.abs(view.memory("goal_posture") - joints) > BLOCKED_RAD).any(axis=1)
        is_open = (np.abs(OPEN_RAD - joints) < OPEN_ENOUGH_RAD).all(axis=1)
        reach, part = range(2)
        parts = (phase == reach) & is_far & (is_still | is_late)
        reaches = (phase == part) & (is_open | is_late)
        return np.asarray(np.select([parts, reaches], [part, reach], phase))

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Move all joints along one line, so that they arrive together."""
        joints = view.qpos[:, self.task.hand.qpos]
        target = np.where((phase == 0)[:, None], view.memory("goal_posture"), OPEN_RAD)
        error = (1.0 + CORRECTION) * (target - joints)
        step = JOINT_STEP_RAD * self.speed[rows, None]
        largest = np.abs(error).max(axis=1, keepdims=True)
        return np.asarray(joints + error * np.minimum(1.0, step / np.maximum(largest, 1e-9)))
