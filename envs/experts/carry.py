"""Pick a cube up and carry it: funnel down over it, squeeze, carry; begin again when it is lost."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from envs.experts.base import Expert, step_towards
from envs.experts.grasp import Grasp, cube_grasp, grasped_point, palm_over
from envs.rotations import distance, wrap
from envs.task import FloatArray, IntArray, View
from envs.tasks.cube_parts import CUBE_HALF_SIZE_M, MOUNT_HEIGHT_M
from envs.world import World

HOVER_M = 0.07
FUNNEL_SLOPE = 4.0  # height above the grasp per metre of misalignment
ALIGNED_M, ALIGNED_RAD = 0.010, 0.10
LOST_M = 0.035
WRIST_STEP_M, WRIST_STEP_RAD, FINGER_STEP_RAD = 0.03, 0.25, 0.35
CLOSE_STEP_RAD = 0.14  # faster fingers sink into the object by more than 3 mm when they meet it


class CarryExpert(Expert):
    """Approach, close, carry. Its randomness: the speed of each episode, and the mode if any."""

    phases: ClassVar[tuple[str, ...]] = ("approach", "close", "carry")
    time_outs: ClassVar[tuple[int, ...]] = (60, 14, 100)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.grasp = cube_grasp(CUBE_HALF_SIZE_M)
        self.held_yaw: FloatArray = np.zeros(world.num_sims)

    @abstractmethod
    def cube_pose(self, rows: IntArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the position (n, 3) [m] and heading (n,) [rad] of the cube to grasp."""

    @abstractmethod
    def goal(self, rows: IntArray, view: View) -> FloatArray:
        """Return where the cube is to be carried, (n, 3) [m]."""

    def postures(self, rows: IntArray, view: View) -> Grasp:
        """Return the finger postures for each row's object; one cube grasp by default."""
        del rows, view
        return self.grasp

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: np.ndarray
    ) -> IntArray:
        """Close when aligned, carry when closed, approach again when the cube is lost."""
        cube, heading = self.cube_pose(rows, view)
        palm, yaw = self._palm_pose(view)
        gap = distance(grasped_point(palm, yaw), cube)
        is_aligned = (gap < ALIGNED_M) & (np.abs(wrap(yaw - heading, np.pi / 2)) < ALIGNED_RAD)
        approach, close, carry = range(3)
        closes = (phase == approach) & is_aligned
        carries = (phase == close) & is_late
        loses = (phase == carry) & ((gap > LOST_M) | is_late)
        self.held_yaw[rows] = np.where(closes, wrap(heading, np.pi / 2), self.held_yaw[rows])
        return np.asarray(np.select([closes, carries, loses], [close, carry, approach], phase))

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Steer the wrist to the phase's pose and the fingers to its posture."""
        cube, heading = self.cube_pose(rows, view)
        palm, _ = self._palm_pose(view)
        # A cube looks the same after a quarter turn: take the nearest one.
        target_yaw = np.where(phase == 0, wrap(heading, np.pi / 2), self.held_yaw[rows])
        over = palm_over(cube, target_yaw)
        miss = distance(palm[:, :2], over[:, :2])
        height = over[:, 2] + np.clip(FUNNEL_SLOPE * (miss - 0.006), 0.0, HOVER_M)
        above = np.stack([over[:, 0], over[:, 1], height], axis=1)
        carried = palm + self.goal(rows, view) - cube
        place = np.where((phase == 0)[:, None], above, over)
        place = np.where((phase == 2)[:, None], carried, place)
        joints = view.qpos[:, self.task.hand.qpos]
        target = np.zeros_like(joints)  # pitch and roll stay level
        target[:, :3] = place - np.array([0.0, 0.0, MOUNT_HEIGHT_M])
        target[:, 3] = target_yaw
        grasp = self.postures(rows, view)
        target[:, 6:] = np.where((phase == 0)[:, None], grasp.open, grasp.squeeze)
        limit = np.tile(
            np.repeat([WRIST_STEP_M, WRIST_STEP_RAD, FINGER_STEP_RAD], [3, 3, 14]), (len(rows), 1)
        )
        limit[phase == 1, 6:] = CLOSE_STEP_RAD
        return step_towards(joints, target, limit * self.speed[rows, None])

    def _palm_pose(self, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the palm's position (n, 3) [m, world] and yaw (n,) [rad]."""
        wrist = view.qpos[:, self.task.hand.qpos[:6]]
        return wrist[:, :3] + np.array([0.0, 0.0, MOUNT_HEIGHT_M]), wrist[:, 3]
