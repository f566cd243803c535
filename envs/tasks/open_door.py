"""OpenDoor: press a lever handle down to release the latch, and pull the door open."""

import mujoco
import numpy as np

from envs.cameras import Camera
from envs.hand.kinematics import coupled_qpos
from envs.hand.scene import add_hand
from envs.rotations import distance, yaw_quaternion
from envs.scene import add_camera, make_scene
from envs.task import NO_MODE, Field, FloatArray, Score, Start, Task, View, pictured
from envs.tasks.door_parts import LATCH_RAD, add_door

OPEN_RAD = 1.2
FREE_RAD = 0.10  # door angle at which the tongue has left the keeper
MOUNT_HEIGHT_M = 0.06  # palm height at wrist_z = 0
HINGE_BOX_M = ((0.10, 0.25), (-0.08, 0.12), (0.135, 0.295))  # of the door frame's origin
HINGE_YAW_RAD = (-0.20, 0.90)
START_PALM_M = (-0.17, 0.0, 0.20)  # initial wrist slides, before jitter
START_JITTER_M, START_JITTER_RAD = 0.07, 0.3
# A relaxed hand: thumb 4, index 3, middle 3, ring 2, little 2.
START_RAD = np.array([0.4, -0.2, 0.3, 0.3, 0.0, 0.2, 0.5, 0.0, 0.2, 0.5, 0.2, 0.5, 0.2, 0.5])


