"""The two renderers show the same scenes, and OpenGL pictures are functions of the state."""

import mujoco
import numpy as np
import pytest

from envs.pictures.opengl import OpenGLRenderer, shown_option
from envs.pictures.rays import RayRenderer
from envs.pictures.scene import PictureModel, picture_model
from envs.pictures.states import PictureStates, joined
from envs.registry import has_extra, make_task, suite
from envs.render import TaskRenderer
from tests.envs.pictures.episodes import camera_names, episode_states, start_states

INSTALLED = [name for name in suite() if has_extra(name)]
SIZE, FINE = 96, 64
LARGEST_MEAN, LARGEST_FINE_MEAN = 5.5, 0.8
"""Largest mean difference of two pictures [of 255], with coarse and with fine capsules."""


@pytest.fixture(scope="module", autouse=True)
def has_gl() -> None:
    try:
        TaskRenderer(make_task("LiftCube"), 16, 16).close()
    except RuntimeError as error:
        pytest.skip(str(error))


def some_states(name: str) -> PictureStates:
    """Return two initial states, and two from the middle of an expert's episode."""
    middle = episode_states(name)
    starts = start_states(make_task(name), 2)
    return joined([starts, middle.rows(np.array([len(middle) // 2, len(middle) - 1]))])


class Fine:
    """MuJoCo's own renderer of a picture model, with fine capsules."""

    def __init__(self, scene: PictureModel) -> None:
        self.scene, self.model = scene, scene.model
        self.model.vis.quality.numslices = self.model.vis.quality.numstacks = FINE
        self.data = mujoco.MjData(self.model)
        self.renderer = mujoco.Renderer(self.model, SIZE, SIZE)

    def draw(self, states: PictureStates) -> tuple[np.ndarray, np.ndarray]:
        """Return colours and geoms, (n, cameras, H, W, ...)."""
        poses, colours, geoms = self.scene.poses(states), [], []
        for k in range(len(states)):
            poses.put(k, self.model, self.data)
            mujoco.mj_forward(self.model, self.data)
            for camera in self.scene.cameras:
                self.renderer.update_scene(self.data, camera, shown_option())
                colours.append(self.renderer.render())
                self.renderer.enable_segmentation_rendering()
                seen = self.renderer.render()
                self.renderer.disable_segmentation_rendering()
                is_geom = seen[..., 1] == mujoco.mjtObj.mjOBJ_GEOM
                geoms.append(np.where(is_geom, seen[..., 0], -1))
                assert (is_geom | (seen[..., 0] == -1)).all()
        shape = (len(states), len(self.scene.cameras), SIZE, SIZE)
        return np.stack(colours).reshape(*shape, 3), np.stack(geoms).reshape(shape)


@pytest.mark.slow
@pytest.mark.parametrize("name", INSTALLED)
def test_both_renderers_show_the_same(name: str) -> None:
    task, states = make_task(name), some_states(name)
    seen = RayRenderer(task, camera_names(task), SIZE, 1).cast(states)
    fine = Fine(picture_model(task, camera_names(task)))
    colours, geoms = fine.draw(states)
    fine.renderer.close()
    away = ~(edges(geoms) | edges(seen.segmentation))
    agree = (geoms == seen.segmentation)[away]
    assert away.mean() > 0.6
    assert agree.mean() >= 0.99
    difference = np.abs(colours.astype(int) - seen.rgb).mean(axis=(2, 3, 4))
    assert difference.max() < LARGEST_FINE_MEAN
    drawn = OpenGLRenderer(task, camera_names(task), SIZE)
    coarse = np.abs(drawn.draw(states).astype(int) - seen.rgb).mean(axis=(2, 3, 4))
    drawn.close()
    assert coarse.max() < LARGEST_MEAN


def edges(geoms: np.ndarray) -> np.ndarray:
    """Return where the 3 x 3 pixels around a pixel show more than one geom."""
    padded = np.pad(geoms, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    around = [padded[..., i : i + SIZE, j : j + SIZE] for i in range(3) for j in range(3)]
    return np.any([part != geoms for part in around], axis=0)


def test_opengl_pictures_do_not_depend_on_what_is_drawn_together() -> None:
    task = make_task("RelocateBall")
    states = start_states(task, 7)
    drawn = OpenGLRenderer(task, camera_names(task), 48)
    expected = np.concatenate([drawn.draw(states.rows(slice(k, k + 1))) for k in range(7)])
    order = np.array([4, 0, 6, 2, 1, 3, 5])
    assert np.array_equal(drawn.draw(states), expected)
    assert np.array_equal(drawn.draw(states.rows(order)), expected[order])
    assert drawn.draw(states.rows(slice(0, 0))).shape == (0, 2, 48, 48, 3)
    drawn.close()


def test_closing_a_renderer_leaves_the_others_alone() -> None:
    task = make_task("LiftCube")
    states = start_states(task, 1)
    first, second = OpenGLRenderer(task, size=48), OpenGLRenderer(task, size=64)
    before = first.draw(states)
    second.draw(states)
    second.close()
    second.close()
    assert np.array_equal(first.draw(states), before)
    third = OpenGLRenderer(task, size=48)
    third.draw(states)
    del third
    assert np.array_equal(first.draw(states), before)
    first.close()
    rays = RayRenderer(task, size=48)
    rays.close()
    for closed in (first, second, rays):
        with pytest.raises(RuntimeError, match="closed"):
            closed.draw(states)


def test_identity_names_what_draws() -> None:
    task = make_task("LiftCube")
    rays, drawn = RayRenderer(task, size=16), OpenGLRenderer(task, size=16)
    assert rays.identity["renderer"] == rays.name == "rays"
    assert drawn.identity["renderer"] == drawn.name == "opengl"
    assert rays.identity["mujoco"] == drawn.identity["mujoco"] == mujoco.__version__
    assert all(drawn.identity[f"gl_{part}"] for part in ("vendor", "renderer", "version"))
    drawn.close()


@pytest.mark.parametrize("name", ["RelocateBall", "AdroitRelocate"])
def test_opengl_shows_what_an_episode_has_of_its_own(name: str) -> None:
    if not has_extra(name):
        pytest.skip("needs the extra 'adroit'")
    task = make_task(name)
    states = start_states(task, 2)
    drawn = OpenGLRenderer(task, size=64)
    pictures = drawn.draw(states)
    rays = RayRenderer(task, size=64).draw(states)
    drawn.close()
    near = np.abs(pictures.astype(int) - rays).mean(axis=(1, 2, 3, 4))
    far = np.abs(pictures.astype(int) - rays[::-1]).mean(axis=(1, 2, 3, 4))
    assert (near < far).all()
