"""What one fixed camera sees: the surfaces that never move, and the shading of all others."""

import mujoco
import numpy as np

from envs.arrays import BoolArray, FloatArray, IntArray
from envs.pictures.appearance import Float32Array, appearance
from envs.pictures.casting import Caster, Hits
from envs.pictures.layers import Film, to_bytes
from envs.pictures.lens import Lens
from envs.pictures.lighting import Lighting, Surface
from envs.pictures.scene import Poses
from envs.pictures.sky import sky_colours


class View:
    """A camera, its light, and the picture of everything that never moves.

    Args:
        model: The model.
        still: Which bodies never move, (nbody,).
        geoms: Opaque geoms that never move.
        camera: Id of the camera.
        size: Pixels in a row and in a column.

    Attributes:
        lens: The camera.
        picture: Colours of the surfaces that never move, and of the sky, (pixels, 3).
        depth: Their distances along the camera's axis, (pixels,) [m], infinite for the sky.
        geoms: Their geoms, (pixels,), -1 for the sky.
    """

    def __init__(
        self, model: mujoco.MjModel, still: BoolArray, geoms: IntArray, camera: int, size: int
    ) -> None:
        data = mujoco.MjData(model)
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_camlight(model, data)
        self.lens = Lens(model, data, still, camera, size)
        self._looks = appearance(model)
        self._lighting = Lighting(model, data, still, self.lens, self._looks)
        rays = self.lens.directions.astype(np.float32)
        self._rays = tuple(np.ascontiguousarray(rays[:, k]) for k in range(3))
        self.picture = to_bytes(sky_colours(model, self.lens.directions))
        self.depth: FloatArray = np.full(size**2, np.inf)
        self.geoms: IntArray = np.full(size**2, -1)
        if len(geoms):
            caster = Caster(model, [geoms], (), 1, 1)
            caster.put(Poses(model.qpos0[None], None, {}))
            hits = caster.cast(self.lens, 0)
            self.picture[hits.place] = to_bytes(self.shade(hits))
            self.depth[hits.place], self.geoms[hits.place] = hits.depth, hits.geom

    def shade(self, hits: Hits) -> Float32Array:
        """Return the colours of surfaces, (m, 3) in [0, 255]."""
        normal = hits.normal.astype(np.float32)
        x, y, z = (np.ascontiguousarray(normal[:, k]) for k in range(3))
        a, b, c = (part[hits.pixel] for part in self._rays)
        depth = hits.depth.astype(np.float32)
        return self._lighting.colours(Surface(hits.geom, (x, y, z), (a, b, c), depth))

    def film(self, hits: Hits, opaque_depth: FloatArray) -> Film:
        """Return the translucent surfaces that lie in front of the opaque ones."""
        front = hits.depth < opaque_depth[hits.place]
        front &= (hits.normal * self.lens.directions[hits.pixel]).sum(axis=1) < 0
        seen = hits.where(front)
        alpha = self._looks.rgba[seen.geom, 3]
        return Film(seen.place, seen.depth, seen.geom, self.shade(seen), alpha)
