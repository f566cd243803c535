"""Shared helpers for tasks with free cubes."""

import numpy as np

from envs.hand.hand import CAPSULE_RADII_M
from envs.rotations import distance, quaternion_columns, yaw_quaternion
from envs.task import BoolArray, Field, FloatArray, Task, View, pictured

CUBE_HALF_SIZE_M = 0.025
MOUNT_HEIGHT_M = 0.06  # palm height at wrist_z = 0
START_PALM_M = (-0.03, 0.0, 0.16)  # initial wrist slides, before jitter
START_JITTER_M = 0.02
FLAT_M = 0.003  # largest height error of a cube that rests on a face
STILL_M_PER_S = 0.03
CLEAR_M = 0.01  # least distance of a released cube from every fingertip
THUMB_TIP_RADIUS_M = CAPSULE_RADII_M[2] + 0.0005  # no finger's tip is thicker


def draw_palm(task: Task, qpos: FloatArray, rng: np.random.Generator) -> None:
    """Set the wrist slides to their jittered initial position."""
    jitter = rng.uniform(-START_JITTER_M, START_JITTER_M, 3)
    qpos[task.hand.qpos[:3]] = np.array(START_PALM_M) + jitter


def place_cube(qpos: FloatArray, address: int, x: float, y: float, yaw: float) -> None:
    """Place the cube whose free joint is at `address` on the table, turned by `yaw` [rad]."""
    qpos[address : address + 3] = (x, y, CUBE_HALF_SIZE_M)
    qpos[address + 3 : address + 7] = yaw_quaternion(yaw)


def cube_fields(cube: str) -> tuple[Field, ...]:
    """Return the observation table of one cube."""
    return (
        pictured(f"{cube}_position", 3, "m", 2.0, "cube centre, world frame"),
        pictured(f"{cube}_axes", 6, "1", 1.0, "first two columns of the cube's rotation matrix"),
        pictured(f"{cube}_offset", 3, "m", 2.0, "cube centre minus palm centre"),
        pictured(f"{cube}_tip_offset", 15, "m", 2.0, "five fingertips minus cube centre"),
    )


def observe_cube(
    task: Task, view: View, cube: str, address: int, site: int
) -> dict[str, FloatArray]:
    """Return the values of `cube_fields`."""
    position = view.site_position(site)
    tips = view.site_position(task.hand.tips)
    return {
        f"{cube}_position": position,
        f"{cube}_axes": quaternion_columns(view.qpos[:, address + 3 : address + 7]),
        f"{cube}_offset": position - view.site_position(task.hand.palm),
        f"{cube}_tip_offset": (tips - position[:, None]).reshape(len(view), -1),
    }


def lifted_share(cube: FloatArray, height_m: float) -> FloatArray:
    """Return the height of cubes (n, 3) over the table as a share of `height_m`, (n,) in [0, 1]."""
    return np.clip((cube[:, 2] - CUBE_HALF_SIZE_M) / height_m, 0.0, 1.0)


def tip_clearance(task: Task, view: View, site: int) -> FloatArray:
    """Return the gap between a cube and the nearest of five fingertip spheres, (n,) [m].

    All spheres have the thumb's radius. The gap is negative where a tip's centre is nearer than it.
    """
    offsets = view.site_position(task.hand.tips) - view.site_position(site)[:, None]
    # Row vectors times the rotation matrix: the offsets in the cube's frame, (n, 5, 3).
    local = np.abs(offsets @ view.site_matrix(site))
    outside = np.maximum(local - CUBE_HALF_SIZE_M, 0.0)
    return np.asarray(distance(outside, np.zeros(3)).min(axis=1) - THUMB_TIP_RADIUS_M)


def rests_at(view: View, cube: FloatArray, height: float, dof: int) -> BoolArray:
    """Return whether cubes at (n, 3) rest flat with their centres at `height` [m], (n,).

    The centre of a cube that leans on an edge is higher. `dof` is the address of its free joint.
    """
    is_flat = np.abs(cube[:, 2] - height) < FLAT_M
    speed = distance(view.qvel[:, dof : dof + 3], np.zeros(3))
    return np.asarray(is_flat & (speed < STILL_M_PER_S))
