"""AvoidPost expert of a described hand: as that of the fmbench hand, by this hand's outline."""

from dataclasses import dataclass

import mujoco
import numpy as np

from envs.experts.avoid_post import (
    BEYOND_M,
    CLEARANCE_M,
    DASH_STEP_M,
    LINE_UP_M,
    PASSING_M,
    SWERVE_AT_M,
    SWERVE_GAP_M,
    SWERVE_M,
    AvoidPostExpert,
)
from envs.experts.carry import MOUNT_M
from envs.experts.grasp import grasped_point
from envs.experts.on_hand.carry import SLIDE_STEPS_M, CarryOnHandExpert
from envs.experts.on_hand.grasp import GIVE
from envs.hand.attach import PREFIX
from envs.task import FloatArray, IntArray, View
from envs.tasks.avoid_post import POST_M, POST_RADIUS_M
from envs.tasks.on_hand.avoid_post import AvoidPostOnHand
from envs.tasks.on_hand.wrist import HOLD_M, WRIST
from envs.world import World

FARTHEST_M = 0.29  # before the post; the wrist ends a little farther back
SLOWER = 0.8  # ahead, until the hand may pass
WAIT_M = 0.015  # from the post
RUN_UP_M = SWERVE_AT_M - LINE_UP_M


@dataclass(frozen=True)
class Outline:
    """A hand from above, from the palm of a fmbench hand in its place [m].

    Attributes:
        front: How far it reaches forwards.
        back: How far it reaches backwards.
        half_width: Half of its width.
        middle: How far to the left its middle is.
    """

    front: float
    back: float
    half_width: float
    middle: float


class AvoidPostOnHandExpert(CarryOnHandExpert, AvoidPostExpert):
    """Approach, close, carry to the line of the dash, dash.

    Fingers that do not hold bend to the neutral posture, out of the way. Random per episode: the
    side, and the speed.
    """

    task: AvoidPostOnHand

    def __init__(self, world: World) -> None:
        super().__init__(world)
        task = self.task
        is_holding = np.isin(np.arange(task.act_dim), self._holding)[WRIST:]
        rest = np.where(is_holding, self.grasp.squeeze, (1.0 - GIVE) * task.loaded.neutral)
        self._carrying: FloatArray = rest
        outline = outline_of(task, rest / (1.0 - GIVE))
        self._swerve_m = outline.half_width + POST_RADIUS_M + CLEARANCE_M
        gap = SWERVE_GAP_M * self._swerve_m / SWERVE_M
        swerve_at = -(outline.front + POST_RADIUS_M + gap)
        self._wait_at = -(outline.front + POST_RADIUS_M + WAIT_M)
        beyond = outline.back + POST_RADIUS_M + 0.010
        # Where this hand's palm is when that of the fmbench hand would be at `KNOWN_M`.
        self._places = (max(swerve_at - RUN_UP_M, -FARTHEST_M), swerve_at, beyond)
        self._middle = outline.middle

    def carry(self, rows: IntArray, view: View) -> FloatArray:
        """Raise the cube and bring it to the start of the dash, with the hand straight."""
        ahead, _ = self._place(self._palm_pose(view)[0], view)
        way = np.where(ahead < SWERVE_AT_M, LINE_UP_M - ahead, 0.0)
        return self._steer_past(rows, view, way, SLIDE_STEPS_M)

    def dash(self, rows: IntArray, view: View) -> FloatArray:
        """Dash at the post and around it; wait before it until the hand may pass."""
        palm, _ = self._palm_pose(view)
        _, aside = self._place(palm, view)
        may_pass = np.abs(aside) > PASSING_M
        steps = np.tile(DASH_STEP_M, (len(rows), 1))
        steps[:, 0] *= np.where(may_pass, 1.0, SLOWER)
        way = np.where(may_pass, 1.0, self._wait_at - (palm[:, 0] - POST_M[0]))
        return self._steer_past(rows, view, way, steps)

    def _steer_past(
        self, rows: IntArray, view: View, way: FloatArray, steps: FloatArray
    ) -> FloatArray:
        slides = self._past_post(rows, view, way) - MOUNT_M
        fingers = self._carrying + GIVE * self.task.measured(view)[:, WRIST:]
        return self.steer(rows, view, slides, np.zeros(len(rows)), fingers, slide_steps=steps)

    def _place(self, palm: FloatArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return where the fmbench hand would be, ahead of the post and to the left, (n,) [m]."""
        del view
        ahead, aside = palm[:, 0] - POST_M[0], palm[:, 1] - POST_M[1] + self._middle
        first, *_, last = self._places
        known = np.interp(ahead, self._places, (LINE_UP_M, SWERVE_AT_M, BEYOND_M))
        outside = np.minimum(ahead - first, 0.0) + np.maximum(ahead - last, 0.0)
        return known + outside, aside * SWERVE_M / self._swerve_m


def outline_of(task: AvoidPostOnHand, posture: FloatArray) -> Outline:
    """Return the outline of a hand in a posture, (act_dim,) [rad], holding along x."""
    model, hold = task.model, task.hold
    data = mujoco.MjData(model)
    data.qpos = task.hand_qpos(np.append([0.0, 0.0, 0.0, -hold.heading, hold.pitch, 0.0], posture))
    mujoco.mj_kinematics(model, data)
    corners = []
    for geom in range(model.ngeom):
        body = model.body(int(model.geom_bodyid[geom])).name
        if body.startswith(PREFIX) and model.geom_contype[geom]:
            centre, half = model.geom_aabb[geom].reshape(2, 3)
            signs = 1.0 - 2.0 * np.array(list(np.ndindex(2, 2, 2)))
            axes = data.geom_xmat[geom].reshape(3, 3)
            corners.append((centre + half * signs) @ axes.T + data.geom_xpos[geom])
    palm = HOLD_M - grasped_point(np.zeros((1, 3)), np.zeros(1))[0]
    points = np.concatenate(corners) - palm
    (back, right, _), (front, left, _) = points.min(axis=0), points.max(axis=0)
    return Outline(float(front), -float(back), float(left - right) / 2, float(left + right) / 2)
