"""Put a carried cube down and let go: lower it, open the fingers, draw the hand back upwards."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from envs.experts.base import step_towards
from envs.experts.carry import FINGER_STEP_RAD, FUNNEL_SLOPE, WRIST_STEP_M, CarryExpert
from envs.experts.grasp import level_grasp, palm_over
from envs.rotations import distance
from envs.task import FloatArray, IntArray, View
from envs.tasks.cube_parts import CLEAR_M, CUBE_HALF_SIZE_M, MOUNT_HEIGHT_M
from envs.world import World

CARRY_HEIGHT_M = 0.07  # of the cube above its place, on the way
RISE_M = 0.06  # it moves sideways only when this near to that height
LOWER_STEP_M = 0.012
CENTRED_M, TOUCHING_M = 0.006, 0.002
TILTED_M, STOPPED_M_PER_S = 0.008, 0.005  # a cube that touches with an edge goes no lower
OPEN_STEP_RAD = 0.12
RETREAT_M = 0.09
AWAY_M = 0.015  # a cube this far from its place is put down again


class PutDownExpert(CarryExpert):
    """Approach, close, carry, release, retreat. Its randomness: that of `CarryExpert`."""

    phases: ClassVar[tuple[str, ...]] = (*CarryExpert.phases, "release", "retreat")
    time_outs: ClassVar[tuple[int, ...]] = (60, 10, 80, 15, 25)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.grasp = level_grasp(CUBE_HALF_SIZE_M)

    @abstractmethod
    def place(self, rows: IntArray, view: View) -> FloatArray:
        """Return where the cube's centre shall lie, (n, 3) [m]."""

    @abstractmethod
    def clearance(self, view: View) -> FloatArray:
        """Return the gap between the cube and the nearest fingertip, (n,) [m]."""

    def goal(self, rows: IntArray, view: View) -> FloatArray:
        """Return a point above the place: first high, then over it, then down on it."""
        cube, _ = self.cube_pose(rows, view)
        place = self.place(rows, view)
        miss = distance(cube[:, :2], place[:, :2])
        funnel = np.clip(FUNNEL_SLOPE * (miss - CENTRED_M), 0.0, CARRY_HEIGHT_M)
        rise = place[:, 2] + funnel - cube[:, 2]
        share = np.clip(1.0 - rise / RISE_M, 0.0, 1.0)
        goal = cube + share[:, None] * (place - cube)
        goal[:, 2] = cube[:, 2] + np.maximum(rise, -LOWER_STEP_M)
        return goal

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: np.ndarray
    ) -> IntArray:
        """Release what touches its place, retreat when open, begin again if it lies elsewhere."""
        following = super().next_phase(rows, view, phase, is_late)
        cube, _ = self.cube_pose(rows, view)
        offset = cube - self.place(rows, view)
        miss = distance(offset[:, :2], np.zeros(2))
        approach, _, carry, release, retreat = range(5)
        is_stopped = np.abs(view.qvel[:, self.task.hand.dof[2]]) < STOPPED_M_PER_S
        is_low = (offset[:, 2] < TOUCHING_M) | (is_stopped & (offset[:, 2] < TILTED_M))
        is_down = is_low & (miss < 1.5 * CENTRED_M)
        is_clear = self.clearance(view) > CLEAR_M
        releases = (phase == carry) & (following == carry) & is_down
        retreats = (phase == release) & (is_clear | is_late)
        again = (phase == retreat) & (miss > AWAY_M) & is_clear
        choices = [release, retreat, approach]
        return np.asarray(np.select([releases, retreats, again], choices, following))

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Steer as the base does; open gently, and go straight up at the end."""
        command = super().command(rows, view, phase)
        joints = view.qpos[:, self.task.hand.qpos]
        speed = self.speed[rows, None]
        # Over the place, not over the cube: a hand that followed a cube it pushes would push on.
        over = palm_over(self.place(rows, view), self.held_yaw[rows])
        over[:, 2] -= MOUNT_HEIGHT_M
        over[:, 2] += np.where(phase == 4, RETREAT_M, 0.0)
        away = step_towards(joints[:, :3], over, WRIST_STEP_M * speed)
        leaves = (phase >= 3)[:, None]
        command[:, :3] = np.where(leaves, away, command[:, :3])
        step = np.where((phase == 3)[:, None], OPEN_STEP_RAD, FINGER_STEP_RAD) * speed
        opened = step_towards(joints[:, 6:], self.grasp.open, step)
        command[:, 6:] = np.where(leaves, opened, command[:, 6:])
        return command
