"""AvoidPost: carry a cube past a post to a goal behind it, without touching the post."""

import mujoco
import numpy as np

from envs.cameras import Camera
from envs.goals import PositionGoalTask
from envs.hand.scene import add_hand
from envs.rotations import distance
from envs.scene import add_camera, add_cube, add_goal_marker, make_scene
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, View, pictured
from envs.tasks.cube_parts import (
    CUBE_HALF_SIZE_M,
    MOUNT_HEIGHT_M,
    cube_fields,
    lifted_share,
    observe_cube,
    place_cube,
)

SIDES = ("left", "right")
REACH_TOLERANCE_M = 0.03
POST_RADIUS_M, POST_HEIGHT_M, POST_GAP_M = 0.010, 0.45, 0.001
POST_M = np.array([0.06, 0.0])
# Initial position of the cube before the post and goal behind it, offsets from the post's axis [m].
CUBE_OFFSET_M = ((-0.25, -0.21), (-0.05, 0.05))
CUBE_YAW_RAD = 0.6
GOAL_OFFSET_M = ((0.190, 0.200), (-0.005, 0.005))
GOAL_HEIGHT_M = (0.14, 0.16)
PALM_START_M, PALM_JITTER_M = np.array([-0.19, 0.0, 0.16]), 0.02  # wrist slides
# The post slides on a stiff damper without a spring: any touch displaces it permanently.
POST_MASS_KG, POST_DAMPING = 20.0, 2000.0  # [N s/m]
TOUCH_M = 1e-9
CLEAR_OF_TABLE_M = 0.05
ORANGE, DARK = (0.93, 0.45, 0.20, 1.0), (0.22, 0.25, 0.30, 1.0)


def _add_post(spec: mujoco.MjSpec) -> None:
    """Add a ringed post on two slides, clear of the table."""
    post = spec.worldbody.add_body(name="post", pos=[*POST_M, 0.0], gravcomp=1)
    for name, axis in (("post_x", [1, 0, 0]), ("post_y", [0, 1, 0])):
        post.add_joint(name=name, type=mujoco.mjtJoint.mjJNT_SLIDE, axis=axis, damping=POST_DAMPING)
    foot, top = POST_GAP_M + POST_RADIUS_M, POST_HEIGHT_M - POST_RADIUS_M
    post.add_geom(
        name="post",
        type=mujoco.mjtGeom.mjGEOM_CAPSULE,
        fromto=[0, 0, foot, 0, 0, top],
        size=[POST_RADIUS_M, 0, 0],
        mass=POST_MASS_KG,
        rgba=DARK,
        condim=4,
        friction=[1.0, 0.02, 0.001],
        contype=2,
        conaffinity=3,
    )
    look = {"type": mujoco.mjtGeom.mjGEOM_CYLINDER, "contype": 0, "conaffinity": 0, "mass": 0.0}
    for height in np.arange(0.06, POST_HEIGHT_M - 0.02, 0.06):
        size = [POST_RADIUS_M + 0.0003, 0.012, 0]
        post.add_geom(pos=[0, 0, height], size=size, rgba=ORANGE, **look)
    post.add_geom(pos=[0, 0, 0.002], size=[0.028, 0.002, 0], rgba=DARK, **look)


