"""The model from which pictures of a task are drawn: a copy of the task's scene, only for drawing.

It shows what the classic renderer shows, in a form that rays see as well: a visible site is a geom,
and a texture is its mean colour.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from envs.arrays import BoolArray, FloatArray, IntArray
from envs.cameras import MAIN, Camera
from envs.names import unknown
from envs.pictures.appearance import flatten_textures, geom_rgba, site_rgba
from envs.pictures.states import PictureStates
from envs.scene import RENDER_SIZE
from envs.task import Task

SHOWN_GROUPS = 3
"""The classic renderer shows the groups below this one."""
SLICES, STACKS = 8, 4  # of a capsule: software drawing takes the time of its triangles
SITE_FIELDS = ("site_pos", "site_quat", "site_size", "site_rgba")


@dataclass(frozen=True)
class Poses:
    """Everything that poses a model in n simulations.

    Attributes:
        qpos: Generalised positions, (n, nq).
        mocap: Positions of the mocap bodies, or positions and quaternions, (n, nmocap, 3 or 7).
        fields: For each field of the model that differs, an index into it and values, (n, k).
    """

    qpos: FloatArray
    mocap: FloatArray | None
    fields: dict[str, tuple[int, FloatArray]]

    def __len__(self) -> int:
        return len(self.qpos)

    def rows(self, chosen: slice) -> "Poses":
        """Return the poses of some of the simulations."""
        mocap = None if self.mocap is None else self.mocap[chosen]
        fields = {name: (index, values[chosen]) for name, (index, values) in self.fields.items()}
        return Poses(self.qpos[chosen], mocap, fields)

    def put(self, k: int, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        """Write the k-th simulation's pose into a model and its data."""
        data.qpos = self.qpos[k]
        if self.mocap is not None:
            data.mocap_pos = self.mocap[k, :, :3]
            if self.mocap.shape[-1] == 7:
                data.mocap_quat = self.mocap[k, :, 3:]
        for name, (index, values) in self.fields.items():
            field = getattr(model, name)
            field[index] = values[k].reshape(field.shape[1:])


class PictureModel:
    """The model from which pictures of a task are drawn.

    Attributes:
        task: The task.
        model: The model; bodies and joints are those of the task.
        cameras: The ids of the cameras that draw, in order.
        task_geoms: The geom of this model for each geom of the task.
        site_geoms: The geom of this model for each site of the task that is visible.
        changes: For each field of the model that differs between episodes, the index in it.
    """

    def __init__(self, task: Task, cameras: Sequence[str]) -> None:
        check_cameras(task, cameras)
        self.task = task
        spec = task.spec.copy()
        copies = {int(geom.id): geom for geom in spec.geoms}
        site_copies = {k: _add_site_geom(task, k, site) for k, site in _visible_sites(task, spec)}
        for name in cameras:
            if name != MAIN:
                _add_camera(spec, name, task.cameras[name])
        quality = spec.visual.quality
        quality.numslices, quality.numstacks = SLICES, STACKS
        quality.shadowsize = quality.offsamples = 0
        spec.visual.global_.offwidth = spec.visual.global_.offheight = RENDER_SIZE
        self.model: mujoco.MjModel = spec.compile()
        flatten_textures(self.model)
        self.cameras = tuple(int(self.model.camera(name).id) for name in cameras)
        self.task_geoms: IntArray = np.array([copies[k].id for k in range(task.model.ngeom)])
        self.site_geoms = {site: int(geom.id) for site, geom in site_copies.items()}
        memory = task.draw_start(np.random.default_rng(0)).memory
        states = PictureStates(
            task.model.qpos0[None], {name: values[None] for name, values in memory.items()}
        )
        self.changes = {name: index for name, (index, _) in self.poses(states).fields.items()}

    @property
    def hash(self) -> str:
        """Hash of everything in the model, colours, lights and cameras included, 64 digits."""
        buffer = np.zeros(mujoco.mj_sizeModel(self.model), np.uint8)
        mujoco.mj_saveModel(self.model, None, buffer)
        return hashlib.sha256(buffer.data).hexdigest()

    def poses(self, states: PictureStates) -> Poses:
        """Return the poses of this model in the given states."""
        values = self.task.model_values(states.memory)
        fields = dict(self._field(name, *value) for name, value in values.items())
        return Poses(states.qpos, self.task.mocap(states.memory), fields)

    def _field(
        self, name: str, index: int, values: FloatArray
    ) -> tuple[str, tuple[int, FloatArray]]:
        """Return a field of the task's model as a field of this one."""
        if name in SITE_FIELDS and index in self.site_geoms:
            return name.replace("site", "geom"), (self.site_geoms[index], values)
        if name.startswith("geom_"):
            return name, (int(self.task_geoms[index]), values)
        return name, (index, values)


def picture_model(task: Task, cameras: Sequence[str] = (MAIN,)) -> PictureModel:
    """Return the model from which pictures of a task are drawn.

    Args:
        task: The task; its own scene and model do not change.
        cameras: Names of cameras: `main`, and those of `Task.cameras`.

    Raises:
        ValueError: A camera is not known or is named twice, or none is named.
    """
    return PictureModel(task, cameras)


def check_cameras(task: Task, cameras: Sequence[str]) -> None:
    """Check the names of cameras of a task.

    Raises:
        ValueError: A camera is not known or is named twice, or none is named; the message lists
            the task's cameras and near matches.
    """
    known = (MAIN, *(name for name in task.cameras if name != MAIN))
    for name in cameras:
        if name not in known:
            raise unknown(f"camera of {task.name}", name, known)
    if not cameras or len(set(cameras)) < len(cameras):
        named = ", ".join(cameras) or "empty"
        raise ValueError(
            f"the list of cameras is {named}; name each camera once, of {', '.join(known)}"
        )


def visible_geoms(model: mujoco.MjModel) -> BoolArray:
    """Return which geoms a picture shows, (ngeom,)."""
    shown: BoolArray = (model.geom_group < SHOWN_GROUPS) & (geom_rgba(model)[:, 3] > 0)
    return shown


def _visible_sites(task: Task, spec: mujoco.MjSpec) -> list[tuple[int, mujoco.MjsSite]]:
    """Return ids and copies of the sites that the classic renderer shows.

    The ids are those before the copy is changed, which makes them invalid.
    """
    shown = (task.model.site_group < SHOWN_GROUPS) & (site_rgba(task.model)[:, 3] > 0)
    return [(int(site.id), site) for site in spec.sites if shown[site.id]]


def _add_site_geom(task: Task, k: int, site: mujoco.MjsSite) -> mujoco.MjsGeom:
    """Add a geom that looks like site k and touches nothing."""
    model = task.model
    return site.parent.add_geom(
        type=mujoco.mjtGeom(model.site_type[k]),
        pos=model.site_pos[k],
        quat=model.site_quat[k],
        size=model.site_size[k],
        rgba=model.site_rgba[k],
        material=site.material,
        group=int(model.site_group[k]),
        contype=0,
        conaffinity=0,
        mass=0.0,
    )


def _add_camera(spec: mujoco.MjSpec, name: str, camera: Camera) -> None:
    """Add a camera that is fixed in the world; it looks along its -z, with x to the right."""
    azimuth = np.radians(camera.azimuth)
    right = np.array([np.sin(azimuth), -np.cos(azimuth), 0.0])
    back = -np.array(camera.direction)
    matrix = np.stack([right, np.cross(back, right), back], axis=1)
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, matrix.ravel())
    spec.worldbody.add_camera(name=name, pos=camera.position, quat=quat, fovy=camera.fovy)
