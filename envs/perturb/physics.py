"""Axes of the physics: mass, friction, stiffness of the servos, size of the object."""

from typing import ClassVar

import mujoco
import numpy as np

from envs.arrays import FloatArray, IntArray
from envs.perturb.axis import About, Axis
from envs.perturb.objects import NO_OBJECT, object_bodies, object_geoms
from envs.task import Task
from envs.world import World

SIZED_OBJECTS = {"LiftCube": "cube", "AvoidPost": "cube"}
"""Tasks whose success does not depend on the size of their object, and its body. A user's task may
have the attribute `sized_object` instead."""


class Mass(Axis):
    """Mass and moments of inertia of all objects times f, as of a denser material."""

    model_fields: ClassVar[tuple[str, ...]] = ("body_mass", "body_inertia")

    def __init__(self, world: World, level: float, about: About) -> None:
        super().__init__(world, level, about)
        self._bodies = object_bodies(world.task)

    @classmethod
    def lack(cls, task: Task) -> str:
        """Return why a task cannot be disturbed so; "" if it can."""
        return "" if len(object_bodies(task)) else NO_OBJECT

    def change(self, values: dict[str, FloatArray]) -> None:
        """Scale both: m -> f m, I -> f I."""
        for field in values.keys() & {*self.model_fields}:
            values[field][:, self._bodies] *= self.level


class Friction(Axis):
    """All friction coefficients times f: sliding, torsional and rolling, of every geom and pair.

    A contact has the larger coefficient of its two geoms, so those of the objects alone would not
    do.
    """

    model_fields: ClassVar[tuple[str, ...]] = ("geom_friction", "pair_friction")

    def change(self, values: dict[str, FloatArray]) -> None:
        """Scale every coefficient: mu -> f mu."""
        for field in self.model_fields:
            values[field] *= self.level


class ServoGain(Axis):
    """Stiffness of the position servos times f; their damping and their limits of force stay."""

    model_fields: ClassVar[tuple[str, ...]] = ("actuator_gainprm", "actuator_biasprm")

    def __init__(self, world: World, level: float, about: About) -> None:
        super().__init__(world, level, about)
        self._servos = _servos(world.task)

    @classmethod
    def lack(cls, task: Task) -> str:
        """Return why a task cannot be disturbed so; "" if it can."""
        return "" if len(_servos(task)) else "it has no position servo"

    def change(self, values: dict[str, FloatArray]) -> None:
        """Scale both gains, so that the rest position stays: force = f (kp u - kp q) - kv qd."""
        values["actuator_gainprm"][:, self._servos, 0] *= self.level
        values["actuator_biasprm"][:, self._servos, 1] *= self.level


class Size(Axis):
    """Size of the object times f in every direction, at equal mass.

    Its moments of inertia grow with the square. It starts at rest on the table as without it.
    """

    model_fields: ClassVar[tuple[str, ...]] = ("geom_size", "geom_pos", "body_inertia")

    def __init__(self, world: World, level: float, about: About) -> None:
        super().__init__(world, level, about)
        body = world.task.model.body(_sized_object(world.task))
        self._body, self._geoms = int(body.id), object_geoms(world.task, int(body.id))
        self._height = int(world.task.model.jnt_qposadr[int(body.jntadr[0])]) + 2
        self._qpos = world.batch.bind("qpos")

    @classmethod
    def lack(cls, task: Task) -> str:
        """Return why a task cannot be disturbed so; "" if it can."""
        only = " and ".join(SIZED_OBJECTS)
        return "" if _sized_object(task) else f"only {only} have it among the built-in tasks"

    def change(self, values: dict[str, FloatArray]) -> None:
        """Scale lengths by f and, at equal mass, moments of inertia by f^2."""
        values["geom_size"][:, self._geoms] *= self.level
        values["geom_pos"][:, self._geoms] *= self.level
        values["body_inertia"][:, self._body] *= self.level**2

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> bool:
        """Raise the object's centre, so that it rests on the table: z -> f z."""
        self._qpos[rows, self._height] *= self.level
        return True


def _servos(task: Task) -> IntArray:
    """Return the actuators whose force is an affine function of their joint's position, (k,)."""
    affine = task.model.actuator_biastype == int(mujoco.mjtBias.mjBIAS_AFFINE)
    return np.flatnonzero(affine & (task.model.actuator_biasprm[:, 1] < 0.0))


def _sized_object(task: Task) -> str:
    name = str(getattr(task, "sized_object", ""))
    return name or SIZED_OBJECTS.get(task.name, "")
