"""Exact distances along rays to solids, solved from their equations."""

import numpy as np

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def sphere(origin: Array, rays: Array, centre: Array, radius: float) -> Array:
    """Return the distances to the nearest point in front, (n,), infinite for a miss."""
    offset = origin - centre
    a, b = (rays**2).sum(axis=1), rays @ offset
    inside = b**2 - a * (offset @ offset - radius**2)
    nearest = (-b - np.sqrt(np.maximum(inside, 0.0))) / a
    return np.where((inside >= 0) & (nearest >= 0), nearest, np.inf)


def plane(origin: Array, rays: Array, half: float) -> Array:
    """Return the distances to a square at z = 0 seen from above."""
    distance = -origin[2] / np.where(rays[:, 2] < 0, rays[:, 2], -1e-300)
    points = origin + distance[:, None] * rays
    is_on = (np.abs(points[:, :2]) <= half).all(axis=1) & (rays[:, 2] < 0)
    return np.where(is_on, distance, np.inf)


def box(origin: Array, rays: Array, centre: Array, matrix: Array, half: Array) -> Array:
    """Return the distances to a box, by the three pairs of its sides."""
    start, ways = (origin - centre) @ matrix, rays @ matrix
    ways = np.where(ways == 0, 1e-300, ways)
    sides = np.stack([(-half - start) / ways, (half - start) / ways])
    enter, leave = sides.min(axis=0).max(axis=1), sides.max(axis=0).min(axis=1)
    return np.where((enter <= leave) & (enter >= 0), enter, np.inf)


def capsule(
    origin: Array, rays: Array, centre: Array, matrix: Array, radius: float, half: float
) -> Array:
    """Return the distances to a capsule along its z axis: two spheres and a tube."""
    axis = matrix[:, 2]
    ends = [sphere(origin, rays, centre + sign * half * axis, radius) for sign in (-1.0, 1.0)]
    start, ways = (origin - centre) @ matrix, rays @ matrix
    a, b = (ways[:, :2] ** 2).sum(axis=1), ways[:, :2] @ start[:2]
    inside = b**2 - a * (start[:2] @ start[:2] - radius**2)
    tube = (-b - np.sqrt(np.maximum(inside, 0.0))) / a
    height = start[2] + tube * ways[:, 2]
    is_on = (inside >= 0) & (tube >= 0) & (np.abs(height) <= half)
    return np.minimum(np.minimum(*ends), np.where(is_on, tube, np.inf))
