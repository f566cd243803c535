"""AvoidPost's expert: raise the cube in line with the post, dash at it, swerve to one side."""

import numpy as np

from envs.experts.base import step_towards
from envs.experts.carry import LOST_M, WRIST_STEP_RAD, CarryExpert
from envs.experts.grasp import grasped_point
from envs.rotations import distance, yaw_of
from envs.task import FloatArray, IntArray, View
from envs.tasks.avoid_post import POST_RADIUS_M, AvoidPost
from envs.tasks.cube_parts import MOUNT_HEIGHT_M

# The carrying hand, seen from above, palm frame [m]: its front, its back, and the half of its
# width about a middle that lies a little to the little finger's side.
FRONT_M, BACK_M, HALF_WIDTH_M, MIDDLE_M = 0.095, 0.112, 0.052, -0.006
CLEARANCE_M = 0.024
SWERVE_M = HALF_WIDTH_M + POST_RADIUS_M + CLEARANCE_M
SWERVE_GAP_M, WAIT_GAP_M = 0.072, 0.012  # from the front to the post: swerve; go no further
PASSING_M = SWERVE_M - 0.020  # to the side of the line: the hand passes
BEYOND_M = BACK_M + POST_RADIUS_M + 0.010  # ahead of the post's axis: the way to the goal is free
LINED_UP_M, LINED_UP_RAD = 0.008, 0.06
RAISE_STEP_M, DASH_STEP_M = (0.03, 0.03, 0.03), (0.032, 0.048, 0.03)
CLOSE_STEP_RAD = 0.20
OVERSHOOT = 2.0  # share of the way to the side that is commanded, which quickens its end


class AvoidPostExpert(CarryExpert):
    """Approach, close, raise (the base's carry), dash. Its randomness: the side, the speed."""

    phases = ("approach", "close", "carry", "dash")
    time_outs = (60, 14, 40, 80)
    task: AvoidPost

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
        is_up = np.abs(cube[:, 2] - view.memory("goal")[:, 2]) < LINED_UP_M
        is_in_line = (np.abs(aside) < LINED_UP_M) & (np.abs(yaw) < LINED_UP_RAD) & is_up
        is_near = ahead > -(FRONT_M + POST_RADIUS_M + SWERVE_GAP_M)
        is_lost = distance(grasped_point(palm, yaw), cube) > LOST_M
        dashes = (following == 2) & (phase == 2) & (is_in_line | is_near)
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
        carried = step_towards(joints, target, step * self.speed[rows, None])
        command[:, :4] = np.where((phase >= 2)[:, None], carried, command[:, :4])
        fingers = view.qpos[:, self.task.hand.qpos[6:]]
        gentle = step_towards(fingers, command[:, 6:], CLOSE_STEP_RAD * self.speed[rows, None])
        command[:, 6:] = np.where((phase == 1)[:, None], gentle, command[:, 6:])
        return command

    def _place(self, palm: FloatArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return how far hands are ahead of the post and to the left of its line, (n,) [m]."""
        offset = palm[:, :2] - view.memory("post")
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
        last = np.where(np.abs(aside) > PASSING_M, np.inf, -(FRONT_M + POST_RADIUS_M + WAIT_GAP_M))
        x = np.where(
            phase == 2, palm[:, 0], np.minimum(palm[:, 0] + 1.0, palm[:, 0] + last - ahead)
        )
        passing = np.stack([x, y, to_goal[:, 2]], axis=1)
        return np.where(is_beyond[:, None], to_goal, passing)
