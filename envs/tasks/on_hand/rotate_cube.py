"""RotateCube on a described hand: turn a cube in the open hand without dropping it."""

import mujoco
import numpy as np

from envs.arrays import FloatArray
from envs.cameras import Camera
from envs.hand.attach import add_described_hand
from envs.hand.loading import LoadedHand
from envs.task import Field, Start, pictured
from envs.tasks.on_hand.base import TaskOnHand
from envs.tasks.on_hand.open_palm import GRID_M, HOME_M, open_palm
from envs.tasks.on_hand.wrist import IMPRATIO, view_factor
from envs.tasks.palm_up_parts import CUBE_HALF_SIZE_M, PALM_M, palm_up_quaternion
from envs.tasks.rotate_cube import (
    START_JITTER_M,
    START_JITTER_RAD,
    START_YAW_RAD,
    TURN_RAD,
    RotateCube,
)

REST_M = 0.0015  # initial gap to the palm, whose face has bumps
START_TIPS_M = 0.060  # x of the tips, palm frame


class RotateCubeOnHand(TaskOnHand, RotateCube):
    """Turn a cube in the hand by a quarter turn about the palm's normal.

    As RotateCube of the fmbench hand, with the same cube and tilt of the palm. Hand frame: origin
    on the palm's face, as near to the wrist as all long fingertips reach, x along the fingers, z
    out of the palm.

    Actions: one absolute position target in [-1, 1] for each servo, scaled to its range [rad].
    Observations: joint_position and joint_velocity of all joints, cube_position (3) [m], cube_axes
        (6) [two columns of its rotation matrix], cube_velocity (6) [m/s and rad/s], tip_offset [m,
        tips minus cube], remaining_turn (1) [rad, goal minus yaw, signed]; all in the hand frame.
    Initial state: the cube of 5.4 cm on the palm, yaw uniform in ±0.1 rad, its centre 14 mm from
        the origin along the fingers, with uniform jitter of ±2 mm in position; the goal 1.50 to
        1.64 rad away, in either direction with equal probability; the long fingertips in their
        lanes 60 mm from the origin, the thumb aside, without contact, with uniform jitter of
        ±0.05 rad per servo of a finger.
    Success: the cube's yaw within 0.25 rad of the goal and its tilt below 0.4 rad, for 10
        consecutive control steps (0.4 s).
    Failure: the cube left the hand or turned over; this ends the episode.
    Horizon: 200 control steps (8 s).
    """

    name = "RotateCube"
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
        """Return the scene of the fmbench hand's task with its hand exchanged for this one."""
        spec, quat = super().build_scene(), palm_up_quaternion()
        spec.delete(spec.body("hand_mount"))
        axes = np.zeros(9)
        mujoco.mju_quat2Mat(axes, np.array(quat))
        place = np.array(PALM_M) - axes.reshape(3, 3) @ open_palm(self.described).origin
        x, y, z = place.tolist()
        add_described_hand(spec, self.described, "palm_up", (x, y, z))
        spec.body("hand_mount").quat = quat
        spec.option.impratio = IMPRATIO
        spec.option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_MULTICCD)
        camera = spec.camera("main")
        target = spec.body(camera.targetbody).pos
        camera.pos = target + view_factor(self.loaded) * (camera.pos - target)
        return spec

    def index_scene(self) -> None:
        """Look up the cube and the hand frame, whose origin is on the palm's face."""
        super().index_scene()
        axes = self.scratch.site_xmat[self.hand.palm].reshape(3, 3)
        self.hand_origin += axes @ open_palm(self.described).origin

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the cube's pose, the desired turn and a posture without contact."""
        yaw = rng.uniform(-START_YAW_RAD, START_YAW_RAD)
        turn = (2.0 * rng.integers(2) - 1.0) * rng.uniform(*TURN_RAD)
        memory = {"goal": np.array([yaw + turn]), "turn": np.array([turn]), "best": np.zeros(1)}
        memory["goal_wxyz"] = self.cube_quaternion(yaw + turn)

        def draw() -> FloatArray:
            x, y = rng.uniform(-START_JITTER_M, START_JITTER_M, 2)
            jitter = START_JITTER_RAD * rng.uniform(-1.0, 1.0, self.act_dim) * self.is_in_finger
            posture = np.clip(self.start_posture + jitter, self.hand.low, self.hand.high)
            qpos, address = self.hand_qpos(posture), self.cube_qpos
            place = np.array([HOME_M + x, y, CUBE_HALF_SIZE_M + REST_M])
            qpos[address : address + 3] = self.hand_origin + self.hand_axes @ place
            qpos[address + 3 : address + 7] = self.cube_quaternion(yaw)
            return qpos

        return Start(self.draw_clear("the cube in its palm", draw), memory)

    @property
    def start_posture(self) -> FloatArray:
        """The targets of the posture in which the fingers are bent around the cube, (act_dim,)."""
        nearest = int(np.abs(GRID_M - START_TIPS_M).argmin())
        return np.asarray(open_palm(self.described).postures[nearest])

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table, with offsets of this hand's fingertips."""
        size = 3 * len(self.described.fingers)
        return tuple(
            pictured(part.name, size, part.unit, part.limit, "fingertips minus cube centre")
            if part.name == "tip_offset"
            else part
            for part in super().fields()
        )
