"""The choice of a renderer, and what is rejected."""

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from mujoco.rendering.classic import gl_context

from envs.pictures import renderer as choice
from envs.pictures.opengl import OpenGLRenderer
from envs.pictures.renderer import open_renderer
from envs.pictures.states import PictureStates
from envs.registry import make_task


@pytest.mark.usefixtures("restored_gl")
def test_missing_opengl_states_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "egl")
    monkeypatch.setitem(sys.modules, "mujoco.egl", None)
    task = make_task("LiftCube")
    with pytest.raises(RuntimeError, match="Install libegl1 and libgl1-mesa-dri"):
        open_renderer(task, renderer="opengl")
    monkeypatch.setattr(choice, "has_gpu", lambda: True)
    assert open_renderer(task).name == "rays"


@pytest.fixture
def restored_gl() -> Iterator[None]:
    before = gl_context.GLContext
    yield
    gl_context.GLContext = before


def test_rays_are_the_default_where_no_gpu_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task("LiftCube")
    monkeypatch.setattr(choice, "has_gpu", lambda: False)
    assert open_renderer(task, size=16).name == "rays"
    try:
        drawn = OpenGLRenderer(task, size=16)
    except RuntimeError as error:
        pytest.skip(str(error))
    expected = "rays" if drawn.is_software else "opengl"
    drawn.close()
    monkeypatch.setattr(choice, "has_gpu", lambda: True)
    opened = open_renderer(task, size=16)
    assert opened.name == expected
    opened.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cameras": ("mian",)}, "unknown camera of LiftCube 'mian'; did you mean main\\? known: "),
        ({"cameras": ("top",)}, "unknown camera of LiftCube 'top'; known: main, right-front$"),
        ({"cameras": ()}, "the list of cameras is empty; name each camera once, of main, right"),
        ({"cameras": ("main", "main")}, "the list of cameras is main, main; name each camera once"),
        ({"size": 15}, "the image size is 15; give a whole number of pixels from 16 to 480"),
        ({"size": 481}, "the image size is 481; give a whole number"),
        ({"size": 96.0}, "the image size is 96.0; give a whole number"),
        ({"renderer": "ray"}, "unknown renderer 'ray'; did you mean rays\\? known: auto, opengl"),
    ],
)
def test_bad_arguments_are_rejected_in_one_line(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        open_renderer(make_task("LiftCube"), **arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_states_need_one_row_for_each_simulation() -> None:
    with pytest.raises(ValueError, match="memory 'goal' has 2 rows and qpos has 3; give one row"):
        PictureStates(np.zeros((3, 4)), {"goal": np.zeros((2, 3))})
