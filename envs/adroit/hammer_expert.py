"""AdroitHammer expert: grasp the handle, lift, aim the head at the nail, drive it in."""

import numpy as np

from envs.adroit.arm import Arm
from envs.adroit.fingers import Posture
from envs.adroit.hammer_task import AdroitHammer
from envs.experts.base import Expert, Methods, Phase, follow, step_towards
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.world import World

STIFFNESS = 20.0  # [rad/s]
PALM_NORMAL, DOWN = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, -1.0])
NORMAL_WEIGHT_M, FACE_WEIGHT_M = 0.03, 0.07
HOVER_M = np.array([-0.00745, -0.057, 0.0859])  # grasp site minus handle
GRASP_M = np.array([0.0112, -0.0611, 0.0283])
NEAR_M, NEARLY_UP_M, AIMED_M = 0.025, 0.02, 0.03
# In the hammer's frame: centre and normal of the striking face.
FACE_M, FACE_AXIS = np.array([-0.24, 0.0, -0.04]), np.array([0.0, 0.0, -1.0])
STRIKE = np.array([0.932, 0.362, 0.0])  # along the nail, into the board
STAND_OFF_M = 0.04  # distance of the face from the nail at the start of a strike
LIFT_M = 0.0
BEYOND_M = 0.06  # distance of the strike's target behind the goal
STEP_M = 0.08
REACH = 0.2
LOST_M = 0.10
# Finger steps limit the grip force (the servos give 1 N m/rad): low while the fingers close, so
# that they touch the handle gently, then rising while the hammer is lifted.
FINGER_STEP_RAD, CLOSING_STEP_RAD = 0.9, 0.43
SLOW_S = 0.035  # a moving finger's target lags by its velocity times this
OPEN = Posture((0.0, 0.689, 0.0), (1.05, 1.31, 0.262, 0.524, -0.754), spread=0.06)
CLOSED = Posture((1.57, 1.48, 0.0), (1.05, 0.963, -0.262, 0.524, -1.38), spread=0.43)


class HammerPhase(Phase):
    """The hand's phases; from `LIFT` on it holds the hammer."""

    HOVER = 0, 60
    DESCEND = 1, 40
    CLOSE = 2, 18
    LIFT = 3, 20
    AIM = 4, 60
    DRIVE = 5, 60


