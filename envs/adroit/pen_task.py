"""AdroitPen: turn a pen in the hand to a goal direction with the published Adroit hand."""

import mujoco
import numpy as np

from envs.adroit.models import LIMIT, AdroitTask, load_adroit
from envs.cameras import Camera
from envs.goals import GoalTask
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, View, pictured

TOLERANCE_M, LEAST_COSINE = 0.075, 0.95
TURN_RAD = 1.0  # largest turn of the goal's direction from upright, about x and about y
PLACE_M = np.array([0.0, -0.2, 0.25])  # where the pen starts and must stay
DROPPED_Z_M = 0.075


class AdroitPen(AdroitTask, GoalTask):
    """Turn a pen in the palm to a goal direction (published as AdroitHandPen-v1).

    Actions: 24 in [-1, 1], scaled to the joints' ranges [rad]: wrist (2), fingers and thumb (22).
    Observations: joint_position (24), pen_position (3) [m], pen_velocity (6) [m/s, rad/s],
        pen_axis (3), goal_axis (3), pen_offset (3) [m, pen minus its initial position], axis_error
        (3) [pen_axis minus goal_axis], the 45 published values; and in addition joint_velocity
        (24). `AdroitPenPublished` observes the 45 published values only.
    Initial state: as published: the hand at rest, palm up, the pen lying across it; the goal's
        direction is upright, turned by uniform ±1 rad about x and about y.
    Success: as published: the pen within 0.075 m of its initial position and the cosine between
        its axis and the goal's above 0.95 (18 degrees), at any single control step.
    Failure: the pen fell from the hand; this ends the episode.
    Horizon: 200 control steps of 0.01 s (2 s).
    Versions: v0, initial version.
    """

    name = "AdroitPen"
    memory_sizes = {  # noqa: RUF012
        "pen": 3,
        "pen_axis": 3,
        "goal_axis": 3,
        "goal_wxyz": 4,
        "turned": 1,
    }
    model_fields = ("body_quat",)
    goal_size = 6
    goal_fields = ("goal_axis", "axis_error")
    cameras = {"front": Camera((0.05, -0.20, 0.22), 0.70, 175.0, -40.0)}  # noqa: RUF012
    description = "Turn a pen to a goal direction in the Adroit hand."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the published scene with a site at the pen's middle."""
        spec = load_adroit("adroit_pen.xml", (0.06, -0.22, 0.23), (0.10, 0.28, 0.50))
        spec.body("Object").add_site(name="pen", size=[0.001, 0, 0], group=4)
        return spec

    def index_scene(self) -> None:
        """Look up pen and goal."""
        names = ("pen", "object_top", "object_bottom")
        sites = (int(self.model.site(name).id) for name in names)
        self.pen_site, self.top_site, self.bottom_site = sites
        top, bottom = self.model.site_pos[self.top_site], self.model.site_pos[self.bottom_site]
        self.length = float(np.linalg.norm(top - bottom))
        self.goal_body = int(self.model.body("target").id)

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the goal's direction."""
        quat = goal_quat(*rng.uniform(-TURN_RAD, TURN_RAD, 2))
        axis = np.zeros(3)
        mujoco.mju_rotVecQuat(axis, np.array([0.0, 0.0, 1.0]), quat)
        memory = {"pen": np.zeros(3), "pen_axis": np.zeros(3), "goal_axis": axis, "goal_wxyz": quat}
        memory["turned"] = np.zeros(1)
        return Start(self.model.qpos0.copy(), memory)

    def model_values(self, memory: dict[str, FloatArray]) -> dict[str, tuple[int, FloatArray]]:
        """Turn the marker pen to the goal's direction."""
        return {"body_quat": (self.goal_body, memory["goal_wxyz"])}

    def axis(self, view: View) -> FloatArray:
        """Return the pen's direction, (n, 3)."""
        top, bottom = view.site_position(self.top_site), view.site_position(self.bottom_site)
        axis: FloatArray = (top - bottom) / self.length
        return axis

    def look_back(self, view: View) -> dict[str, FloatArray]:
        """Store the pen's position and direction."""
        return {"pen": view.site_position(self.pen_site), "pen_axis": self.axis(view)}

    def published_fields(self) -> tuple[Field, ...]:
        """Return the fields of the 45 published values."""
        return (
            Field("joint_position", self.act_dim, "rad", LIMIT, "actuated joints"),
            pictured("pen_position", 3, "m", LIMIT, "pen's middle, world frame"),
            pictured("pen_velocity", 6, "m/s, rad/s", 200.0, "linear and angular"),
            pictured("pen_axis", 3, "1", LIMIT, "pen's direction, world frame"),
            pictured("goal_axis", 3, "1", LIMIT, "goal's direction, world frame"),
            pictured("pen_offset", 3, "m", LIMIT, "pen's middle minus where it has to stay"),
            pictured("axis_error", 3, "1", LIMIT, "pen's direction minus the goal's"),
        )

    def observe_published(self, view: View) -> dict[str, FloatArray]:
        """Return the 45 published values."""
        pen, axis, goal = (view.memory(name) for name in ("pen", "pen_axis", "goal_axis"))
        return {
            "joint_position": view.qpos[:, self.hand.qpos],
            "pen_position": pen,
            "pen_velocity": view.qvel[:, -6:],
            "pen_axis": axis,
            "goal_axis": goal,
            "pen_offset": pen - PLACE_M,
            "axis_error": axis - goal,
        }

    def update_memory(self, view: View) -> dict[str, FloatArray]:
        """Store the largest completed share of the turn, since the pen swings on the way."""
        cosine = (view.memory("pen_axis") * view.memory("goal_axis")).sum(axis=1)
        at_first = view.memory("goal_axis")[:, 0]  # the pen starts along x
        way = np.maximum(LEAST_COSINE - at_first, 1e-6)
        turned = np.clip((cosine - at_first) / way, 0.0, 1.0)[:, None]
        return {"turned": np.maximum(view.memory("turned"), turned)}

    def score(self, view: View) -> Score:
        """Score by the pen's direction and its offset from its initial position."""
        pen, axis, goal = (view.memory(name) for name in ("pen", "pen_axis", "goal_axis"))
        solved = self.reaches(self.achieved_goal(view), self.desired_goal(view))
        cosine = (axis * goal).sum(axis=1)
        offset = np.linalg.norm(pen - PLACE_M, axis=1)
        dropped = pen[:, 2] < DROPPED_Z_M
        turned = view.memory("turned")[:, 0]
        return Score(
            solved=solved,
            failed=dropped,
            progress=np.where(solved, 1.0, np.where(dropped, 0.0, turned)),
            reward_terms={
                "stay": 0.2 * np.exp(-20.0 * offset),
                "turn": 0.5 * np.clip(cosine, 0.0, 1.0),
                "arrive": np.where(solved, 0.3, 0.0),
                "drop": np.where(dropped, -1.0, 0.0),
            },
            mode=np.full(len(view), NO_MODE),
        )

    def achieved_goal(self, view: View) -> FloatArray:
        """Return the pen's offset from its initial position [m] and its direction, (n, 6)."""
        return np.concatenate([view.memory("pen") - PLACE_M, view.memory("pen_axis")], axis=1)

    def desired_goal(self, view: View) -> FloatArray:
        """Return zero offset and the goal's direction, (n, 6)."""
        goal = view.memory("goal_axis")
        return np.concatenate([np.zeros_like(goal), goal], axis=1)

    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Return whether offset and direction are within their tolerances, (...,)."""
        offset = np.linalg.norm(achieved[..., :3] - desired[..., :3], axis=-1)
        cosine = (achieved[..., 3:] * desired[..., 3:]).sum(axis=-1)
        reached: BoolArray = (offset < TOLERANCE_M) & (cosine > LEAST_COSINE)
        return reached


class AdroitPenPublished(AdroitPen):
    """AdroitPen with the same episodes but only the published observation (45 values)."""

    name = "AdroitPenPublished"
    twin_of = "AdroitPen"
    is_full = False


def goal_quat(about_x: float, about_y: float) -> FloatArray:
    """Return the published goal orientation, wxyz (4,), for its two angles [rad]."""
    cx, sx = np.cos(about_x / 2), np.sin(about_x / 2)
    cy, sy = np.cos(about_y / 2), np.sin(about_y / 2)
    return np.array([cy * cx, cy * sx, sy * cx, sy * sx])
