"""Expert for AdroitRelocate: over the ball, down, close the hand, carry the ball to the goal."""

from typing import ClassVar

import numpy as np

from envs.adroit.arm import Arm
from envs.adroit.fingers import Posture
from envs.adroit.relocate_task import AdroitRelocate
from envs.experts.base import Expert, step_towards
from envs.task import FloatArray, IntArray, View
from envs.world import World

STIFFNESS = 18.0  # [rad/s]
PALM_NORMAL = np.array([0.0, -1.0, 0.0])  # out of the palm, in its frame
DOWN = np.array([0.0, 0.0, -1.0])
UPRIGHT_WEIGHT_M = 0.10
HOVER_M = np.array([-0.008, -0.007, 0.094])  # grasp site minus ball
GRASP_M = np.array([-0.008, -0.007, -0.003])
NEAR_M = 0.03  # beside the ball's axis, or off the grasp height
LOST_M = 0.09  # a ball this far from the grasp site has slipped away
REACH = 0.15  # [m or rad]
CARRY_STEP_M = 0.12
FINGER_STEP_RAD = 0.32  # caps the grip, too: the finger servos give 1 N m/rad
OPEN = Posture((0.39, 0.17, 0.22), (0.28, 0.56, 0.02, 0.01, -0.14), spread=0.1)
CLOSED = Posture((0.95, 1.09, 0.86), (0.61, 0.98, 0.02, 0.31, -0.60), spread=0.1)


class AdroitRelocateExpert(Expert):
    """Steers the palm by inverse kinematics and closes all fingers and the thumb on the ball."""

    task: AdroitRelocate
    phases: ClassVar[tuple[str, ...]] = ("hover", "descend", "close", "carry")
    time_outs: ClassVar[tuple[int, ...]] = (80, 50, 18, 1000)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.arm = Arm(world, STIFFNESS)
        names = self.task.action_names[self.arm.size :]
        self.open, self.closed = OPEN.targets(names), CLOSED.targets(names)

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: np.ndarray
    ) -> IntArray:
        """Return the following phase where the present one is done; begin anew without the ball."""
        offset = view.site_position(self.task.hand.palm) - view.site_position(self.task.ball_site)
        beside = np.linalg.norm(offset[:, :2], axis=1)
        height = offset[:, 2]
        is_done = np.choose(
            phase,
            [
                (beside < NEAR_M) & (height < HOVER_M[2] + NEAR_M),
                np.linalg.norm(offset - GRASP_M, axis=1) < NEAR_M,
                is_late,
                np.zeros(len(rows), dtype=np.bool_),
            ],
        )
        following = np.where(is_done, phase + 1, phase)
        is_lost = np.linalg.norm(offset, axis=1) > LOST_M
        again = (phase == 3) & is_lost | (phase < 3) & is_late & ~is_done
        following[again] = 0
        return following

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Steer the palm relative to the ball, then the ball to the goal."""
        ball = view.site_position(self.task.ball_site)
        palm = view.site_position(self.task.hand.palm)
        away = view.memory("goal") - ball
        length = np.linalg.norm(away, axis=1, keepdims=True)
        step = away * np.minimum(1.0, CARRY_STEP_M / np.maximum(length, 1e-9))
        target = np.choose(
            phase[:, None], [ball + HOVER_M, ball + GRASP_M, ball + GRASP_M, palm + step]
        )
        joints = view.qpos[:, : self.arm.size]
        directions = [(PALM_NORMAL, DOWN, UPRIGHT_WEIGHT_M)]
        goal = self.arm.solve(joints, target, directions)
        moved = self.arm.command(rows, view, goal, REACH * self.speed[rows, None])
        wanted = np.where((phase >= 2)[:, None], self.closed, self.open)
        measured = view.qpos[:, self.task.hand.qpos[self.arm.size :]]
        fingers = step_towards(measured, wanted, np.array(FINGER_STEP_RAD))
        return np.concatenate([moved, fingers], axis=1)
