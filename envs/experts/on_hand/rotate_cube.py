"""RotateCube expert of a described hand: the fmbench hand's, with this hand's lanes."""

import numpy as np

from envs.experts.base import step_towards
from envs.experts.rotate_cube import (
    AHEAD_M,
    CLEAR_M,
    FINGER_STEP_RAD,
    HOME_M,
    KEEP_RAD,
    LEAD_RAD,
    LEAST_ARM_M,
    RotateCubeExpert,
)
from envs.task import FloatArray, IntArray, View
from envs.tasks.on_hand.open_palm import GRID_M, open_palm
from envs.tasks.on_hand.rotate_cube import RotateCubeOnHand
from envs.tasks.palm_up_parts import CUBE_HALF_SIZE_M
from envs.world import World

# Points on a side of the cube, from its middle. The tip of a finger touches it near one of them.
ALONG_M = np.linspace(-CUBE_HALF_SIZE_M, CUBE_HALF_SIZE_M, 55)


class RotateCubeOnHandExpert(RotateCubeExpert):
    """Slide, push, slide. Random per episode: the speed."""

    task: RotateCubeOnHand

    def __init__(self, world: World) -> None:
        super().__init__(world)
        hand = self.task.described
        palm, fingers = open_palm(hand), list(hand.fingers)[1:]
        self.table, self._lanes = palm.postures, palm.lanes
        self._columns = [self.task.loaded.columns[finger] for finger in fingers]
        self._radii = np.array([hand.fingers[finger].radius_m for finger in fingers])

    def slide(self, rows: IntArray, view: View) -> FloatArray:
        """Put the tips on the outline of the cube at home, turned slightly further."""
        yaw, remaining = self.task.cube_yaw(view), self.task.remaining(view)
        home = np.broadcast_to(HOME_M, (len(rows), 2))
        front, _ = self.outline(yaw + np.clip(remaining, -KEEP_RAD, KEEP_RAD), home)
        return self.steer(rows, view, front)

    def push(self, rows: IntArray, view: View) -> FloatArray:
        """Advance the tips that turn the cube towards its goal; retreat with the others."""
        place, yaw = self.task.cube_position(view)[:, :2], self.task.cube_yaw(view)
        remaining = self.task.remaining(view)
        led, _ = self.outline(yaw + np.clip(remaining, -LEAD_RAD, LEAD_RAD), place)
        front, arm = self.outline(yaw, place)
        is_turning = np.sign(remaining)[:, None] * arm > LEAST_ARM_M
        pushed = np.where(is_turning, np.minimum(led, front) - AHEAD_M, front + CLEAR_M)
        return self.steer(rows, view, pushed)

    def steer(self, rows: IntArray, view: View, places: FloatArray) -> FloatArray:
        """Return targets, (n, act_dim) [rad], one step towards tips at x = `places`, (n, k) [m]."""
        measured, step = self.task.measured(view), FINGER_STEP_RAD * self.speed[rows, None]
        return step_towards(measured, self.posture(places), step)

    def posture(self, places: FloatArray) -> FloatArray:
        """Return the targets, (n, act_dim) [rad], that put the tips at x = `places`, (n, k) [m]."""
        targets = np.tile(self.task.start_posture, (len(places), 1))
        for lane, columns in enumerate(self._columns):
            for column in columns:
                targets[:, column] = np.interp(places[:, lane], GRID_M, self.table[:, column])
        return targets

    def outline(self, yaw: FloatArray, centre: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return where the tips touch a cube in their lanes, and their lever arms, (n, k) [m].

        A tip that comes from the front touches the point of the cube's sides that stops it first. A
        lane that misses the cube returns the x of the cube's centre and an arm of zero.

        Args:
            yaw: Heading of the cube, (n,) [rad].
            centre: Centre of the cube, (n, 2) [m], hand frame.
        """
        angle = yaw[:, None] + np.arange(4) * np.pi / 2
        normal = np.stack([np.cos(angle), np.sin(angle)], axis=2)[:, :, None]  # (n, 4, 1, 2)
        along = np.stack([-normal[..., 1], normal[..., 0]], axis=3)
        sides = CUBE_HALF_SIZE_M * normal + ALONG_M[:, None] * along
        points = sides.reshape(len(yaw), -1, 1, 2)  # from the centre, (n, points, 1, 2)
        aside = (self._lanes - centre[:, 1:])[:, None] - points[..., 1]  # (n, points, k)
        ahead = np.sqrt(np.maximum(self._radii**2 - aside**2, 0.0))
        reach = np.where(np.abs(aside) < self._radii, points[..., 0] + ahead, -np.inf)
        best = reach.argmax(axis=1)[:, None]
        front = np.take_along_axis(reach, best, axis=1)[:, 0]
        # The contact's normal points from the tip's centre, (ahead, aside) away, to the point.
        turning = (points[..., 1] * ahead - points[..., 0] * aside) / self._radii
        arm = np.take_along_axis(turning, best, axis=1)[:, 0]
        is_met = np.isfinite(front)
        return centre[:, :1] + np.where(is_met, front, 0.0), np.where(is_met, arm, 0.0)