class AvoidPost(PositionGoalTask):
    """Carry a cube past a post, on either side; touching the post is a failure.

    The two modes are equally good by design, and no observation indicates which one the expert
    takes. Cube, post and goal are roughly in line. The expert heads straight for the post from a
    fixed position on that line until its fingers are 0.2 s away from it. A policy that executes
    chunks must therefore choose the side before feedback can help, and the mean of the two modes
    hits the post. Post and goal hardly vary, so that a policy that memorises its demonstrations
    cannot infer the side from an episode's values.

    Actions: 20 absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the 14 finger joints [rad], each scaled to its control range.
    Observations: joint_position (20), joint_velocity (20), cube_position (3) [m, world],
        cube_axes (6) [two columns of its rotation matrix], cube_offset (3) [m, cube minus palm
        centre], cube_tip_offset (15) [m, tips minus cube], post_offset (2) [m, the post's axis
        minus the palm centre], goal_offset (3) [m, goal minus cube].
    Initial state: the cube on the table, uniform in a 4 x 10 cm area 21-25 cm before the post, yaw
        uniform in ±0.6 rad; the goal 19-20 cm behind the post, within 5 mm of the centre line and
        14-16 cm above the table; the open hand about 20 cm above the cube's area, with uniform
        jitter of ±2 cm.
    Success: the cube's centre within 3 cm of the goal for 10 consecutive control steps (0.4 s), and
        the post never touched.
    Failure: the hand or the cube touched the post at any substep; this ends the episode.
    Modes: left, right: the side (+y, -y) on which the cube's centre passed the post's axis.
    Horizon: 150 control steps (6 s).
    Versions: v0, initial version.
    """

    name = "AvoidPost"
    mount = "wrist"
    horizon = 150
    hold_steps = 10
    modes = SIDES
    memory_sizes = {"goal": 3, "side": 1, "way": 1}  # noqa: RUF012
    tolerance_m = REACH_TOLERANCE_M
    object_name = "cube"
    goal_fields = ("goal_offset",)
    cameras = {"right-front": Camera((0.06, 0.0, 0.17), 0.95, 120.0, -22.0)}  # noqa: RUF012
    description = "Carry a cube past a post, on either side, without touching it."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on its wrist above a table with a cube and a post."""
        spec = make_scene("avoid_post")
        add_hand(spec, "wrist", (0.0, 0.0, MOUNT_HEIGHT_M))
        add_cube(spec, "cube", CUBE_HALF_SIZE_M, (0.25, 0.50, 0.80, 1.0))
        _add_post(spec)
        add_goal_marker(spec, "goal", REACH_TOLERANCE_M)
        add_camera(spec, (0.045, 0.015, 0.155), 0.90)
        return spec

    def index_scene(self) -> None:
        """Look up the cube and the post."""
        self.cube_qpos = int(self.model.joint("cube").qposadr[0])
        names = ("post_x", "post_y")
        self.post_qpos = np.array([int(self.model.joint(name).qposadr[0]) for name in names])

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the cube's pose, the hand's position and the goal."""
        qpos = self.model.qpos0.copy()
        jitter = rng.uniform(-PALM_JITTER_M, PALM_JITTER_M, 3)
        qpos[self.hand.qpos[:3]] = PALM_START_M + jitter
        cube = POST_M + [rng.uniform(low, high) for low, high in CUBE_OFFSET_M]
        yaw = rng.uniform(-CUBE_YAW_RAD, CUBE_YAW_RAD)
        place_cube(qpos, self.cube_qpos, float(cube[0]), float(cube[1]), yaw)
        goal = POST_M + [rng.uniform(low, high) for low, high in GOAL_OFFSET_M]
        goal = np.append(goal, rng.uniform(*GOAL_HEIGHT_M))
        way = distance(goal, np.append(cube, CUBE_HALF_SIZE_M))
        return Start(qpos, {"goal": goal, "side": np.zeros(1), "way": np.array([float(way)])})

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.hand_fields(),
            *cube_fields("cube"),
            pictured("post_offset", 2, "m", 2.0, "the post's axis minus palm centre, x and y"),
            pictured("goal_offset", 3, "m", 2.0, "goal minus cube centre"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        palm = view.site_position(self.hand.palm)
        return {
            **self.observe_hand(view),
            **observe_cube(self, view, "cube", self.cube_qpos, self.object_site),
            "post_offset": POST_M - palm[:, :2],
            "goal_offset": view.memory("goal") - view.site_position(self.object_site),
        }

    def is_touched(self, view: View) -> BoolArray:
        """Return whether anything has ever touched the post, (n,)."""
        return np.asarray((np.abs(view.qpos[:, self.post_qpos]) > TOUCH_M).any(axis=1))

    def update_memory(self, view: View) -> dict[str, FloatArray]:
        """Store the side on which the cube passed: 1 left, -1 right, 0 before the post."""
        ahead = view.site_position(self.object_site)[:, :2] - POST_M
        side, passed = view.memory("side")[:, 0], ahead[:, 0] >= 0.0
        side = np.where(side == 0.0, np.where(ahead[:, 1] >= 0.0, 1.0, -1.0), side)
        return {"side": np.where(passed, side, 0.0)[:, None]}

    def score(self, view: View) -> Score:
        """Score by the cube's distance to the goal and by contact with the post."""
        cube, goal = view.site_position(self.object_site), view.memory("goal")
        to_goal, touched = distance(cube, goal), self.is_touched(view)
        grasp = distance(view.site_position(self.hand.tips)[:, :3].mean(axis=1), cube)
        lifted = lifted_share(cube, CLEAR_OF_TABLE_M)
        left = np.clip((to_goal - REACH_TOLERANCE_M) / view.memory("way")[:, 0], 0.0, 1.0)
        reach = 1.0 - np.clip(grasp / 0.25, 0.0, 1.0)
        side = view.memory("side")[:, 0]
        return Score(
            solved=self.reaches(cube, goal) & ~touched,
            failed=touched,
            progress=np.where(touched, 0.0, 0.15 * reach + lifted * (0.15 + 0.7 * (1.0 - left))),
            reward_terms={
                "reach": 0.2 * np.exp(-10.0 * grasp),
                "lift": 0.2 * lifted,
                "carry": 0.6 * lifted * np.exp(-5.0 * to_goal),
                "failure": -touched.astype(np.float64),
            },
            mode=np.select([side > 0.0, side < 0.0], [0, 1], NO_MODE),
        )

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Place the goal marker."""
        return memory["goal"][:, None, :]
