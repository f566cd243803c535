"""Objects of a scene: everything that moves and is not part of a hand."""

import mujoco
import numpy as np

from envs.arrays import IntArray
from envs.task import Task

NO_OBJECT = "it has no object"
_FREE, _SLIDE = int(mujoco.mjtJoint.mjJNT_FREE), int(mujoco.mjtJoint.mjJNT_SLIDE)


def object_bodies(task: Task) -> IntArray:
    """Return the bodies of the kinematic trees in which no joint is a hand's, (k,)."""
    model = task.model
    trees = set(model.dof_treeid[task.hand.dof].tolist()) | {-1}
    return np.array([b for b in range(model.nbody) if int(model.body_treeid[b]) not in trees], int)


def object_geoms(task: Task, body: int) -> IntArray:
    """Return the geoms of a body, (k,)."""
    return np.flatnonzero(task.model.geom_bodyid == body)


def free_objects(task: Task) -> list[tuple[IntArray, np.ndarray]]:
    """Return the objects that can move in every direction.

    Returns:
        For each the addresses in `qvel` of its three translations, (3,), and the direction of each
        of these in the world, (3, 3).
    """
    model, data = task.model, mujoco.MjData(task.model)
    found: list[tuple[IntArray, np.ndarray]] = []
    mujoco.mj_kinematics(model, data)
    for body in object_bodies(task).tolist():
        first, count = int(model.body_jntadr[body]), int(model.body_jntnum[body])
        joints = list(range(first, first + count))
        kinds = [int(model.jnt_type[j]) for j in joints]
        if kinds == [_FREE]:
            found.append((int(model.jnt_dofadr[first]) + np.arange(3), np.eye(3)))
        elif kinds[:3] == [_SLIDE] * 3:
            found.append((model.jnt_dofadr[joints[:3]].astype(int), data.xaxis[joints[:3]].copy()))
    return found
