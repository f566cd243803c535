"""TurnValve: turn a four-spoke valve to a goal angle with the wrist or by finger gaiting."""

import mujoco
import numpy as np

from envs.cameras import Camera
from envs.goals import GoalTask
from envs.hand.kinematics import coupled_qpos
from envs.hand.scene import add_hand
from envs.scene import add_camera, add_goal_marker, make_scene
from envs.task import NO_MODE, BoolArray, Field, FloatArray, Score, Start, View, pictured

TOLERANCE_RAD = 0.15
TURN_RAD = (np.pi / 2, 3 * np.pi / 2)
MOUNT_HEIGHT_M = 0.06  # palm height at wrist_z = 0
VALVE_AREA_M = 0.03  # largest offset of the valve from the origin along x and y
VALVE_HEIGHT_M = 0.070
SPOKES, SPOKE_LENGTH_M, SPOKE_RADIUS_M = 4, 0.038, 0.0055
FRICTION_LOSS_NM, DAMPING_NMS = 0.03, 0.01
START_PALM_M = (-0.06, -0.015, 0.14)  # initial wrist slides, before jitter
START_JITTER_M, START_YAW_RAD, START_JITTER_RAD = 0.02, 0.3, 0.10
# Thumb (4) and middle (3) above a valve under the palm, the other fingers extended.
START_RAD = np.array(
    [2.1, -1.1, 0.8, 0.8, 0.1, -0.05, 0.15, -0.1, 0.5, 0.9, -0.05, 0.2, -0.05, 0.2]
)
MARK_RISE_M = 0.020
DECIDED_RAD = np.pi / 4  # net turn above which the mode is decided
ORANGE, DARK, STEEL = (0.93, 0.45, 0.20, 1.0), (0.22, 0.25, 0.30, 1.0), (0.45, 0.50, 0.58, 1.0)


