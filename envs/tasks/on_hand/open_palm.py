"""The open palm of a described hand: its frame, and the lanes in which its fingertips move.

The frame's origin is on the palm's face, in the middle of the long fingers' lanes, and as near to
the wrist as all their tips reach in these lanes; its x points along the fingers and its z out of
the palm. A lane is the line on which the tip of a straight finger ends.
"""

from dataclasses import dataclass
from functools import lru_cache

import mujoco
import numpy as np

from envs.arrays import FloatArray
from envs.hand.description import Hand
from envs.hand.loading import load_hand
from envs.hand.reach import fingertips, solve_fingertips
from envs.tasks.on_hand.base import straight

TIP_UP_M = 0.029  # of the tips above the palm's face: just above the cube's centre
FARTHEST_M, NEAREST_M, STEP_M = 0.15, -0.10, 0.01  # of the search for the nearest reach
WITHIN_M = 0.002
GRID_M = np.linspace(0.005, 0.070, 14)  # of the table of postures, from the origin
ITERATIONS = 80
HOME_M = 0.014  # where the cube lies, from the origin
UNDER_M = np.linspace(-0.03, 0.03, 13)  # under the cube, from its middle, its jitter included
FAR_BELOW_M = 0.3  # where rays at the palm's face begin


@dataclass(frozen=True, eq=False)
class OpenPalm:
    """The frame of an open palm, and the postures with all long fingertips at one x.

    Attributes:
        origin: Origin of the frame, (3,) [m], palm frame of the description.
        lanes: The lane of each long finger, (k,) [m], across the fingers as y of the frame.
        postures: Position targets at each x of `GRID_M`, (14, act_dim) [rad]. The thumb is aside.
    """

    origin: FloatArray
    lanes: FloatArray
    postures: FloatArray


@lru_cache(maxsize=16)
def open_palm(hand: Hand) -> OpenPalm:
    """Return the open palm of a hand.

    Raises:
        ValueError: The tips do not reach their places in front of the cube.
    """
    loaded = load_hand(hand)
    straight_tips = fingertips(hand, straight(loaded))[1:]
    across, origin = straight_tips[:, 1], np.zeros(3)
    origin[1] = across.mean()
    for _ in range(2):  # how near the tips reach and how high the palm is there
        origin[0] = _nearest(hand, across, origin[2])
        origin[2] = _face(hand, origin)
    postures = np.zeros((len(GRID_M), len(loaded.names)))
    posture = _thumb_aside(hand)
    for k in reversed(range(len(GRID_M))):
        places = _in_lanes(hand, across, origin + np.array([GRID_M[k], 0.0, -TIP_UP_M]))
        posture, errors = solve_fingertips(hand, places, posture, ITERATIONS)
        if max(errors.values()) > WITHIN_M:
            raise ValueError(
                f"hand {hand.name} does not fit the cube: a fingertip misses its lane by "
                f"{1000 * max(errors.values()):.1f} mm"
            )
        postures[k] = posture
    return OpenPalm(origin, origin[1] - across, postures)


def _in_lanes(hand: Hand, across: FloatArray, place: FloatArray) -> dict[str, FloatArray]:
    """Return the places of the long fingertips, all at x and z of `place`, (3,) [m]."""
    names = list(hand.fingers)[1:]
    return {
        f: np.array([place[0], y, place[2]]) for f, y in zip(names, across.tolist(), strict=True)
    }


def _thumb_aside(hand: Hand) -> FloatArray:
    """Return the neutral posture with a straight thumb, (act_dim,) [rad]."""
    loaded, thumb = load_hand(hand), next(iter(hand.fingers))
    posture: FloatArray = loaded.neutral.copy()
    posture[loaded.columns[thumb]] = straight(loaded)[loaded.columns[thumb]]
    return posture


def _nearest(hand: Hand, across: FloatArray, face: float) -> float:
    """Return the smallest x that all long fingertips reach in their lanes [m]."""
    posture, nearest = _thumb_aside(hand), FARTHEST_M
    for x in np.arange(FARTHEST_M, NEAREST_M, -STEP_M).tolist():
        places = _in_lanes(hand, across, np.array([x, 0.0, face - TIP_UP_M]))
        found, errors = solve_fingertips(hand, places, posture, ITERATIONS)
        if max(errors.values()) < WITHIN_M:
            posture, nearest = found, x
        elif nearest < FARTHEST_M:
            break
    return float(nearest)


def _face(hand: Hand, origin: FloatArray) -> float:
    """Return how far out of the palm its collision geoms are under the cube, z of the palm [m]."""
    loaded = load_hand(hand)
    model, data = loaded.model, mujoco.MjData(loaded.model)
    data.qpos[loaded.controls.qpos] = loaded.controls.angles(straight(loaded))
    mujoco.mj_forward(model, data)
    axes, centre = data.site_xmat[loaded.palm].reshape(3, 3), data.site_xpos[loaded.palm]
    lowest = 0.0
    for geom in np.flatnonzero(model.geom_contype).tolist():
        for x in UNDER_M + origin[0] + HOME_M:
            for y in UNDER_M + origin[1]:
                start = centre + axes @ np.array([x, y, -FAR_BELOW_M])
                way = _ray(model, data, geom, start, axes[:, 2])
                if way >= 0.0:
                    lowest = min(lowest, way - FAR_BELOW_M)
    return lowest


def _ray(
    model: mujoco.MjModel, data: mujoco.MjData, geom: int, start: FloatArray, way: FloatArray
) -> float:
    """Return the distance from a point to a geom [m], negative if the ray misses it."""
    if int(model.geom_type[geom]) == int(mujoco.mjtGeom.mjGEOM_MESH):
        return float(mujoco.mj_rayMesh(model, data, geom, start, way, None))
    place, axes = data.geom_xpos[geom], data.geom_xmat[geom]
    kind, size = int(model.geom_type[geom]), model.geom_size[geom]
    return float(mujoco.mju_rayGeom(place, axes, size, start, way, kind, None))
