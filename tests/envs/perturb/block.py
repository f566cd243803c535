"""A task with a box on a plane and a weight on one servo, whose motions have closed answers."""

from typing import ClassVar

import mujoco
import numpy as np

from envs.hand.hand import HandIndex
from envs.task import NO_MODE, Field, FloatArray, Score, Start, Task, View

MASS_KG, HALF_SIZE_M, FRICTION = 0.2, (0.03, 0.02, 0.01), 0.5
WEIGHT_KG, STIFFNESS_N_PER_M, DAMPING_NS_PER_M = 0.3, 400.0, 40.0
GRAVITY, TIMESTEP_S = 9.81, 0.001
PLACE = np.array([-1.0, -2.0])


class Block(Task):
    """A box that may tilt at the start, with its lowest corner `height` over its rest.

    Args:
        mass: Mass of the box [kg].
        factor: Factor on its size.
        tilt: Angle about x and y at the start [rad].
        height: Height of its centre at the start over that at rest [m].
    """

    name = "Block"
    mount = "palm"
    substeps = 5
    horizon = 1000
    hold_steps = 1
    memory_sizes: ClassVar[dict[str, int]] = {}
    description = "A box, and a weight on a servo."
    sized_object = "box"

    def __init__(
        self, mass: float = MASS_KG, factor: float = 1.0, tilt: float = 0.0, height: float = 0.0
    ) -> None:
        self.mass, self.factor, self.tilt, self.height = mass, factor, tilt, height
        super().__init__()

    def build_scene(self) -> mujoco.MjSpec:
        """Return the plane, the box and the weight."""
        spec = mujoco.MjSpec()
        spec.option.timestep = TIMESTEP_S
        spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
        spec.option.impratio = 100
        friction = [FRICTION, 0.005, 0.0001]
        plane = mujoco.mjtGeom.mjGEOM_PLANE
        spec.worldbody.add_geom(type=plane, size=[9, 9, 0.1], condim=3, friction=friction)
        box = spec.worldbody.add_body(name="box", pos=[0, 0, self.rest])
        box.add_freejoint()
        box.add_geom(
            name="box",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[self.factor * half for half in HALF_SIZE_M],
            mass=self.mass,
            condim=3,
            friction=friction,
        )
        weight = spec.worldbody.add_body(name="weight", pos=[*PLACE, 2.0])
        weight.add_joint(name="lift", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=[0, 0, 1])
        weight.add_geom(size=[0.05, 0, 0], mass=WEIGHT_KG, contype=0, conaffinity=0)
        servo = spec.add_actuator(name="lift", target="lift")
        servo.trntype = mujoco.mjtTrn.mjTRN_JOINT
        servo.set_to_position(kp=STIFFNESS_N_PER_M, kv=DAMPING_NS_PER_M)
        servo.ctrlrange, servo.ctrllimited = [-1, 1], True
        return spec

    @property
    def rest(self) -> float:
        """Height of the box's centre at rest [m]."""
        return self.factor * HALF_SIZE_M[2]

    def index_scene(self) -> None:
        """Look up the servo."""
        self.lift = int(self.model.joint("lift").qposadr[0])

    def find_hand(self) -> HandIndex:
        """Return the servo as a hand."""
        joint = self.model.joint("lift")
        one = np.ones(1)
        qpos, dof = np.array([int(joint.qposadr[0])]), np.array([int(joint.dofadr[0])])
        return HandIndex(qpos, dof, np.zeros(0, int), 0, -one, one)

    @property
    def action_names(self) -> tuple[str, ...]:
        """Return the servo's name."""
        return ("lift",)

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the box's place; the servo is at rest."""
        qpos = self.model.qpos0.copy()
        qpos[:2] = rng.uniform(-0.2, 0.2, 2)
        qpos[2] = self.rest + self.factor * self.height
        qpos[3:7] = np.array([1.0, self.tilt, self.tilt, 0.0]) / np.sqrt(1.0 + 2.0 * self.tilt**2)
        return Start(qpos)

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (
            Field("position", 3, "m", 100.0, "box"),
            Field("joint_velocity", 1, "m/s", 100.0, "servo"),
        )

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return the values of the fields."""
        return {"position": view.qpos[:, :3], "joint_velocity": view.qvel[:, self.hand.dof]}

    def score(self, view: View) -> Score:
        """Never solved."""
        no = np.zeros(len(view), dtype=np.bool_)
        return Score(no, no, np.zeros(len(view)), {}, np.full(len(view), NO_MODE))
