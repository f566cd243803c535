"""Colours of rays that hit nothing: the sky, as the classic renderer draws it."""

import mujoco
import numpy as np

from envs.arrays import FloatArray, IntArray
from envs.pictures.appearance import Float32Array

FACES = 6
"""Of a cube of pictures: right, left, up, down, front, back."""


def sky_colours(model: mujoco.MjModel, directions: FloatArray) -> Float32Array:
    """Return the colours of the sky in directions, (n, 3), as (n, 3) in [0, 255].

    Without a sky they are black.
    """
    kinds = model.tex_type == mujoco.mjtTexture.mjTEXTURE_SKYBOX
    if not kinds.any():
        return np.zeros((len(directions), 3), dtype=np.float32)
    texture = int(np.flatnonzero(kinds)[0])
    size, channels = int(model.tex_width[texture]), int(model.tex_nchannel[texture])
    height, start = int(model.tex_height[texture]), int(model.tex_adr[texture])
    pixels = model.tex_data[start : start + size * height * channels]
    faces = pixels.reshape(-1, size, size, channels)[..., :3].astype(np.float64)
    face, across, down = _on_cube(directions[:, 0], directions[:, 2], -directions[:, 1])
    return _interpolated(faces, face % len(faces), across * size - 0.5, down * size - 0.5)


def _on_cube(
    x: FloatArray, y: FloatArray, z: FloatArray
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the face of the cube that a direction meets, and the place on it in [0, 1]."""
    parts = np.stack([x, y, z])
    axis = np.abs(parts).argmax(axis=0)
    major = np.take_along_axis(parts, axis[None], axis=0)[0]
    sign = np.sign(major)
    across = np.choose(axis, [-sign * z, x, sign * x])
    down = np.choose(axis, [-y, sign * z, -y])
    face = 2 * axis + (sign < 0)
    size = 2.0 * np.abs(major)
    return face, across / size + 0.5, down / size + 0.5


def _interpolated(
    faces: FloatArray, face: IntArray, across: FloatArray, down: FloatArray
) -> Float32Array:
    """Interpolate between the four nearest pixels of a face."""
    last = faces.shape[1] - 1
    across, down = np.clip(across, 0, last), np.clip(down, 0, last)
    left, top = across.astype(np.int64), down.astype(np.int64)
    right, bottom = np.minimum(left + 1, last), np.minimum(top + 1, last)
    a, b = (across - left)[:, None], (down - top)[:, None]
    above = faces[face, top, left] * (1 - a) + faces[face, top, right] * a
    below = faces[face, bottom, left] * (1 - a) + faces[face, bottom, right] * a
    colours: FloatArray = above * (1 - b) + below * b
    return colours.astype(np.float32)
