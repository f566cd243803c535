"""Contact forces of a hand, by sensors in a copy of a task's scene.

Sensors are read-only: the copy's episodes are those of the task, bit for bit. Only who measures
forces pays for them, since the task itself is left as it is.
"""

import copy
import threading
from functools import lru_cache

import mujoco
import numpy as np

from envs.arrays import FloatArray, IntArray
from envs.task import Task
from envs.world import World

SENSOR = "fmbench contact forces of "
"""How the names of the sensors begin."""
CONTACTS = 16
"""Contacts that a sensor reports, those of the largest forces."""


@lru_cache(maxsize=64)
def sensing(task: Task) -> Task:
    """Return a copy of a task in whose scene the contacts of its hand are measured.

    A hand is the whole tree of bodies that holds its actuated joints, a wrist or an arm included.
    Everything else, the names and the hash of the task included, is that of the task.
    """
    sensed, spec, bodies = copy.copy(task), task.spec.copy(), hand_bodies(task)
    names = [task.model.body(body).name or f"{SENSOR}body {body}" for body in bodies]
    for body, name in zip(bodies, names, strict=True):
        spec.bodies[body].name = name
        spec.add_sensor(
            name=f"{SENSOR}{name}",
            type=mujoco.mjtSensor.mjSENS_CONTACT,
            objtype=mujoco.mjtObj.mjOBJ_XBODY,  # with its descendants
            objname=name,
            # Force vectors of contacts with anything, in the contact's frame, the largest first.
            intprm=[1 << int(mujoco.mjtConDataField.mjCONDATA_FORCE), 2, CONTACTS],
        )
    sensed.spec, sensed.model = spec, spec.compile()
    sensed._scratch = threading.local()  # of the copy's own model
    return sensed


def hand_bodies(task: Task) -> list[int]:
    """Return the root bodies of the trees that hold the task's actuated joints."""
    joints = np.isin(task.model.jnt_dofadr, task.hand.dof)
    return sorted(set(task.model.body_rootid[task.model.jnt_bodyid[joints]].tolist()))


class ContactForces:
    """Reads the contact forces of the hand in a world whose task is `sensing`.

    Args:
        world: The world.

    Attributes:
        is_there: Whether the world's scene has the sensors.
    """

    def __init__(self, world: World) -> None:
        model, width = world.task.model, 3 * CONTACTS
        sensors = [model.sensor(k) for k in range(model.nsensor)]
        first = [int(each.adr[0]) for each in sensors if each.name.startswith(SENSOR)]
        # The first of a force's three components is along the contact's normal.
        self._normals = np.array([np.arange(adr, adr + width, 3) for adr in first], int).ravel()
        self.is_there = bool(first)
        self._readings = world.batch.bind("sensordata") if first else np.zeros((0, 0))

    def largest(self, rows: IntArray) -> FloatArray:
        """Return the largest normal force of a single contact of the hand, (n,) [N].

        It is that of the last substep: 0 without a contact. Of more than `CONTACTS` contacts only
        those of the largest forces, friction included, are known.
        """
        return np.asarray(np.abs(self._readings[rows][:, self._normals]).max(axis=1))
