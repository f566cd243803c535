"""PickEither: lift one of two identical cubes, either of them."""

import mujoco
import numpy as np

from envs.hand.scene import add_hand
from envs.rotations import distance
from envs.scene import add_camera, add_cube, make_scene
from envs.task import NO_MODE, Field, FloatArray, Score, Start, Task, View
from envs.tasks.cube_parts import (
    CUBE_HALF_SIZE_M,
    MOUNT_HEIGHT_M,
    cube_fields,
    draw_palm,
    lifted_share,
    observe_cube,
    place_cube,
)

CUBES = ("left", "right")
LIFT_HEIGHT_M = 0.08  # above the cube's place on the table
CUBE_X_M = (0.0, 0.06)
CUBE_Y_M = (0.06, 0.09)  # left cube; the right cube is drawn from the mirrored range
CUBE_YAW_RAD = 0.5


class PickEither(Task):
    """Lift either of two identical cubes and hold it up.

    The two modes are equally good by design. The expert draws one at random, and it is not
    observed. The two approaches diverge slowly enough for feedback: a policy can commit late.

    Actions: 20 absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the 14 finger joints [rad], each scaled to its control range.
    Observations: joint_position (20), joint_velocity (20), and for each of the left and the right
        cube: position (3) [m, world], axes (6) [two columns of its rotation matrix], offset (3)
        [m, cube minus palm centre], tip_offset (15) [m, tips minus cube].
    Initial state: both cubes on the table, x uniform in 6 cm, y uniform 6-9 cm to the left and to
        the right, yaw uniform in ±0.5 rad; the open hand about 20 cm above the middle, with
        uniform jitter of ±2 cm.
    Success: either cube lifted by at least 8 cm for 10 consecutive control steps (0.4 s).
    Modes: left, right: the higher cube, once one is off the table.
    Horizon: 120 control steps (4.8 s).
    Versions: v0, initial version.
    """

    name = "PickEither"
    mount = "wrist"
    horizon = 120
    hold_steps = 10
    modes = CUBES
    description = "Lift either of two equal cubes and hold it up."

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on its wrist above a table with two cubes."""
        spec = make_scene("pick_either")
        add_hand(spec, "wrist", (0.0, 0.0, MOUNT_HEIGHT_M))
        for cube in CUBES:
            add_cube(spec, cube, CUBE_HALF_SIZE_M, (0.25, 0.50, 0.80, 1.0))
        add_camera(spec, (0.02, 0.0, 0.11), 0.72)
        return spec

    def index_scene(self) -> None:
        """Look up the cubes."""
        self.cube_qpos = [int(self.model.joint(cube).qposadr[0]) for cube in CUBES]
        self.cube_sites = [int(self.model.site(cube).id) for cube in CUBES]

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the poses of both cubes and the hand."""
        qpos = self.model.qpos0.copy()
        draw_palm(self, qpos, rng)
        for side, address in zip((1.0, -1.0), self.cube_qpos, strict=True):
            x, y = rng.uniform(*CUBE_X_M), side * rng.uniform(*CUBE_Y_M)
            place_cube(qpos, address, x, y, rng.uniform(-CUBE_YAW_RAD, CUBE_YAW_RAD))
        return Start(qpos)

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        cubes = [part for cube in CUBES for part in cube_fields(cube)]
        return (*self.hand_fields(), *cubes)

    def observe(self, view: View) -> dict[str, FloatArray]:
        """Return every field's values."""
        values = self.observe_hand(view)
        for cube, address, site in zip(CUBES, self.cube_qpos, self.cube_sites, strict=True):
            values |= observe_cube(self, view, cube, address, site)
        return values

    def score(self, view: View) -> Score:
        """Score by the higher cube."""
        cubes = [view.site_position(site) for site in self.cube_sites]
        lifted = np.stack([lifted_share(cube, LIFT_HEIGHT_M) for cube in cubes], axis=1)
        pinch = view.site_position(self.hand.tips)[:, :3].mean(axis=1)
        nearest = np.minimum(distance(pinch, cubes[0]), distance(pinch, cubes[1]))
        best = lifted.max(axis=1)
        return Score(
            solved=best >= 1.0,
            failed=np.zeros(len(view), dtype=np.bool_),
            progress=0.2 * (1.0 - np.clip(nearest / 0.25, 0.0, 1.0)) + 0.8 * best,
            reward_terms={"reach": 0.2 * np.exp(-10.0 * nearest), "lift": 0.8 * best},
            mode=np.where(best > 0.1, lifted.argmax(axis=1), NO_MODE),
        )
