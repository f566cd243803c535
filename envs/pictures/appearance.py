"""Colours and materials of geoms, by the rule of the classic renderer."""

from dataclasses import dataclass

import mujoco
import numpy as np

from envs.arrays import FloatArray, IntArray

Float32Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
DEFAULT_RGBA = (0.5, 0.5, 0.5, 1.0)
"""A geom of this colour takes that of its material."""
SPECULAR, SHININESS, EMISSION = 0.5, 0.5, 0.0  # of a geom without a material
SHININESS_SCALE = 128  # of the exponent of a highlight
OPAQUE_ALPHA = 0.995
"""A geom is translucent below this value."""


@dataclass(frozen=True)
class Appearance:
    """How the geoms of a model look.

    Attributes:
        rgba: Colour, (ngeom, 4) in [0, 1].
        specular: Brightness of highlights, (ngeom,).
        exponent: Exponent of highlights, (ngeom,), a whole number.
        emission: Share of the colour that is emitted, (ngeom,).
    """

    rgba: Float32Array
    specular: Float32Array
    exponent: IntArray
    emission: Float32Array


def appearance(model: mujoco.MjModel) -> Appearance:
    """Return how the geoms of a model look, textures left aside."""
    shininess = _of_material(model, model.mat_shininess, SHININESS)
    return Appearance(
        geom_rgba(model).astype(np.float32),
        _of_material(model, model.mat_specular, SPECULAR).astype(np.float32),
        np.rint(shininess * SHININESS_SCALE).astype(np.int64),
        _of_material(model, model.mat_emission, EMISSION).astype(np.float32),
    )


def geom_rgba(model: mujoco.MjModel) -> FloatArray:
    """Return the colour of every geom: its own unless that is the default, or its material's."""
    return _rgba(model, model.geom_rgba, model.geom_matid)


def site_rgba(model: mujoco.MjModel) -> FloatArray:
    """Return the colour of every site, by the same rule."""
    return _rgba(model, model.site_rgba, model.site_matid)


def flatten_textures(model: mujoco.MjModel) -> None:
    """Replace every texture by its mean colour, and remove reflections."""
    role = int(mujoco.mjtTextureRole.mjTEXROLE_RGB)
    rgba = geom_rgba(model)
    for geom in range(model.ngeom):
        material = model.geom_matid[geom]
        texture = model.mat_texid[material, role] if material >= 0 else -1
        if texture >= 0:
            model.geom_rgba[geom] = rgba[geom]
            model.geom_rgba[geom, :3] *= _mean_colour(model, texture)
    model.mat_texid[:] = -1
    model.mat_reflectance[:] = 0.0


def _rgba(model: mujoco.MjModel, own: np.ndarray, material: np.ndarray) -> FloatArray:
    is_default = (own == np.array(DEFAULT_RGBA, dtype=own.dtype)).all(axis=1)
    rgba: FloatArray = own.astype(np.float64)
    taken = is_default & (material >= 0)
    rgba[taken] = model.mat_rgba[material[taken]]
    return rgba


def _of_material(model: mujoco.MjModel, values: np.ndarray, default: float) -> FloatArray:
    """Return a property of every geom's material, or the default for a geom without one."""
    chosen: FloatArray = np.full(model.ngeom, default)
    has_material = model.geom_matid >= 0
    chosen[has_material] = values[model.geom_matid[has_material]]
    return chosen


def _mean_colour(model: mujoco.MjModel, texture: int) -> FloatArray:
    """Return the mean colour of a texture, (3,) in [0, 1]."""
    channels = int(model.tex_nchannel[texture])
    start = int(model.tex_adr[texture])
    count = int(model.tex_height[texture]) * int(model.tex_width[texture]) * channels
    pixels = model.tex_data[start : start + count].reshape(-1, channels)
    mean: FloatArray = pixels[:, : min(channels, 3)].mean(axis=0) / 255.0
    return np.broadcast_to(mean, 3)
