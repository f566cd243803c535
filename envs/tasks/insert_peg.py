"""InsertPeg: take a peg by its handle out of a rack and insert it into a hole."""

import mujoco
import numpy as np

from envs.goals import GoalTask
from envs.hand.scene import add_hand
from envs.rotations import distance, yaw_quaternion
from envs.scene import add_camera, make_scene
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, View, pictured
from envs.tasks.cube_parts import MOUNT_HEIGHT_M, cube_fields, draw_palm, observe_cube

HANDLE_HALF_SIZE_M = 0.022
PEG_HALF_WIDTH_M, PEG_LENGTH_M = 0.010, 0.050  # square, below the handle
TIP_M = HANDLE_HALF_SIZE_M + PEG_LENGTH_M  # below the handle's centre
CLEARANCE_M = 0.0015
HOLE_HALF_WIDTH_M = PEG_HALF_WIDTH_M + CLEARANCE_M
RIM_M, BLOCK_HALF_WIDTH_M = 0.048, 0.032
BEVEL_THICKNESS_M = 0.0015
CHAMFER_M = 0.003  # the hole widens by this much over its topmost 3 mm
DEPTH_M = 0.025
ASIDE_M = 0.004  # largest offset of the tip from the hole's axis, along x or y, below the rim
RAIL_TOP_M, RAIL_HALF_LENGTH_M, RAIL_HALF_WIDTH_M = 0.060, 0.036, 0.006
RAIL_GAP_M = 0.033  # between the two rails: the peg fits at any yaw
RACK_AREA_M = ((-0.03, 0.06), (0.055, 0.095))
HOLE_AREA_M = ((-0.03, 0.08), (-0.105, -0.045))
PEG_JITTER_M, PEG_YAW_RAD = (0.012, 0.002), 0.5  # in the rack, along and across the rails
NEAR_M = 0.005  # of the hole's axis
ORANGE, DARK = (0.93, 0.45, 0.20, 1.0), (0.22, 0.25, 0.30, 1.0)
BLUE, GREY = (0.25, 0.50, 0.80, 1.0), (0.60, 0.64, 0.70, 1.0)
BOX = mujoco.mjtGeom.mjGEOM_BOX
FIRM = {
    "contype": 2,
    "conaffinity": 3,
    "condim": 4,
    "solref": [0.01, 1],
    "solimp": [0.95, 0.99, 0.001, 0.5, 2],
}
SMOOTH, ROUGH = {"friction": [0.3, 0.005, 0.0001]}, {"friction": [1.0, 0.02, 0.001]}
LOOK = {"contype": 0, "conaffinity": 0, "mass": 0.0}


def _add_peg(spec: mujoco.MjSpec) -> None:
    body = spec.worldbody.add_body(name="peg", pos=[0, 0, RAIL_TOP_M + HANDLE_HALF_SIZE_M])
    body.add_freejoint(name="peg")
    half = [HANDLE_HALF_SIZE_M] * 3
    body.add_geom(name="handle", type=BOX, size=half, mass=0.05, rgba=ORANGE, **FIRM, **ROUGH)
    size = [PEG_HALF_WIDTH_M, PEG_HALF_WIDTH_M, PEG_LENGTH_M / 2]
    middle = [0, 0, PEG_LENGTH_M / 2 - TIP_M]
    body.add_geom(
        name="peg", type=BOX, size=size, pos=middle, mass=0.04, rgba=GREY, **FIRM, **SMOOTH
    )
    body.add_site(name="peg", size=[0.003, 0, 0], group=4)
    body.add_site(name="peg_tip", pos=[0, 0, -TIP_M], size=[0.003, 0, 0], group=4)


def _add_rack(spec: mujoco.MjSpec) -> None:
    """Add a mocap body with two rails along x, on which the handle rests."""
    rack = spec.worldbody.add_body(name="rack", mocap=True)
    size = [RAIL_HALF_LENGTH_M, RAIL_HALF_WIDTH_M, RAIL_TOP_M / 2]
    for side in (-1, 1):
        place = [0, side * (RAIL_GAP_M / 2 + RAIL_HALF_WIDTH_M), RAIL_TOP_M / 2]
        rack.add_geom(type=BOX, size=size, pos=place, rgba=DARK, **FIRM, **ROUGH)
    foot = [RAIL_HALF_LENGTH_M + 0.004, RAIL_GAP_M / 2 + 2 * RAIL_HALF_WIDTH_M + 0.004, 0.002]
    rack.add_geom(type=BOX, size=foot, pos=[0, 0, 0.002], rgba=DARK, **LOOK)


