"""Shared base of the tasks that turn a dial: scene, initial posture, observations."""

import mujoco
import numpy as np

from envs.cameras import Camera
from envs.hand.kinematics import coupled_qpos
from envs.hand.scene import add_hand
from envs.scene import add_camera, add_goal_marker, make_scene
from envs.task import Field, FloatArray, Task, View, pictured

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


def dial_scene(name: str) -> mujoco.MjSpec:
    """Return the hand on a fixed palm above a dial on a post."""
    spec = make_scene(name)
    add_hand(spec, "palm", (0.0, 0.0, PALM_HEIGHT_M))
    _add_dial(spec)
    add_goal_marker(spec, "goal", 0.008)
    add_camera(spec, (0.038, 0.010, 0.070), 0.36)
    return spec


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


class DialTask(Task):
    """A task in which the fixed hand turns the dial of `dial_scene`."""

    mount = "palm"
    cameras = {"right": Camera((0.05, 0.012, 0.062), 0.30, 95.0, -20.0)}  # noqa: RUF012

    def index_scene(self) -> None:
        """Look up the dial."""
        self.dial_qpos = int(self.model.joint("dial").qposadr[0])
        self.dial_dof = int(self.model.joint("dial").dofadr[0])

    def draw_posture(self, rng: np.random.Generator, angle: float) -> FloatArray:
        """Draw an open hand without contact; return qpos, (nq,), with the dial at `angle` [rad]."""
        data = self.scratch
        while True:
            jitter = rng.uniform(-START_JITTER_RAD, START_JITTER_RAD, self.act_dim)
            qpos = self.model.qpos0.copy()
            qpos[self.hand.qpos] = np.clip(START_RAD + jitter, self.hand.low, self.hand.high)
            qpos[self.dial_qpos] = angle
            qpos = coupled_qpos(self.model, qpos)
            if not self.touches(data, qpos):
                return qpos

    def dial_angle(self, view: View) -> FloatArray:
        """Return the dial's angle, not wrapped, (n,) [rad]."""
        return view.qpos[:, self.dial_qpos]

    def dial_fields(self) -> tuple[Field, ...]:
        """Return the goal-independent fields of the hand and the dial."""
        return (
            *self.hand_fields(),
            pictured("dial_direction", 2, "1", 1.0, "cosine and sine of the dial's angle"),
            pictured("dial_velocity", 1, "rad/s", 50.0, "dial, counter-clockwise from above"),
        )

    def tip_field(self) -> Field:
        """Return the field of the fingertips."""
        return pictured("tip_offset", 15, "m", 2.0, "five fingertips minus the knob's centre")

    def observe_dial(self, view: View) -> dict[str, FloatArray]:
        """Return the values of `dial_fields` and `tip_field`."""
        tips = view.site_position(self.hand.tips) - DIAL_M
        return {
            **self.observe_hand(view),
            "dial_direction": directions(self.dial_angle(view)),
            "dial_velocity": view.qvel[:, self.dial_dof, None],
            "tip_offset": tips.reshape(len(view), -1),
        }

    def off_rim(self, view: View) -> FloatArray:
        """Return the mean distance of thumb, index and middle tips from the rim, (n,) [m]."""
        offsets = view.site_position(self.hand.tips)[:, :3] - DIAL_M
        gaps: FloatArray = np.abs(np.sqrt((offsets**2).sum(axis=2)) - KNOB_RADIUS_M)
        return np.asarray(gaps.mean(axis=1))


def directions(angle: FloatArray) -> FloatArray:
    """Return cosine and sine of angles (n,) [rad], (n, 2)."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def goal_marks(angle: FloatArray) -> FloatArray:
    """Return marker positions, outside the skirt, for goals (n,) [rad], (n, 1, 3) [m]."""
    reach = SKIRT_RADIUS_M + 0.006
    x, y = DIAL_M[0] + reach * np.cos(angle), DIAL_M[1] + reach * np.sin(angle)
    return np.stack([x, y, np.full(len(angle), SKIRT_Z_M)], axis=1)[:, None, :]
