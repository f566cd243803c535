"""Rendering does not change episodes, and everything else works without OpenGL."""

import sys

import gymnasium
import numpy as np
import pytest

import fmbench  # noqa: F401  registers the ids
from envs.registry import has_extra, make_expert, make_task, suite, task_id
from envs.render import TaskRenderer, contact_sheet, gl_backend
from envs.world import World


@pytest.fixture(scope="module")
def has_gl() -> None:
    try:
        TaskRenderer(make_task("LiftCube"), 8, 8).close()
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.mark.slow
@pytest.mark.usefixtures("has_gl")
@pytest.mark.parametrize("name", [name for name in suite() if has_extra(name)])
def test_rendering_shows_scene_and_leaves_physics_alone(name: str) -> None:
    seen, plain = (World(make_task(name), 2, 1) for _ in range(2))
    renderer = TaskRenderer(make_task(name), 64, 48)
    images = []
    for world in (seen, plain):
        world.reset(world.all_rows, np.array([3, 4]))
    expert = make_expert(plain)
    expert.reset(plain.all_rows, np.array([3, 4]))
    for _ in range(3):
        actions = expert.act(plain.all_rows, plain.observe(plain.all_rows))[0][:, 0]
        images.append(renderer.rows(seen, seen.all_rows))
        for world in (seen, plain):
            world.step(world.all_rows, actions)
        assert np.array_equal(seen.batch.state, plain.batch.state)
    assert images[0].shape == (2, 48, 64, 3)
    assert images[0].dtype == np.uint8
    assert images[0][0].std() > 5
    assert not np.array_equal(images[0][0], images[2][0])
    again = renderer.rows(seen, seen.all_rows)
    changed = np.abs(again.astype(int) - images[2]).max(axis=-1) > 30
    assert 0 < changed.mean() < 0.5  # the hand moves before a still background
    renderer.close()


@pytest.mark.usefixtures("has_gl")
def test_renderers_of_one_process_do_not_disturb_each_other() -> None:
    task = make_task("LiftCube")
    world = World(task, 2, 1)
    world.reset(world.all_rows, np.array([3, 4]))
    renderer, second = TaskRenderer(task, 64, 48), TaskRenderer(task, 64, 48)
    again = second.rows(world, world.all_rows)
    del second  # its context must not free the buffers of the other
    assert np.array_equal(renderer.rows(world, world.all_rows), again)
    renderer.close()
    renderer.close()
    with pytest.raises(RuntimeError, match="closed"):
        renderer.rows(world, world.all_rows)


@pytest.mark.usefixtures("has_gl")
def test_each_row_is_drawn_with_its_own_model_fields() -> None:
    task = make_task("RelocateBall")
    world, renderer = World(task, 2, 1), TaskRenderer(task, 160, 160)
    world.reset(world.all_rows, np.array([1, 1]))
    world.model_fields["geom_size"][1] *= 0.5
    whole, half = renderer.rows(world, world.all_rows).astype(int)
    orange = [(p[..., 0] - p[..., 2] > 60).sum() for p in (whole, half)]
    assert 0.15 * orange[0] < orange[1] < 0.35 * orange[0]
    assert renderer.model is not world.task.model
    assert np.array_equal(renderer.model.geom_size, world.model_fields["geom_size"][1])
    own = world.batch.get_model(1)
    assert np.array_equal(renderer.model.body_invweight0, own.body_invweight0)
    assert not np.array_equal(own.body_invweight0, task.model.body_invweight0)
    renderer.close()


@pytest.mark.usefixtures("has_gl")
def test_environments_render_the_same_image() -> None:
    env = gymnasium.make(task_id("LiftCube"), render_mode="rgb_array")
    envs = gymnasium.make_vec(task_id("LiftCube"), num_envs=2, render_mode="rgb_array")
    env.reset(seed=6)
    envs.reset(seed=5)
    first, second = envs.render()
    assert np.array_equal(second, env.render())
    assert not np.array_equal(first, second)
    assert second.shape == (480, 480, 3)
    env.close()
    envs.close()


def test_missing_library_error_states_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "egl")
    monkeypatch.setitem(sys.modules, "mujoco.egl", None)
    env = gymnasium.make(task_id("LiftCube"), render_mode="rgb_array")
    env.reset(seed=0)
    with pytest.raises(RuntimeError, match="Install libegl1 and libgl1-mesa-dri"):
        env.render()
    env.step(env.action_space.sample())


def test_backend_follows_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for variable, value, expected in (
        ("MUJOCO_GL", "osmesa", "osmesa"),
        ("MUJOCO_GL", "", "egl"),
        ("DISPLAY", ":0", "default"),
    ):
        monkeypatch.setenv(variable, value)
        if variable == "MUJOCO_GL":
            monkeypatch.delenv("DISPLAY", raising=False)
        assert gl_backend() == expected


def test_contact_sheet_places_frames() -> None:
    frames = [np.full((2, 3, 3), i, dtype=np.uint8) for i in range(5)]
    sheet = contact_sheet(frames, columns=2)
    assert sheet.shape == (3 * 6 - 4, 2 * 7 - 4, 3)
    assert [int(sheet[6 * (i // 2), 7 * (i % 2), 0]) for i in range(5)] == list(range(5))
    assert sheet[-1, -1, 0] == 255
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([], 2)
    with pytest.raises(ValueError, match="differ"):
        contact_sheet([frames[0], frames[0][:1]], 2)
    with pytest.raises(ValueError, match="480"):
        TaskRenderer(make_task("LiftCube"), 481, 8)
