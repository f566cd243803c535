"""HandOver: pass a stick from the right to the left hand in the air, and put it on a pad."""

import mujoco
import numpy as np

from envs.cameras import Camera
from envs.goals import PositionGoalTask
from envs.hand.hand import SIDES
from envs.hand.two_hands import add_two_hands
from envs.rotations import distance, quaternion_columns, yaw_quaternion
from envs.scene import add_camera, make_scene
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, View, pictured
from envs.tasks.cube_parts import MOUNT_HEIGHT_M, START_JITTER_M, START_PALM_M

TOLERANCE_M = 0.04
CLEAR_M = 0.010  # between the stick and each fingertip's surface
STILL_M_S, STILL_RAD_S = 0.02, 0.2
STICK_HALF_SIZE_M = np.array([0.015, 0.090, 0.015])  # long side along y at yaw 0
STICK_KG = 0.06
TIP_RADIUS_M = 0.009
MOUNT_Y_M = 0.27  # of the left hand; the right one's is the mirror image
STICK_AREA_M = ((0.00, 0.08), (-0.37, -0.29))
STICK_YAW_RAD = 0.3
PAD_AREA_M = ((0.00, 0.08), (0.29, 0.37))
PAD_RADIUS_M = 0.05
NEAR_M, APPROACH_M = 0.04, 0.25  # fingertips to stick: in place, and on the way