class TurnValve(GoalTask):
    """Turn a four-spoke valve by 90 to 270 degrees.

    The wrist can turn it, regrasping at the limit of its yaw. So can the fingers alone, which push
    one spoke after the other. The expert draws one of the two modes, and it is not observed.

    Actions: 20 absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the 14 finger joints [rad], each scaled to its control range.
    Observations: joint_position (20), joint_velocity (20), valve_offset (3) [m, valve centre
        minus palm centre], valve_direction (2) [cosine and sine of the valve's angle],
        spoke_direction (2) [cosine and sine of four times the angle: where the spokes are],
        valve_velocity (1) [rad/s], remaining_turn (1) [rad, goal minus valve, signed, not
        wrapped], tip_offset (15) [m, tips minus the valve's centre].
    Initial state: the valve uniform within ±3 cm of the origin in x and y, its angle uniform in
        ±pi; the goal 90 to 270 degrees away, in either direction with equal probability; the open
        hand about 13 cm above, with uniform jitter of ±2 cm in position, ±0.3 rad in yaw and
        ±0.1 rad in the finger joints.
    Success: the valve within 0.15 rad of the goal for 10 consecutive control steps (0.4 s).
    Modes: roll, gait: whether the wrist's yaw followed more than half of the valve's net turn, once
        that turn exceeds 45 degrees.
    Horizon: 300 control steps (12 s).
    Versions: v1, narrower initial states, tolerance 0.15 rad; v0, tolerance 0.1 rad.
    """

    name = "TurnValve"
    version = 1
    mount = "wrist"
    horizon = 300
    hold_steps = 10
    modes = ("roll", "gait")
    # "angle" and "yaw" are those of the last step, "by_wrist" is the turn that the yaw followed.
    memory_sizes = {  # noqa: RUF012
        "valve": 2,
        "goal": 1,
        "turn": 1,
        "angle": 1,
        "yaw": 1,
        "by_wrist": 1,
    }
    goal_size = 1
    goal_fields = ("remaining_turn",)
    cameras = {"right": Camera((0.0, 0.0, 0.10), 0.48, 110.0, -22.0)}  # noqa: RUF012
    description = "Turn a four-spoke valve to a goal angle with the wrist or the fingers."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on its wrist above a valve on a stem."""
        spec = make_scene("turn_valve")
        add_hand(spec, "wrist", (0.0, 0.0, MOUNT_HEIGHT_M))
        _add_valve(spec)
        add_goal_marker(spec, "goal", 0.008)
        add_camera(spec, (-0.005, 0.0, 0.095), 0.52)
        return spec

    def index_scene(self) -> None:
        """Look up the valve and the wrist's yaw."""
        self.valve_qpos = int(self.model.joint("valve").qposadr[0])
        self.valve_dof = int(self.model.joint("valve").dofadr[0])
        self.yaw_qpos = int(self.model.joint("wrist_yaw").qposadr[0])

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the valve's position and angle, the desired turn and the hand's pose."""
        valve = rng.uniform(-VALVE_AREA_M, VALVE_AREA_M, 2)
        angle = rng.uniform(-np.pi, np.pi)
        turn = rng.choice([-1.0, 1.0]) * rng.uniform(*TURN_RAD)
        qpos = self.model.qpos0.copy()
        jitter = rng.uniform(-START_JITTER_M, START_JITTER_M, 3)
        yaw = rng.uniform(-START_YAW_RAD, START_YAW_RAD)
        fingers = START_RAD + rng.uniform(-START_JITTER_RAD, START_JITTER_RAD, len(START_RAD))
        pose = np.concatenate([np.array(START_PALM_M) + jitter, [yaw, 0.0, 0.0], fingers])
        qpos[self.hand.qpos] = np.clip(pose, self.hand.low, self.hand.high)
        qpos[self.valve_qpos] = angle
        memory = {"valve": valve, "goal": np.array([angle + turn]), "turn": np.array([turn])}
        memory |= {"angle": np.array([angle]), "yaw": np.array([yaw]), "by_wrist": np.zeros(1)}
        return Start(coupled_qpos(self.model, qpos), memory)

    def valve_angle(self, view: View) -> FloatArray:
        """Return the valve's angle, not wrapped, (n,) [rad]."""
        return view.qpos[:, self.valve_qpos]

    def remaining(self, view: View) -> FloatArray:
        """Return the signed angle from the valve to its goal, not wrapped, (n,) [rad]."""
        return view.memory("goal")[:, 0] - self.valve_angle(view)

    def valve_centre(self, view: View) -> FloatArray:
        """Return the position of the valve's centre, (n, 3) [m]."""
        return _centre(view.memory("valve"))

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.hand_fields(),
            pictured("valve_offset", 3, "m", 2.0, "valve centre minus palm centre"),
            pictured("valve_direction", 2, "1", 1.0, "cosine and sine of the valve's angle"),
            pictured("spoke_direction", 2, "1", 1.0, "cosine and sine of four times that angle"),
            pictured("valve_velocity", 1, "rad/s", 50.0, "valve, counter-clockwise from above"),
            pictured("remaining_turn", 1, "rad", 20.0, "goal minus valve angle, signed, unwrapped"),
            pictured("tip_offset", 15, "m", 2.0, "five fingertips minus valve centre"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        angle, centre = self.valve_angle(view), self.valve_centre(view)
        tips = view.site_position(self.hand.tips) - centre[:, None]
        return {
            **self.observe_hand(view),
            "valve_offset": centre - view.site_position(self.hand.palm),
            "valve_direction": np.stack([np.cos(angle), np.sin(angle)], axis=1),
            "spoke_direction": np.stack([np.cos(4.0 * angle), np.sin(4.0 * angle)], axis=1),
            "valve_velocity": view.qvel[:, self.valve_dof, None],
            "remaining_turn": self.remaining(view)[:, None],
            "tip_offset": tips.reshape(len(view), -1),
        }

    def update_memory(self, view: View) -> dict[str, FloatArray]:
        """Add the part of the valve's turn in this step that the wrist's yaw followed."""
        angle, yaw = self.valve_angle(view)[:, None], view.qpos[:, self.yaw_qpos, None]
        turned, yawed = angle - view.memory("angle"), yaw - view.memory("yaw")
        way = np.sign(turned)
        along = way * np.clip(way * yawed, 0.0, np.abs(turned))
        return {"angle": angle, "yaw": yaw, "by_wrist": view.memory("by_wrist") + along}

    def achieved_goal(self, view: View) -> FloatArray:
        """Return the valve's angle divided by pi, not wrapped."""
        return self.valve_angle(view)[:, None] / np.pi

    def desired_goal(self, view: View) -> FloatArray:
        """Return the goal angle divided by pi, not wrapped."""
        return view.memory("goal") / np.pi

    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Compare the angles."""
        return np.asarray(np.abs(achieved - desired)[..., 0] < TOLERANCE_RAD / np.pi)

    def score(self, view: View) -> Score:
        """Score by the remaining angle; the wrist's share of the turn determines the mode."""
        solved = self.reaches(self.achieved_goal(view), self.desired_goal(view))
        remaining, turn = self.remaining(view), view.memory("turn")[:, 0]
        left = (np.abs(remaining) - TOLERANCE_RAD) / (np.abs(turn) - TOLERANCE_RAD)
        tips = view.site_position(self.hand.tips)[:, [0, 2]] - self.valve_centre(view)[:, None]
        away = np.sqrt((tips**2).sum(axis=2)).mean(axis=1)
        turned = turn - remaining
        rolls = view.memory("by_wrist")[:, 0] * np.sign(turned) > 0.5 * np.abs(turned)
        return Score(
            solved=solved,
            failed=np.zeros(len(view), dtype=np.bool_),
            progress=1.0 - np.clip(left, 0.0, 1.0),
            reward_terms={
                "reach": 0.1 * np.exp(-10.0 * away),
                "turn": 0.6 * np.exp(-np.abs(remaining)),
                "arrive": np.where(solved, 0.3, 0.0),
            },
            mode=np.where(np.abs(turned) > DECIDED_RAD, np.where(rolls, 0, 1), NO_MODE),
        )

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Place the valve, and the goal marker where the orange spoke should point.

        The goal can be more than half a turn away: the marker is above the spokes if it is to be
        reached counter-clockwise, and below them otherwise.
        """
        centre, angle = _centre(memory["valve"]), memory["goal"][:, 0]
        reach = SPOKE_LENGTH_M + 0.017
        level = np.copysign(MARK_RISE_M, memory["turn"][:, 0])
        mark = centre + np.stack([reach * np.cos(angle), reach * np.sin(angle), level], axis=1)
        return np.stack([centre, mark], axis=1)


def _centre(valve: FloatArray) -> FloatArray:
    """Return the centres (n, 3) [m] of valves at (n, 2)."""
    return np.concatenate([valve, np.full((len(valve), 1), VALVE_HEIGHT_M)], axis=1)


def _add_valve(spec: mujoco.MjSpec) -> None:
    """Add a stem, a mocap body placed by each episode, and a wheel on a hinge."""
    cylinder, capsule = mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtGeom.mjGEOM_CAPSULE
    bits = {"contype": 2, "conaffinity": 3, "condim": 4, "friction": [1.0, 0.02, 0.001]}
    stem = spec.worldbody.add_body(name="stem", mocap=True, pos=[0, 0, VALVE_HEIGHT_M])
    low = -VALVE_HEIGHT_M
    for top, radius in ((low + 0.012, 0.032), (-0.010, 0.009)):
        line = [0, 0, low, 0, 0, top]
        stem.add_geom(type=cylinder, fromto=line, size=[radius, 0, 0], rgba=DARK, **bits)
    valve = stem.add_body(name="valve")
    valve.add_joint(
        name="valve",
        axis=[0, 0, 1],
        damping=DAMPING_NMS,
        frictionloss=FRICTION_LOSS_NM,
        armature=1e-4,
    )
    bits |= {"solref": [0.01, 1], "solimp": [0.95, 0.99, 0.001, 0.5, 2]}
    hub = [0.010, 0.009, 0]
    valve.add_geom(name="hub", type=cylinder, size=hub, mass=0.05, rgba=STEEL, **bits)
    for k in range(SPOKES):
        c, s = (float(f(2 * np.pi * k / SPOKES)) * SPOKE_LENGTH_M for f in (np.cos, np.sin))
        valve.add_geom(
            name=f"spoke_{k}",
            type=capsule,
            fromto=[0, 0, 0, c, s, 0],
            size=[SPOKE_RADIUS_M, 0, 0],
            mass=0.02,
            rgba=ORANGE if k == 0 else STEEL,
            **bits,
        )
