"""TurnDial: turn a dial under the fixed palm to a goal angle, regrasping as the fingers run out."""

import mujoco
import numpy as np

from envs.hand import add_hand
from envs.kinematics import coupled_qpos
from envs.scene import add_camera, add_goal_marker, make_scene
from envs.task import NO_MODE, Field, FloatArray, Score, Start, Task, View

TOLERANCE_RAD = 0.1
TURN_RAD = (0.4, 1.5)
PALM_HEIGHT_M = 0.120
DIAL_M = np.array([0.055, 0.015, 0.052])  # centre of the knob, world frame
KNOB_RADIUS_M, KNOB_HALF_HEIGHT_M = 0.024, 0.016
SKIRT_RADIUS_M, SKIRT_HALF_HEIGHT_M = 0.042, 0.003
SKIRT_Z_M = DIAL_M[2] - KNOB_HALF_HEIGHT_M - SKIRT_HALF_HEIGHT_M
FRICTION_LOSS_NM, DAMPING_NMS = 0.03, 0.01
RIDGES = 12
START_JITTER_RAD = 0.2
# Fingers about 2 cm off the rim: thumb 4, index 3, middle 3, ring 2, little 2.
START_RAD = np.array([2.0, -1.1, 0.85, 1.1, 0.1, 0.65, 0.3, 0.0, 0.6, 0.3, 0.3, 0.3, 0.2, 0.2])
ORANGE, DARK = (0.93, 0.45, 0.20, 1.0), (0.22, 0.25, 0.30, 1.0)


def _add_dial(spec: mujoco.MjSpec) -> None:
    """Add a post and, on a hinge with friction loss, a ridged knob with a skirt and a pointer."""
    cylinder, capsule = mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtGeom.mjGEOM_CAPSULE
    x, y, z = DIAL_M.tolist()
    bits = {"contype": 2, "conaffinity": 3, "condim": 4, "friction": [1.0, 0.02, 0.001]}
    foot = (SKIRT_Z_M - SKIRT_HALF_HEIGHT_M - 0.001) / 2
    post = spec.worldbody.add_body(name="post", pos=[x, y, foot])
    post.add_geom(name="post", type=cylinder, size=[0.024, foot, 0], rgba=DARK, **bits)
    dial = spec.worldbody.add_body(name="dial", pos=[x, y, z])
    dial.add_joint(
        name="dial",
        axis=[0, 0, 1],
        damping=DAMPING_NMS,
        frictionloss=FRICTION_LOSS_NM,
        armature=1e-4,
    )
    knob = [KNOB_RADIUS_M, KNOB_HALF_HEIGHT_M, 0]
    firm = {"solref": [0.01, 1], "solimp": [0.95, 0.99, 0.001, 0.5, 2]}
    dial.add_geom(
        name="knob", type=cylinder, size=knob, mass=0.1, rgba=[0.45, 0.50, 0.58, 1], **firm, **bits
    )
    skirt, low = [SKIRT_RADIUS_M, SKIRT_HALF_HEIGHT_M, 0], float(SKIRT_Z_M - z)
    dial.add_geom(
        name="skirt",
        type=cylinder,
        size=skirt,
        pos=[0, 0, low],
        mass=0.05,
        rgba=[0.90, 0.90, 0.88, 1],
        **bits,
    )
    look = {"type": capsule, "contype": 0, "conaffinity": 0, "mass": 0.0}
    for k in range(RIDGES):
        c, s = (part * (KNOB_RADIUS_M - 0.0008) for part in _direction(2 * np.pi * k / RIDGES))
        h = KNOB_HALF_HEIGHT_M - 0.001
        colour = ORANGE if k == 0 else DARK
        dial.add_geom(fromto=[c, s, -h, c, s, h], size=[0.0014, 0, 0], rgba=colour, **look)
    top, disc = KNOB_HALF_HEIGHT_M, low + SKIRT_HALF_HEIGHT_M
    for z_line, start, end in ((top, 0.0, KNOB_RADIUS_M), (disc, KNOB_RADIUS_M, SKIRT_RADIUS_M)):
        line = [start, 0, z_line, end - 0.001, 0, z_line]
        dial.add_geom(fromto=line, size=[0.002, 0, 0], rgba=ORANGE, **look)


def _direction(angle: float) -> tuple[float, float]:
    return float(np.cos(angle)), float(np.sin(angle))


