"""AvoidPost's expert: raise the cube in line with the post, dash at it, swerve to one side."""

import numpy as np

from envs.experts.base import step_towards
from envs.experts.carry import LOST_M, WRIST_STEP_RAD, CarryExpert
from envs.experts.grasp import grasped_point, pressed_grasp
from envs.rotations import distance, yaw_of
from envs.task import FloatArray, IntArray, View
from envs.tasks.avoid_post import POST_M, POST_RADIUS_M, AvoidPost
from envs.tasks.cube_parts import CUBE_HALF_SIZE_M, MOUNT_HEIGHT_M
from envs.world import World

# The carrying hand, seen from above, palm frame [m]: its front, its back, and the half of its
# width about a middle that lies a little to the little finger's side.
FRONT_M, BACK_M, HALF_WIDTH_M, MIDDLE_M = 0.095, 0.112, 0.052, -0.011
CLEARANCE_M = 0.020
SWERVE_M = HALF_WIDTH_M + POST_RADIUS_M + CLEARANCE_M
SWERVE_GAP_M = 0.056  # from the front to the post when the hand swerves, just in time
PASSING_M = SWERVE_M - 0.015  # to the side of the line: a hand that stood near the post may dash
BEYOND_M = BACK_M + POST_RADIUS_M + 0.010  # ahead of the post's axis: the way to the goal is free
# Where the dash begins: the palm before the post's axis, the cube's height.
LINE_UP_M, LINE_UP_HEIGHT_M = -0.250, 0.15
LINED_UP_M, LINED_UP_RAD = 0.008, 0.06
RAISE_STEP_M, DASH_STEP_M = (0.03, 0.03, 0.03), (0.030, 0.044, 0.03)
CENTRED_M = 0.004  # alike grasps give no episode away
OVERSHOOT = 2.0  # share of the way to the side that is commanded, which quickens its end


class AvoidPostExpert(CarryExpert):
    """Approach, close, raise (the base's carry), dash.

    Its randomness: the side, and the speed of all but the dash. Every dash begins at one place,
    at one speed, with the cube centred in the hand: what a policy sees until the swerve differs
    little between episodes and says nothing of the side.
    """

    phases = ("approach", "close", "carry", "dash")
    time_outs = (60, 14, 40, 80)
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
        self, rows: IntArray, view: View, phase: IntArray, is_late: np.ndarray
    ) -> IntArray:
        """Dash once the cube is raised and in line with the post; begin again when it is lost."""
        following = super().next_phase(rows, view, phase, is_late)
        palm, yaw = self._palm_pose(view)
        cube, _ = self.cube_pose(rows, view)
        ahead, aside = self._place(palm, view)
        is_up = np.abs(cube[:, 2] - LINE_UP_HEIGHT_M) < LINED_UP_M
        is_straight = is_up & (np.abs(yaw) < LINED_UP_RAD)
        is_near = ahead > -(FRONT_M + POST_RADIUS_M + SWERVE_GAP_M)
        is_lost = distance(grasped_point(palm, yaw), cube) > LOST_M
        is_off = distance(grasped_point(palm, yaw), cube) > CENTRED_M
        following = np.where((phase == 0) & is_off & ~is_late, 0, following)
        miss = np.maximum(np.abs(aside), np.abs(ahead - LINE_UP_M))
        is_placed = np.where(is_near, np.abs(aside) > PASSING_M, miss < LINED_UP_M)
        dashes = (following == 2) & (phase == 2) & is_straight & is_placed
        loses = (phase == 3) & (is_lost | is_late)
        return np.asarray(np.select([dashes, loses], [3, 0], following))

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Steer as the base does; from the raise on, keep the hand straight and off the post."""
        command = super().command(rows, view, phase)
        joints = view.qpos[:, self.task.hand.qpos[:4]]
        palm, _ = self._palm_pose(view)
        target = np.zeros_like(joints)  # the yaw goes back to 0
        target[:, :3] = self._way(rows, view, phase, palm)
        target[:, 2] -= MOUNT_HEIGHT_M
        step = np.where((phase == 3)[:, None], DASH_STEP_M, RAISE_STEP_M)
        step = np.append(step, np.full((len(rows), 1), WRIST_STEP_RAD), axis=1)
        pace = np.where(phase == 3, 1.0, self.speed[rows])  # all dashes are equally fast
        carried = step_towards(joints, target, step * pace[:, None])
        command[:, :4] = np.where((phase >= 2)[:, None], carried, command[:, :4])
        return command

    def _place(self, palm: FloatArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return how far hands are ahead of the post and to the left of its line, (n,) [m]."""
        offset = palm[:, :2] - POST_M
        return offset[:, 0], offset[:, 1] + MIDDLE_M

    def _way(self, rows: IntArray, view: View, phase: IntArray, palm: FloatArray) -> FloatArray:
        """Return where to steer the palm while the cube is carried, (n, 3) [m]."""
        ahead, aside = self._place(palm, view)
        cube, _ = self.cube_pose(rows, view)
        to_goal = palm + view.memory("goal") - cube
        chosen = np.where(self.mode[rows] == 0, 1.0, -1.0)
        side = np.where(np.abs(aside) > 0.5 * SWERVE_M, np.sign(aside), chosen)
        is_before = ahead < -(FRONT_M + POST_RADIUS_M + SWERVE_GAP_M)
        is_beyond = ahead > BEYOND_M
        wanted = np.where(is_before, 0.0, side * SWERVE_M)
        y = palm[:, 1] + OVERSHOOT * (wanted - aside)
        x = palm[:, 0] + np.where(phase == 3, 1.0, np.where(is_before, LINE_UP_M - ahead, 0.0))
        z = palm[:, 2] + LINE_UP_HEIGHT_M - cube[:, 2]
        passing = np.stack([x, y, z], axis=1)
        return np.where(is_beyond[:, None], to_goal, passing)
