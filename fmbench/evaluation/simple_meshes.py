"""Meshes with few triangles, for pictures that a browser draws."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from envs.arrays import FloatArray, IntArray

FACES = 400
"""Most triangles of a simplified mesh."""
MOST_CELLS = 64
"""Most cells along the longest side of a mesh."""


class SimpleMesh(NamedTuple):
    """Triangles: vertices `(v, 3)` [m], and faces `(f, 3)`, indices of vertices."""

    vertices: FloatArray
    faces: IntArray


def simplified(mesh: SimpleMesh, faces: int = FACES) -> SimpleMesh:
    """Return a mesh with at most `faces` triangles that looks alike.

    All vertices in a cell of a regular grid become their mean (Rossignac and Borrel, 1993), and
    triangles with two corners in one cell vanish. The grid is the finest with few enough
    triangles, found by bisection.

    Args:
        mesh: The mesh.
        faces: The most triangles; 12 or more.
    """
    if len(mesh.faces) <= faces:
        return mesh
    fitting, too_fine = 1, MOST_CELLS + 1  # one cell leaves no triangle
    best = _clustered(mesh, fitting)
    while too_fine - fitting > 1:
        cells = (fitting + too_fine) // 2
        smaller = _clustered(mesh, cells)
        if len(smaller.faces) <= faces:
            fitting, best = cells, smaller
        else:
            too_fine = cells
    return best


def _clustered(mesh: SimpleMesh, cells: int) -> SimpleMesh:
    """Return the mesh on a grid with a number of cells along its longest side."""
    low = mesh.vertices.min(axis=0)
    edge = max(float(np.ptp(mesh.vertices, axis=0).max()), 1e-9) / cells
    places = np.minimum((mesh.vertices - low) // edge, cells - 1).astype(np.int64)
    keys = (places[:, 0] * cells + places[:, 1]) * cells + places[:, 2]
    _, cluster = np.unique(keys, return_inverse=True)
    sums = np.stack([np.bincount(cluster, mesh.vertices[:, k]) for k in range(3)], axis=1)
    vertices = sums / np.bincount(cluster)[:, None]
    faces = cluster[mesh.faces]
    is_whole = (faces != np.roll(faces, 1, axis=1)).all(axis=1)
    faces = faces[is_whole]
    turned = np.take_along_axis(  # the smallest index first, to find equal triangles
        faces, (faces.argmin(axis=1)[:, None] + np.arange(3)) % 3, axis=1
    )
    return SimpleMesh(vertices, np.unique(turned, axis=0))
