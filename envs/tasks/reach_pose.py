"""ReachPose: hold all five fingertips at five goal points in the air."""

from itertools import product

import mujoco
import numpy as np

from envs.cameras import Camera
from envs.goals import GoalTask
from envs.hand.hand import FINGERS, HAND_JOINTS, JOINT_RANGE_RAD, PALM_BODY
from envs.hand.kinematics import coupled_qpos
from envs.hand.scene import add_hand
from envs.rotations import distance
from envs.scene import add_camera, add_goal_marker, make_scene
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, View, pictured

TOLERANCE_M = 0.01
PALM_HEIGHT_M = 0.16
RANGE_MARGIN = 0.2  # share of each joint's range excluded at either end
CLEARANCE_M = 0.003  # between links in a drawn posture
WAY_POINTS = 11  # checked for contact between the initial and the goal posture
LEAST_TRAVEL_M = 0.02  # of the tip that is farthest from its goal
THUMB_LINKS = ("thumb_proximal", "thumb_distal")
FINGER_LINKS = ("proximal", "middle", "distal")


def _links_that_can_meet() -> list[tuple[str, str]]:
    """Return the pairs of links that can come into contact."""
    links = [f"{finger}_{link}" for finger in FINGERS[1:] for link in FINGER_LINKS]
    pairs = [(thumb, link) for thumb in THUMB_LINKS for link in (PALM_BODY, *links)]
    for left, right in (("index", "middle"), ("middle", "ring")):
        pairs += [(f"{left}_{a}", f"{right}_{b}") for a, b in product(FINGER_LINKS[1:], repeat=2)]
    return pairs


