"""AdroitRelocate expert: descend on the ball, close the hand, carry the ball to the goal."""

import numpy as np

from envs.adroit.arm import Arm
from envs.adroit.fingers import Posture
from envs.adroit.relocate_task import AdroitRelocate
from envs.experts.base import Expert, Methods, Phase, follow, step_towards
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.world import World

STIFFNESS = 18.0  # [rad/s]
PALM_NORMAL = np.array([0.0, -1.0, 0.0])  # out of the palm, in its frame
DOWN = np.array([0.0, 0.0, -1.0])
UPRIGHT_WEIGHT_M = 0.10
HOVER_M = np.array([-0.008, -0.007, 0.094])  # grasp site minus ball
GRASP_M = np.array([-0.008, -0.007, -0.003])
NEAR_M = 0.03  # tolerance beside the ball's axis and of the grasp position
LOST_M = 0.09  # distance of a lost ball from the grasp site
REACH = 0.15  # [m or rad]
CARRY_STEP_M = 0.12
FINGER_STEP_RAD = 0.32  # also limits the grip force: the finger servos give 1 N m/rad
OPEN = Posture((0.39, 0.17, 0.22), (0.28, 0.56, 0.02, 0.01, -0.14), spread=0.1)
CLOSED = Posture((0.95, 1.09, 0.86), (0.61, 0.98, 0.02, 0.31, -0.60), spread=0.1)


class RelocatePhase(Phase):
    """The hand's phases."""

    HOVER = 0, 80
    DESCEND = 1, 50
    CLOSE = 2, 18
    CARRY = 3


class AdroitRelocateExpert(Expert):
    """Move the palm by inverse kinematics; close all fingers and the thumb on the ball.

    Random per episode: the speed.
    """

    task: AdroitRelocate
    phases = RelocatePhase

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.arm = Arm(world, STIFFNESS)
        names = self.task.action_names[self.arm.size :]
        self.open, self.closed = OPEN.targets(names), CLOSED.targets(names)

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Return the next phase where the current one is complete; restart without the ball."""
        offset = view.site_position(self.task.hand.palm) - view.site_position(self.task.ball_site)
        beside = np.linalg.norm(offset[:, :2], axis=1)
        height = offset[:, 2]
        is_over = (beside < NEAR_M) & (height < HOVER_M[2] + NEAR_M)
        is_at = np.linalg.norm(offset - GRASP_M, axis=1) < NEAR_M
        is_lost = np.linalg.norm(offset, axis=1) > LOST_M
        rules = (
            (RelocatePhase.HOVER, is_over, RelocatePhase.DESCEND),
            (RelocatePhase.DESCEND, is_at, RelocatePhase.CLOSE),
            (RelocatePhase.DESCEND, is_late, RelocatePhase.HOVER),
            (RelocatePhase.CLOSE, is_late, RelocatePhase.CARRY),
            (RelocatePhase.CARRY, is_lost, RelocatePhase.HOVER),
        )
        return follow(phase, rules)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Move the palm to the phase's target; close the hand once it is at the ball."""
        targets: Methods = {
            RelocatePhase.HOVER: self.hover,
            RelocatePhase.DESCEND: self.descend,
            RelocatePhase.CLOSE: self.descend,
            RelocatePhase.CARRY: self.carry,
        }
        target = self.by_phase(rows, view, phase, targets)
        joints = view.qpos[:, : self.arm.size]
        directions = [(PALM_NORMAL, DOWN, UPRIGHT_WEIGHT_M)]
        goal = self.arm.solve(joints, target, directions)
        moved = self.arm.command(rows, view, goal, REACH * self.speed[rows, None])
        closes = (phase == RelocatePhase.CLOSE) | (phase == RelocatePhase.CARRY)
        posture = np.where(closes[:, None], self.closed, self.open)
        measured = view.qpos[:, self.task.hand.qpos[self.arm.size :]]
        fingers = step_towards(measured, posture, np.array(FINGER_STEP_RAD))
        return np.concatenate([moved, fingers], axis=1)

    def hover(self, rows: IntArray, view: View) -> FloatArray:
        """Return a point over the ball, (n, 3) [m]."""
        del rows
        target: FloatArray = view.site_position(self.task.ball_site) + HOVER_M
        return target

    def descend(self, rows: IntArray, view: View) -> FloatArray:
        """Return the grasp point at the ball, (n, 3) [m]."""
        del rows
        target: FloatArray = view.site_position(self.task.ball_site) + GRASP_M
        return target

    def carry(self, rows: IntArray, view: View) -> FloatArray:
        """Return the palm position plus a step along the ball's path to the goal, (n, 3) [m]."""
        del rows
        away = view.memory("goal") - view.site_position(self.task.ball_site)
        length = np.linalg.norm(away, axis=1, keepdims=True)
        step = away * np.minimum(1.0, CARRY_STEP_M / np.maximum(length, 1e-9))
        target: FloatArray = view.site_position(self.task.hand.palm) + step
        return target