class TurnDial(Task):
    """Turn a dial to a goal angle with the fingers alone.

    Actions: 14 absolute position targets in [-1, 1], each scaled to its joint's range [rad]; the
        palm is fixed.
    Observations: joint_position (14), joint_velocity (14), dial_direction (2) [cosine and sine of
        the dial's angle], dial_velocity (1) [rad/s], remaining_turn (1) [rad, goal minus dial,
        signed, not wrapped], tip_offset (15) [m, tips minus the knob's centre].
    Start: the dial's angle uniform in ±pi; the goal 0.4 to 1.5 rad from it, either way with equal
        chance; an open hand round the knob, every joint uniform in ±0.2 rad of its posture,
        nothing touching.
    Success: the dial within 0.1 rad of the goal for 10 control steps (0.4 s).
    Horizon: 200 control steps (8 s).
    Versions: 0, first.
    """

    name = "TurnDial"
    mount = "palm"
    horizon = 200
    hold_steps = 10
    memory_sizes = {"goal": 1, "turn": 1}  # noqa: RUF012
    description = "Turn a dial to a goal angle by finger gaiting."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on a fixed palm above a dial on a post."""
        spec = make_scene("turn_dial")
        add_hand(spec, "palm", (0.0, 0.0, PALM_HEIGHT_M))
        _add_dial(spec)
        add_goal_marker(spec, "goal", 0.008)
        add_camera(spec, (0.038, 0.010, 0.070), 0.36)
        return spec

    def index_scene(self) -> None:
        """Look up the dial."""
        self.dial_qpos = int(self.model.joint("dial").qposadr[0])
        self.dial_dof = int(self.model.joint("dial").dofadr[0])

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the dial's angle, the turn asked for and a posture that touches nothing."""
        angle = rng.uniform(-np.pi, np.pi)
        turn = rng.choice([-1.0, 1.0]) * rng.uniform(*TURN_RAD)
        data = self.scratch
        while True:
            jitter = rng.uniform(-START_JITTER_RAD, START_JITTER_RAD, self.act_dim)
            qpos = self.model.qpos0.copy()
            qpos[self.hand.qpos] = np.clip(START_RAD + jitter, self.hand.low, self.hand.high)
            qpos[self.dial_qpos] = angle
            qpos = coupled_qpos(self.model, qpos)
            if not self.touches(data, qpos):
                memory = {"goal": np.array([angle + turn]), "turn": np.array([turn])}
                return Start(qpos, memory)

    def dial_angle(self, view: View) -> FloatArray:
        """Return the dial's angle, not wrapped, (n,) [rad]."""
        return view.qpos[:, self.dial_qpos]

    def remaining(self, view: View) -> FloatArray:
        """Return the signed angle from the dial to its goal, not wrapped, (n,) [rad]."""
        return view.memory("goal")[:, 0] - self.dial_angle(view)

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.hand_fields(),
            Field("dial_direction", 2, "1", 1.0, "cosine and sine of the dial's angle"),
            Field("dial_velocity", 1, "rad/s", 50.0, "dial, counter-clockwise from above"),
            Field("remaining_turn", 1, "rad", 10.0, "goal minus dial angle, signed, not wrapped"),
            Field("tip_offset", 15, "m", 2.0, "five fingertips minus the knob's centre"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        angle = self.dial_angle(view)
        tips = view.site_position(self.hand.tips) - DIAL_M
        return {
            **self.observe_hand(view),
            "dial_direction": np.stack([np.cos(angle), np.sin(angle)], axis=1),
            "dial_velocity": view.qvel[:, self.dial_dof, None],
            "remaining_turn": self.remaining(view)[:, None],
            "tip_offset": tips.reshape(len(view), -1),
        }

    def score(self, view: View) -> Score:
        """Judge by the angle that remains."""
        remaining = np.abs(self.remaining(view))
        asked = np.abs(view.memory("turn")[:, 0])
        offsets = view.site_position(self.hand.tips)[:, :3] - DIAL_M
        off_rim = np.abs(np.sqrt((offsets**2).sum(axis=2)) - KNOB_RADIUS_M).mean(axis=1)
        n = len(view)
        return Score(
            solved=remaining < TOLERANCE_RAD,
            failed=np.zeros(n, dtype=np.bool_),
            progress=1.0 - np.clip((remaining - TOLERANCE_RAD) / (asked - TOLERANCE_RAD), 0.0, 1.0),
            reward_terms={
                "reach": 0.1 * np.exp(-20.0 * off_rim),
                "turn": 0.6 * np.exp(-2.0 * remaining),
                "arrive": np.where(remaining < TOLERANCE_RAD, 0.3, 0.0),
            },
            mode=np.full(n, NO_MODE),
        )

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Show the goal on the rim of the skirt."""
        angle = memory["goal"][:, 0]
        reach = SKIRT_RADIUS_M + 0.006
        x, y = DIAL_M[0] + reach * np.cos(angle), DIAL_M[1] + reach * np.sin(angle)
        return np.stack([x, y, np.full(len(angle), SKIRT_Z_M)], axis=1)[:, None, :]