class OpenDoor(Task):
    """Open a door by its lever handle.

    A tongue on the lever is held by a keeper on the frame: contact keeps the door shut until the
    grip is pressed down by about 0.45 rad. A spring returns the grip.

    Actions: 20 absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the 14 finger joints [rad], each scaled to its control range.
    Observations: joint_position (20), joint_velocity (20), door_angle (1), lever_angle (1) [rad],
        door_velocity (1), lever_velocity (1) [rad/s], grip_position (3) [m, middle of the grip,
        world], grip_axes (6) [two columns of the lever's rotation matrix], grip_offset (3) [m,
        grip minus palm centre], grip_tip_offset (15) [m, tips minus grip].
    Initial state: the hinge uniform in a 15 x 20 x 16 cm box, the frame's yaw uniform in -0.2 to
        0.9 rad; the door shut, its lever level; a relaxed hand in front of it, with uniform jitter
        of ±7 cm in position and ±0.3 rad in wrist and finger joints.
    Success: the door's angle above 1.2 rad for 10 consecutive control steps (0.4 s).
    Horizon: 150 control steps (6 s).
    Versions: v1, wider initial states, in which 10 demonstrations are not enough; v0, initial
        version.
    """

    name = "OpenDoor"
    version = 1
    mount = "wrist"
    horizon = 150
    hold_steps = 10
    memory_sizes = {"frame": 7}  # noqa: RUF012
    cameras = {"right-back": Camera((0.02, -0.03, 0.19), 1.05, 50.0, -25.0)}  # noqa: RUF012
    description = "Press a door's lever handle down and pull the door open."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on its wrist in front of a door."""
        spec = make_scene("open_door")
        # A hooked grip has many contacts; pyramidal cones cost a third less and still hold it.
        spec.option.cone = mujoco.mjtCone.mjCONE_PYRAMIDAL
        add_hand(spec, "wrist", (0.0, 0.0, MOUNT_HEIGHT_M))
        add_door(spec)
        add_camera(spec, (0.02, -0.03, 0.19), 0.95, (-0.50, 0.72, 0.48))
        return spec

    def index_scene(self) -> None:
        """Look up the door, the lever and the grip."""
        model = self.model
        self.door_qpos, self.lever_qpos = (
            int(model.joint(name).qposadr[0]) for name in ("door", "lever")
        )
        self.door_dof, self.lever_dof = (
            int(model.joint(name).dofadr[0]) for name in ("door", "lever")
        )
        self.grip_site = int(model.site("grip").id)

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the door's pose and a hand in front of it."""
        hinge = [rng.uniform(low, high) for low, high in HINGE_BOX_M]
        yaw = rng.uniform(*HINGE_YAW_RAD)
        qpos = self.model.qpos0.copy()
        jitter = rng.uniform(-START_JITTER_RAD, START_JITTER_RAD, self.act_dim)
        jitter[:3] *= START_JITTER_M / START_JITTER_RAD
        posture = np.concatenate([START_PALM_M, np.zeros(3), START_RAD]) + jitter
        qpos[self.hand.qpos] = np.clip(posture, self.hand.low, self.hand.high)
        frame = np.concatenate([hinge, yaw_quaternion(yaw)])
        return Start(coupled_qpos(self.model, qpos), {"frame": frame})

    def door_angle(self, view: View) -> FloatArray:
        """Return the opening angle of the door, (n,) [rad]."""
        return view.qpos[:, self.door_qpos]

    def lever_angle(self, view: View) -> FloatArray:
        """Return the angle of the lever below level, (n,) [rad]."""
        return view.qpos[:, self.lever_qpos]

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            *self.hand_fields(),
            pictured("door_angle", 1, "rad", 2.0, "how far the door is open"),
            pictured("lever_angle", 1, "rad", 2.0, "how far the lever is down"),
            pictured("door_velocity", 1, "rad/s", 50.0, "door"),
            pictured("lever_velocity", 1, "rad/s", 50.0, "lever"),
            pictured("grip_position", 3, "m", 2.0, "middle of the grip, world frame"),
            pictured("grip_axes", 6, "1", 1.0, "first two columns of the lever's rotation matrix"),
            pictured("grip_offset", 3, "m", 2.0, "middle of the grip minus palm centre"),
            pictured("grip_tip_offset", 15, "m", 2.0, "five fingertips minus middle of the grip"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        grip = view.site_position(self.grip_site)
        axes = view.site_matrix(self.grip_site)[:, :, :2]
        tips = view.site_position(self.hand.tips)
        n = len(view)
        return {
            **self.observe_hand(view),
            "door_angle": self.door_angle(view)[:, None],
            "lever_angle": self.lever_angle(view)[:, None],
            "door_velocity": view.qvel[:, self.door_dof, None],
            "lever_velocity": view.qvel[:, self.lever_dof, None],
            "grip_position": grip,
            "grip_axes": axes.transpose(0, 2, 1).reshape(n, 6),
            "grip_offset": grip - view.site_position(self.hand.palm),
            "grip_tip_offset": (tips - grip[:, None]).reshape(n, -1),
        }

    def score(self, view: View) -> Score:
        """Score by the door's angle and, before it opens, by the lever and the hand's distance."""
        door, lever = self.door_angle(view), self.lever_angle(view)
        tips = view.site_position(self.hand.tips)[:, 1:4].mean(axis=1)
        reach = distance(tips, view.site_position(self.grip_site))
        opened = np.clip(door / OPEN_RAD, 0.0, 1.0)
        is_free = door > FREE_RAD
        pressed = np.where(is_free, 1.0, np.clip(lever / LATCH_RAD, 0.0, 1.0))
        near = np.where(is_free, 1.0, 1.0 - np.clip((reach - 0.04) / 0.20, 0.0, 1.0))
        n = len(view)
        return Score(
            solved=door > OPEN_RAD,
            failed=np.zeros(n, dtype=np.bool_),
            progress=0.2 * near + 0.2 * pressed + 0.6 * opened,
            reward_terms={
                "reach": 0.1 * np.exp(-10.0 * reach),
                "press": 0.2 * pressed,
                "open": 0.4 * opened,
                "arrive": np.where(door > OPEN_RAD, 0.3, 0.0),
            },
            mode=np.full(n, NO_MODE),
        )

    def mocap(self, memory: dict[str, FloatArray]) -> FloatArray:
        """Place the door frame."""
        return memory["frame"][:, None, :]
