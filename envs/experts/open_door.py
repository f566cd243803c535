"""OpenDoor expert: hook the fingers over the grip, press it down, pull along the door's arc."""

import numpy as np

from envs.experts.base import Expert, Methods, Phase, follow, step_towards
from envs.rotations import distance, turn, yaw_of
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.door_parts import GRIP_MIDDLE_M, GRIP_X_M, LATCH_RAD, PIVOT_M
from envs.tasks.open_door import FREE_RAD, MOUNT_HEIGHT_M, OPEN_RAD, OpenDoor

HOOK_POINT_M = np.array([0.066, 0.0, -0.0205])  # axis of the hooked grip, palm frame
# Thumb 4, index 3, middle 3, ring 2, little 2.
THUMB_RAD = (0.3, -0.3, 0.1, 0.2)
OPEN_HOOK_RAD = np.array([*THUMB_RAD, 0.0, 0.05, 1.0, 0.0, 0.05, 1.0, 0.05, 1.0, 0.0, 1.0])
SHUT_HOOK_RAD = np.array([*THUMB_RAD, 0.0, 0.15, 1.6, 0.0, 0.15, 1.6, 0.15, 1.6, 0.15, 1.6])
HOVER_M, LOW_M = 0.075, 0.03
FUNNEL_SLOPE, FUNNEL_MOUTH_M = 4.0, 0.006  # height above the grip per metre of misalignment
# To avoid the hinge post, the palm's distance from the door's plane is its lateral offset from the
# grip minus ASIDE_M, at most OFF_M.
ASIDE_M, OFF_M = 0.03, 0.12
BACK_M = np.array([-0.03, 0.0, 0.03])  # a step away from the door, in the door's heading
HOOKED_M, HOOKED_RAD, LOST_M = 0.010, 0.12, 0.035
PRESSED_RAD, HELD_RAD = LATCH_RAD + 0.05, 0.25  # lever angles to release the latch, and afterwards
PRESS_AHEAD_RAD, PULL_AHEAD_RAD, BEYOND_RAD = 0.35, 0.20, 0.12
WRIST_STEP_M, WRIST_STEP_RAD, FINGER_STEP_RAD = 0.03, 0.25, 0.35


class DoorPhase(Phase):
    """The hand's phases."""

    APPROACH = 0, 45
    HOOK = 1, 6
    PRESS = 2, 30
    PULL = 3, 60
    BACK_OFF = 4, 10


