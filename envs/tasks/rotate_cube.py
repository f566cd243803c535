"""RotateCube: turn a cube that lies in the open hand by a quarter, without dropping it."""

import mujoco
import numpy as np

from envs.goals import GoalTask
from envs.hand import add_hand
from envs.kinematics import coupled_qpos
from envs.rotations import wrap
from envs.scene import add_camera, make_scene
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, View

CUBE_HALF_SIZE_M, CUBE_MASS_KG, CUBE_FRICTION = 0.027, 0.08, 0.2
PALM_M, PALM_TILT_RAD, PALM_ROLL_RAD = (0.0, 0.0, 0.16), 0.5, 0.18
TOLERANCE_RAD, UPRIGHT_RAD = 0.25, 0.4
TURN_RAD = (1.32, 1.82)  # a quarter, more or less
START_YAW_RAD, START_JITTER_M, START_JITTER_RAD = 0.35, 0.004, 0.06
START_X_M = 0.014  # of the cube's centre, hand frame
REST_M = 0.0005  # drawn above the palm
DROP_RADIUS_M, TURNED_OVER_RAD = 0.10, 1.0
MARKER_HEIGHT_M = 0.115  # of the goal's copy over the palm
# Thumb aside, fingers bent round the front: thumb 4, index 3, middle 3, ring 2, little 2.
START_RAD = np.array([0.62, -0.56, 0.67, 0.38, 0, 0.25, 1.5, 0, 0.25, 1.5, 0.25, 1.5, 0.2, 1.5])
ORANGE, DARK, BLUE = (0.93, 0.45, 0.20, 1.0), (0.22, 0.25, 0.30, 1.0), (0.25, 0.50, 0.80, 1.0)


def palm_up_quaternion(
    tilt_rad: float, roll_rad: float
) -> tuple[float, float, float, float]:
    """Return the mount's orientation, wxyz: palm up, fingers and thumb's side lowered."""
    c, s = np.cos(tilt_rad / 2), np.sin(tilt_rad / 2)
    x, w = np.cos(roll_rad / 2), -np.sin(roll_rad / 2)
    return (float(c * w), float(c * x), float(s * w), float(-s * x))


