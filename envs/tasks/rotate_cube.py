"""RotateCube: turn a cube in the open hand by a quarter turn without dropping it."""

import mujoco
import numpy as np

from envs.cameras import Camera
from envs.goals import GoalTask
from envs.hand.kinematics import coupled_qpos
from envs.hand.scene import add_hand
from envs.rotations import wrap
from envs.scene import add_camera, make_scene
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, View, pictured
from envs.tasks.palm_up_parts import (
    CUBE_HALF_SIZE_M,
    PALM_M,
    add_goal_copy,
    add_smooth_cube,
    add_stand,
    palm_up_quaternion,
)

TOLERANCE_RAD, UPRIGHT_RAD = 0.25, 0.4
TURN_RAD = (1.50, 1.64)  # about a quarter turn
START_YAW_RAD, START_JITTER_M, START_JITTER_RAD = 0.10, 0.002, 0.05
START_X_M = 0.014  # of the cube's centre, hand frame
REST_M = 0.0005  # initial gap to the palm
DROP_RADIUS_M, TURNED_OVER_RAD = 0.10, 1.0
MARKER_M = (0.0, 0.085, 0.035)  # the goal's copy, hand frame: beside the hand
# Thumb aside, fingers bent in front of the cube: thumb 4, index 3, middle 3, ring 2, little 2.
START_RAD = np.array([0.3, -0.6, 0.2, 0.2, 0, 0.25, 1.5, 0, 0.25, 1.5, 0.25, 1.5, 0.2, 1.5])


