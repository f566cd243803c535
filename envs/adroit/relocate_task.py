"""AdroitRelocate: carry a ball to a goal in the air with the published Adroit arm and hand."""

import mujoco
import numpy as np

from envs.adroit.models import LIMIT, AdroitTask, load_adroit
from envs.cameras import Camera
from envs.goals import GoalTask
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, View, pictured

TOLERANCE_M = 0.1
BALL_X_M, BALL_Y_M, BALL_Z_M = (-0.15, 0.15), (-0.15, 0.3), 0.035
TARGET_X_M, TARGET_Y_M, TARGET_Z_M = (-0.2, 0.2), (-0.2, 0.2), (0.15, 0.35)
LOST_Z_M = -0.1  # a ball below this height has fallen off the table


class AdroitRelocate(AdroitTask, GoalTask):
    """Grasp a ball and bring it to a goal in the air (published as AdroitHandRelocate-v1).

    Actions: 30 in [-1, 1], scaled to the actuators' ranges: arm (6), wrist (2), fingers and thumb
        (22) [m or rad]. The arm's force is 500 times the target minus 200 times the position, so
        without gravity its joints come to rest at 2.5 times their targets.
    Observations: joint_position (30), palm_to_ball (3), palm_to_goal (3), ball_to_goal (3) [m,
        palm minus ball, and so on], the 39 published values; and in addition joint_velocity (30),
        ball_velocity (6) [m/s, rad/s]. `AdroitRelocatePublished` observes the 39 published values
        only.
    Initial state: as published: the hand at rest; the ball on the table, uniform in x ±0.15 m,
        y -0.15 to 0.3 m; the goal uniform in x and y ±0.2 m, z 0.15 to 0.35 m.
    Success: as published: the ball within 0.1 m of the goal at any single control step.
    Failure: the ball fell off the table; this ends the episode.
    Horizon: 200 control steps of 0.01 s (2 s).
    Versions: v0, initial version.
    """

    name = "AdroitRelocate"
    memory_sizes = {"palm": 3, "ball": 3, "ball_start": 3, "goal": 3}  # noqa: RUF012
    model_fields = ("body_pos", "site_pos")
    goal_size = 3
    goal_fields = ("palm_to_goal", "ball_to_goal")
    cameras = {"right-front": Camera((0.0, -0.05, 0.18), 1.10, 130.0, -28.0)}  # noqa: RUF012
    description = "Carry a ball to a goal in the air with the Adroit hand."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the published scene with a site at the ball's centre."""
        spec = load_adroit("adroit_relocate.xml", (0.0, -0.08, 0.10), (0.62, 0.42, 0.55))
        spec.body("Object").add_site(name="ball", size=[0.001, 0, 0], group=4)
        return spec

    def index_scene(self) -> None:
        """Look up the ball and the goal."""
        self.ball_body = int(self.model.body("Object").id)
        self.ball_site = int(self.model.site("ball").id)
        self.goal_site = int(self.model.site("target").id)

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the positions of ball and goal."""
        ball = np.array([rng.uniform(*BALL_X_M), rng.uniform(*BALL_Y_M), BALL_Z_M])
        goal = np.array([rng.uniform(*r) for r in (TARGET_X_M, TARGET_Y_M, TARGET_Z_M)])
        memory = {"palm": np.zeros(3), "ball": ball, "ball_start": ball, "goal": goal}
        return Start(self.model.qpos0.copy(), memory)

    def model_values(self, memory: dict[str, FloatArray]) -> dict[str, tuple[int, FloatArray]]:
        """Place the ball's body and the goal's site."""
        return {
            "body_pos": (self.ball_body, memory["ball_start"]),
            "site_pos": (self.goal_site, memory["goal"]),
        }

    def look_back(self, view: View) -> dict[str, FloatArray]:
        """Store the positions of palm and ball."""
        return {
            "palm": view.site_position(self.hand.palm),
            "ball": view.site_position(self.ball_site),
        }

    def published_fields(self) -> tuple[Field, ...]:
        """Return the fields of the 39 published values."""
        return (
            Field("joint_position", self.act_dim, "rad or m", LIMIT, "actuated joints"),
            pictured("palm_to_ball", 3, "m", LIMIT, "palm minus ball"),
            pictured("palm_to_goal", 3, "m", LIMIT, "palm minus goal"),
            pictured("ball_to_goal", 3, "m", LIMIT, "ball minus goal"),
        )

    def observe_published(self, view: View) -> dict[str, FloatArray]:
        """Return the 39 published values."""
        palm, ball, goal = (view.memory(name) for name in ("palm", "ball", "goal"))
        return {
            "joint_position": view.qpos[:, self.hand.qpos],
            "palm_to_ball": palm - ball,
            "palm_to_goal": palm - goal,
            "ball_to_goal": ball - goal,
        }

    def added_fields(self) -> tuple[Field, ...]:
        """Return the velocities."""
        meaning = "linear and angular"
        return (*super().added_fields(), pictured("ball_velocity", 6, "m/s, rad/s", 100.0, meaning))

    def observe_added(self, view: View) -> dict[str, FloatArray]:
        """Return the velocities."""
        return {**super().observe_added(view), "ball_velocity": view.qvel[:, -6:]}

    def score(self, view: View) -> Score:
        """Score by the ball's distance to the goal."""
        palm, ball, goal = (view.memory(name) for name in ("palm", "ball", "goal"))
        distance = np.linalg.norm(ball - goal, axis=1)
        reach = np.linalg.norm(palm - ball, axis=1)
        at_first = np.linalg.norm(view.memory("ball_start") - goal, axis=1)
        lifted = np.clip((ball[:, 2] - BALL_Z_M) / 0.05, 0.0, 1.0)
        solved = distance < TOLERANCE_M
        carried = 1.0 - np.clip((distance - TOLERANCE_M) / (at_first - TOLERANCE_M), 0.0, 1.0)
        near = 1.0 - np.clip(reach / 0.5, 0.0, 1.0)
        return Score(
            solved=solved,
            failed=ball[:, 2] < LOST_Z_M,
            progress=np.where(solved, 1.0, 0.2 * near + 0.2 * lifted + 0.6 * carried),
            reward_terms={
                "reach": 0.2 * np.exp(-10.0 * reach),
                "lift": 0.2 * lifted,
                "carry": 0.3 * np.exp(-5.0 * distance),
                "arrive": 0.3 * solved,
            },
            mode=np.full(len(view), NO_MODE),
        )

    def achieved_goal(self, view: View) -> FloatArray:
        """Return the ball's position, (n, 3) [m]."""
        return view.memory("ball")

    def desired_goal(self, view: View) -> FloatArray:
        """Return the ball's goal position, (n, 3) [m]."""
        return view.memory("goal")

    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Return whether balls are within the tolerance of their goals, (...,)."""
        near: BoolArray = np.linalg.norm(achieved - desired, axis=-1) < TOLERANCE_M
        return near


class AdroitRelocatePublished(AdroitRelocate):
    """AdroitRelocate with the same episodes but only the published observation (39 values)."""

    name = "AdroitRelocatePublished"
    twin_of = "AdroitRelocate"
    is_full = False
