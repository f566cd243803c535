"""Expert for AdroitHammer: grasp the handle, lift, aim the head at the nail, drive it in."""

from typing import ClassVar

import numpy as np

from envs.adroit.arm import Arm
from envs.adroit.fingers import Posture
from envs.adroit.hammer_task import AdroitHammer
from envs.experts.base import Expert, step_towards
from envs.task import FloatArray, IntArray, View
from envs.world import World

STIFFNESS = 20.0  # [rad/s]
PALM_NORMAL, DOWN = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, -1.0])
NORMAL_WEIGHT_M, FACE_WEIGHT_M = 0.03, 0.07
HOVER_M = np.array([-0.00745, -0.057, 0.0859])  # grasp site minus handle
GRASP_M = np.array([0.0112, -0.0611, 0.0283])
NEAR_M, AIMED_M = 0.025, 0.03
# In the hammer's frame: the middle of its striking face, and where the face looks.
FACE_M, FACE_AXIS = np.array([-0.24, 0.0, -0.04]), np.array([0.0, 0.0, -1.0])
STRIKE = np.array([0.932, 0.362, 0.0])  # along the nail, into the board
STAND_OFF_M = 0.04  # from which the head is driven at the nail
LIFT_M = 0.0
BEYOND_M = 0.06  # behind the goal, where the strike aims
STEP_M = 0.08
REACH = 0.2
LOST_M = 0.10
# Caps on the grip, as the finger servos give 1 N m/rad: weak while the fingers close, so that they
# meet the handle gently, and firmer step by step while the hammer is lifted.
FINGER_STEP_RAD, CLOSING_STEP_RAD = 0.9, 0.43
SLOW_S = 0.035  # a moving finger's target stays behind by its velocity times this
OPEN = Posture((0.0, 0.689, 0.0), (1.05, 1.31, 0.262, 0.524, -0.754), spread=0.06)
CLOSED = Posture((1.57, 1.48, 0.0), (1.05, 0.963, -0.262, 0.524, -1.38), spread=0.43)


class AdroitHammerExpert(Expert):
    """Moves the hammer's face as if the hammer were a part of the hand, wherever it lies in it."""

    task: AdroitHammer
    phases: ClassVar[tuple[str, ...]] = ("hover", "descend", "close", "lift", "aim", "drive")
    time_outs: ClassVar[tuple[int, ...]] = (60, 40, 18, 20, 60, 60)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.arm = Arm(world, STIFFNESS)
        names = self.task.action_names[self.arm.size :]
        self.open, self.closed = OPEN.targets(names), CLOSED.targets(names)

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: np.ndarray
    ) -> IntArray:
        """Return the following phase where the present one is done."""
        task = self.task
        palm = view.site_position(task.hand.palm)
        offset = palm - view.site_position(task.hammer_site)
        face, _ = self._face(view)
        off_aim = np.linalg.norm(face - self._aim(view), axis=1)
        is_done = np.choose(
            phase,
            [
                np.linalg.norm(offset - HOVER_M, axis=1) < NEAR_M,
                (np.linalg.norm(offset - GRASP_M, axis=1) < NEAR_M) | is_late,
                is_late,
                is_late | (face[:, 2] > view.site_position(task.nail_site)[:, 2] - 0.02),
                off_aim < AIMED_M,
                np.zeros(len(rows), dtype=np.bool_),
            ],
        )
        following = np.where(is_done, phase + 1, phase)
        is_lost = (phase >= 3) & (np.linalg.norm(offset, axis=1) > LOST_M)
        following[is_lost | ((phase < 2) & is_late & ~is_done)] = 0
        following[(phase == 5) & is_late] = 4
        following[(phase == 4) & is_late & ~is_done] = 5
        return following

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Steer the palm to the handle, then the hammer's face to the nail."""
        task = self.task
        hammer = view.site_position(task.hammer_site)
        joints = view.qpos[:, : self.arm.size]
        speed = self.speed[rows, None]
        reaching = phase < 3
        offset = np.where((phase == 0)[:, None], HOVER_M, GRASP_M)
        grasp = self.arm.solve(joints, hammer + offset, [(PALM_NORMAL, DOWN, NORMAL_WEIGHT_M)])
        face, axis = self._face(view)
        nail, goal = view.site_position(task.nail_site), view.site_position(task.goal_site)
        up = np.stack([face[:, 0], face[:, 1], nail[:, 2] + LIFT_M], axis=1)
        wanted = np.choose(
            phase[:, None], [face, face, face, up, self._aim(view), goal + BEYOND_M * STRIKE]
        )
        target = step_towards(face, wanted, STEP_M * speed)
        pose = self.arm.pose(joints)
        inverse = pose.rotation.transpose(0, 2, 1)
        root = pose.position - np.einsum("nij,j->ni", pose.rotation, self.arm.point)
        in_hand = np.einsum("nij,nj->ni", inverse, face - root)
        axis_in_hand = np.einsum("nij,nj->ni", inverse, axis)
        strike = self.arm.solve(joints, target, [(axis_in_hand, STRIKE, FACE_WEIGHT_M)], in_hand)
        goal_joints = np.where(reaching[:, None], grasp, strike)
        moved = self.arm.command(rows, view, goal_joints, REACH * speed)
        closes = np.where((phase >= 2)[:, None], self.closed, self.open)
        measured = view.qpos[:, task.hand.qpos[self.arm.size :]]
        lifted = np.clip((self.phase_steps[rows] + 1) / self.time_outs[3], 0.0, 1.0)
        firmness = np.where(phase == 2, 0.0, np.where(phase == 3, lifted, 1.0))
        cap = CLOSING_STEP_RAD + (FINGER_STEP_RAD - CLOSING_STEP_RAD) * firmness
        fingers = step_towards(measured, closes, cap[:, None])
        velocity = view.qvel[:, task.hand.dof[self.arm.size :]]
        fingers -= np.where(phase >= 2, SLOW_S, 0.0)[:, None] * velocity
        return np.concatenate([moved, fingers], axis=1)

    def _face(self, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the middle of the hammer's face and where it looks, each (n, 3)."""
        matrix = view.site_matrix(self.task.hammer_site)
        return view.site_position(self.task.hammer_site) + matrix @ FACE_M, matrix @ FACE_AXIS

    def _aim(self, view: View) -> FloatArray:
        """Return where the face waits before the strike, (n, 3) [m]."""
        return view.site_position(self.task.nail_site) - STAND_OFF_M * STRIKE
