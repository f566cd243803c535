"""Any model drawn by rays.

The surfaces that never move are cast once for each camera. Rays through the other pixels, where a
moving geom can be, are cast for every picture; each translucent geom is a layer of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import mujoco
import numpy as np

from envs.arrays import IntArray
from envs.pictures.appearance import OPAQUE_ALPHA, Float32Array, appearance
from envs.pictures.casting import Caster
from envs.pictures.layers import blend, to_bytes
from envs.pictures.lens import still_bodies
from envs.pictures.scene import Poses, visible_geoms
from envs.pictures.views import View
from envs.render import Image

Int32Array = np.ndarray[tuple[int, ...], np.dtype[np.int32]]
MAX_LAYERS = int(mujoco.mjNGROUP) - 1
"""Of translucent geoms; with more, some share a layer, in which the nearest hides the others."""
RAYS_PER_BLOCK, MAX_BLOCK = 2**18, 64
COLOUR_FIELDS = ("geom_rgba", "mat_", "light_", "cam_", "tex_", "geom_matid")
"""Fields (or their first letters) that rays take from the model alone."""


@dataclass(frozen=True)
class RayPictures:
    """Pictures of n simulations by c cameras, with what each pixel shows.

    Attributes:
        rgb: Colours, (n, c, H, W, 3).
        depth: Distance of the nearest opaque surface along the camera's axis, (n, c, H, W) [m];
            infinite where there is none.
        geoms: Geom of the nearest opaque surface, (n, c, H, W), or -1.
        markers: Geom of the nearest translucent surface in front of it, (n, c, H, W), or -1.
    """

    rgb: Image
    depth: Float32Array
    geoms: Int32Array
    markers: Int32Array

    @classmethod
    def of_shape(cls, shape: tuple[int, ...]) -> "RayPictures":
        """Return pictures yet to be written, `shape` being (n, c, H, W)."""
        rgb, depth = np.empty((*shape, 3), dtype=np.uint8), np.empty(shape, dtype=np.float32)
        return cls(rgb, depth, np.empty(shape, np.int32), np.empty(shape, np.int32))

    @property
    def segmentation(self) -> Int32Array:
        """Geom of the nearest surface, translucent ones included, (n, c, H, W), or -1."""
        return np.where(self.markers >= 0, self.markers, self.geoms)


class RayScene:
    """Draws any model by rays.

    Args:
        model: The model. Geoms of the groups that the classic renderer shows are drawn.
        cameras: Ids of fixed cameras.
        size: Pixels in a row and in a column.
        changes: For each field of the model that differs between simulations, the index in it.
        num_threads: Threads that cast rays; 0 means one per processor. Pictures do not depend on
            it.

    Raises:
        ValueError: A camera or a light moves, or a field changes colours.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        cameras: tuple[int, ...],
        size: int,
        changes: dict[str, int] | None = None,
        num_threads: int = 0,
    ) -> None:
        fields = dict(changes or {})
        check_fields(fields)
        shown = np.flatnonzero(visible_geoms(model))
        is_translucent = appearance(model).rgba[shown, 3] < OPAQUE_ALPHA
        opaque, translucent = shown[~is_translucent], shown[is_translucent]
        moved = tuple(index for name, index in fields.items() if name.startswith("body_"))
        still = still_bodies(model, moved)
        is_still = still[model.geom_bodyid]
        is_still[[index for name, index in fields.items() if name.startswith("geom_")]] = False
        layers = [opaque[~is_still[opaque]]]
        layers += [translucent[k::MAX_LAYERS] for k in range(min(len(translucent), MAX_LAYERS))]
        self._layers, self._size = len(layers), size
        self._views = [
            View(model, still, opaque[is_still[opaque]], camera, size) for camera in cameras
        ]
        block = max(1, min(MAX_BLOCK, RAYS_PER_BLOCK // size**2))
        self._caster = Caster(model, layers, tuple(fields), block, num_threads)

    def draw(self, poses: Poses) -> Image:
        """Return pictures of n poses, (n, cameras, H, W, 3)."""
        shape = (len(poses), len(self._views), self._size, self._size, 3)
        pictures: Image = np.empty(shape, dtype=np.uint8)
        for first, part in self._blocks(poses):
            pictures[first : first + len(part.rgb)] = part.rgb
        return pictures

    def cast(self, poses: Poses) -> RayPictures:
        """Return pictures of n poses, with depth and geoms."""
        shape = (len(poses), len(self._views), self._size, self._size)
        whole = RayPictures.of_shape(shape)
        for first, part in self._blocks(poses):
            rows = slice(first, first + len(part.rgb))
            whole.rgb[rows], whole.depth[rows] = part.rgb, part.depth
            whole.geoms[rows], whole.markers[rows] = part.geoms, part.markers
        return whole

    def _blocks(self, poses: Poses) -> Iterator[tuple[int, RayPictures]]:
        """Draw the poses in blocks; yield the first row of each block, and its pictures."""
        for first in range(0, len(poses), self._caster.nsim):
            part = poses.rows(slice(first, first + self._caster.nsim))
            self._caster.put(part)
            yield first, self._block(len(part))

    def _block(self, count: int) -> RayPictures:
        """Draw the posed simulations with every camera."""
        shape = (count, len(self._views), self._size, self._size)
        whole = RayPictures.of_shape(shape)
        for k, view in enumerate(self._views):
            picture, depth = np.tile(view.picture, (count, 1)), np.tile(view.depth, count)
            geoms = np.tile(view.geoms, count)
            markers: IntArray = np.full(len(geoms), -1)
            hits = self._caster.cast(view.lens, 0)
            hits = hits.where(hits.depth <= depth[hits.place])
            picture[hits.place] = to_bytes(view.shade(hits))
            depth[hits.place], geoms[hits.place] = hits.depth, hits.geom
            casts = [self._caster.cast(view.lens, layer) for layer in range(1, self._layers)]
            films = [view.film(cast, depth) for cast in casts]
            blend([film for film in films if len(film.place)], picture, markers)
            whole.rgb[:, k] = picture.reshape(count, self._size, self._size, 3)
            for target, values in (
                (whole.depth, depth),
                (whole.geoms, geoms),
                (whole.markers, markers),
            ):
                target[:, k] = values.reshape(count, self._size, self._size)
        return whole


def check_fields(fields: dict[str, int]) -> None:
    """Reject fields that change a colour, a light or a camera during a run.

    Raises:
        ValueError: There is one; the message states it and what to do.
    """
    for name in fields:
        if name.startswith(COLOUR_FIELDS):
            raise ValueError(
                f"the task varies the field {name!r}, which rays take from the model alone; "
                "use renderer='opengl'"
            )