def _add_hole(spec: mujoco.MjSpec) -> None:
    """Add a mocap body with a square hole: walls, topped by covers and bevels."""
    hole = spec.worldbody.add_body(name="hole", mocap=True)
    mouth = HOLE_HALF_WIDTH_M + CHAMFER_M
    for side in range(4):
        # The bevel's upper face leads from the wall's upper edge out to the mouth.
        into = BEVEL_THICKNESS_M / np.sqrt(2)
        reach = (HOLE_HALF_WIDTH_M + mouth) / 2 + into
        slope = [CHAMFER_M / np.sqrt(2), mouth, BEVEL_THICKNESS_M]
        _add_plate(hole, side, reach, RIM_M - CHAMFER_M / 2 - into, slope, -np.pi / 4)
        step = RIM_M - CHAMFER_M
        for inner, low, high in ((HOLE_HALF_WIDTH_M, 0.0, step), (mouth, step, RIM_M)):
            long = BLOCK_HALF_WIDTH_M if side % 2 else inner  # two sides include the corners
            half = [(BLOCK_HALF_WIDTH_M - inner) / 2, long, (high - low) / 2]
            _add_plate(hole, side, inner + half[0], (high + low) / 2, half)


def _add_plate(
    hole: mujoco.MjsBody, side: int, reach: float, height: float, half: list[float], tip: float = 0
) -> None:
    """Add a box on one side of the hole, `reach` [m] from its axis, tipped by `tip` [rad]."""
    quat = np.zeros(4)
    yaw = side * np.pi / 2
    mujoco.mju_mulQuat(quat, yaw_quaternion(yaw), [np.cos(tip / 2), 0.0, np.sin(tip / 2), 0.0])
    place = [reach * np.cos(yaw), reach * np.sin(yaw), height]
    hole.add_geom(type=BOX, size=half, pos=place, quat=quat, rgba=BLUE, **FIRM, **SMOOTH)


