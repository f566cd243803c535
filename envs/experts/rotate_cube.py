"""RotateCube's expert: push one side of the cube round, let it slide back, push again."""

from functools import lru_cache

import numpy as np

from envs.experts.base import Expert, step_towards
from envs.hand import FINGER_JOINTS, FINGER_Y_M, HAND_JOINTS
from envs.kinematics import solve_fingertips
from envs.task import FloatArray, IntArray, View
from envs.tasks.rotate_cube import CUBE_HALF_SIZE_M, START_RAD, RotateCube
from envs.world import World

TIP_HEIGHT_M = -0.041  # of the tips' centres, palm frame
# Every long finger moves along x in a lane of its own.
LANE_M = -np.array(list(FINGER_Y_M.values()))  # the long fingers' y, hand frame
TIP_RADIUS_M = 0.0085
GRID_M = np.linspace(0.005, 0.070, 27)
COLUMNS = tuple(
    tuple(HAND_JOINTS.index(name) for name in FINGER_JOINTS[finger]) for finger in FINGER_Y_M
)
HOME_M = np.array([0.014, 0.0])  # where the cube slides back to
KEEP_RAD, LEAD_RAD = 0.11, 0.30
AHEAD_M, CLEAR_M = 0.004, 0.012
BACK_M, ASIDE_M = 0.010, 0.014
NEAR_M, NEAR_ASIDE_M = 0.004, 0.0084
DONE_RAD = 0.10
LEAST_ARM_M = 0.004
THUMB_POS = (0.62, -0.56, 0.67, 0.38)
THUMB_NEG = (0.62, -0.56, 0.67, 0.38)
FINGER_STEP_RAD = 0.25


class RotateCubeExpert(Expert):
    """Push, settle, push. Its randomness: the speed of each episode."""

    phases = ("settle", "push")
    time_outs = (9, 11)
    task: RotateCube

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.table = lane_table()

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: np.ndarray
    ) -> IntArray:
        """Settle when the cube was pushed too far, push when it is back."""
        place, remaining = self.task.cube_position(view), self.task.remaining(view)
        x, y = place[:, 0] - HOME_M[0], np.abs(place[:, 1] - HOME_M[1])
        settle, push = range(2)
        is_home = (x > -NEAR_M) & (y < NEAR_ASIDE_M)
        is_far = (x < -BACK_M) | (y > ASIDE_M)
        is_done = np.abs(remaining) < DONE_RAD
        pushes = (phase == settle) & (is_home | is_late) & ~is_done
        settles = (phase == push) & (is_far | is_late | is_done)
        return np.asarray(np.select([pushes, settles], [push, settle], phase))

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Steer the tips to the outline of the cube where it shall be."""
        place, yaw = self.task.cube_position(view)[:, :2], self.task.cube_yaw(view)
        remaining, speed = self.task.remaining(view), self.speed[rows]
        home = np.broadcast_to(HOME_M, place.shape)
        kept, _ = outline(yaw + np.clip(remaining, -KEEP_RAD, KEEP_RAD), home)
        led, _ = outline(yaw + np.clip(remaining, -LEAD_RAD, LEAD_RAD), place)
        front, arm = outline(yaw, place)
        is_turning = np.sign(remaining)[:, None] * arm > LEAST_ARM_M
        pushed = np.where(is_turning, np.minimum(led, front) - AHEAD_M, front + CLEAR_M)
        target = np.where((phase == 0)[:, None], kept, pushed)
        joints = view.qpos[:, self.task.hand.qpos]
        posture = self.posture(target)
        posture[:, :4] = np.where((remaining > 0.0)[:, None], THUMB_POS, THUMB_NEG)
        return step_towards(joints, posture, FINGER_STEP_RAD * speed[:, None])

    def posture(self, places: FloatArray) -> FloatArray:
        """Return the joints, (n, 14) [rad], that put the four tips at x = `places`, (n, 4) [m]."""
        joints = np.empty((len(places), len(HAND_JOINTS)))
        for lane, columns in enumerate(COLUMNS):
            for column in columns:
                joints[:, column] = np.interp(places[:, lane], GRID_M, self.table[:, column])
        return joints


@lru_cache(maxsize=1)
def lane_table() -> FloatArray:
    """Return the postures over `GRID_M`, (27, 14) [rad], each solved from its neighbour's."""
    table, posture = np.zeros((len(GRID_M), len(HAND_JOINTS))), START_RAD.copy()
    for k in reversed(range(len(GRID_M))):
        targets = {f: np.array([GRID_M[k], y, TIP_HEIGHT_M]) for f, y in FINGER_Y_M.items()}
        posture, _ = solve_fingertips(targets, posture)
        table[k] = posture
    return table


def outline(yaw: FloatArray, centre: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return where in their lanes the four tips touch a cube, and their arms, (n, 4) [m].

    A tip touches where its centre lies on the square's outline, grown by the tip's radius: four
    straight sides and four round corners. Its arm is that of the contact's normal about the
    cube's centre, positive where a push turns the cube counter-clockwise. A lane that misses the
    cube gives the centre's x, and no arm.

    Args:
        yaw: The cube's heading, (n,) [rad].
        centre: Its centre, (n, 2) [m], hand frame.
    """
    half, radius = CUBE_HALF_SIZE_M, TIP_RADIUS_M
    angle = yaw[:, None] + np.arange(4) * np.pi / 2
    normal = np.stack([np.cos(angle), np.sin(angle)], axis=2)  # (n, 4, 2)
    along = np.stack([-normal[..., 1], normal[..., 0]], axis=2)
    middle = (half + radius) * normal
    lane = LANE_M - centre[:, 1:]  # from the centre, (n, 4)
    slope = np.where(np.abs(along[..., 1:]) < 1e-9, 1e-9, along[..., 1:])
    way = (lane[:, None] - middle[..., 1:]) / slope  # along the side, to the lane, (n, side, lane)
    side = np.where(np.abs(way) <= half, middle[..., :1] + way * along[..., :1], -np.inf)
    corner = half * (normal + along)
    aside = lane[:, None] - corner[..., 1:]
    forth = np.sqrt(np.maximum(radius**2 - aside**2, 0.0))
    bow = np.where(np.abs(aside) < radius, corner[..., :1] + forth, -np.inf)
    turning = (corner[..., 1:] * forth - corner[..., :1] * aside) / radius
    reach, arms = np.concatenate([side, bow], axis=1), np.concatenate([way, turning], axis=1)
    best = reach.argmax(axis=1)[:, None]
    front = np.take_along_axis(reach, best, axis=1)[:, 0]
    arm = np.take_along_axis(arms, best, axis=1)[:, 0]
    is_met = np.isfinite(front)
    return centre[:, :1] + np.where(is_met, front, 0.0), np.where(is_met, arm, 0.0)
