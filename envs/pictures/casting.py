"""Rays cast into several simulations at once, only where a geom can be."""

import copy
from dataclasses import dataclass

import mujoco
import numpy as np
from mujoco.batch import Batch

from envs.arrays import BoolArray, FloatArray, IntArray
from envs.pictures.lens import Lens
from envs.pictures.scene import Poses

LARGE_M = 1e6
"""Half the size of a plane: larger than any scene."""


@dataclass(frozen=True)
class Hits:
    """What m rays hit, ordered by simulation and pixel.

    Attributes:
        place: Simulation times pixels plus pixel, (m,).
        pixel: Pixel, row by row from the top, (m,).
        depth: Distance along the camera's axis, (m,) [m].
        geom: Geom, (m,).
        normal: Unit normal, (m, 3).
    """

    place: IntArray
    pixel: IntArray
    depth: FloatArray
    geom: IntArray
    normal: FloatArray

    def where(self, chosen: BoolArray) -> "Hits":
        """Return some of the hits."""
        return Hits(
            self.place[chosen],
            self.pixel[chosen],
            self.depth[chosen],
            self.geom[chosen],
            self.normal[chosen],
        )


class Caster:
    """Simulations whose geoms rays can hit, layer by layer.

    Args:
        model: The model.
        layers: The geoms of each layer; a layer hides nothing of another one.
        fields: The fields of the model that differ between simulations.
        nsim: The number of simulations.
        num_threads: Threads that cast rays; 0 means one per processor.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        layers: list[IntArray],
        fields: tuple[str, ...],
        nsim: int,
        num_threads: int,
    ) -> None:
        self.nsim = nsim
        self._model = copy.copy(model)
        self._data = mujoco.MjData(self._model)
        self._geoms = np.unique(np.concatenate(layers))
        self._masks = [np.isin(self._geoms, layer) for layer in layers]
        self._batch = Batch(_layered(model, layers), nsim, nthread=num_threads)
        poses = ("qpos", "mocap_pos", "mocap_quat") if model.nmocap else ("qpos",)
        self._bound = {name: self._batch.bind(name) for name in poses}
        self._fields = {name: self._batch.expand(name) for name in fields}
        self._centres: FloatArray = np.zeros((0, len(self._geoms), 3))
        self._axes: FloatArray = np.zeros((0, len(self._geoms), 3, 3))
        self._round = model.geom_type[self._geoms] == mujoco.mjtGeom.mjGEOM_SPHERE
        self._ids: IntArray = np.arange(0)

    def put(self, poses: Poses) -> None:
        """Pose the first simulations, at most `nsim`."""
        n = len(poses)
        self._ids = np.arange(n)
        self._bound["qpos"][:n] = poses.qpos
        if poses.mocap is not None:
            self._bound["mocap_pos"][:n] = poses.mocap[..., :3]
            if poses.mocap.shape[-1] == 7:
                self._bound["mocap_quat"][:n] = poses.mocap[..., 3:]
        for name, (index, values) in poses.fields.items():
            field = self._fields[name]
            field[:n, index] = values.reshape(n, *field.shape[2:])
        self._measure(poses)

    def _measure(self, poses: Poses) -> None:
        """Measure a box around every geom."""
        model, data, geoms, n = self._model, self._data, self._geoms, len(poses)
        places: FloatArray = np.empty((n, len(geoms), 3))
        frames: FloatArray = np.empty((n, len(geoms), 9))
        for k in range(n):
            poses.put(k, model, data)
            mujoco.mj_kinematics(model, data)
            places[k], frames[k] = data.geom_xpos[geoms], data.geom_xmat[geoms]
        sizes = np.broadcast_to(model.geom_size, (n, *model.geom_size.shape)).copy()
        if "geom_size" in poses.fields:
            index, values = poses.fields["geom_size"]
            sizes[:, index] = values
        axes = frames.reshape(n, -1, 3, 3)
        middle, half = boxes(model, geoms, sizes[:, geoms])
        self._centres = places + (axes * middle[..., None, :]).sum(axis=-1)
        self._axes = axes * half[..., None, :]

    def cast(self, lens: Lens, layer: int) -> Hits:
        """Return where rays through a camera's pixels hit the geoms of a layer."""
        mask, count = self._masks[layer], len(self._ids)
        rectangles = self._rectangles(lens, mask)
        covered = np.zeros((count, lens.size, lens.size), dtype=np.bool_)
        for k, parts in enumerate(rectangles.tolist()):
            for left, right, top, bottom in parts:
                covered[k, top:bottom, left:right] = True
        rows, pixels = np.nonzero(covered.reshape(count, -1))
        numbers = np.bincount(rows, minlength=count)
        width = int(numbers.max(initial=0))
        if width == 0:
            return _no_hits()
        column = np.arange(len(rows)) - (np.cumsum(numbers) - numbers)[rows]
        vectors = np.broadcast_to(lens.matrix[:, 2], (count, width, 3)).copy()  # backwards
        vectors[rows, column] = lens.directions[pixels]
        group = np.zeros(mujoco.mjNGROUP)
        group[layer] = 1
        depth, geom, normal = self._batch.ray(
            lens.position, vectors, group, ids=self._ids, normal=True
        )
        depth, geom, normal = (values[rows, column] for values in (depth, geom, normal))
        hits = Hits(rows * lens.size**2 + pixels, pixels, depth, geom, normal)
        return hits.where(geom >= 0)

    def _rectangles(self, lens: Lens, mask: BoolArray) -> IntArray:
        axes = self._axes[:, mask]
        is_round = self._round[mask]
        radius = np.linalg.norm(axes[:, is_round], axis=2)
        axes[:, is_round] = lens.matrix * radius[:, :, None]
        return lens.rectangles(self._centres[:, mask], axes)


