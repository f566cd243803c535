"""StackCubes: grasp a cube, put it on another cube, and release it."""

import mujoco
import numpy as np

from envs.hand.scene import add_hand
from envs.rotations import distance
from envs.scene import add_camera, add_cube, make_scene
from envs.task import NO_MODE, Field, FloatArray, Score, Start, Task, View, pictured
from envs.tasks.cube_parts import (
    CLEAR_M,
    CUBE_HALF_SIZE_M,
    MOUNT_HEIGHT_M,
    cube_fields,
    draw_palm,
    observe_cube,
    place_cube,
    rests_at,
    tip_clearance,
)

CUBES = ("cube", "base")
COLOURS = ((0.93, 0.45, 0.20, 1.0), (0.25, 0.50, 0.80, 1.0))
OVER_TOLERANCE_M = 0.02  # horizontal
AREA_M = ((-0.08, 0.12), (-0.12, 0.12))  # of both cubes
CUBE_YAW_RAD = 0.7
EDGE_UP_M = np.array([0.0, 0.0, 2 * CUBE_HALF_SIZE_M])
APART_M = 0.11  # least initial distance between the cubes' centres
WAY_M = 0.25  # horizontal distance over which progress grows


class StackCubes(Task):
    """Grasp the orange cube, put it on the blue base cube and release it.

    Actions: 20 absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the 14 finger joints [rad], each scaled to its control range.
    Observations: joint_position (20), joint_velocity (20), and for the cube and for the base:
        position (3) [m, world], axes (6) [two columns of its rotation matrix], offset (3) [m, cube
        minus palm centre], tip_offset (15) [m, tips minus cube], velocity (3) [m/s]; place_offset
        (3) [m, the point one edge above the base's centre minus the cube's centre].
    Initial state: both cubes on the table, uniform in a 20 x 24 cm area, centres at least 11 cm
        apart, yaws uniform in ±0.7 rad; the open hand about 20 cm above, with uniform jitter of
        ±2 cm.
    Success: the base flat on the table, the cube flat on it with its centre within 2 cm of the
        base's horizontally, both slower than 3 cm/s, and every fingertip at least 1 cm from both,
        for 10 consecutive control steps (0.4 s).
    Horizon: 150 control steps (6 s).
    Versions: v0, initial version.
    """

    name = "StackCubes"
    mount = "wrist"
    horizon = 150
    hold_steps = 10
    description = "Grasp one cube, put it on another one and let go of it."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on its wrist above a table with two cubes."""
        spec = make_scene("stack_cubes")
        add_hand(spec, "wrist", (0.0, 0.0, MOUNT_HEIGHT_M))
        for cube, colour in zip(CUBES, COLOURS, strict=True):
            add_cube(spec, cube, CUBE_HALF_SIZE_M, colour)
        add_camera(spec, (0.03, 0.0, 0.09), 0.68)
        return spec

    def index_scene(self) -> None:
        """Look up the cubes, the upper one first."""
        self.cube_qpos = [int(self.model.joint(cube).qposadr[0]) for cube in CUBES]
        self.cube_dof = [int(self.model.joint(cube).dofadr[0]) for cube in CUBES]
        self.cube_sites = [int(self.model.site(cube).id) for cube in CUBES]

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the poses of two separate cubes and of the hand."""
        qpos = self.model.qpos0.copy()
        draw_palm(self, qpos, rng)
        low, high = np.array(AREA_M).T
        while True:
            places = rng.uniform(low, high, (2, 2))
            if distance(places[0], places[1]) >= APART_M:
                break
        for address, (x, y) in zip(self.cube_qpos, places, strict=True):
            place_cube(qpos, address, x, y, rng.uniform(-CUBE_YAW_RAD, CUBE_YAW_RAD))
        return Start(qpos)

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        cubes = [part for cube in CUBES for part in cube_fields(cube)]
        speeds = [
            pictured(f"{cube}_velocity", 3, "m/s", 10.0, "cube centre, world") for cube in CUBES
        ]
        place = pictured("place_offset", 3, "m", 2.0, "one edge above the base's centre minus cube")
        return (*self.hand_fields(), *cubes, *speeds, place)

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        values = self.observe_hand(view)
        for k, cube in enumerate(CUBES):
            values |= observe_cube(self, view, cube, self.cube_qpos[k], self.cube_sites[k])
            values[f"{cube}_velocity"] = view.qvel[:, self.cube_dof[k] : self.cube_dof[k] + 3]
        return values | {"place_offset": self.place(view) - view.site_position(self.cube_sites[0])}

    def place(self, view: View) -> FloatArray:
        """Return the upper cube's goal position, one edge above the base's centre, (n, 3) [m]."""
        place: FloatArray = view.site_position(self.cube_sites[1]) + EDGE_UP_M
        return place

    def clearance(self, view: View) -> FloatArray:
        """Return the gap between either cube and the nearest fingertip, (n,) [m]."""
        gaps = [tip_clearance(self, view, site) for site in self.cube_sites]
        return np.minimum(*gaps)

    def score(self, view: View) -> Score:
        """Score by the cube's position and, once it is placed, by the fingertips' clearance."""
        cube, base = (view.site_position(site) for site in self.cube_sites)
        over = distance(cube[:, :2], base[:, :2])
        heights = (3 * CUBE_HALF_SIZE_M, CUBE_HALF_SIZE_M)
        is_placed = over < OVER_TOLERANCE_M
        for centre, height, dof in zip((cube, base), heights, self.cube_dof, strict=True):
            is_placed &= rests_at(view, centre, height, dof)
        clearance = self.clearance(view)
        grasp = distance(view.site_position(self.hand.tips)[:, :3].mean(axis=1), cube)
        near = 1.0 - np.clip((over - OVER_TOLERANCE_M) / WAY_M, 0.0, 1.0)
        reached = 1.0 - np.clip(grasp / 0.25, 0.0, 1.0)
        released = np.clip(clearance / CLEAR_M, 0.0, 1.0)
        return Score(
            solved=is_placed & (clearance >= CLEAR_M),
            failed=np.zeros(len(view), dtype=np.bool_),
            progress=np.where(is_placed, 0.8 + 0.2 * released, 0.2 * reached + 0.6 * near),
            reward_terms={
                "reach": np.where(is_placed, 0.2, 0.2 * np.exp(-10.0 * grasp)),
                "carry": 0.4 * np.exp(-10.0 * distance(cube, self.place(view))),
                "place": np.where(is_placed, 0.2, 0.0),
                "release": np.where(is_placed, 0.2 * released, 0.0),
            },
            mode=np.full(len(view), NO_MODE),
        )
