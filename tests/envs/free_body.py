"""A task with one free body whose mass, moments of inertia and size differ between episodes."""

from typing import ClassVar

import mujoco
import numpy as np

from envs.hand.hand import HandIndex
from envs.task import NO_MODE, Field, FloatArray, Score, Start, Task, View

COMPILED_MASS_KG, COMPILED_SIZE_M = 0.5, 0.03
MASS_KG = (0.1, 2.0)
MOMENT_KGM2 = (1e-4, 2e-4)  # no moment may exceed the sum of the other two
SIZE_M = (0.01, 0.06)
TIMESTEP_S = 0.001


class FreeBody(Task):
    """A free body above a plane, or penetrating it by `depth_m`; there is no hand.

    Class attributes:
        shape: The type of its geom.
        depth_m: How deep its lowest point is below the plane's surface at the start [m].
    """

    name = "FreeBody"
    mount = "palm"
    substeps = 5
    horizon = 1000
    hold_steps = 1
    memory_sizes: ClassVar[dict[str, int]] = {"mass": 1, "moments": 3, "size": 3}
    model_fields = ("body_mass", "body_inertia", "geom_size")
    description = "A free body."
    shape: ClassVar[mujoco.mjtGeom] = mujoco.mjtGeom.mjGEOM_SPHERE
    depth_m: ClassVar[float] = -5.0

    def build_scene(self) -> mujoco.MjSpec:
        """Return a plane and a free body."""
        spec = mujoco.MjSpec()
        spec.option.timestep = TIMESTEP_S
        spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[5, 5, 0.1], condim=3)
        body = spec.worldbody.add_body(name="body", pos=[0, 0, 1])
        body.add_freejoint()
        size = [COMPILED_SIZE_M] * 3
        body.add_geom(name="body", type=self.shape, size=size, mass=COMPILED_MASS_KG, condim=3)
        return spec

    def index_scene(self) -> None:
        """Look up the body."""
        self.body = int(self.model.body("body").id)
        self.geom = int(self.model.geom("body").id)

    def find_hand(self) -> HandIndex:
        """Return a hand without joints."""
        none = np.zeros(0, dtype=np.int64)
        return HandIndex(none, none, none, 0, np.zeros(0), np.zeros(0))

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw mass, moments of inertia and size."""
        mass, moments, size = (
            rng.uniform(*limits, n) for limits, n in ((MASS_KG, 1), (MOMENT_KGM2, 3), (SIZE_M, 3))
        )
        qpos = self.model.qpos0.copy()
        qpos[2] = self.reach(size) - self.depth_m
        return Start(qpos, {"mass": mass, "moments": moments, "size": size})

    def reach(self, size: FloatArray) -> FloatArray:
        """Return the distance from the centre to the lowest point, (...,) [m]."""
        shapes = mujoco.mjtGeom
        if self.shape == shapes.mjGEOM_CAPSULE:  # upright: radius and half the cylinder's length
            capsule: FloatArray = size[..., 0] + size[..., 1]
            return capsule
        lowest: FloatArray = size[..., 2 if self.shape == shapes.mjGEOM_BOX else 0]
        return lowest

    def model_values(self, memory: dict[str, FloatArray]) -> dict[str, tuple[int, FloatArray]]:
        """Set mass, moments of inertia and size."""
        return {
            "body_mass": (self.body, memory["mass"]),
            "body_inertia": (self.body, memory["moments"]),
            "geom_size": (self.geom, memory["size"]),
        }

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return (Field("position", 3, "m", 10.0, "centre"),)

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return the position."""
        return {"position": view.qpos[:, :3]}

    def score(self, view: View) -> Score:
        """Never solved."""
        no = np.zeros(len(view), dtype=np.bool_)
        return Score(no, no, np.zeros(len(view)), {}, np.full(len(view), NO_MODE))