class ReachPose(GoalTask):
    """Bring every fingertip to its own goal position and hold the posture.

    Actions: 14 absolute position targets in [-1, 1], each scaled to its joint's range [rad]; the
        palm is fixed.
    Observations: joint_position (14), joint_velocity (14), tip_position (15) [m, from the palm
        centre], goal_position (15) [m, from the palm centre], goal_offset (15) [m, goals minus
        tips]. Goals are given as positions, never as joint angles.
    Initial state: a posture uniform in the inner 60 % of every joint's range. The goals are the
        fingertips of a second such posture, in which the thumb's IP and MCP joints are at the same
        share of their ranges, so that positions determine angles. In both postures thumb, palm and
        fingers are at least 3 mm apart. The straight path between them in joint space is free of
        contact, and the farthest tip is at least 2 cm from its goal.
    Success: every tip within 1 cm of its goal for 10 consecutive control steps (0.4 s).
    Horizon: 60 control steps (2.4 s).
    Versions: v1, postures in the inner 60 % of every range; v0, in the inner 80 %.
    """

    name = "ReachPose"
    version = 1
    mount = "palm"
    horizon = 60
    hold_steps = 10
    memory_sizes = {"goal": 15, "goal_posture": 14}  # noqa: RUF012
    cameras = {"right-back": Camera((0.04, 0.01, 0.12), 0.36, 30.0, 12.0)}  # noqa: RUF012
    description = "Hold five fingertips at five points in the air."
    goal_size = 15
    goal_fields = ("goal_position", "goal_offset")

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on a fixed palm above an empty table, with five markers."""
        spec = make_scene("reach_pose")
        add_hand(spec, "palm", (0.0, 0.0, PALM_HEIGHT_M))
        for finger in FINGERS:
            add_goal_marker(spec, f"{finger}_goal", TOLERANCE_M)
        add_camera(spec, (0.035, 0.012, PALM_HEIGHT_M - 0.03), 0.38)
        return spec

    def index_scene(self) -> None:
        """Look up the links that can meet and the ranges of drawn postures."""
        self.link_pairs = [
            (int(self.model.geom(a).id), int(self.model.geom(b).id))
            for a, b in _links_that_can_meet()
        ]
        limits = np.array([JOINT_RANGE_RAD[name] for name in HAND_JOINTS])
        margin = RANGE_MARGIN * (limits[:, 1] - limits[:, 0])
        self.posture_low, self.posture_high = limits[:, 0] + margin, limits[:, 1] - margin

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw an initial and a goal posture until the path between them is free of contact."""
        data = self.scratch
        while True:
            start = self._draw_posture(rng, data, is_goal=False)
            tips = data.site_xpos[self.hand.tips].copy()
            goal_posture = self._draw_posture(rng, data, is_goal=True)
            goal = data.site_xpos[self.hand.tips].copy()
            is_far = distance(tips, goal).max() > LEAST_TRAVEL_M
            if is_far and self._is_way_free(start, goal_posture, data):
                qpos = self._hand_qpos(start)
                return Start(qpos, {"goal": goal.ravel(), "goal_posture": goal_posture})

    def _draw_posture(
        self, rng: np.random.Generator, data: mujoco.MjData, is_goal: bool
    ) -> FloatArray:
        """Draw a posture without contact, (14,) [rad]; `data` is left posed in it."""
        mcp, ip = HAND_JOINTS.index("thumb_mcp"), HAND_JOINTS.index("thumb_ip")
        while True:
            part = rng.random(self.act_dim)
            part[ip] = part[mcp] if is_goal else part[ip]
            joints = self.posture_low + part * (self.posture_high - self.posture_low)
            if self._is_clear(joints, data, CLEARANCE_M):
                return np.asarray(joints)

    def _is_way_free(self, start: FloatArray, goal: FloatArray, data: mujoco.MjData) -> bool:
        parts = np.linspace(0.0, 1.0, WAY_POINTS + 2)[1:-1]
        return all(self._is_clear(start + part * (goal - start), data, 0.0) for part in parts)

    def _is_clear(self, joints: FloatArray, data: mujoco.MjData, clearance: float) -> bool:
        if self.touches(data, self._hand_qpos(joints)):
            return False
        return clearance == 0.0 or all(
            mujoco.mj_geomDistance(self.model, data, a, b, clearance, None) >= clearance
            for a, b in self.link_pairs
        )

    def _hand_qpos(self, joints: FloatArray) -> FloatArray:
        qpos = self.model.qpos0.copy()
        qpos[self.hand.qpos] = joints
        return coupled_qpos(self.model, qpos)

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.hand_fields(),
            Field("tip_position", 15, "m", 2.0, "five fingertips minus palm centre"),
            pictured("goal_position", 15, "m", 2.0, "five goals minus palm centre"),
            pictured("goal_offset", 15, "m", 2.0, "five goals minus their fingertips"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        palm = view.site_position(self.hand.palm)[:, None]
        tips = view.site_position(self.hand.tips)
        goals = view.memory("goal").reshape(-1, 5, 3)
        n = len(view)
        return {
            **self.observe_hand(view),
            "tip_position": (tips - palm).reshape(n, -1),
            "goal_position": (goals - palm).reshape(n, -1),
            "goal_offset": (goals - tips).reshape(n, -1),
        }

    def achieved_goal(self, view: View) -> FloatArray:
        """Return the positions of the five fingertips, (n, 15) [m, world]."""
        return view.site_position(self.hand.tips).reshape(len(view), -1)

    def desired_goal(self, view: View) -> FloatArray:
        """Return the goal positions of the five fingertips, (n, 15) [m, world]."""
        return view.memory("goal")

    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Return whether every tip is within 1 cm of its goal."""
        tips, goals = (points.reshape(*points.shape[:-1], 5, 3) for points in (achieved, desired))
        return np.asarray((distance(tips, goals) < TOLERANCE_M).all(axis=-1))

    def score(self, view: View) -> Score:
        """Score by the distance of each tip to its goal."""
        goals = view.memory("goal").reshape(-1, 5, 3)
        gaps = distance(view.site_position(self.hand.tips), goals)
        near = 1.0 - np.clip((gaps - TOLERANCE_M) / 0.10, 0.0, 1.0)
        n = len(view)
        return Score(
            solved=self.reaches(self.achieved_goal(view), self.desired_goal(view)),
            failed=np.zeros(n, dtype=np.bool_),
            progress=near.mean(axis=1),
            reward_terms={
                "reach": 0.5 * np.exp(-20.0 * gaps).mean(axis=1),
                "arrive": 0.1 * (gaps < TOLERANCE_M).sum(axis=1),
            },
            mode=np.full(n, NO_MODE),
        )

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Place the goal markers."""
        return memory["goal"].reshape(-1, 5, 3)
