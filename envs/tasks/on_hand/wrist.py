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
from envs.scene import make_scene
from envs.task import Field, Start, pictured
from envs.tasks.on_hand.base import TaskOnHand, longest_reach

WRIST = len(WRIST_JOINTS)
HOLD_M = np.array([0.042, 0.010, -0.016])  # the hold point while the wrist's slides are at 0
REACH_M = 0.136  # of the fmbench hand, whose cameras are moved back for longer ones
IMPRATIO = 1.0  # the hands' own 10 and 100 cost up to half of the speed, for the same successes
# Sliding, torsional and rolling. The last one stands for the area of a soft fingertip: without it
# the light links of LEAP, between a stiff servo and an object, chatter at steps of 4 ms.
FRICTION = 1.0, 0.02, 0.02


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

    def wrist_scene(self, name: str) -> mujoco.MjSpec:
        """Return the hand on its wrist above an empty table.

        Contacts of meshes are single points, which takes a third less time.
        """
        spec = make_scene(name)
        x, y, z = self.mount_m.tolist()
        add_described_hand(spec, self.described, "wrist", (x, y, z))
        spec.option.impratio = IMPRATIO
        spec.option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_MULTICCD)
        return spec

    def ready(self, start: Start) -> Start:
        """Return the start with the hand open, pitched and turned as it holds along x."""
        wrist = np.append(start.qpos[self.hand.qpos[:3]], [-self.hold.heading, self.hold.pitch, 0])
        posture = np.append(wrist, self.loaded.pregrasp)
        start.qpos[self.controls.qpos] = self.controls.angles(posture)
        return start

    def for_fingers(self, fields: tuple[Field, ...]) -> tuple[Field, ...]:
        """Return an observation table with offsets of this hand's fingertips."""
        size = 3 * len(self.described.fingers)
        return tuple(
            pictured(part.name, size, part.unit, part.limit, part.meaning.removeprefix("five "))
            if part.name.endswith("tip_offset")
            else part
            for part in fields
        )


def farther(camera: Camera, loaded: LoadedHand) -> Camera:
    """Return a camera of the fmbench hand's task, moved back for a longer hand."""
    return camera._replace(distance=camera.distance * view_factor(loaded))


def view_factor(loaded: LoadedHand) -> float:
    """Return how much farther away cameras are than for the fmbench hand."""
    return (1.0 + longest_reach(loaded) / REACH_M) / 2


def make_firm(spec: mujoco.MjSpec, geom: str) -> None:
    """Let the contact of an object count: models of hands have softer and harder ones."""
    spec.geom(geom).priority = 1
    spec.geom(geom).condim = 6
    spec.geom(geom).friction = FRICTION
