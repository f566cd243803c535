"""Scene of the hand fixed palm up: mount, smooth marked cube, goal marker."""

import mujoco
import numpy as np

CUBE_HALF_SIZE_M, CUBE_MASS_KG, CUBE_FRICTION = 0.027, 0.08, 0.25
PALM_M, PALM_TILT_RAD, PALM_ROLL_RAD = (0.0, 0.0, 0.16), 0.5, 0.1
GOAL_SCALE = 0.6
ORANGE, DARK, BLUE = (0.93, 0.45, 0.20, 1.0), (0.22, 0.25, 0.30, 1.0), (0.25, 0.50, 0.80, 1.0)
GREEN = (0.13, 0.70, 0.45, 0.45)

_BOX, _CYLINDER = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER
_LOOK = {"contype": 0, "conaffinity": 0, "mass": 0.0}


def palm_up_quaternion() -> tuple[float, float, float, float]:
    """Return the mount's orientation, wxyz: palm up, fingers and thumb's side tilted down."""
    c, s = np.cos(PALM_TILT_RAD / 2), np.sin(PALM_TILT_RAD / 2)
    x, w = np.cos(PALM_ROLL_RAD / 2), -np.sin(PALM_ROLL_RAD / 2)
    return (float(c * w), float(c * x), float(s * w), float(-s * x))


def add_smooth_cube(spec: mujoco.MjSpec) -> None:
    """Add a free cube, with a site of the same name at its centre."""
    body = spec.worldbody.add_body(name="cube", pos=[PALM_M[0], PALM_M[1], PALM_M[2] + 0.1])
    body.add_freejoint(name="cube")
    body.add_geom(
        name="cube",
        type=_BOX,
        size=[CUBE_HALF_SIZE_M] * 3,
        mass=CUBE_MASS_KG,
        rgba=ORANGE,
        condim=4,
        priority=1,  # the cube's friction applies, not that of the pads
        friction=[CUBE_FRICTION, 0.005, 0.0001],
        solref=[0.01, 1],
        solimp=[0.95, 0.99, 0.001, 0.5, 2],
        contype=2,
        conaffinity=3,
    )
    body.add_site(name="cube", size=[0.003, 0, 0], group=4)
    _add_marks(body, CUBE_HALF_SIZE_M)


def add_goal_copy(spec: mujoco.MjSpec) -> None:
    """Add a small translucent copy of the cube, a mocap body without contacts."""
    goal = spec.worldbody.add_body(name="goal", mocap=True)
    half = GOAL_SCALE * CUBE_HALF_SIZE_M
    goal.add_geom(type=_BOX, size=[half] * 3, rgba=GREEN, **_LOOK)
    _add_marks(goal, half)


def add_stand(spec: mujoco.MjSpec) -> None:
    """Add a column under the wrist, visual only."""
    wrist_m = 0.062  # behind the palm's centre
    half = (PALM_M[2] + wrist_m * float(np.sin(PALM_TILT_RAD))) / 2
    x = PALM_M[0] - wrist_m * float(np.cos(PALM_TILT_RAD))
    size = [0.014, half, 0]
    spec.worldbody.add_geom(type=_CYLINDER, pos=[x, 0, half], size=size, rgba=DARK, **_LOOK)


def _add_marks(body: mujoco.MjsBody, half: float) -> None:
    """Add an arrow on top and one blue side, so that the yaw is visible."""
    thin = 0.0004
    blue = [thin, 0.82 * half, 0.82 * half]
    body.add_geom(type=_BOX, pos=[half, 0, 0], size=blue, rgba=BLUE, **_LOOK)
    shaft = [0.36 * half, 0.10 * half, thin]
    body.add_geom(type=_BOX, pos=[-0.1 * half, 0, half], size=shaft, rgba=DARK, **_LOOK)
    for side in (-1, 1):
        barb = [0.32 * half, 0.10 * half, thin]
        place = [0.30 * half, side * 0.19 * half, half]
        quat = [np.cos(side * 0.325), 0, 0, -np.sin(side * 0.325)]
        body.add_geom(type=_BOX, pos=place, size=barb, quat=quat, rgba=DARK, **_LOOK)
