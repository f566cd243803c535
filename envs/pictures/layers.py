"""Translucent surfaces, blended over a picture as the classic renderer does it."""

from dataclasses import dataclass

import numpy as np

from envs.arrays import FloatArray, IntArray
from envs.pictures.appearance import Float32Array
from envs.render import Image


@dataclass(frozen=True)
class Film:
    """Where one layer of translucent surfaces is seen, m pixels.

    Attributes:
        place: The pixels, (m,), ascending.
        depth: Distances along the camera's axis, (m,) [m].
        geom: The geoms, (m,).
        colour: Colours, (m, 3) in [0, 255].
        alpha: Opacities, (m,) in [0, 1].
    """

    place: IntArray
    depth: FloatArray
    geom: IntArray
    colour: Float32Array
    alpha: Float32Array


def blend(films: list[Film], picture: Image, nearest: IntArray) -> None:
    """Blend films into a picture.

    The classic renderer draws translucent geoms twice, from the nearest to the farthest and back.
    It orders whole geoms, this orders the surfaces of each pixel.

    Args:
        films: The films.
        picture: Colours of the opaque surfaces, (pixels, 3) uint8; changed in place.
        nearest: Receives the geom of the nearest film of each pixel, (pixels,).
    """
    if not films:
        return
    places = np.unique(np.concatenate([film.place for film in films]))
    shape = (len(films), len(places))
    depth = np.full(shape, np.inf)
    geom = np.full(shape, -1, dtype=np.int64)
    colour = np.zeros((*shape, 3), dtype=np.float32)
    alpha = np.zeros(shape, dtype=np.float32)
    for k, film in enumerate(films):
        columns = np.searchsorted(places, film.place)
        depth[k, columns], geom[k, columns] = film.depth, film.geom
        colour[k, columns], alpha[k, columns] = film.colour, film.alpha
    order = np.argsort(depth, axis=0, kind="stable")
    columns = np.arange(len(places))
    blended = picture[places].astype(np.float32)
    for rank in (*range(len(films)), *reversed(range(len(films)))):
        chosen = order[rank]
        share = alpha[chosen, columns][:, None]
        blended += (colour[chosen, columns] - blended) * share
    picture[places] = to_bytes(blended)
    nearest[places] = geom[order[0], columns]


def to_bytes(colours: Float32Array) -> Image:
    """Round colours in [0, 255]."""
    rounded: Image = (colours + np.float32(0.5)).astype(np.uint8)
    return rounded
