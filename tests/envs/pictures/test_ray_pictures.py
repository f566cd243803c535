"""Ray pictures are functions of the state alone, and show what an episode has of its own."""

import copy

import mujoco
import numpy as np
import pytest

from envs.pictures.appearance import OPAQUE_ALPHA, geom_rgba
from envs.pictures.rays import RayRenderer
from envs.pictures.scene import visible_geoms
from envs.pictures.states import PictureStates, joined
from envs.registry import has_extra, make_task, suite
from envs.task import Task
from tests.envs.pictures.episodes import camera_names, episode_states, solved_states, start_states
from tests.thorough import thoroughly

INSTALLED = [name for name in suite() if has_extra(name)]
FEW = ("ReachPose", "PressChord", "PlaceCube", "InsertPeg", "HandOver", "AdroitPen")
"""Tasks for which every ray is cast also where tests are not thorough."""
needs_adroit = pytest.mark.skipif(not has_extra("AdroitPen"), reason="needs the extra 'adroit'")


def renderer(name: str, size: int = 48, threads: int = 1, cameras: int = 1) -> RayRenderer:
    task = make_task(name)
    return RayRenderer(task, camera_names(task)[:cameras], size, threads)


def moved(task: Task, states: PictureStates, name: str, place: tuple[float, ...]) -> PictureStates:
    """Return states in which the free body of a joint is somewhere else."""
    address = int(task.model.joint(name).qposadr[0])
    qpos = states.qpos.copy()
    qpos[:, address : address + 3] = place
    return PictureStates(qpos, states.memory)


