"""A task's scene as plain data: bodies, joints, shapes and cameras, from which a browser draws it.

The bodies are posed by forward kinematics alone, as `mujoco.mj_kinematics` does it: no dynamics.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import mujoco
import numpy as np

from envs.arrays import FloatArray
from envs.cameras import MAIN
from envs.pictures.appearance import geom_rgba
from envs.pictures.scene import PictureModel, picture_model, visible_geoms
from envs.pictures.states import PictureStates
from envs.task import Task
from fmbench.evaluation.simple_meshes import SimpleMesh, simplified
from fmbench.report.page.packing import pack_json

KINDS: Mapping[int, str] = {
    int(kind): name
    for name, kind in {
        "plane": mujoco.mjtGeom.mjGEOM_PLANE,
        "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
        "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
        "ellipsoid": mujoco.mjtGeom.mjGEOM_ELLIPSOID,
        "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
        "box": mujoco.mjtGeom.mjGEOM_BOX,
        "mesh": mujoco.mjtGeom.mjGEOM_MESH,
    }.items()
}
"""Shapes that are drawn."""
JOINTS: Mapping[int, str] = {
    int(kind): name
    for name, kind in {
        "free": mujoco.mjtJoint.mjJNT_FREE,
        "ball": mujoco.mjtJoint.mjJNT_BALL,
        "slide": mujoco.mjtJoint.mjJNT_SLIDE,
        "hinge": mujoco.mjtJoint.mjJNT_HINGE,
    }.items()
}
FIELDS = ("body_pos", "body_quat", "geom_pos", "geom_quat", "geom_size", "geom_rgba")
"""Fields of the model whose values of an episode a picture shows."""
STEPS_PER_SIDE = 1023
"""Steps to which the vertices of a mesh are rounded, along its longest side."""


class Scene(NamedTuple):
    """A scene as plain data.

    Attributes:
        model: The model from which it was taken.
        shapes: Id of each described geom, in order.
        values: The description: `bodies`, `joints`, `geoms`, `cameras`.
        meshes: Its meshes, packed, by the hash that a geom names.
    """

    model: PictureModel
    shapes: tuple[int, ...]
    values: dict[str, Any]
    meshes: dict[str, str]


def describe_scene(task: Task) -> Scene:
    """Return the scene of a task as it is drawn.

    Raises:
        ValueError: A visible geom is of a shape that is not drawn.
    """
    picture = picture_model(task, (MAIN, *(name for name in task.cameras if name != MAIN)))
    model = picture.model
    shapes = tuple(int(k) for k in np.flatnonzero(visible_geoms(model)))
    if others := {int(model.geom_type[k]) for k in shapes} - set(KINDS):
        raise ValueError(f"{task.name} shows geoms of the types {others}, which are not drawn")
    ids = {int(model.geom_dataid[k]) for k in shapes if KINDS[int(model.geom_type[k])] == "mesh"}
    meshes = {k: _mesh(model, k) for k in sorted(ids)}
    names = {k: hashlib.sha256(text.encode()).hexdigest()[:12] for k, text in meshes.items()}
    values = {
        "bodies": [_body(model, k) for k in range(model.nbody)],
        "joints": [_joint(model, k) for k in range(model.njnt)],
        "geoms": [_geom(model, k, names) for k in shapes],
        "cameras": describe_cameras(picture),
    }
    return Scene(picture, shapes, values, {names[k]: text for k, text in meshes.items()})


class EpisodePoses(NamedTuple):
    """What poses a scene in one episode, besides the generalised positions.

    Attributes:
        mocap: Poses of the mocap bodies, `(T + 1, nmocap, 7)`.
        fields: Values of the model that are those of this episode: field, row of `values` of the
            scene, numbers.
    """

    mocap: FloatArray
    fields: list[tuple[str, int, list[float]]]


def poses_of_episode(scene: Scene, states: PictureStates) -> EpisodePoses:
    """Return the poses of the states of one episode in a scene.

    Raises:
        ValueError: A field of the model changes during the episode.
    """
    model, poses = scene.model.model, scene.model.poses(states)
    mocap = np.zeros((len(states), model.nmocap, 7))
    still = mujoco.MjData(model)
    mocap[...] = np.concatenate([still.mocap_pos, still.mocap_quat], axis=1)
    if poses.mocap is not None:
        mocap[..., : poses.mocap.shape[-1]] = poses.mocap
    fields = []
    for name, (index, values) in poses.fields.items():
        if name not in FIELDS:
            continue
        if (values != values[0]).any():
            raise ValueError(f"{name} of {scene.model.task.name} changes during an episode")
        is_geom = name.startswith("geom")
        if is_geom and index not in scene.shapes:
            continue
        row = scene.shapes.index(index) if is_geom else index
        fields.append((name, row, _numbers(values[0])))
    return EpisodePoses(mocap, fields)


def _body(model: mujoco.MjModel, k: int) -> list[Any]:
    """Return parent, position, quaternion, mocap id, and first and number of joints."""
    return [
        int(model.body_parentid[k]),
        _numbers(model.body_pos[k]),
        _numbers(model.body_quat[k]),
        int(model.body_mocapid[k]),
        int(model.body_jntadr[k]),
        int(model.body_jntnum[k]),
    ]


def _joint(model: mujoco.MjModel, k: int) -> list[Any]:
    """Return kind, address in qpos, position, axis and the reference of qpos."""
    address = int(model.jnt_qposadr[k])
    return [
        JOINTS[int(model.jnt_type[k])],
        address,
        _numbers(model.jnt_pos[k]),
        _numbers(model.jnt_axis[k]),
        float(model.qpos0[address]),
    ]


def _geom(model: mujoco.MjModel, k: int, meshes: Mapping[int, str]) -> list[Any]:
    """Return body, kind, size, position, quaternion, colour and mesh."""
    return [
        int(model.geom_bodyid[k]),
        KINDS[int(model.geom_type[k])],
        _numbers(model.geom_size[k]),
        _numbers(model.geom_pos[k]),
        _numbers(model.geom_quat[k]),
        _numbers(geom_rgba(model)[k], 3),
        meshes.get(int(model.geom_dataid[k]), ""),
    ]


def _mesh(model: mujoco.MjModel, k: int) -> str:
    """Return the vertices, rounded to a grid, and the triangles of a mesh, packed."""
    first, count = int(model.mesh_vertadr[k]), int(model.mesh_vertnum[k])
    face, faces = int(model.mesh_faceadr[k]), int(model.mesh_facenum[k])
    vertices = model.mesh_vert[first : first + count]
    return _packed_mesh(vertices.tobytes(), model.mesh_face[face : face + faces].tobytes())


@lru_cache(maxsize=256)
def _packed_mesh(vertices: bytes, faces: bytes) -> str:
    """Return a mesh from the bytes of its arrays: tasks on one hand share them."""
    mesh = simplified(
        SimpleMesh(
            np.frombuffer(vertices, np.float32).reshape(-1, 3).astype(np.float64),
            np.frombuffer(faces, np.int32).reshape(-1, 3).astype(np.int64),
        )
    )
    low = mesh.vertices.min(axis=0)
    step = max(float(np.ptp(mesh.vertices, axis=0).max()), 1e-9) / STEPS_PER_SIDE
    places = np.rint((mesh.vertices - low) / step).astype(int)
    return pack_json(
        {
            "low": _numbers(low),
            "step": step,
            "vertices": places.ravel().tolist(),
            "faces": mesh.faces.ravel().tolist(),
        }
    )


def describe_cameras(picture: PictureModel) -> list[dict[str, Any]]:
    """Return name, position, target and field of view [degrees] of every camera.

    The target lies on the camera's axis, as far as the middle of all bodies that can move.
    """
    model, data = picture.model, mujoco.MjData(picture.model)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_camlight(model, data)
    moving = model.body_weldid[model.geom_bodyid] != 0
    places = data.geom_xpos[moving & visible_geoms(model)]
    middle = places.mean(axis=0) if len(places) else np.zeros(3)
    cameras = []
    for k in picture.cameras:
        axis = -data.cam_xmat[k].reshape(3, 3)[:, 2]
        distance = max(0.1, float((middle - data.cam_xpos[k]) @ axis))
        cameras.append(
            {
                "name": model.camera(k).name,
                "position": _numbers(data.cam_xpos[k]),
                "target": _numbers(data.cam_xpos[k] + distance * axis),
                "fovy": float(model.cam_fovy[k]),
            }
        )
    return cameras


def _numbers(values: Any, digits: int = 7) -> list[float]:
    """Return numbers rounded to a number of decimals, whole ones as such, for short JSON."""
    rounded = np.round(np.asarray(values, dtype=np.float64), digits).ravel().tolist()
    return [int(value) if value == int(value) else value for value in rounded]