def boxes(
    model: mujoco.MjModel, geoms: IntArray, sizes: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return boxes around geoms, in their own frames.

    Args:
        model: The model.
        geoms: The geoms, (n,).
        sizes: Their sizes, (..., n, 3).

    Returns:
        Centres and half sizes, (..., n, 3).
    """
    kinds, types = model.geom_type[geoms], mujoco.mjtGeom
    middle = np.broadcast_to(model.geom_aabb[geoms, :3], sizes.shape).copy()
    half = np.broadcast_to(model.geom_aabb[geoms, 3:], sizes.shape).copy()
    radius, length = sizes[..., 0], sizes[..., 1]
    shapes = {
        types.mjGEOM_SPHERE: np.stack([radius] * 3, axis=-1),
        types.mjGEOM_CAPSULE: np.stack([radius, radius, radius + length], axis=-1),
        types.mjGEOM_CYLINDER: np.stack([radius, radius, length], axis=-1),
        types.mjGEOM_ELLIPSOID: sizes,
        types.mjGEOM_BOX: sizes,
        types.mjGEOM_PLANE: np.full_like(sizes, LARGE_M),
    }
    for kind, shape in shapes.items():
        chosen = kinds == kind
        half[..., chosen, :], middle[..., chosen, :] = shape[..., chosen, :], 0.0
    return middle, half


def _layered(model: mujoco.MjModel, layers: list[IntArray]) -> mujoco.MjModel:
    """Return a copy in which each layer is a group, and rays miss every other geom."""
    copied = copy.copy(model)
    copied.geom_matid[:] = -1  # a ray takes the alpha of the material where there is one
    copied.geom_rgba[:, 3] = 0.0
    for group, layer in enumerate(layers):
        copied.geom_group[layer] = group
        copied.geom_rgba[layer, 3] = 1.0
    return copied


def _no_hits() -> Hits:
    none = np.zeros(0, dtype=np.int64)
    return Hits(none, none, np.zeros(0), none, np.zeros((0, 3)))