class InsertPeg(GoalTask):
    """Take a square peg by its handle and insert it into a hole that is 3 mm wider.

    Actions: 20 absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the 14 finger joints [rad], each scaled to its control range.
    Observations: joint_position (20), joint_velocity (20), peg_position (3) [m, centre of its
        handle, world], peg_axes (6) [two columns of its rotation matrix], peg_offset (3) [m,
        handle minus palm centre], peg_tip_offset (15) [m, fingertips minus handle], hole_offset
        (3) [m, centre of the hole's rim minus the peg's lower end].
    Initial state: the peg (20 x 20 x 50 mm below a cubic handle of 44 mm) hangs in a rack, yaw
        uniform in ±0.5 rad; the rack uniform in a 9 x 4 cm area on the left, the hole in an
        11 x 6 cm area on the right; the open hand about 14 cm above the handle, with uniform
        jitter of ±2 cm.
    Success: the peg's lower end at least 25 mm below the hole's rim for 10 consecutive control
        steps (0.4 s), held or released. The hole is square, with sides along x and y, 48 mm deep,
        with 1.5 mm of clearance on each side; a bevel widens its top 3 mm by 3 mm on each side.
    Horizon: 200 control steps (8 s).
    Versions: v0, initial version.
    """

    name = "InsertPeg"
    mount = "wrist"
    horizon = 200
    hold_steps = 10
    memory_sizes = {"rack": 2, "hole": 2}  # noqa: RUF012
    goal_size = 3
    goal_fields = ("hole_offset",)
    description = "Take a peg by its handle and insert it into a hole."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on its wrist above a table with a peg, its rack and a hole."""
        spec = make_scene("insert_peg")
        add_hand(spec, "wrist", (0.0, 0.0, MOUNT_HEIGHT_M))
        _add_peg(spec)
        _add_rack(spec)
        _add_hole(spec)
        add_camera(spec, (0.02, 0.0, 0.09), 0.60)
        return spec

    def index_scene(self) -> None:
        """Look up the peg."""
        self.peg_qpos = int(self.model.joint("peg").qposadr[0])
        self.peg_site = int(self.model.site("peg").id)
        self.tip_site = int(self.model.site("peg_tip").id)

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the positions of rack and hole, the peg's pose in the rack and the hand's pose."""
        qpos = self.model.qpos0.copy()
        draw_palm(self, qpos, rng)
        rack = np.array([rng.uniform(low, high) for low, high in RACK_AREA_M])
        hole = np.array([rng.uniform(low, high) for low, high in HOLE_AREA_M])
        start = self.peg_qpos
        qpos[start : start + 2] = rack + rng.uniform(-1.0, 1.0, 2) * PEG_JITTER_M
        qpos[start + 3 : start + 7] = yaw_quaternion(rng.uniform(-PEG_YAW_RAD, PEG_YAW_RAD))
        return Start(qpos, {"rack": rack, "hole": hole})

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        hole = pictured("hole_offset", 3, "m", 2.0, "centre of hole's rim minus peg's lower end")
        return (*self.hand_fields(), *cube_fields("peg"), hole)

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        return {
            **self.observe_hand(view),
            **observe_cube(self, view, "peg", self.peg_qpos, self.peg_site),
            "hole_offset": self.rim(view) - view.site_position(self.tip_site),
        }

    def rim(self, view: View) -> FloatArray:
        """Return the centre of the hole's rim, (n, 3) [m]."""
        height = np.full((len(view), 1), RIM_M)
        return np.append(view.memory("hole"), height, axis=1)

    def achieved_goal(self, view: View) -> FloatArray:
        """Return the position of the peg's lower end, (n, 3) [m]."""
        return view.site_position(self.tip_site)

    def desired_goal(self, view: View) -> FloatArray:
        """Return the point on the hole's axis that the lower end must reach, (n, 3) [m]."""
        return np.asarray(self.rim(view) - np.array([0.0, 0.0, DEPTH_M]))

    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Return whether lower ends are inside the hole and at least at the desired depth."""
        aside = np.abs(achieved - desired)[..., :2].max(axis=-1)
        return np.asarray((aside < ASIDE_M) & (achieved[..., 2] <= desired[..., 2]))

    def score(self, view: View) -> Score:
        """Score by the position of the peg's lower end."""
        tip, rim = view.site_position(self.tip_site), self.rim(view)
        peg = view.site_position(self.peg_site)
        grasp = distance(view.site_position(self.hand.tips)[:, :3].mean(axis=1), peg)
        miss, height = distance(tip[:, :2], rim[:, :2]), tip[:, 2] - rim[:, 2]
        is_over = miss < NEAR_M
        rest = RAIL_TOP_M - PEG_LENGTH_M
        lifted = np.where(is_over, 1.0, np.clip((tip[:, 2] - rest) / (RIM_M - rest), 0.0, 1.0))
        near = lifted * (1.0 - np.clip((miss - NEAR_M) / 0.20, 0.0, 1.0))
        inside = np.where(is_over, np.clip(-height / DEPTH_M, 0.0, 1.0), 0.0)
        reach = 1.0 - np.clip(grasp / 0.25, 0.0, 1.0)
        return Score(
            solved=self.reaches(tip, self.desired_goal(view)),
            failed=np.zeros(len(view), dtype=np.bool_),
            progress=0.15 * reach + 0.15 * lifted + 0.3 * near + 0.4 * inside,
            reward_terms={
                "reach": 0.15 * np.exp(-10.0 * grasp),
                "lift": 0.15 * lifted,
                "align": 0.3 * lifted * np.exp(-20.0 * miss),
                "insert": 0.4 * inside,
            },
            mode=np.full(len(view), NO_MODE),
        )

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Place the rack and the hole."""
        places = np.stack([memory["rack"], memory["hole"]], axis=1)
        return np.append(places, np.zeros((len(places), 2, 1)), axis=2)
