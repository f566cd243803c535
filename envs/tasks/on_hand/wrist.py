"""What tasks share in which a described hand moves on its wrist.

They are tasks of the fmbench hand on another one, with the same objects, areas, goals and scores.
The mount is where the pitched hand holds at the point at which the fmbench hand grasps, so that
the wrist's slides and all distances from them mean the same.
"""

import mujoco
import numpy as np

from envs.arrays import FloatArray
from envs.cameras import Camera
from envs.hand.attach import add_described_hand
from envs.hand.controls import read_controls
from envs.hand.hand import WRIST_JOINTS, HandIndex
from envs.hand.hold import Hold, hold_of
from envs.hand.loading import LoadedHand
from envs.task import Field, Start, pictured
from envs.tasks.on_hand.base import TaskOnHand, longest_reach

WRIST = len(WRIST_JOINTS)
HOLD_M = np.array([0.042, 0.010, -0.016])  # the hold point while the wrist's slides are at 0
REACH_M = 0.136  # of the fmbench hand, whose cameras are moved back for longer ones
IMPRATIO = 1.0  # the hands' own 10 and 100 cost up to half of the speed, for the same successes
# Of rolling friction. It stands for the area of a soft fingertip: without it the light links of
# LEAP, between a stiff servo and an object, chatter at steps of 4 ms.
ROLLING_M = 0.02
_FREE = int(mujoco.mjtJoint.mjJNT_FREE)


class WristTaskOnHand(TaskOnHand):
    """Base of the tasks in which a described hand moves on its wrist.

    Actions: wrist x, y, z [m], yaw, pitch, roll [rad], then the hand's servos.
    """

    @property
    def hold(self) -> Hold:
        """How the hand holds an object."""
        return hold_of(self.described)

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of the wrist's joints, then of the servos as in the hand's model."""
        return (*WRIST_JOINTS, *self.loaded.names)

    def find_hand(self) -> HandIndex:
        """Look up the wrist and the hand in `self.model`."""
        hand, model = super().find_hand(), self.model
        joints = [model.joint(name) for name in WRIST_JOINTS]
        wrist = [int(model.actuator(name).id) for name in WRIST_JOINTS]
        self.controls = read_controls(model, [*wrist, *self.controls.actuators.tolist()])
        return HandIndex(
            qpos=np.append([int(joint.qposadr[0]) for joint in joints], hand.qpos),
            dof=np.append([int(joint.dofadr[0]) for joint in joints], hand.dof),
            tips=hand.tips,
            palm=hand.palm,
            low=self.controls.low,
            high=self.controls.high,
        )

    @property
    def mount_m(self) -> FloatArray:
        """Position of the palm while the wrist's slides are at 0, (3,) [m]."""
        return np.asarray(HOLD_M - self.hold.at_yaw(-self.hold.heading) @ self.hold.point)

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

        Objects decide about their contacts: models of hands have softer and harder ones. Contacts
        of meshes are single points, which takes a third less time.
        """
        spec = super().build_scene()  # type: ignore[safe-super]  # of the task
        spec.delete(spec.body("hand_mount"))
        for body in spec.worldbody.bodies:
            if any(int(joint.type) == _FREE for joint in body.joints):
                for geom in body.geoms:
                    geom.priority, geom.condim = 1, 6
                    geom.friction = [*geom.friction[:2], ROLLING_M]
        x, y, z = self.mount_m.tolist()
        add_described_hand(spec, self.described, "wrist", (x, y, z))
        spec.option.impratio = IMPRATIO
        spec.option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_MULTICCD)
        camera = spec.camera("main")
        target = spec.body(camera.targetbody).pos
        camera.pos = target + view_factor(self.loaded) * (camera.pos - target)
        return spec

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the objects and the open hand, pitched and turned as it holds along x."""
        start = super().draw_start(rng)  # type: ignore[safe-super]
        wrist = np.append(start.qpos[self.hand.qpos[:3]], [-self.hold.heading, self.hold.pitch, 0])
        posture = np.append(wrist, self.loaded.pregrasp)
        start.qpos[self.controls.qpos] = self.controls.angles(posture)
        return start

    def fields(self) -> tuple[Field, ...]:
        """Return the task's observation table, with offsets of this hand's fingertips."""
        size = 3 * len(self.described.fingers)
        return tuple(
            pictured(part.name, size, part.unit, part.limit, part.meaning.removeprefix("five "))
            if part.name.endswith("tip_offset")
            else part
            for part in super().fields()  # type: ignore[safe-super]
        )


def view_factor(loaded: LoadedHand) -> float:
    """Return how much farther away cameras are than for the fmbench hand."""
    return (1.0 + longest_reach(loaded) / REACH_M) / 2
