"""ReachPose on a described hand: hold every fingertip at its goal point in the air."""

from typing import Any

import mujoco
import numpy as np

from envs.cameras import Camera
from envs.hand.attach import add_described_hand
from envs.hand.loading import LoadedHand
from envs.rotations import distance
from envs.scene import add_camera, add_goal_marker, make_scene
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, View, pictured
from envs.tasks.on_hand.base import TaskOnHand, longest_reach
from envs.tasks.reach_pose import RANGE_MARGIN, TOLERANCE_M, ReachPose

FREE_SERVOS = 3  # of a finger: as many as a point has coordinates
ABOVE_TABLE_M = 0.03  # below the longest finger
VIEW_PER_REACH = 3.0


class ReachPoseOnHand(TaskOnHand, ReachPose):
    """Bring every fingertip to its own goal position and hold the posture.

    Actions: one absolute position target in [-1, 1] for each servo, scaled to its range [rad].
    Observations: joint_position and joint_velocity of all joints, coupled ones included,
        tip_position [m, from the palm], goal_position [m, from the palm], goal_offset [m, goals
        minus tips]; three values for each of the hand's fingers.
    Initial state: a posture uniform in the inner 60 % of every servo's range; servos that move no
        finger (a wrist) are in the neutral posture. The goals are the fingertips of a second such
        posture. In it the servos of a finger with more than three, from its third on, are at the
        same share of their ranges, so that positions determine angles. Both postures and the
        straight path between them in joint space are free of contact, and the farthest tip is at
        least 2 cm from its goal. The palm is 3 cm higher above the table than the hand is long.
    Success: every tip within 1 cm of its goal for 10 consecutive control steps (0.4 s).
    Horizon: 60 control steps (2.4 s).
    """

    name = "ReachPose"
    version = 0
    description = "Hold every fingertip at its own point in the air."

    @classmethod
    def sizes(cls, loaded: LoadedHand) -> dict[str, Any]:
        """Return the sizes of goals."""
        goal = 3 * len(loaded.hand.fingers)
        memory = {"goal": goal, "goal_posture": len(loaded.names)}
        return {"goal_size": goal, "memory_sizes": memory}

    @classmethod
    def views(cls, loaded: LoadedHand) -> dict[str, Camera]:
        """Return a camera at right angles to the main one, as far away as the hand is long."""
        reach = longest_reach(loaded)
        middle = (reach / 4, reach / 12, 0.8 * reach + ABOVE_TABLE_M)
        return {"right-back": Camera(middle, VIEW_PER_REACH * reach, 30.0, 12.0)}

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand, palm down, above an empty table, with a marker for every finger."""
        spec, reach = make_scene("reach_pose"), longest_reach(self.loaded)
        add_described_hand(spec, self.described, "palm_down", (0.0, 0.0, reach + ABOVE_TABLE_M))
        for finger in self.described.fingers:
            add_goal_marker(spec, f"{finger}_goal", TOLERANCE_M)
        middle = (reach / 4, reach / 12, 0.8 * reach + ABOVE_TABLE_M)
        add_camera(spec, middle, VIEW_PER_REACH * reach)
        return spec

    def index_scene(self) -> None:
        """Look up the ranges of drawn postures and the servos that go together in a goal."""
        low, high, neutral = self.hand.low, self.hand.high, self.loaded.neutral
        margin, columns = RANGE_MARGIN * (high - low), self.loaded.columns
        self.posture_low = np.where(self.is_in_finger, low + margin, neutral)
        self.posture_high = np.where(self.is_in_finger, high - margin, neutral)
        self._together = [
            column[FREE_SERVOS - 1 :] for column in columns.values() if len(column) > FREE_SERVOS
        ]

    def _draw_posture(
        self, rng: np.random.Generator, data: mujoco.MjData, is_goal: bool
    ) -> FloatArray:
        """Draw a posture without contact, (act_dim,) [rad]; `data` is left posed in it."""
        while True:
            part = rng.random(self.act_dim)
            for column in self._together if is_goal else ():
                part[column] = part[column[0]]
            posture = self.posture_low + part * (self.posture_high - self.posture_low)
            if self._is_clear(posture, data, 0.0):
                return np.asarray(posture)

    def _is_clear(self, joints: FloatArray, data: mujoco.MjData, clearance: float) -> bool:
        del clearance  # links of a real hand may be closer
        return not self.touches(data, self._hand_qpos(joints))

    def _hand_qpos(self, joints: FloatArray) -> FloatArray:
        return self.hand_qpos(joints)

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.hand_fields(),
            Field("tip_position", self.goal_size, "m", 2.0, "fingertips minus palm"),
            pictured("goal_position", self.goal_size, "m", 2.0, "goals minus palm"),
            pictured("goal_offset", self.goal_size, "m", 2.0, "goals minus their fingertips"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        palm = view.site_position(self.hand.palm)[:, None]
        tips = view.site_position(self.hand.tips)
        goals, n = self._goals(view), len(view)
        return {
            **self.observe_hand(view),
            "tip_position": (tips - palm).reshape(n, -1),
            "goal_position": (goals - palm).reshape(n, -1),
            "goal_offset": (goals - tips).reshape(n, -1),
        }

    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Return whether every tip is within 1 cm of its goal."""
        tips, goals = (points.reshape(*points.shape[:-1], -1, 3) for points in (achieved, desired))
        return np.asarray((distance(tips, goals) < TOLERANCE_M).all(axis=-1))

    def score(self, view: View) -> Score:
        """Score by the distance of each tip to its goal."""
        gaps = distance(view.site_position(self.hand.tips), self._goals(view))
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
        goal = memory["goal"]
        return goal.reshape(len(goal), -1, 3)

    def _goals(self, view: View) -> FloatArray:
        """Return the goal of every finger, (n, fingers, 3) [m, world]."""
        return view.memory("goal").reshape(len(view), -1, 3)
