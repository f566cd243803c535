"""No ray is left out where the camera is among the geoms, of any shape."""

import mujoco
import numpy as np
import pytest

from envs.pictures.ray_scene import RayScene
from envs.pictures.scene import Poses

SIZE, COUNT = 24, 12
CORNERS = np.array([[x, y, z] for x in (0.0, 0.2) for y in (0.0, 0.1) for z in (0.0, 0.15)])
SHAPES = {
    "sphere": [0.1, 0, 0],
    "capsule": [0.04, 0.15, 0],
    "ellipsoid": [0.05, 0.1, 0.15],
    "cylinder": [0.08, 0.1, 0],
    "box": [0.05, 0.1, 0.15],
    "mesh": [],
}


def make_model() -> mujoco.MjModel:
    """Return free bodies of all shapes, a floor, and a wide camera in their middle."""
    spec = mujoco.MjSpec()
    spec.add_mesh(name="wedge", uservert=CORNERS[:-1].ravel())
    spec.worldbody.add_camera(name="main", fovy=100, quat=[0.5, 0.5, -0.5, -0.5])
    for name, size in SHAPES.items():
        kind = getattr(mujoco.mjtGeom, f"mjGEOM_{name.upper()}")
        body = spec.worldbody.add_body()
        body.add_freejoint()
        if name == "mesh":
            body.add_geom(type=kind, meshname="wedge")
        else:
            body.add_geom(type=kind, size=size)
    flat = spec.worldbody.add_body(name="floor")
    flat.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1])
    return spec.compile()


@pytest.mark.parametrize("spread", [0.25, 0.8])
def test_every_geom_is_seen_as_by_single_rays(spread: float) -> None:
    model, rng = make_model(), np.random.default_rng(3)
    data, qpos = mujoco.MjData(model), rng.normal(size=(COUNT, model.nq)) * spread
    floor = int(model.body("floor").id)
    height = np.array([0.0, 0.0, 1.0]) * rng.uniform(-0.6, -0.1, (COUNT, 1))
    poses = Poses(qpos, None, {"body_pos": (floor, height)})
    seen = RayScene(model, (0,), SIZE, {"body_pos": floor}, num_threads=1).cast(poses)
    step = ((np.arange(SIZE) + 0.5) / SIZE * 2 - 1) * np.tan(np.radians(50))
    x, y = np.meshgrid(step, -step)
    local = np.stack([x, y, -np.ones_like(x)], axis=-1).reshape(-1, 3)
    shown = set()
    for k in range(COUNT):
        poses.put(k, model, data)
        mujoco.mj_kinematics(model, data)
        mujoco.mj_camlight(model, data)
        rays, origin = local @ data.cam_xmat[0].reshape(3, 3).T, data.cam_xpos[0]
        geoms = np.zeros((len(rays), 1), dtype=np.int32)
        for ray, geom in zip(rays, geoms, strict=True):
            mujoco.mj_ray(model, data, origin, ray, None, 1, -1, geom)
        assert np.array_equal(seen.geoms[k].ravel(), geoms[:, 0])
        shown |= set(geoms[:, 0].tolist())
    assert shown >= set(range(model.ngeom))