class RotateCube(GoalTask):
    """Turn a cube in the hand by a quarter turn about the palm's normal.

    The hand is fixed palm up, with the fingers tilted 0.5 rad and the thumb's side 0.1 rad below
    the horizontal: the smooth cube (friction 0.25) slides down the palm to the bent fingers. Hand
    frame: origin at the centre of the palm's face, x along the extended fingers, z out of the
    palm; yaw is the cube's heading in this frame, counter-clockwise.

    Actions: 14 absolute position targets in [-1, 1], each scaled to its joint's range [rad]; the
        palm is fixed.
    Observations: joint_position (14), joint_velocity (14), cube_position (3) [m], cube_axes (6)
        [two columns of its rotation matrix], cube_velocity (6) [m/s and rad/s], tip_offset (15)
        [m, tips minus cube], remaining_turn (1) [rad, goal minus yaw, signed]; all in the hand
        frame.
    Initial state: the cube on the palm, yaw uniform in ±0.1 rad, with uniform jitter of ±2 mm in
        position; the goal 1.50 to 1.64 rad away, in either direction with equal probability; the
        fingers bent in front of the cube without contact, with uniform jitter of ±0.05 rad per
        joint.
    Success: the cube's yaw within 0.25 rad of the goal and its tilt below 0.4 rad, for 10
        consecutive control steps (0.4 s).
    Failure: the cube left the hand or turned over; this ends the episode.
    Horizon: 200 control steps (8 s).
    Versions: v1, narrower initial states, tolerance 0.25 rad; v0, tolerance 0.2 rad.
    """

    name = "RotateCube"
    version = 1
    mount = "palm"
    horizon = 200
    hold_steps = 10
    memory_sizes = {"goal": 1, "goal_wxyz": 4, "turn": 1, "best": 1}  # noqa: RUF012
    goal_size = 2
    goal_fields = ("remaining_turn",)
    cameras = {"left-front": Camera((0.01, 0.0, 0.19), 0.40, 210.0, -20.0)}  # noqa: RUF012
    description = "Turn a cube in the open hand by a quarter without dropping it."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand palm up with a cube in it, and the goal marker beside it."""
        spec = make_scene("rotate_cube")
        add_hand(spec, "palm", PALM_M, palm_up_quaternion())
        add_stand(spec)
        add_smooth_cube(spec)
        add_goal_copy(spec)
        add_camera(spec, (0.005, 0.005, 0.165), 0.46, (0.15, -0.60, 0.70))
        return spec

    def index_scene(self) -> None:
        """Look up the cube and the hand frame, which does not move."""
        self.cube_qpos = int(self.model.joint("cube").qposadr[0])
        self.cube_dof = int(self.model.joint("cube").dofadr[0])
        self.cube_site = int(self.model.site("cube").id)
        data = self.scratch
        mujoco.mj_kinematics(self.model, data)
        # The palm frame's y and z point to the thumb and out of the back of the hand.
        palm = data.site_xmat[self.hand.palm].reshape(3, 3)
        self.hand_axes: FloatArray = palm * np.array([1.0, -1.0, -1.0])
        self.hand_origin: FloatArray = data.site_xpos[self.hand.palm].copy()

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the cube's pose, the desired turn and a posture without contact."""
        yaw = rng.uniform(-START_YAW_RAD, START_YAW_RAD)
        turn = (2.0 * rng.integers(2) - 1.0) * rng.uniform(*TURN_RAD)
        memory = {"goal": np.array([yaw + turn]), "turn": np.array([turn]), "best": np.zeros(1)}
        memory["goal_wxyz"] = self.cube_quaternion(yaw + turn)
        data = self.scratch
        while True:
            x, y = rng.uniform(-START_JITTER_M, START_JITTER_M, 2)
            qpos = self.model.qpos0.copy()
            place = np.array([START_X_M + x, y, CUBE_HALF_SIZE_M + REST_M])
            address = self.cube_qpos
            qpos[address : address + 3] = self.hand_origin + self.hand_axes @ place
            qpos[address + 3 : address + 7] = self.cube_quaternion(yaw)
            jitter = rng.uniform(-START_JITTER_RAD, START_JITTER_RAD, self.act_dim)
            qpos[self.hand.qpos] = np.clip(START_RAD + jitter, self.hand.low, self.hand.high)
            qpos = coupled_qpos(self.model, qpos)
            if not self.touches(data, qpos):
                return Start(qpos, memory)

    def cube_quaternion(self, yaw: float) -> FloatArray:
        """Return the quaternion wxyz, (4,), of a cube that lies flat with `yaw` [rad]."""
        c, s = np.cos(yaw), np.sin(yaw)
        flat = self.hand_axes @ np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        quat = np.zeros(4)
        mujoco.mju_mat2Quat(quat, flat.ravel())
        return quat

    def cube_position(self, view: View) -> FloatArray:
        """Return the cube's centre in the hand frame, (n, 3) [m]."""
        return np.asarray((view.site_position(self.cube_site) - self.hand_origin) @ self.hand_axes)

    def cube_matrix(self, view: View) -> FloatArray:
        """Return the cube's rotation matrix in the hand frame, (n, 3, 3)."""
        return np.asarray(self.hand_axes.T @ view.site_matrix(self.cube_site))

    def cube_yaw(self, view: View) -> FloatArray:
        """Return the cube's heading in the hand frame, (n,) [rad]."""
        axes = self.cube_matrix(view)
        return np.asarray(np.arctan2(axes[:, 1, 0], axes[:, 0, 0]))

    def remaining(self, view: View) -> FloatArray:
        """Return the signed angle from the cube's yaw to the goal, wrapped, (n,) [rad]."""
        return wrap(view.memory("goal")[:, 0] - self.cube_yaw(view))

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.hand_fields(),
            pictured("cube_position", 3, "m", 1.0, "cube centre, hand frame"),
            pictured("cube_axes", 6, "1", 1.0, "first two columns of the cube's rotation matrix"),
            pictured("cube_velocity", 6, "m/s and rad/s", 50.0, "cube, linear and angular"),
            pictured("tip_offset", 15, "m", 1.0, "five fingertips minus cube centre"),
            pictured("remaining_turn", 1, "rad", 4.0, "goal minus yaw, signed, the short way"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        n, axes = len(view), self.cube_matrix(view)
        tips = view.site_position(self.hand.tips) - view.site_position(self.cube_site)[:, None]
        velocity = view.qvel[:, self.cube_dof : self.cube_dof + 6].reshape(n, 2, 3)
        # MuJoCo gives a free body's linear velocity in the world, its angular one in the body.
        linear = velocity[:, 0] @ self.hand_axes
        angular = (axes @ velocity[:, 1, :, None])[..., 0]
        return {
            **self.observe_hand(view),
            "cube_position": self.cube_position(view),
            "cube_axes": axes[:, :, :2].transpose(0, 2, 1).reshape(n, 6),
            "cube_velocity": np.concatenate([linear, angular], axis=1),
            "tip_offset": (tips @ self.hand_axes).reshape(n, -1),
            "remaining_turn": self.remaining(view)[:, None],
        }

    def turned(self, view: View) -> FloatArray:
        """Return the completed share of the desired turn, (n,) in [0, 1]."""
        remaining, desired = np.abs(self.remaining(view)), np.abs(view.memory("turn")[:, 0])
        share = (remaining - TOLERANCE_RAD) / (desired - TOLERANCE_RAD)
        return np.asarray(1.0 - np.clip(share, 0.0, 1.0))

    def update_memory(self, view: View) -> dict[str, FloatArray]:
        """Store the largest share of the turn completed so far."""
        return {"best": np.maximum(view.memory("best"), self.turned(view)[:, None])}

    def score(self, view: View) -> Score:
        """Score by the remaining angle; a cube that is lost or turned over is a failure.

        The cube slips back a little between two pushes, so progress is the largest share so far.
        """
        remaining, place = np.abs(self.remaining(view)), self.cube_position(view)
        upright = self.cube_matrix(view)[:, 2, 2]
        is_out = (np.sqrt((place[:, :2] ** 2).sum(axis=1)) > DROP_RADIUS_M) | (place[:, 2] < 0.0)
        failed = is_out | (upright < np.cos(TURNED_OVER_RAD))
        near = remaining < TOLERANCE_RAD
        return Score(
            solved=near & (upright > np.cos(UPRIGHT_RAD)) & ~failed,
            failed=failed,
            progress=np.where(failed, 0.0, view.memory("best")[:, 0]),
            reward_terms={
                "turn": 0.7 * np.exp(-1.5 * remaining),
                "arrive": np.where(near, 0.3, 0.0),
                "failure": -failed.astype(np.float64),
            },
            mode=np.full(len(view), NO_MODE),
        )

    def achieved_goal(self, view: View) -> FloatArray:
        """Return cosine and sine of the cube's yaw, (n, 2)."""
        return _direction(self.cube_yaw(view))

    def desired_goal(self, view: View) -> FloatArray:
        """Return cosine and sine of the desired yaw, (n, 2)."""
        return _direction(view.memory("goal")[:, 0])

    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Return whether directions (..., 2) are within the tolerance of each other, (...,)."""
        yaw = np.arctan2(achieved[..., 1], achieved[..., 0])
        goal_yaw = np.arctan2(desired[..., 1], desired[..., 0])
        return np.asarray(np.abs(wrap(goal_yaw - yaw)) < TOLERANCE_RAD)

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Place the goal marker, a small copy of the cube, beside the hand."""
        place = self.hand_origin + self.hand_axes @ np.array(MARKER_M)
        places = np.broadcast_to(place, (len(memory["goal_wxyz"]), 3))
        return np.concatenate([places, memory["goal_wxyz"]], axis=1)[:, None, :]


def _direction(angle: FloatArray) -> FloatArray:
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
