"""AvoidPost expert: raise the cube in line with the post, move straight at it, swerve."""

import numpy as np

from envs.experts.base import Methods, Phase, follow, step_towards
from envs.experts.carry import LOST_M, MOUNT_M, WRIST_STEP_RAD, CarryExpert, CarryPhase
from envs.experts.grasp import grasped_point, pressed_grasp
from envs.rotations import distance, yaw_of
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.avoid_post import POST_M, POST_RADIUS_M, AvoidPost
from envs.tasks.cube_parts import CUBE_HALF_SIZE_M
from envs.world import World

# Outline of the carrying hand from above, palm frame [m]: front, back and half width. Its middle
# is slightly on the little finger's side.
FRONT_M, BACK_M, HALF_WIDTH_M, MIDDLE_M = 0.095, 0.112, 0.052, -0.011
CLEARANCE_M = 0.020
SWERVE_M = HALF_WIDTH_M + POST_RADIUS_M + CLEARANCE_M
SWERVE_GAP_M = 0.056  # from the hand's front to the post at the latest possible swerve
SWERVE_AT_M = -(FRONT_M + POST_RADIUS_M + SWERVE_GAP_M)  # palm minus post axis at the swerve
PASSING_M = SWERVE_M - 0.015  # offset from the line that lets a hand near the post dash
BEYOND_M = BACK_M + POST_RADIUS_M + 0.010  # palm minus post axis where the path to the goal is free
# Where the dash starts: palm position along the line, relative to the post's axis, and cube height.
LINE_UP_M, LINE_UP_HEIGHT_M = -0.250, 0.15
LINED_UP_M, LINED_UP_RAD = 0.008, 0.06
DASH_STEP_M = (0.030, 0.044, 0.03)
CENTRED_M = 0.004  # similar grasps do not identify an episode
OVERSHOOT = 2.0  # commanded share of the lateral distance; above 1 to shorten the approach


class AvoidPhase(Phase):
    """The phases of `CarryExpert` and the dash."""

    APPROACH = CarryPhase.APPROACH, 60
    CLOSE = CarryPhase.CLOSE, 14
    CARRY = CarryPhase.CARRY, 40
    DASH = 3, 80


class AvoidPostExpert(CarryExpert):
    """Approach, close, carry to the line of the dash, dash.

    Random per episode: the side, and the speed of all phases but the dash. Every dash starts at
    the same position and speed, with the cube centred in the hand. Observations before the swerve
    differ little between episodes and do not reveal the side.
    """

    phases = AvoidPhase
    task: AvoidPost

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.grasp = pressed_grasp(CUBE_HALF_SIZE_M)

    def cube_pose(self, rows: IntArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the cube's pose."""
        del rows
        address = self.task.cube_qpos
        return view.qpos[:, address : address + 3], yaw_of(view.qpos[:, address + 3 : address + 7])

    def goal(self, rows: IntArray, view: View) -> FloatArray:
        """Return the goal point."""
        del rows
        return view.memory("goal")

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Dash once the cube is raised and in line with the post; restart when it is lost."""
        following = super().next_phase(rows, view, phase, is_late)
        palm, yaw = self._palm_pose(view)
        cube, _ = self.cube_pose(rows, view)
        ahead, aside = self._place(palm, view)
        is_up = np.abs(cube[:, 2] - LINE_UP_HEIGHT_M) < LINED_UP_M
        is_straight = is_up & (np.abs(yaw) < LINED_UP_RAD)
        gap = distance(grasped_point(palm, yaw), cube)
        miss = np.maximum(np.abs(aside), np.abs(ahead - LINE_UP_M))
        is_placed = np.where(ahead > SWERVE_AT_M, np.abs(aside) > PASSING_M, miss < LINED_UP_M)
        is_ready = (following == AvoidPhase.CARRY) & is_straight & is_placed
        rules = (
            (AvoidPhase.APPROACH, (gap > CENTRED_M) & ~is_late, AvoidPhase.APPROACH),
            (AvoidPhase.CARRY, is_ready, AvoidPhase.DASH),
            (AvoidPhase.DASH, (gap > LOST_M) | is_late, AvoidPhase.APPROACH),
        )
        return follow(phase, rules, following)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return each row's command for its phase."""
        methods: Methods = {
            AvoidPhase.APPROACH: self.approach,
            AvoidPhase.CLOSE: self.close,
            AvoidPhase.CARRY: self.carry,
            AvoidPhase.DASH: self.dash,
        }
        return self.by_phase(rows, view, phase, methods)

    def carry(self, rows: IntArray, view: View) -> FloatArray:
        """Raise the cube and bring it to the start of the dash, with the hand straight."""
        palm, _ = self._palm_pose(view)
        ahead, _ = self._place(palm, view)
        way = np.where(ahead < SWERVE_AT_M, LINE_UP_M - ahead, 0.0)
        slides = self._past_post(rows, view, way) - MOUNT_M
        return self.steer(rows, view, slides, np.zeros(len(rows)), self.grasp.squeeze)

    def dash(self, rows: IntArray, view: View) -> FloatArray:
        """Dash at the post and around it; all dashes have the same speed."""
        slides = self._past_post(rows, view, np.ones(len(rows))) - MOUNT_M
        command = self.steer(rows, view, slides, np.zeros(len(rows)), self.grasp.squeeze)
        joints = view.qpos[:, self.task.hand.qpos[:4]]
        target = np.append(slides, np.zeros((len(rows), 1)), axis=1)
        command[:, :4] = step_towards(joints, target, np.array([*DASH_STEP_M, WRIST_STEP_RAD]))
        return command

    def _place(self, palm: FloatArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the hands' offsets from the post, ahead and to the left, each (n,) [m]."""
        offset = palm[:, :2] - POST_M
        return offset[:, 0], offset[:, 1] + MIDDLE_M

    def _past_post(self, rows: IntArray, view: View, way: FloatArray) -> FloatArray:
        """Return the palm's target while the cube is carried, (n, 3) [m].

        Args:
            rows: Rows of the world, (n,).
            view: View of those rows.
            way: Step ahead until the post is passed, (n,) [m].
        """
        palm, _ = self._palm_pose(view)
        ahead, aside = self._place(palm, view)
        cube, _ = self.cube_pose(rows, view)
        to_goal = palm + view.memory("goal") - cube
        chosen = np.where(self.mode[rows] == 0, 1.0, -1.0)
        side = np.where(np.abs(aside) > 0.5 * SWERVE_M, np.sign(aside), chosen)
        lateral = np.where(ahead < SWERVE_AT_M, 0.0, side * SWERVE_M)
        x = palm[:, 0] + way
        y = palm[:, 1] + OVERSHOOT * (lateral - aside)
        z = palm[:, 2] + LINE_UP_HEIGHT_M - cube[:, 2]
        is_beyond = ahead > BEYOND_M
        return np.where(is_beyond[:, None], to_goal, np.stack([x, y, z], axis=1))