class OpenDoorExpert(Expert):
    """Approach, hook, press, pull; back off when the grip slips. Random per episode: the speed."""

    phases = DoorPhase
    task: OpenDoor

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Hook when over the grip, pull when the latch is free, restart when the grip slips."""
        door, lever = self.task.door_angle(view), self.task.lever_angle(view)
        place, yaw, _ = self.hook_pose(view, door, lever)
        wrist = view.qpos[:, self.task.hand.qpos[:6]]
        miss = distance(wrist[:, :3], place)
        is_over = (miss < HOOKED_M) & (np.abs(wrist[:, 3] - yaw) < HOOKED_RAD)
        is_free = (lever > PRESSED_RAD) | (door > FREE_RAD)
        is_late_or_lost = is_late | (miss > LOST_M)
        is_shut = door < OPEN_RAD
        rules = (
            (DoorPhase.APPROACH, is_over, DoorPhase.HOOK),
            (DoorPhase.APPROACH, is_late & is_shut, DoorPhase.BACK_OFF),
            (DoorPhase.HOOK, is_late, DoorPhase.PRESS),
            (DoorPhase.PRESS, is_late_or_lost & is_shut, DoorPhase.BACK_OFF),
            (DoorPhase.PRESS, is_free, DoorPhase.PULL),
            (DoorPhase.PULL, is_late_or_lost & is_shut, DoorPhase.BACK_OFF),
            (DoorPhase.PULL, ~is_free, DoorPhase.PRESS),
            (DoorPhase.BACK_OFF, is_late, DoorPhase.APPROACH),
        )
        return follow(phase, rules)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return each row's command for its phase."""
        methods: Methods = {
            DoorPhase.APPROACH: self.approach,
            DoorPhase.HOOK: self.hook,
            DoorPhase.PRESS: self.press,
            DoorPhase.PULL: self.pull,
            DoorPhase.BACK_OFF: self.back_off,
        }
        return self.by_phase(rows, view, phase, methods)

    def approach(self, rows: IntArray, view: View) -> FloatArray:
        """Lower the open hand over the grip."""
        door, lever = self.task.door_angle(view), self.task.lever_angle(view)
        place, yaw, roll = self.hook_pose(view, door, lever)
        slides = view.qpos[:, self.task.hand.qpos[:3]]
        over = _way_over(slides, place, yaw, WRIST_STEP_M * self.speed[rows])
        return self.steer(rows, view, (over, yaw, roll), OPEN_HOOK_RAD)

    def hook(self, rows: IntArray, view: View) -> FloatArray:
        """Hook the fingers over the grip at its current pose."""
        door, lever = self.task.door_angle(view), self.task.lever_angle(view)
        return self.steer(rows, view, self.hook_pose(view, door, lever), SHUT_HOOK_RAD)

    def press(self, rows: IntArray, view: View) -> FloatArray:
        """Press the grip down until the latch is free."""
        door, lever = self.task.door_angle(view), self.task.lever_angle(view)
        led = lever + PRESS_AHEAD_RAD * self.speed[rows]
        return self.steer(rows, view, self.hook_pose(view, door, led), SHUT_HOOK_RAD)

    def pull(self, rows: IntArray, view: View) -> FloatArray:
        """Pull the grip along the door's arc, pressed down as far as the latch needs."""
        door = self.task.door_angle(view)
        held = np.where(door > FREE_RAD, HELD_RAD, PRESSED_RAD + 0.15)
        led = np.minimum(door + PULL_AHEAD_RAD * self.speed[rows], OPEN_RAD + BEYOND_RAD)
        return self.steer(rows, view, self.hook_pose(view, led, held), SHUT_HOOK_RAD)

    def back_off(self, rows: IntArray, view: View) -> FloatArray:
        """Open the fingers and step back from the door."""
        door, lever = self.task.door_angle(view), self.task.lever_angle(view)
        _, yaw, roll = self.hook_pose(view, door, lever)
        away = view.qpos[:, self.task.hand.qpos[:3]] + turn(BACK_M, yaw)
        return self.steer(rows, view, (away, yaw, roll), OPEN_HOOK_RAD)

    def steer(
        self,
        rows: IntArray,
        view: View,
        pose: tuple[FloatArray, FloatArray, FloatArray],
        fingers: FloatArray,
    ) -> FloatArray:
        """Return targets one step towards a wrist pose and a posture, (n, 20) [rad or m].

        Args:
            rows: Rows of the world, (n,).
            view: View of those rows.
            pose: Slides (n, 3) [m], yaw and roll (n,) [rad], as returned by `hook_pose`.
            fingers: Target posture of the fingers, (14,) [rad].
        """
        joints = view.qpos[:, self.task.hand.qpos]
        target = np.zeros_like(joints)  # pitch stays level
        target[:, :3], target[:, 3], target[:, 5] = pose
        target[:, 6:] = fingers
        limit = np.repeat([WRIST_STEP_M, WRIST_STEP_RAD, FINGER_STEP_RAD], [3, 3, 14])
        return step_towards(joints, target, limit * self.speed[rows, None])

    def hook_pose(
        self, view: View, door: FloatArray, lever: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the wrist's slides (n, 3) [m], yaw and roll (n,) [rad] that hold the grip.

        Args:
            view: View of the rows.
            door: Angle of the door, (n,) [rad].
            lever: Angle of the lever, (n,) [rad].
        """
        frame = view.memory("frame")
        yaw, roll = yaw_of(frame[:, 3:]) - door, -lever
        x, y, z = np.array([GRIP_X_M, GRIP_MIDDLE_M, 0.0]) - HOOK_POINT_M
        c, s = np.cos(roll), np.sin(roll)
        from_pivot = np.stack([np.full(len(view), x), c * y - s * z, s * y + c * z], axis=1)
        palm = frame[:, :3] + turn(PIVOT_M + from_pivot, yaw)
        return palm - np.array([0.0, 0.0, MOUNT_HEIGHT_M]), yaw, roll


def _way_over(palm: FloatArray, place: FloatArray, yaw: FloatArray, step: FloatArray) -> FloatArray:
    """Return the next target of slides that descend on the grip, clear of post and lever, (n, 3).

    Args:
        palm: The slides, (n, 3) [m].
        place: The slides that hold the grip, (n, 3) [m].
        yaw: Heading of the door, (n,) [rad].
        step: Largest step of a slide, (n,) [m]; it is scaled so that the path is straight.
    """
    miss = distance(palm[:, :2], place[:, :2])
    over = place.copy()
    over[:, 2] += np.clip(FUNNEL_SLOPE * (miss - FUNNEL_MOUTH_M), 0.0, HOVER_M)
    aside = np.abs(turn(palm - place, -yaw)[:, 1])
    off = np.zeros_like(place)
    off[:, 0] = -np.clip(aside - ASIDE_M, 0.0, OFF_M)
    over += turn(off, yaw)
    # Below the funnel: rise first, so that no finger hits lever or keeper from the side.
    is_low = palm[:, 2] < over[:, 2] - LOW_M
    over[is_low, :2] = palm[is_low, :2]
    way = over[:, :2] - palm[:, :2]
    over[:, :2] = palm[:, :2] + way * (step / np.maximum(step, np.abs(way).max(axis=1)))[:, None]
    return over
