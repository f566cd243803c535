"""Base of the experts that put a carried cube down: lower it, release it, retreat upwards."""

from abc import abstractmethod

import numpy as np

from envs.experts.base import Methods, Phase, follow
from envs.experts.carry import FUNNEL_SLOPE, MOUNT_M, CarryExpert, CarryPhase
from envs.experts.grasp import level_grasp, palm_over
from envs.rotations import distance
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.cube_parts import CLEAR_M, CUBE_HALF_SIZE_M
from envs.world import World

CARRY_HEIGHT_M = 0.07  # height of the cube above its goal on the way
RISE_M = 0.06  # the cube moves sideways only when this near to that height
LOWER_STEP_M = 0.012
CENTRED_M, TOUCHING_M = 0.006, 0.002
TILTED_M, STOPPED_M_PER_S = 0.008, 0.005  # a cube that touches with an edge stops at this height
OPEN_STEP_RAD = 0.12
RETREAT_M = 0.09
AWAY_M = 0.015  # a cube farther from its goal is put down again


class PutDownPhase(Phase):
    """The phases of `CarryExpert`, release and retreat."""

    APPROACH = CarryPhase.APPROACH, 60
    CLOSE = CarryPhase.CLOSE, 10
    CARRY = CarryPhase.CARRY, 80
    RELEASE = 3, 15
    RETREAT = 4, 25


class PutDownExpert(CarryExpert):
    """Approach, close, carry, release, retreat. Random per episode: as in `CarryExpert`."""

    phases = PutDownPhase

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.grasp = level_grasp(CUBE_HALF_SIZE_M)

    @abstractmethod
    def place(self, rows: IntArray, view: View) -> FloatArray:
        """Return the goal position of the cube's centre, (n, 3) [m]."""

    @abstractmethod
    def clearance(self, view: View) -> FloatArray:
        """Return the gap between the cube and the nearest fingertip, (n,) [m]."""

    def goal(self, rows: IntArray, view: View) -> FloatArray:
        """Return the cube's next position: first up, then over its goal, then down on it."""
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
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Release a cube that touches its goal, retreat when open, restart if it is elsewhere."""
        following = super().next_phase(rows, view, phase, is_late)
        cube, _ = self.cube_pose(rows, view)
        offset = cube - self.place(rows, view)
        miss = distance(offset[:, :2], np.zeros(2))
        is_stopped = np.abs(view.qvel[:, self.task.hand.dof[2]]) < STOPPED_M_PER_S
        is_low = (offset[:, 2] < TOUCHING_M) | (is_stopped & (offset[:, 2] < TILTED_M))
        is_down = is_low & (miss < 1.5 * CENTRED_M)
        is_carried = following == PutDownPhase.CARRY
        is_clear = self.clearance(view) > CLEAR_M
        rules = (
            (PutDownPhase.CARRY, is_carried & is_down, PutDownPhase.RELEASE),
            (PutDownPhase.RELEASE, is_clear | is_late, PutDownPhase.RETREAT),
            (PutDownPhase.RETREAT, (miss > AWAY_M) & is_clear, PutDownPhase.APPROACH),
        )
        return follow(phase, rules, following)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return each row's command for its phase."""
        methods: Methods = {
            PutDownPhase.APPROACH: self.approach,
            PutDownPhase.CLOSE: self.close,
            PutDownPhase.CARRY: self.carry,
            PutDownPhase.RELEASE: self.release,
            PutDownPhase.RETREAT: self.retreat,
        }
        return self.by_phase(rows, view, phase, methods)

    def release(self, rows: IntArray, view: View) -> FloatArray:
        """Open gently over the goal; a hand that followed the cube would keep pushing it."""
        yaw = self.held_yaw[rows]
        over = palm_over(self.place(rows, view), yaw) - MOUNT_M
        return self.steer(rows, view, over, yaw, self.grasp.open, OPEN_STEP_RAD)

    def retreat(self, rows: IntArray, view: View) -> FloatArray:
        """Move up vertically from the goal."""
        yaw = self.held_yaw[rows]
        above = palm_over(self.place(rows, view), yaw) - MOUNT_M
        above[:, 2] += RETREAT_M
        return self.steer(rows, view, above, yaw, self.grasp.open)
