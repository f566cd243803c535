"""LiftCube: grasp a cube on the table and hold it at a goal point in the air."""

import mujoco
import numpy as np

from envs.goals import PositionGoalTask
from envs.hand.scene import add_hand
from envs.rotations import distance
from envs.scene import add_camera, add_cube, add_goal_marker, make_scene
from envs.task import NO_MODE, Field, FloatArray, Score, Start, View, pictured
from envs.tasks.cube_parts import (
    CUBE_HALF_SIZE_M,
    MOUNT_HEIGHT_M,
    cube_fields,
    draw_palm,
    lifted_share,
    observe_cube,
    place_cube,
)

REACH_TOLERANCE_M = 0.03
CUBE_AREA_M = ((-0.05, 0.09), (-0.08, 0.08))
CUBE_YAW_RAD = 0.7
GOAL_BOX_M = ((-0.06, 0.12), (-0.10, 0.10), (0.10, 0.22))


class LiftCube(PositionGoalTask):
    """Grasp a cube, carry it to a goal point and hold it there.

    Actions: 20 absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the 14 finger joints [rad], each scaled to its control range.
    Observations: joint_position (20), joint_velocity (20), cube_position (3) [m, world],
        cube_axes (6) [two columns of its rotation matrix], cube_offset (3) [m, cube minus palm
        centre], cube_tip_offset (15) [m, tips minus cube], goal_offset (3) [m, goal minus cube].
    Initial state: the cube on the table, uniform in a 14 x 16 cm area, yaw uniform in ±0.7 rad; the
        open hand about 20 cm above, with uniform jitter of ±2 cm; the goal uniform in an
        18 x 20 x 12 cm box in the air.
    Success: the cube's centre within 3 cm of the goal for 10 consecutive control steps (0.4 s).
    Horizon: 150 control steps (6 s).
    Versions: v0, initial version.
    """

    name = "LiftCube"
    mount = "wrist"
    horizon = 150
    hold_steps = 10
    memory_sizes = {"goal": 3}  # noqa: RUF012
    description = "Grasp a cube and hold it at a goal point in the air."
    tolerance_m = REACH_TOLERANCE_M
    object_name = "cube"
    goal_fields = ("goal_offset",)

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on its wrist above a table with one cube."""
        spec = make_scene("lift_cube")
        add_hand(spec, "wrist", (0.0, 0.0, MOUNT_HEIGHT_M))
        add_cube(spec, "cube", CUBE_HALF_SIZE_M, (0.93, 0.45, 0.20, 1.0))
        add_goal_marker(spec, "goal", REACH_TOLERANCE_M)
        add_camera(spec, (0.02, 0.0, 0.13), 0.75)
        return spec

    def index_scene(self) -> None:
        """Look up the cube."""
        self.cube_qpos = int(self.model.joint("cube").qposadr[0])

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the cube's pose, the hand's pose and the goal."""
        qpos = self.model.qpos0.copy()
        draw_palm(self, qpos, rng)
        x, y = (rng.uniform(low, high) for low, high in CUBE_AREA_M)
        place_cube(qpos, self.cube_qpos, x, y, rng.uniform(-CUBE_YAW_RAD, CUBE_YAW_RAD))
        goal = np.array([rng.uniform(low, high) for low, high in GOAL_BOX_M])
        return Start(qpos, {"goal": goal})

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        goal = pictured("goal_offset", 3, "m", 2.0, "goal minus cube centre")
        return (*self.hand_fields(), *cube_fields("cube"), goal)

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        return {
            **self.observe_hand(view),
            **observe_cube(self, view, "cube", self.cube_qpos, self.object_site),
            "goal_offset": view.memory("goal") - view.site_position(self.object_site),
        }

    def score(self, view: View) -> Score:
        """Score by the cube's distance to the goal."""
        cube, goal = self.achieved_goal(view), self.desired_goal(view)
        to_goal = distance(cube, goal)
        grasp = distance(view.site_position(self.hand.tips)[:, :3].mean(axis=1), cube)
        lifted = lifted_share(cube, 0.05)
        near = 1.0 - np.clip((to_goal - REACH_TOLERANCE_M) / 0.20, 0.0, 1.0)
        return Score(
            solved=self.reaches(cube, goal),
            failed=np.zeros(len(view), dtype=np.bool_),
            progress=0.2 * (1.0 - np.clip(grasp / 0.25, 0.0, 1.0)) + lifted * (0.3 + 0.5 * near),
            reward_terms={
                "reach": 0.2 * np.exp(-10.0 * grasp),
                "lift": 0.3 * lifted,
                "carry": 0.5 * lifted * np.exp(-10.0 * to_goal),
            },
            mode=np.full(len(view), NO_MODE),
        )

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Place the goal marker."""
        return memory["goal"][:, None, :]
