"""TurnDial on a described hand: turn a dial under the fixed hand to a goal angle."""

import mujoco
import numpy as np

from envs.arrays import FloatArray
from envs.cameras import Camera
from envs.hand.attach import add_described_hand
from envs.hand.hold import hold_of
from envs.hand.loading import LoadedHand
from envs.task import Field, pictured
from envs.tasks.dial_parts import DIAL_M
from envs.tasks.on_hand.base import TaskOnHand
from envs.tasks.on_hand.dial import open_posture
from envs.tasks.on_hand.wrist import IMPRATIO, ROLLING_M, view_factor
from envs.tasks.turn_dial import TurnDial

OPEN_M = 0.014  # of the tips from the rim, before jitter
START_JITTER_RAD = 0.10


class TurnDialOnHand(TaskOnHand, TurnDial):
    """Turn a dial to a goal angle with the fingers alone, regrasping as needed.

    The dial is that of the fmbench hand. The hand is fixed over it as it holds on the wrist:
    pitched, with the line between the thumb and the two fingers opposed to it level, and with the
    dial's axis through its hold point.

    Actions: one absolute position target in [-1, 1] for each servo, scaled to its range [rad].
    Observations: joint_position and joint_velocity of all joints, dial_direction (2) [cosine and
        sine of the dial's angle], dial_velocity (1) [rad/s], remaining_turn (1) [rad, goal minus
        dial, signed, not wrapped], tip_offset [m, tips minus the knob's centre].
    Initial state: the dial's angle uniform in ±pi; the goal 0.4 to 1.5 rad away, in either
        direction with equal probability; the tips of the thumb and of the fingers opposed to it
        14 mm from the knob, in the middle of the strokes that they reach, with uniform jitter of
        ±0.1 rad per servo of a finger, without contact.
    Success: the dial within 0.1 rad of the goal for 10 consecutive control steps (0.4 s).
    Horizon: 200 control steps (8 s).
    """

    name = "TurnDial"
    version = 0

    @classmethod
    def views(cls, loaded: LoadedHand) -> dict[str, Camera]:
        """Return the cameras of the fmbench hand's task, moved back for a longer hand."""
        factor = view_factor(loaded)
        return {
            name: camera._replace(distance=factor * camera.distance)
            for name, camera in cls.cameras.items()
        }

    def build_scene(self) -> mujoco.MjSpec:
        """Return the scene of the fmbench hand's task with its hand exchanged for this one.

        As objects of the tasks on the wrist, the dial decides about its contacts.
        """
        spec, hold = super().build_scene(), hold_of(self.described)
        spec.delete(spec.body("hand_mount"))
        axes, quat = hold.at_yaw(-hold.heading), np.zeros(4)
        x, y, z = (DIAL_M - axes @ hold.point).tolist()
        add_described_hand(spec, self.described, "palm_down", (x, y, z))
        mujoco.mju_mat2Quat(quat, axes.ravel())
        spec.body("hand_mount").quat = quat
        knob = spec.geom("knob")
        for geom in (knob, spec.geom("skirt")):
            geom.priority, geom.condim = 1, 6
            geom.friction = [*geom.friction[:2], ROLLING_M]
            geom.solref, geom.solimp = knob.solref, knob.solimp
        spec.option.impratio = IMPRATIO
        spec.option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_MULTICCD)
        camera = spec.camera("main")
        target = spec.body(camera.targetbody).pos
        camera.pos = target + view_factor(self.loaded) * (camera.pos - target)
        return spec

    def draw_posture(self, rng: np.random.Generator, angle: float) -> FloatArray:
        """Draw an open hand without contact; return qpos, (nq,), with the dial at `angle` [rad]."""
        start = open_posture(self.described, OPEN_M)

        def draw() -> FloatArray:
            jitter = START_JITTER_RAD * rng.uniform(-1.0, 1.0, self.act_dim) * self.is_in_finger
            qpos = self.hand_qpos(np.clip(start + jitter, self.hand.low, self.hand.high))
            qpos[self.dial_qpos] = angle
            return qpos

        return self.draw_clear("the dial", draw)

    def tip_field(self) -> Field:
        """Return the field of the fingertips."""
        size = 3 * len(self.described.fingers)
        return pictured("tip_offset", size, "m", 2.0, "fingertips minus the knob's centre")