class HandOver(PositionGoalTask):
    """Pick up a stick with the right hand, pass it in the air, put it on a pad with the left.

    Neither hand reaches far enough to carry or push the stick from its side to the pad: the stick
    must be passed (or thrown).

    Actions: 40 absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad] and
        the 14 finger joints [rad] of the right hand, then of the left, each scaled to its control
        range. The left hand's joints are the mirror image of the right one's.
    Observations: joint_position (40), joint_velocity (40), stick_position (3) [m, world],
        stick_axes (6) [two columns of its rotation matrix, the second along the stick],
        stick_velocity (6) [m/s, world, then rad/s, body], right_palm_offset and left_palm_offset
        (3 each) [m, stick minus palm centre], right_tip_offset and left_tip_offset (15 each) [m,
        tips minus stick], goal_position (3) [m, world], goal_offset (3) [m, goal minus stick].
    Initial state: the stick (3 x 18 x 3 cm) on the table on the right, uniform in an 8 x 8 cm area,
        yaw uniform in ±0.3 rad; the pad on the left, uniform in an area of the same size; each
        open hand above its side, with uniform jitter of ±2 cm.
    Goal: position of the stick's centre when it rests on the pad's centre, (3,) [m, world].
    Success: the stick's centre within 4 cm of the goal, the stick at rest (below 2 cm/s and
        0.2 rad/s), and every fingertip of both hands at least 1 cm from it, for 10 consecutive
        control steps (0.4 s).
    Failure: none; a dropped stick can be picked up again.
    Horizon: 300 control steps (12 s).
    Versions: v1, narrower initial states, tolerance 4 cm, goal position observed directly; v0,
        tolerance 3 cm.
    """

    name = "HandOver"
    version = 1
    mount = "two_wrists"
    horizon = 300
    hold_steps = 10
    memory_sizes = {"goal": 3, "way": 1}  # noqa: RUF012
    tolerance_m = TOLERANCE_M
    object_name = "stick"
    goal_fields = ("goal_position", "goal_offset")
    cameras = {"right-front": Camera((0.0, 0.0, 0.10), 1.30, 135.0, -30.0)}  # noqa: RUF012
    description = "Pick a stick up with the right hand, pass it, lay it down with the left."

    def build_scene(self) -> mujoco.MjSpec:
        """Return both hands on their wrists above a table with a stick and a pad."""
        spec = make_scene("hand_over")
        spec.option.jacobian = mujoco.mjtJacobian.mjJAC_SPARSE  # a tenth faster with two hands
        add_two_hands(spec, (0.0, -MOUNT_Y_M, MOUNT_HEIGHT_M))
        _add_stick(spec)
        pad = spec.worldbody.add_body(name="pad", mocap=True)
        pad.add_geom(
            type=mujoco.mjtGeom.mjGEOM_CYLINDER,
            size=[PAD_RADIUS_M, 0.001, 0],
            rgba=[0.13, 0.70, 0.45, 0.8],
            contype=0,
            conaffinity=0,
        )
        add_camera(spec, (-0.05, 0.0, 0.12), 1.55, (0.76, 0.0, 0.65))
        return spec

    def index_scene(self) -> None:
        """Look up the stick."""
        self.stick_qpos = int(self.model.joint("stick").qposadr[0])
        self.stick_dof = int(self.model.joint("stick").dofadr[0])

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the poses of the hands and the stick, and the pad's position."""
        qpos = self.model.qpos0.copy()
        for hand in self.hand.sides:
            jitter = rng.uniform(-START_JITTER_M, START_JITTER_M, 3)
            qpos[hand.qpos[:3]] = np.array(START_PALM_M) + jitter
        stick, goal = (
            np.array([*(rng.uniform(low, high) for low, high in area), STICK_HALF_SIZE_M[2]])
            for area in (STICK_AREA_M, PAD_AREA_M)
        )
        yaw = rng.uniform(-STICK_YAW_RAD, STICK_YAW_RAD)
        qpos[self.stick_qpos : self.stick_qpos + 7] = [*stick, *yaw_quaternion(yaw)]
        return Start(qpos, {"goal": goal, "way": np.array([distance(stick, goal)])})

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        offsets = (
            pictured(f"{side}_palm_offset", 3, "m", 2.0, "stick centre minus palm centre")
            for side in SIDES
        )
        tips = (
            pictured(f"{side}_tip_offset", 15, "m", 2.0, "five fingertips minus stick centre")
            for side in SIDES
        )
        return (
            *self.hand_fields(),
            pictured("stick_position", 3, "m", 2.0, "stick centre, world frame"),
            pictured("stick_axes", 6, "1", 1.0, "first two columns of the stick's rotation matrix"),
            pictured("stick_velocity", 6, "m/s or rad/s", 50.0, "stick, world, then its own frame"),
            *offsets,
            *tips,
            pictured("goal_position", 3, "m", 2.0, "goal of the stick's centre, world frame"),
            pictured("goal_offset", 3, "m", 2.0, "goal minus stick centre"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        stick = view.site_position(self.object_site)
        values = {
            **self.observe_hand(view),
            "stick_position": stick,
            "stick_axes": quaternion_columns(view.qpos[:, self.stick_qpos + 3 :][:, :4]),
            "stick_velocity": view.qvel[:, self.stick_dof : self.stick_dof + 6],
            "goal_position": view.memory("goal"),
            "goal_offset": view.memory("goal") - stick,
        }
        for side, hand in zip(SIDES, self.hand.sides, strict=True):
            values[f"{side}_palm_offset"] = stick - view.site_position(hand.palm)
            tips = view.site_position(hand.tips) - stick[:, None]
            values[f"{side}_tip_offset"] = tips.reshape(len(view), -1)
        return values

    def clearance(self, view: View) -> FloatArray:
        """Return the gap between the stick and each fingertip's surface, (n, 10) [m]."""
        offset = view.site_position(self.hand.tips) - view.site_position(self.object_site)[:, None]
        local = np.abs(offset @ view.site_matrix(self.object_site))
        outside = np.maximum(local - STICK_HALF_SIZE_M, 0.0)
        gap: FloatArray = distance(outside, np.zeros(3)) - TIP_RADIUS_M
        return gap

    def is_still(self, view: View) -> BoolArray:
        """Return whether the stick is at rest, (n,)."""
        velocity = view.qvel[:, self.stick_dof : self.stick_dof + 6]
        speed, spin = distance(velocity[:, :3], np.zeros(3)), distance(velocity[:, 3:], np.zeros(3))
        return np.asarray((speed < STILL_M_S) & (spin < STILL_RAD_S))

    def score(self, view: View) -> Score:
        """Score by the stick's distance to the goal and by the distances of the hands to it."""
        stick, goal = self.achieved_goal(view), self.desired_goal(view)
        to_goal = distance(stick, goal)
        gaps = self.clearance(view)
        is_placed = self.reaches(stick, goal) & self.is_still(view)
        is_clear = (gaps > CLEAR_M).all(axis=1)
        # Proximity of each hand's thumb, index and middle finger, (n, 2) in [0, 1].
        grasp = np.maximum(gaps, 0.0).reshape(-1, 2, 5)[:, :, :3].mean(axis=2)
        near = 1.0 - np.clip((grasp - NEAR_M) / APPROACH_M, 0.0, 1.0)
        near = np.where(is_placed[:, None], 1.0, near)
        way = view.memory("way")[:, 0]
        share = 1.0 - np.clip((to_goal - TOLERANCE_M) / (way - TOLERANCE_M), 0.0, 1.0)
        return Score(
            solved=is_placed & is_clear,
            failed=np.zeros(len(view), dtype=np.bool_),
            progress=0.1 * near.max(axis=1) + 0.2 * near[:, 1] + 0.7 * share,
            reward_terms={
                "reach": 0.1 * near.max(axis=1),
                "take": 0.2 * near[:, 1],
                "carry": 0.4 * share,
                "lie": np.where(is_placed, 0.2, 0.0),
                "let_go": np.where(is_placed & is_clear, 0.1, 0.0),
            },
            mode=np.full(len(view), NO_MODE),
        )

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Place the pad on the table under the goal."""
        return np.asarray(memory["goal"] * np.array([1.0, 1.0, 0.0]))[:, None, :]


def _add_stick(spec: mujoco.MjSpec) -> None:
    """Add a free stick on the table, with a site of the same name at its centre."""
    body = spec.worldbody.add_body(name="stick", pos=[0, 0, STICK_HALF_SIZE_M[2]])
    body.add_freejoint(name="stick")
    body.add_geom(
        name="stick",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=STICK_HALF_SIZE_M,
        mass=STICK_KG,
        rgba=[0.93, 0.45, 0.20, 1],
        condim=4,
        friction=[1.0, 0.02, 0.001],
        solref=[0.01, 1],
        solimp=[0.95, 0.99, 0.001, 0.5, 2],
        contype=2,
        conaffinity=3,
    )
    body.add_site(name="stick", size=[0.003, 0, 0], group=4)