class RotateCube(GoalTask):
    """Turn a cube in the hand by a quarter about the palm's normal.

    The hand is fixed, palm up, its fingers 0.5 rad below the horizontal: a smooth cube slides down
    the palm to the bent fingers. Hand frame: origin at the centre of the palm's face, x along the
    stretched fingers, z out of the palm; yaw is the cube's heading in it, counter-clockwise.

    Actions: 14 absolute position targets in [-1, 1], each scaled to its joint's range [rad]; the
        palm is fixed.
    Observations: joint_position (14), joint_velocity (14), cube_position (3) [m], cube_axes (6)
        [two columns of its rotation matrix], cube_velocity (6) [m/s and rad/s], tip_offset (15)
        [m, tips minus cube], remaining_turn (1) [rad, goal minus yaw, signed]; all in the hand
        frame.
    Start: the cube on the palm, yaw uniform in ±0.35 rad, its place jittered by 4 mm; the goal
        1.32 to 1.82 rad from it, either way with equal chance; the fingers bent in front of it,
        every joint jittered by 0.06 rad, nothing touching.
    Success: the cube within 0.25 rad of the goal, lying flat on the palm (0.4 rad), for 10
        control steps (0.4 s).
    Failure, which ends the episode: the cube left the hand or turned over.
    Horizon: 200 control steps (8 s).
    Versions: 0, first.
    """

    name = "RotateCube"
    mount = "palm"
    horizon = 200
    hold_steps = 10
    memory_sizes = {"goal": 1, "turn": 1}  # noqa: RUF012
    goal_size = 2
    goal_fields = ("remaining_turn",)
    description = "Turn a cube in the open hand by a quarter without dropping it."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand, palm up, with a cube in it and the goal's copy above."""
        spec = make_scene("rotate_cube")
        add_hand(spec, "palm", PALM_M, palm_up_quaternion(PALM_TILT_RAD, PALM_ROLL_RAD))
        _add_stand(spec)
        body = spec.worldbody.add_body(name="cube")
        body.add_freejoint(name="cube")
        body.add_geom(
            name="cube",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[CUBE_HALF_SIZE_M] * 3,
            mass=CUBE_MASS_KG,
            rgba=ORANGE,
            condim=4,
            priority=1,  # the smooth cube decides the friction, not the pads
            friction=[CUBE_FRICTION, 0.005, 0.0001],
            solref=[0.01, 1],
            solimp=[0.95, 0.99, 0.001, 0.5, 2],
            contype=2,
            conaffinity=3,
        )
        body.add_site(name="cube", size=[0.003, 0, 0], group=4)
        _add_marks(body, 1.0)
        goal = spec.worldbody.add_body(name="goal", mocap=True)
        goal.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[0.6 * CUBE_HALF_SIZE_M] * 3,
            rgba=[0.13, 0.70, 0.45, 0.45],
            contype=0,
            conaffinity=0,
        )
        _add_marks(goal, 0.6)
        add_camera(spec, (0.015, 0.0, 0.185), 0.46, (0.10, -0.62, 0.70))
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
        """Draw the cube's pose, the turn asked for and a posture that touches nothing."""
        yaw = rng.uniform(-START_YAW_RAD, START_YAW_RAD)
        turn = rng.choice([-1.0, 1.0]) * rng.uniform(*TURN_RAD)
        memory = {"goal": np.array([yaw + turn]), "turn": np.array([turn])}
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
        """Return the signed angle from the cube's yaw to the goal, the short way, (n,) [rad]."""
        return wrap(view.memory("goal")[:, 0] - self.cube_yaw(view))

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.hand_fields(),
            Field("cube_position", 3, "m", 1.0, "cube centre, hand frame"),
            Field("cube_axes", 6, "1", 1.0, "first two columns of the cube's rotation matrix"),
            Field("cube_velocity", 6, "m/s and rad/s", 50.0, "cube, linear and angular"),
            Field("tip_offset", 15, "m", 1.0, "five fingertips minus cube centre"),
            Field("remaining_turn", 1, "rad", 4.0, "goal minus yaw, signed, the short way"),
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

    def score(self, view: View) -> Score:
        """Judge by the angle that remains; a lost or overturned cube cannot be got back."""
        remaining = np.abs(self.remaining(view))
        asked = np.abs(view.memory("turn")[:, 0])
        place, upright = self.cube_position(view), self.cube_matrix(view)[:, 2, 2]
        is_out = (np.sqrt((place[:, :2] ** 2).sum(axis=1)) > DROP_RADIUS_M) | (place[:, 2] < 0.0)
        failed = is_out | (upright < np.cos(TURNED_OVER_RAD))
        near = remaining < TOLERANCE_RAD
        turned = 1.0 - np.clip((remaining - TOLERANCE_RAD) / (asked - TOLERANCE_RAD), 0.0, 1.0)
        n = len(view)
        return Score(
            solved=near & (upright > np.cos(UPRIGHT_RAD)) & ~failed,
            failed=failed,
            progress=np.where(failed, 0.0, turned),
            reward_terms={
                "turn": 0.7 * np.exp(-1.5 * remaining),
                "arrive": np.where(near, 0.3, 0.0),
                "failure": -failed.astype(np.float64),
            },
            mode=np.full(n, NO_MODE),
        )

    def achieved_goal(self, view: View) -> FloatArray:
        """Return cosine and sine of the cube's yaw, (n, 2)."""
        return _direction(self.cube_yaw(view))

    def desired_goal(self, view: View) -> FloatArray:
        """Return cosine and sine of the yaw asked for, (n, 2)."""
        return _direction(view.memory("goal")[:, 0])

    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Return whether directions (..., 2) lie within the tolerance of each other, (...,)."""
        yaw = np.arctan2(achieved[..., 1], achieved[..., 0])
        asked = np.arctan2(desired[..., 1], desired[..., 0])
        return np.asarray(np.abs(wrap(asked - yaw)) < TOLERANCE_RAD)

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Show the goal: a small copy of the cube above the hand."""
        goals = memory["goal"][:, 0]
        place = self.hand_origin + self.hand_axes @ np.array([0.0, 0.0, MARKER_HEIGHT_M])
        quats = np.stack([self.cube_quaternion(float(goal)) for goal in goals])
        places = np.broadcast_to(place, (len(goals), 3))
        return np.concatenate([places, quats], axis=1)[:, None, :]


def _direction(angle: FloatArray) -> FloatArray:
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _add_stand(spec: mujoco.MjSpec) -> None:
    """Add a column that carries the wrist, for the eye only."""
    height = PALM_M[2] + 0.062 * np.sin(PALM_TILT_RAD)
    x = -0.062 * np.cos(PALM_TILT_RAD)
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        pos=[x, 0, height / 2],
        size=[0.014, height / 2, 0],
        rgba=DARK,
        contype=0,
        conaffinity=0,
    )


def _add_marks(body: mujoco.MjsBody, scale: float) -> None:
    """Paint an arrow on top and one blue side, so that the yaw can be seen."""
    half = scale * CUBE_HALF_SIZE_M
    look = {"contype": 0, "conaffinity": 0, "mass": 0.0, "type": mujoco.mjtGeom.mjGEOM_BOX}
    thin = 0.0004
    size = [thin, 0.82 * half, 0.82 * half]
    body.add_geom(pos=[half, 0, 0], size=size, rgba=BLUE, **look)
    size = [0.36 * half, 0.10 * half, thin]
    body.add_geom(pos=[-0.1 * half, 0, half], size=size, rgba=DARK, **look)
    for side in (-1, 1):
        turn = side * 0.65
        body.add_geom(
            pos=[0.30 * half, side * 0.19 * half, half],
            size=[0.32 * half, 0.10 * half, thin],
            quat=[np.cos(turn / 2), 0, 0, -np.sin(turn / 2)],
            rgba=DARK,
            **look,
        )