@pytest.mark.parametrize("name", ["RelocateBall", "ReachPose"])
def test_bytes_do_not_depend_on_what_is_drawn_together(name: str) -> None:
    states = start_states(make_task(name), 100)
    alone = renderer(name, threads=1, cameras=2)
    expected = np.concatenate([alone.draw(states.rows(slice(k, k + 1))) for k in range(100)])
    assert len(np.unique(expected.reshape(100, -1), axis=0)) == 100
    shuffled = np.random.default_rng(0).permutation(100)
    for threads in (1, 2, 5):
        drawn = renderer(name, threads=threads, cameras=2)
        assert np.array_equal(drawn.draw(states), expected)
        assert np.array_equal(drawn.draw(states.rows(slice(20, 27))), expected[20:27])
        assert np.array_equal(drawn.draw(states.rows(shuffled)), expected[shuffled])
    seen = alone.cast(states)
    assert np.array_equal(seen.rgb, expected)
    assert alone.draw(states.rows(slice(0, 0))).shape == (0, 2, 48, 48, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", thoroughly(INSTALLED, always=FEW))
def test_no_ray_is_left_out(name: str) -> None:
    """Casting every ray of a picture at every geom gives the same depths and geoms."""
    states = episode_states(name).rows(slice(None, None, 30))
    drawn = renderer(name, cameras=2)
    model = copy.copy(drawn.picture_model.model)
    poses, data = drawn.picture_model.poses(states), mujoco.MjData(model)
    seen = drawn.cast(states)
    alpha = geom_rgba(model)[:, 3]
    shown = visible_geoms(model)
    for is_layer, found in (
        (alpha >= OPAQUE_ALPHA, seen.geoms),
        (alpha < OPAQUE_ALPHA, seen.markers),
    ):
        model.geom_matid[:] = -1
        model.geom_rgba[:, 3] = shown & is_layer
        for k in range(len(states)):
            poses.put(k, model, data)
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            mujoco.mj_camlight(model, data)
            for c, camera in enumerate(drawn.picture_model.cameras):
                depth, geoms = every_ray(model, data, camera, 48)
                if found is seen.markers:
                    geoms = np.where(depth < seen.depth[k, c], geoms, -1)
                else:
                    assert np.allclose(depth, seen.depth[k, c], rtol=1e-6)
                assert (geoms == found[k, c]).mean() > 0.9999  # surfaces at the same depth


def every_ray(
    model: mujoco.MjModel, data: mujoco.MjData, camera: int, size: int
) -> tuple[np.ndarray, np.ndarray]:
    half = np.tan(np.radians(model.cam_fovy[camera]) / 2)
    step = ((np.arange(size) + 0.5) / size * 2 - 1) * half
    x, y = np.meshgrid(step, -step)
    local = np.stack([x, y, -np.ones_like(x)], axis=-1).reshape(-1, 3)
    rays = local @ data.cam_xmat[camera].reshape(3, 3).T
    geoms, depth = np.zeros((size**2, 1), dtype=np.int32), np.zeros(size**2)
    origin = data.cam_xpos[camera]
    for k in range(size**2):  # `mj_multiRay` leaves out some geoms without contacts
        depth[k] = mujoco.mj_ray(model, data, origin, rays[k], None, 1, -1, geoms[k])
    depth[geoms[:, 0] < 0] = np.inf
    return depth.reshape(size, size), geoms.reshape(size, size)


SUCCESSES = {"LiftCube": "cube", "RotateCube": "cube", "RelocateBall": "ball", "HandOver": "stick"}
ENCLOSED = ("LiftCube", "RelocateBall")
"""There the marker encloses the object at the moment of success."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SUCCESSES)
def test_no_object_disappears_in_a_marker_at_the_moment_of_success(name: str) -> None:
    task, part, drawn = make_task(name), SUCCESSES[name], renderer(name, 96, cameras=2)
    states = joined([solved_states(name, seed) for seed in (3, 10, 20)])
    geoms = drawn.picture_model.task_geoms[task.model.geom_bodyid == task.model.body(part).id]
    seen = drawn.cast(states)
    is_object, is_marked = np.isin(seen.geoms, geoms), seen.markers >= 0
    gone = drawn.draw(moved(task, states, part, (0.0, 0.0, -9.0)))
    change = np.abs(seen.rgb.astype(int) - gone).max(axis=-1)
    assert (is_object.sum(axis=(2, 3)).max(axis=1) > 20).all()  # seen by one of the cameras
    assert (change[is_object] > 12).mean() > 0.95
    assert change[~is_object & ~is_marked].max() == 0
    if name in ENCLOSED:
        assert (is_object & is_marked).sum() > 60
        assert np.median(change[is_object & is_marked]) > 25


def test_every_episode_has_its_own_ball() -> None:
    task, drawn = make_task("RelocateBall"), renderer("RelocateBall", 96)
    one = start_states(task, 1)
    memory = {name: np.repeat(values, 3, axis=0) for name, values in one.memory.items()}
    memory["radius"] = np.array([[0.02], [0.03], [0.04]])
    states = PictureStates(np.repeat(one.qpos, 3, axis=0), memory)
    states = moved(task, states, "ball", (0.05, 0.06, 0.04))
    seen = drawn.cast(states)
    ball = drawn.picture_model.task_geoms[task.model.geom("ball").id]
    areas = (seen.geoms == ball).sum(axis=(1, 2, 3))
    assert areas[2] / areas[1] == pytest.approx((4 / 3) ** 2, rel=0.1)
    assert areas[1] / areas[0] == pytest.approx((3 / 2) ** 2, rel=0.1)
    assert np.array_equal(drawn.draw(states.rows(slice(0, 1)))[0], seen.rgb[0])
    differs = (seen.rgb[2] != seen.rgb[0]).any(axis=-1)
    assert differs.any()
    assert not differs[seen.geoms[2] != ball].any()


@needs_adroit
@pytest.mark.parametrize(
    ("name", "variable", "part"),
    [
        ("AdroitRelocate", "goal", "site target"),
        ("AdroitRelocate", "ball_start", "body Object"),
        ("AdroitPen", "goal_wxyz", "body target"),
        ("AdroitDoor", "frame", "body frame"),
        ("AdroitHammer", "board", "body nail_board"),
    ],
)
def test_goals_of_adroit_episodes_appear_where_they_are(
    name: str, variable: str, part: str
) -> None:
    task, drawn = make_task(name), renderer(name, 64)
    states = start_states(task, 2)
    memory = {key: np.repeat(values[:1], 2, axis=0) for key, values in states.memory.items()}
    memory[variable] = states.memory[variable]
    assert not np.array_equal(*memory[variable])
    seen = drawn.cast(PictureStates(np.repeat(states.qpos[:1], 2, axis=0), memory))
    kind, _, named = part.partition(" ")
    scene, model = drawn.picture_model, drawn.picture_model.model
    if kind == "site":
        geoms = [scene.site_geoms[int(task.model.site(named).id)]]
    else:
        body = int(model.body(named).id)
        inside = {b for b in range(model.nbody) if body in ancestors(model, b)}
        geoms = [g for g in range(model.ngeom) if int(model.geom_bodyid[g]) in inside]
    shows = [np.isin(seen.segmentation[k, 0], geoms) for k in range(2)]
    shows += [np.isin(seen.geoms[k, 0], geoms) for k in range(2)]
    assert all(show.any() for show in shows[:2])
    assert not np.array_equal(shows[0], shows[1])
    differs = (seen.rgb[0, 0] != seen.rgb[1, 0]).any(axis=-1)
    assert differs.any()
    assert not differs[~np.any(shows, axis=0)].any()


def ancestors(model: mujoco.MjModel, body: int) -> set[int]:
    found = {body}
    while body:
        body = int(model.body_parentid[body])
        found.add(body)
    return found


@pytest.mark.parametrize("name", INSTALLED)
def test_drawing_changes_neither_the_task_nor_its_scene(name: str) -> None:
    task = make_task(name)
    arrays = {
        key: values.copy()
        for key in dir(task.model)
        if key[0] != "_" and isinstance(values := getattr(task.model, key), np.ndarray)
    }
    text = task.spec.to_xml()
    drawn = renderer(name, 32, cameras=2)
    drawn.draw(start_states(task, 2))
    drawn.close()
    assert len(arrays) > 200
    for key, values in arrays.items():
        assert np.array_equal(getattr(task.model, key), values), key
    assert task.spec.to_xml() == text
