"""Depth and geoms of ray pictures equal answers solved from the equations of the solids."""

import mujoco
import numpy as np
import pytest

from envs.pictures.ray_scene import RayScene
from envs.pictures.scene import Poses
from tests.envs.pictures import solids

SIZE, FOVY, HALF_PLANE = 48, 50.0, 0.5
CAMERA = np.array([0.9, -0.7, 0.8])
SOLIDS = {
    "sphere": ([0.11, 0, 0], mujoco.mjtGeom.mjGEOM_SPHERE),
    "box": ([0.08, 0.12, 0.05], mujoco.mjtGeom.mjGEOM_BOX),
    "capsule": ([0.05, 0.14, 0], mujoco.mjtGeom.mjGEOM_CAPSULE),
}


def make_model(free: bool, alpha: float = 1.0) -> mujoco.MjModel:
    """Return a plane and three solids, which are free bodies or parts of the world."""
    spec = mujoco.MjSpec()
    look = -CAMERA / np.linalg.norm(CAMERA)
    right = np.cross(look, [0, 0, 1])
    right /= np.linalg.norm(right)
    matrix = np.stack([right, np.cross(right, look), -look], axis=1)
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, matrix.ravel())
    spec.worldbody.add_camera(name="main", pos=CAMERA, quat=quat, fovy=FOVY)
    flat = mujoco.mjtGeom.mjGEOM_PLANE
    spec.worldbody.add_geom(name="plane", type=flat, size=[HALF_PLANE, HALF_PLANE, 0.1])
    rng = np.random.default_rng(5)
    for name, (size, kind) in SOLIDS.items():
        pose = draw_pose(rng)
        body = spec.worldbody.add_body(name=name, pos=pose[:3], quat=pose[3:])
        if free:
            body.add_freejoint()
        body.add_geom(name=name, type=kind, size=size, rgba=[0.8, 0.3, 0.2, alpha], density=100)
    return spec.compile()


def draw_pose(rng: np.random.Generator) -> np.ndarray:
    place, quat = rng.uniform([-0.3, -0.3, 0.0], [0.3, 0.3, 0.4]), rng.normal(size=4)
    return np.concatenate([place, quat / np.linalg.norm(quat)])


def rays_of(model: mujoco.MjModel) -> np.ndarray:
    """Return the rays through the pixels, of length 1 along the camera's axis."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_camlight(model, data)
    half = np.tan(np.radians(FOVY) / 2)
    step = ((np.arange(SIZE) + 0.5) / SIZE * 2 - 1) * half
    x, y = np.meshgrid(step, -step)
    local = np.stack([x, y, -np.ones_like(x)], axis=-1).reshape(-1, 3)
    return local @ data.cam_xmat[0].reshape(3, 3).T


def answers(model: mujoco.MjModel, qpos: np.ndarray) -> dict[str, np.ndarray]:
    """Return the exact depth of every pixel for each geom alone."""
    data = mujoco.MjData(model)
    data.qpos = qpos
    mujoco.mj_kinematics(model, data)
    rays = rays_of(model)
    place = {name: data.geom(name).xpos for name in SOLIDS}
    turn = {name: data.geom(name).xmat.reshape(3, 3) for name in SOLIDS}
    sizes = {name: np.array(size) for name, (size, _) in SOLIDS.items()}
    size = sizes["capsule"]
    return {
        "plane": solids.plane(CAMERA, rays, HALF_PLANE),
        "sphere": solids.sphere(CAMERA, rays, place["sphere"], sizes["sphere"][0]),
        "box": solids.box(CAMERA, rays, place["box"], turn["box"], sizes["box"]),
        "capsule": solids.capsule(
            CAMERA, rays, place["capsule"], turn["capsule"], size[0], size[1]
        ),
    }


def poses(model: mujoco.MjModel, count: int) -> Poses:
    rng = np.random.default_rng(9)
    qpos = [np.concatenate([draw_pose(rng) for _ in SOLIDS]) for _ in range(count)]
    return Poses(np.stack(qpos) if model.nq else np.zeros((1, 0)), None, {})


@pytest.mark.parametrize("free", [True, False], ids=["moving", "still"])
def test_depth_and_geoms_are_those_of_the_equations(free: bool) -> None:
    model = make_model(free)
    given = poses(model, 20)
    seen = RayScene(model, (0,), SIZE, num_threads=1).cast(given)
    assert (seen.markers == -1).all()
    for k in range(len(given)):
        exact = answers(model, given.qpos[k])
        depths = np.stack([exact[model.geom(g).name] for g in range(model.ngeom)])
        expected = np.where(np.isfinite(depths.min(axis=0)), depths.argmin(axis=0), -1)
        assert np.array_equal(seen.geoms[k].ravel(), expected)
        depth = seen.depth[k].ravel()
        hit = expected >= 0
        assert 0.2 < hit.mean() < 1
        assert np.abs(depth[hit] - depths.min(axis=0)[hit]).max() < 1e-6
        assert np.isinf(depth[~hit]).all()
    assert set(np.unique(seen.geoms)) == set(range(-1, 4))


def test_translucent_solids_are_layers_that_hide_nothing() -> None:
    model = make_model(free=True, alpha=0.4)
    given = poses(model, 10)
    seen = RayScene(model, (0,), SIZE, num_threads=1).cast(given)
    plane = int(model.geom("plane").id)
    for k in range(len(given)):
        exact = answers(model, given.qpos[k])
        floor = exact.pop("plane")
        depths = np.stack([exact[model.geom(g).name] for g in range(model.ngeom) if g != plane])
        above = depths.min(axis=0) < floor
        expected = np.where(above, depths.argmin(axis=0) + 1, -1)
        assert np.array_equal(seen.markers[k].ravel(), expected)
        assert np.array_equal(seen.geoms[k].ravel(), np.where(np.isfinite(floor), plane, -1))
        both = np.where(expected >= 0, expected, seen.geoms[k].ravel())
        assert np.array_equal(seen.segmentation[k].ravel(), both)


def test_what_cannot_be_cast_is_rejected() -> None:
    spec = mujoco.MjSpec()
    body = spec.worldbody.add_body(name="arm")
    body.add_joint()
    body.add_geom(size=[0.1, 0, 0])
    body.add_camera(name="wrist")
    spec.worldbody.add_camera(name="fixed")
    body.add_light(name="lamp")
    model = spec.compile()
    wrist, fixed = (int(model.camera(name).id) for name in ("wrist", "fixed"))
    with pytest.raises(ValueError, match=r"camera 'wrist' moves with a body.*renderer='opengl'"):
        RayScene(model, (wrist,), SIZE)
    with pytest.raises(ValueError, match=r"light 0 moves with a body.*renderer='opengl'"):
        RayScene(model, (fixed,), SIZE)
    model.light_active[0] = 0
    RayScene(model, (fixed,), SIZE)
    with pytest.raises(ValueError, match="field 'geom_rgba', which rays take from the model"):
        RayScene(model, (fixed,), SIZE, {"geom_rgba": 0})
