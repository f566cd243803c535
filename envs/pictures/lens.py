"""A fixed camera: the rays through its pixels, and the pixels that a geom can cover."""

import itertools

import mujoco
import numpy as np

from envs.arrays import BoolArray, FloatArray, IntArray

NEAREST_M = 1e-3  # a geom that reaches closer than this to the camera's plane covers every pixel
MARGIN = 1e-3  # [pixels]
CORNERS = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
MOVING = "the camera {name!r} {fault}, and rays are cast from fixed cameras; use renderer='opengl'"


class Lens:
    """A fixed camera with a square picture.

    Args:
        model: The model.
        data: Its data, with the cameras' poses.
        still: Which bodies never move, (nbody,).
        camera: Id of the camera.
        size: Pixels in a row and in a column.

    Attributes:
        position: Position in the world frame, (3,) [m].
        matrix: Its axes (right, up, back) as columns, (3, 3).
        directions: Direction through the centre of each pixel, row by row from the top,
            (size * size, 3), world frame. Its length along the camera's axis is 1, so distances in
            units of it are depths [m].

    Raises:
        ValueError: The camera moves, or its picture is not a symmetric perspective.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        still: BoolArray,
        camera: int,
        size: int,
    ) -> None:
        _check_fixed(model, still, camera)
        self.size = size
        self.position: FloatArray = data.cam_xpos[camera].copy()
        self.matrix: FloatArray = data.cam_xmat[camera].reshape(3, 3).copy()
        self.half_height = float(np.tan(np.radians(model.cam_fovy[camera]) / 2))
        offsets = ((np.arange(size) + 0.5) / size * 2.0 - 1.0) * self.half_height
        right, up, back = self.matrix.T
        rows = -offsets[:, None, None] * up
        directions = rows + offsets[:, None] * right - back
        self.directions: FloatArray = directions.reshape(-1, 3)

    def rectangles(self, centres: FloatArray, axes: FloatArray) -> IntArray:
        """Return rectangles of pixels that contain the pictures of boxes.

        Args:
            centres: The boxes' centres, (..., 3) [m].
            axes: Their half axes as columns, (..., 3, 3) [m].

        Returns:
            First and last column, first and last row, each last one excluded, (..., 4).
        """
        middle = (centres - self.position) @ self.matrix
        corners = middle[..., None] + self.matrix.T @ axes @ CORNERS.T
        depth = -corners[..., 2, :]
        is_near = (depth < NEAREST_M).any(axis=-1)
        scale = self.size / 2 / self.half_height
        safe = np.maximum(depth, NEAREST_M)
        columns = corners[..., 0, :] / safe * scale + (self.size - 1) / 2
        rows = -corners[..., 1, :] / safe * scale + (self.size - 1) / 2
        bounds = [
            edge
            for line in (columns, rows)
            for edge in (
                np.ceil(line.min(axis=-1) - MARGIN),
                np.floor(line.max(axis=-1) + MARGIN) + 1,
            )
        ]
        rectangles: IntArray = np.clip(np.stack(bounds, axis=-1), 0, self.size).astype(np.int64)
        rectangles[is_near] = (0, self.size, 0, self.size)
        return rectangles


def _check_fixed(model: mujoco.MjModel, still: BoolArray, camera: int) -> None:
    """Reject a camera that moves or has another projection.

    Raises:
        ValueError: It does; the message states the camera and what to do.
    """
    modes = mujoco.mjtCamLight
    bodies = [int(model.cam_bodyid[camera])]
    if int(model.cam_mode[camera]) in (modes.mjCAMLIGHT_TARGETBODY, modes.mjCAMLIGHT_TARGETBODYCOM):
        bodies.append(int(model.cam_targetbodyid[camera]))
    name = model.camera(camera).name
    if not still[bodies].all():
        raise ValueError(MOVING.format(name=name, fault="moves with a body"))
    if model.cam_projection[camera] or model.cam_sensorsize[camera].any():
        raise ValueError(MOVING.format(name=name, fault="has a projection of its own"))


def still_bodies(model: mujoco.MjModel, moved: tuple[int, ...] = ()) -> BoolArray:
    """Return which bodies never move, (nbody,).

    Args:
        model: The model.
        moved: Bodies whose place in the model differs between episodes.
    """
    still: BoolArray = (model.body_jntnum == 0) & (model.body_mocapid < 0)
    still[list(moved)] = False
    for body in range(1, model.nbody):  # a parent comes before its children
        still[body] &= still[model.body_parentid[body]]
    return still
