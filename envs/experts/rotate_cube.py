"""RotateCube expert: push one side of the cube, let it slide back, push again."""

from functools import lru_cache

import numpy as np

from envs.experts.base import Expert, Methods, Phase, follow, step_towards
from envs.hand.hand import CAPSULE_RADII_M, FINGER_JOINTS, FINGER_Y_M, HAND_JOINTS
from envs.hand.kinematics import solve_fingertips
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.palm_up_parts import CUBE_HALF_SIZE_M
from envs.tasks.rotate_cube import START_RAD, RotateCube
from envs.world import World

# Each long finger moves its tip along x in its own lane; the thumb stays aside.
LANE_M = -np.array(list(FINGER_Y_M.values()))  # y in the hand frame
TIP_RADIUS_M, TIP_HEIGHT_M = CAPSULE_RADII_M[2], -0.041  # the tips' z, palm frame
GRID_M = np.linspace(0.005, 0.070, 27)
COLUMNS = tuple([HAND_JOINTS.index(name) for name in FINGER_JOINTS[f]] for f in FINGER_Y_M)
HOME_M = np.array([0.014, 0.0])  # where the cube slides back to
KEEP_RAD, LEAD_RAD = 0.11, 0.30  # turn beyond the current yaw: while it slides, while pushed
AHEAD_M, CLEAR_M = 0.004, 0.012  # lead of pushing tips, clearance of the others
LEAST_ARM_M = 0.004  # least lever arm of a contact that pushes
BACK_M, ASIDE_M = 0.010, 0.014  # offsets at which a push ends
NEAR_M, NEAR_ASIDE_M = 0.004, 0.008  # offsets at which the cube is home
DONE_RAD, AGAIN_RAD = 0.08, 0.12  # stop below, push again above
FINGER_STEP_RAD = 0.25


class RotatePhase(Phase):
    """The phases of the cube's motion."""

    SLIDE = 0, 9
    PUSH = 1, 11


class RotateCubeExpert(Expert):
    """Slide, push, slide. Random per episode: the speed.

    While the cube slides, the tips trace the outline of the cube at home, turned slightly further;
    the palm's tilt moves the cube into this outline. During a push only the tips whose contact
    turns the cube in the desired direction advance; the others retreat. The same rule covers both
    directions and all yaws.
    """

    phases = RotatePhase
    task: RotateCube

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.table = lane_table()

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Let the cube slide when it is far from home, push when it is back."""
        offset = self.task.cube_position(view)[:, :2] - HOME_M
        back, aside = -offset[:, 0], np.abs(offset[:, 1])
        remaining = np.abs(self.task.remaining(view))
        is_home = (back < NEAR_M) & (aside < NEAR_ASIDE_M)
        is_far = (back > BACK_M) | (aside > ASIDE_M)
        is_open = remaining > AGAIN_RAD
        is_done = remaining < DONE_RAD
        rules = (
            (RotatePhase.SLIDE, (is_home | is_late) & is_open, RotatePhase.PUSH),
            (RotatePhase.PUSH, is_far | is_late | is_done, RotatePhase.SLIDE),
        )
        return follow(phase, rules)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return each row's command for its phase."""
        methods: Methods = {RotatePhase.SLIDE: self.slide, RotatePhase.PUSH: self.push}
        return self.by_phase(rows, view, phase, methods)

    def slide(self, rows: IntArray, view: View) -> FloatArray:
        """Put the tips on the outline of the cube at home, turned slightly further."""
        yaw, remaining = self.task.cube_yaw(view), self.task.remaining(view)
        home = np.broadcast_to(HOME_M, (len(rows), 2))
        front, _ = outline(yaw + np.clip(remaining, -KEEP_RAD, KEEP_RAD), home)
        return self.steer(rows, view, front)

    def push(self, rows: IntArray, view: View) -> FloatArray:
        """Advance the tips that turn the cube towards its goal; retreat with the others."""
        place, yaw = self.task.cube_position(view)[:, :2], self.task.cube_yaw(view)
        remaining = self.task.remaining(view)
        led, _ = outline(yaw + np.clip(remaining, -LEAD_RAD, LEAD_RAD), place)
        front, arm = outline(yaw, place)
        is_turning = np.sign(remaining)[:, None] * arm > LEAST_ARM_M
        pushed = np.where(is_turning, np.minimum(led, front) - AHEAD_M, front + CLEAR_M)
        return self.steer(rows, view, pushed)

    def steer(self, rows: IntArray, view: View, places: FloatArray) -> FloatArray:
        """Return targets, (n, 14) [rad], one step towards tips at x = `places`, (n, 4) [m]."""
        joints = view.qpos[:, self.task.hand.qpos]
        return step_towards(joints, self.posture(places), FINGER_STEP_RAD * self.speed[rows, None])

    def posture(self, places: FloatArray) -> FloatArray:
        """Return the joints, (n, 14) [rad], that put the four tips at x = `places`, (n, 4) [m]."""
        joints = np.tile(START_RAD, (len(places), 1))
        for lane, columns in enumerate(COLUMNS):
            for column in columns:
                joints[:, column] = np.interp(places[:, lane], GRID_M, self.table[:, column])
        return joints


@lru_cache(maxsize=1)
def lane_table() -> FloatArray:
    """Return the postures over `GRID_M`, (27, 14) [rad], each solved from its neighbour."""
    table, posture = np.zeros((len(GRID_M), len(HAND_JOINTS))), START_RAD.copy()
    for k in reversed(range(len(GRID_M))):
        targets = {f: np.array([GRID_M[k], y, TIP_HEIGHT_M]) for f, y in FINGER_Y_M.items()}
        posture, _ = solve_fingertips(targets, posture)
        table[k] = posture
    return table


def outline(yaw: FloatArray, centre: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return where the four tips touch a cube in their lanes, and their lever arms, (n, 4) [m].

    A tip touches the cube where the tip's centre is on the square's outline offset by the tip's
    radius: four straight sides and four round corners. The arm is that of the contact normal about
    the cube's centre, positive where a push turns the cube counter-clockwise. A lane that misses
    the cube returns the x of the cube's centre and an arm of zero.

    Args:
        yaw: Heading of the cube, (n,) [rad].
        centre: Centre of the cube, (n, 2) [m], hand frame.
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
