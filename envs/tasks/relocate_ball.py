"""RelocateBall: grasp a ball of varying size and hold it at a goal point in the air."""

import mujoco
import numpy as np

from envs.goals import PositionGoalTask
from envs.hand.scene import add_hand
from envs.rotations import distance
from envs.scene import add_camera, add_goal_marker, make_scene
from envs.task import NO_MODE, Field, FloatArray, Score, Start, View, pictured
from envs.tasks.cube_parts import MOUNT_HEIGHT_M, draw_palm

REACH_TOLERANCE_M = 0.03
RADIUS_M = (0.020, 0.040)
MASS_KG = 0.06
SPIN_DAMPING_NMS = 2e-4  # a nudged ball rolls for about half a second
BALL_AREA_M = ((-0.06, 0.10), (-0.11, 0.11))
GOAL_BOX_M = ((-0.08, 0.14), (-0.14, 0.14), (0.10, 0.25))


class RelocateBall(PositionGoalTask):
    """Grasp a ball, carry it to a goal point and hold it there.

    Actions: 20 absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the 14 finger joints [rad], each scaled to its control range.
    Observations: joint_position (20), joint_velocity (20), ball_position (3) [m, world],
        ball_velocity (3) [m/s], ball_offset (3) [m, ball minus palm centre], ball_tip_offset (15)
        [m, tips minus ball], ball_radius (1) [m], goal_offset (3) [m, goal minus ball].
    Initial state: the ball's radius uniform in 2-4 cm, its mass always 60 g; the ball at rest on
        the table, uniform in a 16 x 22 cm area; the open hand about 20 cm above, with uniform
        jitter of ±2 cm; the goal uniform in a 22 x 28 x 15 cm box in the air.
    Goal: position of the ball's centre, (3,) [m, world].
    Success: the ball's centre within 3 cm of the goal for 10 consecutive control steps (0.4 s).
    Horizon: 150 control steps (6 s).
    Versions: v1, the inertia of each ball follows its radius; v0, initial version, in which every
        ball turned with the inertia of the largest.
    """

    name = "RelocateBall"
    version = 1
    mount = "wrist"
    horizon = 150
    hold_steps = 10
    memory_sizes = {"goal": 3, "radius": 1}  # noqa: RUF012
    model_fields = ("geom_size", "body_inertia")
    description = "Grasp a ball of any size and hold it at a goal point in the air."
    tolerance_m = REACH_TOLERANCE_M
    object_name = "ball"
    goal_fields = ("goal_offset",)

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on its wrist above a table with a ball of the largest radius.

        The bounding volumes stay those of this ball, which enclose every smaller one.
        """
        spec = make_scene("relocate_ball")
        add_hand(spec, "wrist", (0.0, 0.0, MOUNT_HEIGHT_M))
        ball = spec.worldbody.add_body(name="ball", pos=[0, 0, RADIUS_M[1]])
        free = mujoco.mjtJoint.mjJNT_FREE
        ball.add_joint(name="ball", type=free, damping=SPIN_DAMPING_NMS)
        ball.add_geom(
            name="ball",
            type=mujoco.mjtGeom.mjGEOM_SPHERE,
            size=[RADIUS_M[1], 0, 0],
            mass=MASS_KG,
            rgba=[0.93, 0.45, 0.20, 1.0],
            condim=4,
            friction=[1.0, 0.02, 0.001],
            solref=[0.01, 1],
            solimp=[0.95, 0.99, 0.001, 0.5, 2],
            contype=2,
            conaffinity=3,
        )
        ball.add_site(name="ball", size=[0.003, 0, 0], group=4)
        add_goal_marker(spec, "goal", REACH_TOLERANCE_M)
        add_camera(spec, (0.03, 0.0, 0.13), 0.76)
        return spec

    def index_scene(self) -> None:
        """Look up the ball."""
        self.ball_qpos = int(self.model.joint("ball").qposadr[0])
        self.ball_dof = int(self.model.joint("ball").dofadr[0])
        self.ball_geom = int(self.model.geom("ball").id)
        self.ball_body = int(self.model.body("ball").id)

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the ball's radius and position, the hand's pose and the goal."""
        qpos = self.model.qpos0.copy()
        draw_palm(self, qpos, rng)
        radius = rng.uniform(*RADIUS_M)
        x, y = (rng.uniform(low, high) for low, high in BALL_AREA_M)
        qpos[self.ball_qpos : self.ball_qpos + 3] = (x, y, radius)
        goal = np.array([rng.uniform(low, high) for low, high in GOAL_BOX_M])
        return Start(qpos, {"goal": goal, "radius": np.array([radius])})

    def model_values(self, memory: dict[str, FloatArray]) -> dict[str, tuple[int, FloatArray]]:
        """Set the ball's radius r and the moment of inertia of a solid ball, 2/5 m r^2."""
        radius = memory["radius"]
        return {
            "geom_size": (self.ball_geom, radius * np.array([1.0, 0.0, 0.0])),
            "body_inertia": (self.ball_body, 0.4 * MASS_KG * radius**2 * np.ones(3)),
        }

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.hand_fields(),
            pictured("ball_position", 3, "m", 2.0, "ball centre, world frame"),
            pictured("ball_velocity", 3, "m/s", 10.0, "ball centre, world frame"),
            pictured("ball_offset", 3, "m", 2.0, "ball centre minus palm centre"),
            pictured("ball_tip_offset", 15, "m", 2.0, "five fingertips minus ball centre"),
            pictured("ball_radius", 1, "m", 0.1, "radius, the same for a whole episode"),
            pictured("goal_offset", 3, "m", 2.0, "goal minus ball centre"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        ball = self.achieved_goal(view)
        tips = view.site_position(self.hand.tips)
        return {
            **self.observe_hand(view),
            "ball_position": ball,
            "ball_velocity": view.qvel[:, self.ball_dof : self.ball_dof + 3],
            "ball_offset": ball - view.site_position(self.hand.palm),
            "ball_tip_offset": (tips - ball[:, None]).reshape(len(view), -1),
            "ball_radius": view.memory("radius"),
            "goal_offset": self.desired_goal(view) - ball,
        }

    def score(self, view: View) -> Score:
        """Score by the ball's distance to the goal."""
        ball, goal = self.achieved_goal(view), self.desired_goal(view)
        to_goal = distance(ball, goal)
        grasp = distance(view.site_position(self.hand.tips)[:, :3].mean(axis=1), ball)
        lifted = np.clip((ball[:, 2] - view.memory("radius")[:, 0]) / 0.05, 0.0, 1.0)
        near = 1.0 - np.clip((to_goal - REACH_TOLERANCE_M) / 0.25, 0.0, 1.0)
        return Score(
            solved=self.reaches(ball, goal),
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
