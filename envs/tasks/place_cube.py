"""PlaceCube: grasp a cube, put it on a pad on the table, and release it."""

import mujoco
import numpy as np

from envs.goals import GoalTask
from envs.hand.scene import add_hand
from envs.rotations import distance
from envs.scene import add_camera, add_cube, make_scene
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, View, pictured
from envs.tasks.cube_parts import (
    CLEAR_M,
    CUBE_HALF_SIZE_M,
    MOUNT_HEIGHT_M,
    cube_fields,
    draw_palm,
    observe_cube,
    place_cube,
    rests_at,
    tip_clearance,
)

REACH_TOLERANCE_M = 0.02  # horizontal
HEIGHT_TOLERANCE_M = 0.01
AREA_M = ((-0.08, 0.12), (-0.12, 0.12))  # of the cube and of the pad
CUBE_YAW_RAD = 0.7
APART_M = 0.10  # least initial distance between cube and pad
PAD_RADIUS_M, PAD_HALF_HEIGHT_M = 0.045, 0.0005
WAY_M = 0.25  # horizontal distance over which progress grows
GREEN, WHITE = (0.13, 0.70, 0.45, 1.0), (0.95, 0.95, 0.93, 1.0)


class PlaceCube(GoalTask):
    """Grasp a cube, put it on a pad and release it.

    Actions: 20 absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the 14 finger joints [rad], each scaled to its control range.
    Observations: joint_position (20), joint_velocity (20), cube_position (3) [m, world],
        cube_axes (6) [two columns of its rotation matrix], cube_offset (3) [m, cube minus palm
        centre], cube_tip_offset (15) [m, tips minus cube], cube_velocity (3) [m/s],
        goal_offset (3) [m, goal minus cube].
    Initial state: the cube on the table, uniform in a 20 x 24 cm area, yaw uniform in ±0.7 rad; the
        pad uniform in the same area, its centre at least 10 cm from the cube's; the open hand
        about 20 cm above, with uniform jitter of ±2 cm.
    Goal: position of the cube's centre, (3,) [m, world]. The pad is visual only.
    Success: the cube's centre within 2 cm of the pad's horizontally, the cube flat on the table,
        slower than 3 cm/s, and every fingertip at least 1 cm from it, for 10 consecutive control
        steps (0.4 s).
    Horizon: 150 control steps (6 s).
    Versions: v0, initial version.
    """

    name = "PlaceCube"
    mount = "wrist"
    horizon = 150
    hold_steps = 10
    memory_sizes = {"goal": 3}  # noqa: RUF012
    description = "Grasp a cube, put it on a pad and let go of it."
    goal_size = 3
    goal_fields = ("goal_offset",)

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on its wrist above a table with one cube and a pad."""
        spec = make_scene("place_cube")
        add_hand(spec, "wrist", (0.0, 0.0, MOUNT_HEIGHT_M))
        add_cube(spec, "cube", CUBE_HALF_SIZE_M, (0.93, 0.45, 0.20, 1.0))
        pad = spec.worldbody.add_body(name="pad", mocap=True)
        for radius, colour in ((PAD_RADIUS_M, GREEN), (0.6 * PAD_RADIUS_M, WHITE)):
            pad.add_geom(
                type=mujoco.mjtGeom.mjGEOM_CYLINDER,
                size=[radius, PAD_HALF_HEIGHT_M * (2 - radius / PAD_RADIUS_M), 0],
                rgba=colour,
                contype=0,
                conaffinity=0,
            )
        add_camera(spec, (0.03, 0.0, 0.09), 0.68)
        return spec

    def index_scene(self) -> None:
        """Look up the cube."""
        self.cube_qpos = int(self.model.joint("cube").qposadr[0])
        self.cube_dof = int(self.model.joint("cube").dofadr[0])
        self.cube_site = int(self.model.site("cube").id)

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the poses of the cube and the hand, and a pad away from the cube."""
        qpos = self.model.qpos0.copy()
        draw_palm(self, qpos, rng)
        low, high = np.array(AREA_M).T
        cube, yaw = rng.uniform(low, high), rng.uniform(-CUBE_YAW_RAD, CUBE_YAW_RAD)
        place_cube(qpos, self.cube_qpos, cube[0], cube[1], yaw)
        while True:
            pad = rng.uniform(low, high)
            if distance(pad, cube) >= APART_M:
                return Start(qpos, {"goal": np.append(pad, CUBE_HALF_SIZE_M)})

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.hand_fields(),
            *cube_fields("cube"),
            pictured("cube_velocity", 3, "m/s", 10.0, "cube centre, world frame"),
            pictured("goal_offset", 3, "m", 2.0, "goal minus cube centre"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        return {
            **self.observe_hand(view),
            **observe_cube(self, view, "cube", self.cube_qpos, self.cube_site),
            "cube_velocity": view.qvel[:, self.cube_dof : self.cube_dof + 3],
            "goal_offset": self.desired_goal(view) - self.achieved_goal(view),
        }

    def achieved_goal(self, view: View) -> FloatArray:
        """Return the position of the cube's centre, (n, 3) [m]."""
        return view.site_position(self.cube_site)

    def desired_goal(self, view: View) -> FloatArray:
        """Return the goal position of the cube's centre, (n, 3) [m]."""
        return view.memory("goal")

    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Return whether centres are within 2 cm horizontally and 1 cm vertically."""
        offset = achieved - desired
        is_over = distance(offset[..., :2], np.zeros(2)) < REACH_TOLERANCE_M
        return np.asarray(is_over & (np.abs(offset[..., 2]) < HEIGHT_TOLERANCE_M))

    def score(self, view: View) -> Score:
        """Score by the cube's position and, once it is placed, by the fingertips' clearance."""
        cube, goal = self.achieved_goal(view), self.desired_goal(view)
        is_placed = self.reaches(cube, goal) & rests_at(view, cube, CUBE_HALF_SIZE_M, self.cube_dof)
        clearance = tip_clearance(self, view, self.cube_site)
        grasp = distance(view.site_position(self.hand.tips)[:, :3].mean(axis=1), cube)
        to_pad = distance(cube[:, :2], goal[:, :2])
        near = 1.0 - np.clip((to_pad - REACH_TOLERANCE_M) / WAY_M, 0.0, 1.0)
        reached = 1.0 - np.clip(grasp / 0.25, 0.0, 1.0)
        released = np.clip(clearance / CLEAR_M, 0.0, 1.0)
        return Score(
            solved=is_placed & (clearance >= CLEAR_M),
            failed=np.zeros(len(view), dtype=np.bool_),
            progress=np.where(is_placed, 0.8 + 0.2 * released, 0.2 * reached + 0.6 * near),
            reward_terms={
                "reach": np.where(is_placed, 0.2, 0.2 * np.exp(-10.0 * grasp)),
                "carry": 0.4 * np.exp(-10.0 * to_pad),
                "place": np.where(is_placed, 0.2, 0.0),
                "release": np.where(is_placed, 0.2 * released, 0.0),
            },
            mode=np.full(len(view), NO_MODE),
        )

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Place the pad on the table under the goal."""
        pad: FloatArray = memory["goal"] * np.array([1.0, 1.0, 0.0])
        return pad[:, None, :]
