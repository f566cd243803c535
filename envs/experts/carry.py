"""Base of the experts that grasp an object and carry it to a goal."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from envs.experts.base import Expert, Methods, Phase, follow, step_towards
from envs.experts.grasp import Grasp, cube_grasp, grasped_point, palm_over
from envs.rotations import distance, wrap
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.cube_parts import CUBE_HALF_SIZE_M, MOUNT_HEIGHT_M
from envs.world import World

HOVER_M = 0.07
FUNNEL_SLOPE = 4.0  # height above the grasp per metre of misalignment
ALIGNED_M, ALIGNED_RAD = 0.010, 0.10
LOST_M = 0.035
WRIST_STEP_M, WRIST_STEP_RAD, FINGER_STEP_RAD = 0.03, 0.25, 0.35
MOUNT_M = np.array([0.0, 0.0, MOUNT_HEIGHT_M])  # palm position with the slides at zero
CLOSE_STEP_RAD = 0.14  # faster fingers penetrate the object by more than 3 mm at contact


class CarryPhase(Phase):
    """The hand's phases; subclasses of the expert number additional phases from 3."""

    APPROACH = 0, 60
    CLOSE = 1, 14
    CARRY = 2, 100


class CarryExpert(Expert):
    """Approach from above, close, carry; approach again when the object is lost.

    Random per episode: the speed, and the mode if the task has several.
    """

    phases: ClassVar[type[Phase]] = CarryPhase

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.grasp = cube_grasp(CUBE_HALF_SIZE_M)
        self.held_yaw: FloatArray = np.zeros(world.num_sims)

    @abstractmethod
    def cube_pose(self, rows: IntArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the position (n, 3) [m] and heading (n,) [rad] of the cube to grasp."""

    @abstractmethod
    def goal(self, rows: IntArray, view: View) -> FloatArray:
        """Return the position to which to carry the cube, (n, 3) [m]."""

    def postures(self, rows: IntArray, view: View) -> Grasp:
        """Return the finger postures for each row's object; by default one cube grasp."""
        del rows, view
        return self.grasp

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Close when aligned, carry when closed, approach again when the cube is lost."""
        cube, heading = self.cube_pose(rows, view)
        palm, yaw = self._palm_pose(view)
        gap = distance(grasped_point(palm, yaw), cube)
        is_aligned = (gap < ALIGNED_M) & (np.abs(wrap(yaw - heading, np.pi / 2)) < ALIGNED_RAD)
        closes = (phase == CarryPhase.APPROACH) & is_aligned
        self.held_yaw[rows] = np.where(closes, wrap(heading, np.pi / 2), self.held_yaw[rows])
        rules = (
            (CarryPhase.APPROACH, is_aligned, CarryPhase.CLOSE),
            (CarryPhase.CLOSE, is_late, CarryPhase.CARRY),
            (CarryPhase.CARRY, (gap > LOST_M) | is_late, CarryPhase.APPROACH),
        )
        return follow(phase, rules)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return each row's command for its phase."""
        methods: Methods = {
            CarryPhase.APPROACH: self.approach,
            CarryPhase.CLOSE: self.close,
            CarryPhase.CARRY: self.carry,
        }
        return self.by_phase(rows, view, phase, methods)

    def approach(self, rows: IntArray, view: View) -> FloatArray:
        """Align the open hand with the cube while descending on it."""
        cube, heading = self.cube_pose(rows, view)
        # A cube is symmetric under quarter turns: use the nearest heading.
        yaw = wrap(heading, np.pi / 2)
        palm, _ = self._palm_pose(view)
        above = palm_over(cube, yaw)
        miss = distance(palm[:, :2], above[:, :2])
        above[:, 2] += np.clip(FUNNEL_SLOPE * (miss - 0.006), 0.0, HOVER_M)
        return self.steer(rows, view, above - MOUNT_M, yaw, self.postures(rows, view).open)

    def close(self, rows: IntArray, view: View) -> FloatArray:
        """Close the fingers gently with the palm over the cube."""
        cube, _ = self.cube_pose(rows, view)
        yaw, squeeze = self.held_yaw[rows], self.postures(rows, view).squeeze
        over = palm_over(cube, yaw) - MOUNT_M
        return self.steer(rows, view, over, yaw, squeeze, CLOSE_STEP_RAD)

    def carry(self, rows: IntArray, view: View) -> FloatArray:
        """Move the palm by the cube's remaining offset to the goal."""
        cube, _ = self.cube_pose(rows, view)
        palm, _ = self._palm_pose(view)
        carried = palm + self.goal(rows, view) - cube - MOUNT_M
        squeeze = self.postures(rows, view).squeeze
        return self.steer(rows, view, carried, self.held_yaw[rows], squeeze)

    def steer(
        self,
        rows: IntArray,
        view: View,
        slides: FloatArray,
        yaw: FloatArray,
        fingers: FloatArray,
        finger_step: float = FINGER_STEP_RAD,
    ) -> FloatArray:
        """Return targets one step towards a pose of the level hand, (n, 20) [rad or m].

        Args:
            rows: Rows of the world, (n,).
            view: View of those rows.
            slides: Target of the wrist's slides, (n, 3) [m].
            yaw: Target heading of the hand, (n,) [rad].
            fingers: Target posture of the fingers, (n, 14) or (14,) [rad].
            finger_step: Largest step of a finger joint at a speed of 1 [rad].
        """
        joints = view.qpos[:, self.task.hand.qpos]
        target = np.zeros_like(joints)  # pitch and roll stay level
        target[:, :3] = slides
        target[:, 3] = yaw
        target[:, 6:] = fingers
        limit = np.repeat([WRIST_STEP_M, WRIST_STEP_RAD, finger_step], [3, 3, 14])
        return step_towards(joints, target, limit * self.speed[rows, None])

    def _palm_pose(self, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the palm's position (n, 3) [m, world] and yaw (n,) [rad]."""
        wrist = view.qpos[:, self.task.hand.qpos[:6]]
        return wrist[:, :3] + MOUNT_M, wrist[:, 3]
