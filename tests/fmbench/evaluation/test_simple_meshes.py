"""Simplified meshes: few triangles, near the surface of the first."""

import numpy as np
import pytest

from fmbench.evaluation.simple_meshes import SimpleMesh, simplified


def sphere(rings: int) -> SimpleMesh:
    """A closed unit sphere of latitude rings, with poles."""
    angles = np.linspace(0, np.pi, rings + 1)[1:-1]
    turns = np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False)
    ring = [
        (np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)) for a in angles for b in turns
    ]
    vertices = np.array([(0, 0, 1), *ring, (0, 0, -1)])
    n, last, faces = len(turns), len(vertices) - 1, []
    for k in range(n):
        following = (k + 1) % n
        faces += [(0, 1 + k, 1 + following), (last, last - 1 - k, last - 1 - following)]
        for row in range(len(angles) - 1):
            a, b = 1 + row * n + k, 1 + row * n + following
            faces += [(a, a + n, b), (b, a + n, b + n)]
    return SimpleMesh(vertices, np.array(faces))


@pytest.mark.parametrize("most", [100, 400, 2000])
def test_a_sphere_stays_a_sphere(most: int) -> None:
    fine = sphere(60)
    assert len(fine.faces) > 10_000
    mesh = simplified(fine, most)
    assert most / 4 < len(mesh.faces) <= most
    radii = np.linalg.norm(mesh.vertices, axis=1)
    assert (radii > 1 - 8 / np.sqrt(most)).all()
    assert (radii < 1 + 1e-9).all()
    assert np.unique(mesh.faces, axis=0).shape == mesh.faces.shape
    assert (np.diff(np.sort(mesh.faces, axis=1), axis=1) > 0).all(), "no corner twice"


def test_triangles_keep_facing_outwards() -> None:
    mesh = simplified(sphere(40), 500)
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    outwards = (np.cross(b - a, c - a) * (a + b + c)).sum(axis=1)
    fine = sphere(40)
    a, b, c = (fine.vertices[fine.faces[:, k]] for k in range(3))
    sign = np.sign((np.cross(b - a, c - a) * (a + b + c)).sum())
    assert (np.sign(outwards) == sign).mean() > 0.9


def test_a_small_mesh_is_kept() -> None:
    mesh = sphere(4)
    assert simplified(mesh) is mesh


def test_a_flat_mesh_is_simplified_too() -> None:
    rng = np.random.default_rng(0)
    vertices = np.concatenate([rng.uniform(size=(3000, 2)), np.zeros((3000, 1))], axis=1)
    mesh = simplified(SimpleMesh(vertices, np.arange(3000).reshape(-1, 3)), 200)
    assert 0 < len(mesh.faces) <= 200
    assert (mesh.vertices[:, 2] == 0).all()
