"""Where cameras are, and that a task's cameras show every object and goal in every phase."""

import math

import mujoco
import numpy as np
import pytest

from envs.cameras import MAIN, Camera
from envs.experts.command_noise import CommandNoise
from envs.pictures.rays import RayRenderer
from envs.pictures.scene import PictureModel, picture_model, visible_geoms
from envs.pictures.states import PictureStates, joined, picture_states
from envs.registry import has_extra, make_expert, make_task, suite
from envs.task import Task
from envs.world import World
from fmbench.harness.seeds import VALIDATION
from tests.thorough import thoroughly

FEW = ("ReachPose", "PlaceCube", "HandOver", "AdroitPen")
"""Tasks that are looked at also where tests are not thorough."""

EPISODES, PIXELS, PHASES = 4, 4, 5
HIDDEN_AT_THE_END = {("RelocateBall", "goal")}  # inside the ball, when the ball has reached it
MARKS = {
    "TurnDial": ("dial", (0.93, 0.45, 0.20)),
    "TurnEither": ("dial", (0.93, 0.45, 0.20)),
    "TurnValve": ("valve", (0.93, 0.45, 0.20)),
    "RotateCube": ("cube", (0.22, 0.25, 0.30)),
}
"""The body and the colour of the marks without which an angle cannot be told."""
SAME = pytest.approx


@pytest.mark.parametrize(
    ("azimuth", "elevation", "direction"),
    [
        (0.0, 0.0, (1.0, 0.0, 0.0)),
        (90.0, 0.0, (0.0, 1.0, 0.0)),
        (-90.0, 0.0, (0.0, -1.0, 0.0)),
        (180.0, 0.0, (-1.0, 0.0, 0.0)),
        (0.0, -90.0, (0.0, 0.0, -1.0)),
        (135.0, -30.0, (-math.sqrt(3 / 8), math.sqrt(3 / 8), -0.5)),
        (45.0, 30.0, (math.sqrt(3 / 8), math.sqrt(3 / 8), 0.5)),
    ],
)
def test_direction_and_position_are_exact(
    azimuth: float, elevation: float, direction: tuple[float, float, float]
) -> None:
    camera = Camera((1.0, 2.0, 3.0), 2.0, azimuth, elevation)
    assert camera.direction == SAME(direction, abs=1e-12)
    assert camera.position == SAME(
        tuple(a - 2.0 * b for a, b in zip((1.0, 2.0, 3.0), direction, strict=True)), abs=1e-12
    )


def test_any_camera_is_at_its_distance_and_looks_at_its_target() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        x, y, z, azimuth, elevation = (rng.uniform(-1, 1, 5) * [1, 1, 1, 360, 90]).tolist()
        camera = Camera((x, y, z), rng.uniform(0.1, 2.0), azimuth, elevation)
        way = np.subtract(camera.target, camera.position)
        assert np.linalg.norm(way) == SAME(camera.distance)
        assert way / camera.distance == SAME(camera.direction)


@pytest.mark.parametrize("name", suite())
def test_the_cameras_of_a_task_look_where_they_say(name: str) -> None:
    if not has_extra(name):
        pytest.skip("the extra is not installed")
    task = make_task(name)
    assert 1 <= len(task.cameras) <= 2
    assert MAIN not in task.cameras
    drawn = picture_model(task, (MAIN, *task.cameras))
    data = mujoco.MjData(drawn.model)
    mujoco.mj_forward(drawn.model, data)
    for index, camera in zip(drawn.cameras[1:], task.cameras.values(), strict=True):
        right, _, back = data.cam_xmat[index].reshape(3, 3).T
        assert data.cam_xpos[index] == SAME(camera.position)
        assert -back == SAME(camera.direction, abs=1e-9)
        assert right[2] == SAME(0.0, abs=1e-9)
        assert drawn.model.cam_fovy[index] == camera.fovy


def filmed(task: Task) -> list[PictureStates]:
    """Return the states of disturbed expert episodes, each in phases from start to end."""
    world = World(task, EPISODES, 1)
    expert, noise, rows = make_expert(world), CommandNoise(world, 1.0), world.all_rows
    seeds = VALIDATION + rows
    for part in (world, expert, noise):
        part.reset(rows, seeds)
    films = [[picture_states(world, rows[k : k + 1])] for k in rows]
    while len(rows):
        actions = expert.act(rows, world.observe(rows)[:, None])[0][:, 0]
        outcome = world.step(rows, noise.disturb(rows, world.step_count[rows], actions))
        for k in rows:
            films[k].append(picture_states(world, np.array([k])))
        rows = rows[~(outcome.terminated | outcome.truncated)]
    phases = np.linspace(0, 1, PHASES)
    return [joined([film[round(p * (len(film) - 1))] for p in phases]) for film in films]


def objects(drawn: PictureModel) -> dict[str, np.ndarray]:
    """Return the visible geoms of every body that is neither the world's nor a hand's."""
    task, model = drawn.task, drawn.model
    hands = {int(model.body_rootid[task.model.joint(n).bodyid[0]]) for n in task.action_names}
    found: dict[str, list[int]] = {}
    for geom in np.flatnonzero(visible_geoms(model)).tolist():
        body = int(model.geom_bodyid[geom])
        if body and int(model.body_rootid[body]) not in hands:
            found.setdefault(model.body(body).name, []).append(geom)
    if task.name in MARKS:
        body_name, rgb = MARKS[task.name]
        parts = found[body_name]
        marks = [geom for geom in parts if np.allclose(model.geom_rgba[geom, :3], rgb, atol=1e-3)]
        assert 0 < len(marks) < len(parts)
        found["marks"] = marks
    return {name: np.array(geoms) for name, geoms in found.items() if "lamp" not in name}


@pytest.mark.slow
@pytest.mark.parametrize("name", thoroughly(suite(), always=FEW))
def test_some_camera_shows_every_object_and_goal_in_every_phase(name: str) -> None:
    if not has_extra(name):
        pytest.skip("the extra is not installed")
    task = make_task(name)
    cameras = (MAIN, *task.cameras)
    renderer, parts = RayRenderer(task, cameras, 96), objects(picture_model(task, cameras))
    assert parts
    for film in filmed(task):
        cast = renderer.cast(film)
        for part, geoms in parts.items():
            is_seen = np.isin(cast.geoms, geoms) | np.isin(cast.markers, geoms)
            pixels = is_seen.sum(axis=(2, 3)).max(axis=1)
            if (name, part) in HIDDEN_AT_THE_END:
                pixels = pixels[:-1]
            assert (pixels >= PIXELS).all(), (part, pixels)
    renderer.close()