class AdroitHammerExpert(Expert):
    """Move the hammer's face as a rigid part of the hand, at its measured pose in the hand.

    Random per episode: the speed.
    """

    task: AdroitHammer
    phases = HammerPhase

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.arm = Arm(world, STIFFNESS)
        names = self.task.action_names[self.arm.size :]
        self.open, self.closed = OPEN.targets(names), CLOSED.targets(names)

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Return the next phase where the current one is complete."""
        task = self.task
        palm = view.site_position(task.hand.palm)
        offset = palm - view.site_position(task.hammer_site)
        face, _ = self._face(view)
        is_over = np.linalg.norm(offset - HOVER_M, axis=1) < NEAR_M
        is_at = np.linalg.norm(offset - GRASP_M, axis=1) < NEAR_M
        is_up = face[:, 2] > view.site_position(task.nail_site)[:, 2] - NEARLY_UP_M
        is_aimed = np.linalg.norm(face - self._aim(view), axis=1) < AIMED_M
        is_lost = np.linalg.norm(offset, axis=1) > LOST_M
        rules = (
            (HammerPhase.HOVER, is_over, HammerPhase.DESCEND),
            (HammerPhase.DESCEND, is_at | is_late, HammerPhase.CLOSE),
            (HammerPhase.CLOSE, is_late, HammerPhase.LIFT),
            (HammerPhase.LIFT, is_lost, HammerPhase.HOVER),
            (HammerPhase.LIFT, is_up | is_late, HammerPhase.AIM),
            (HammerPhase.AIM, is_late & ~is_aimed, HammerPhase.DRIVE),
            (HammerPhase.AIM, is_lost, HammerPhase.HOVER),
            (HammerPhase.AIM, is_aimed, HammerPhase.DRIVE),
            (HammerPhase.DRIVE, is_late, HammerPhase.AIM),
            (HammerPhase.DRIVE, is_lost, HammerPhase.HOVER),
        )
        return follow(phase, rules)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Move the palm to the handle, then the hammer's face to the nail."""
        targets: Methods = {
            HammerPhase.HOVER: self.hover,
            HammerPhase.DESCEND: self.descend,
            HammerPhase.CLOSE: self.descend,
            HammerPhase.LIFT: self.lift,
            HammerPhase.AIM: self.aim,
            HammerPhase.DRIVE: self.drive,
        }
        target = self.by_phase(rows, view, phase, targets)
        goal = np.empty((len(rows), self.arm.size))
        for held, solve in ((False, self._reach), (True, self._strike)):
            place = np.flatnonzero((phase >= HammerPhase.LIFT) == held)
            if len(place):
                goal[place] = solve(self.world.view(rows[place]), target[place])
        moved = self.arm.command(rows, view, goal, REACH * self.speed[rows, None])
        return np.concatenate([moved, self._fingers(rows, view, phase)], axis=1)

    def hover(self, rows: IntArray, view: View) -> FloatArray:
        """Return a palm position over the handle, (n, 3) [m]."""
        del rows
        target: FloatArray = view.site_position(self.task.hammer_site) + HOVER_M
        return target

    def descend(self, rows: IntArray, view: View) -> FloatArray:
        """Return the palm position at the handle, (n, 3) [m]."""
        del rows
        target: FloatArray = view.site_position(self.task.hammer_site) + GRASP_M
        return target

    def lift(self, rows: IntArray, view: View) -> FloatArray:
        """Return a step of the face straight up to the nail's height, (n, 3) [m]."""
        face, _ = self._face(view)
        height = view.site_position(self.task.nail_site)[:, 2] + LIFT_M
        return self._step(rows, face, np.stack([face[:, 0], face[:, 1], height], axis=1))

    def aim(self, rows: IntArray, view: View) -> FloatArray:
        """Return a step of the face towards the start of the strike, (n, 3) [m]."""
        return self._step(rows, self._face(view)[0], self._aim(view))

    def drive(self, rows: IntArray, view: View) -> FloatArray:
        """Return a step of the face through the nail, (n, 3) [m]."""
        goal = view.site_position(self.task.goal_site) + BEYOND_M * STRIKE
        return self._step(rows, self._face(view)[0], goal)

    def _step(self, rows: IntArray, face: FloatArray, target: FloatArray) -> FloatArray:
        return step_towards(face, target, STEP_M * self.speed[rows, None])

    def _reach(self, view: View, target: FloatArray) -> FloatArray:
        """Return the arm joints that bring the palm to `target`, face down, (n, arm.size)."""
        joints = view.qpos[:, : self.arm.size]
        return self.arm.solve(joints, target, [(PALM_NORMAL, DOWN, NORMAL_WEIGHT_M)])

    def _strike(self, view: View, target: FloatArray) -> FloatArray:
        """Return the arm joints that bring the hammer's face to `target`, (n, arm.size)."""
        joints = view.qpos[:, : self.arm.size]
        face, axis = self._face(view)
        pose = self.arm.pose(joints)
        inverse = pose.rotation.transpose(0, 2, 1)
        root = pose.position - np.einsum("nij,j->ni", pose.rotation, self.arm.point)
        in_hand = np.einsum("nij,nj->ni", inverse, face - root)
        axis_in_hand = np.einsum("nij,nj->ni", inverse, axis)
        return self.arm.solve(joints, target, [(axis_in_hand, STRIKE, FACE_WEIGHT_M)], in_hand)

    def _fingers(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return the targets of fingers and thumb, (n, act_dim - arm.size) [rad]."""
        joints = slice(self.arm.size, None)
        measured = view.qpos[:, self.task.hand.qpos[joints]]
        velocity = view.qvel[:, self.task.hand.dof[joints]]
        lifted = np.clip((self.phase_steps[rows] + 1) / HammerPhase.LIFT.time_out, 0.0, 1.0)
        firmness = np.select(
            [phase == HammerPhase.CLOSE, phase == HammerPhase.LIFT], [0.0, lifted], 1.0
        )
        cap = CLOSING_STEP_RAD + (FINGER_STEP_RAD - CLOSING_STEP_RAD) * firmness
        closes = (phase >= HammerPhase.CLOSE)[:, None]
        fingers = step_towards(measured, np.where(closes, self.closed, self.open), cap[:, None])
        return fingers - np.where(closes, SLOW_S, 0.0) * velocity

    def _face(self, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the centre [m] and the normal of the hammer's face, each (n, 3)."""
        matrix = view.site_matrix(self.task.hammer_site)
        return view.site_position(self.task.hammer_site) + matrix @ FACE_M, matrix @ FACE_AXIS

    def _aim(self, view: View) -> FloatArray:
        """Return the face's position before the strike, (n, 3) [m]."""
        return view.site_position(self.task.nail_site) - STAND_OFF_M * STRIKE
