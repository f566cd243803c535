"""An episode in a window: which state is shown, from where, and what the keys do."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import mujoco
import numpy as np
import pytest

from envs.registry import make_task
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.evaluation import viewing
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.episodes import episode_row, play
from fmbench.evaluation.recording import record
from fmbench.evaluation.viewing import (
    HOME,
    LEFT,
    RIGHT,
    SPACE,
    ViewerClock,
    has_screen,
    view_episode,
)
from fmbench.harness.seeds import TEST
from fmbench.storage.recordings import RecordedEpisode

TASK = "PressEither"


@pytest.fixture(scope="module")
def recording() -> RecordedEpisode:
    cell, config = Cell(TASK, "random"), RunConfig(task=(TASK,))
    episodes = play(cell, config, None, np.array([TEST]), lambda done: None, None)
    return record(cell, config, None, [episode_row(e, cell) for e in episodes], "")[0]


class FakeWindow:
    """A window that is closed after a number of states, and notes what it shows."""

    def __init__(self, data: mujoco.MjData, states: int) -> None:
        self.cam, self.data, self.left = mujoco.MjvCamera(), data, states
        self.shown: list[np.ndarray] = []

    def is_running(self) -> bool:
        return len(self.shown) < self.left

    def sync(self) -> None:
        self.shown.append(self.data.qpos.copy())

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        yield


def watch(
    recording: RecordedEpisode, states: int, keys: dict[int, int], camera: str = "main"
) -> tuple[FakeWindow, list[float]]:
    """Look at some states, pressing keys after some of them."""
    opened: list[FakeWindow] = []
    slept: list[float] = []
    press: list[Callable[[int], None]] = []

    @contextlib.contextmanager
    def launch(model: Any, data: Any, **options: Any) -> Iterator[FakeWindow]:
        opened.append(FakeWindow(data, states))
        press.append(options["key_callback"])
        yield opened[0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if (key := keys.get(len(opened[0].shown))) is not None:
            press[0](key)

    view_episode(recording, make_task(TASK), camera, launch=launch, sleep=sleep)
    return opened[0], slept


def test_the_states_are_shown_in_order_and_again(recording: RecordedEpisode) -> None:
    rows = len(recording.state)
    window, slept = watch(recording, rows + 2, {})
    expected = recording.state[[*range(rows), 0, 1]]
    np.testing.assert_array_equal(window.shown, expected.astype(float))
    assert slept[: rows - 1] == [recording.facts.control_period_s] * (rows - 1)
    assert slept[rows - 1] == viewing.REST_S


def test_the_camera_is_that_of_the_scene(recording: RecordedEpisode) -> None:
    task = make_task(TASK)
    main, other = (watch(recording, 1, {}, name)[0].cam for name in ("main", "right-front"))
    camera = task.cameras["right-front"]
    assert other.azimuth == pytest.approx(camera.azimuth, abs=1e-3)
    assert other.elevation == pytest.approx(camera.elevation, abs=1e-3)
    assert abs(main.azimuth - other.azimuth) > 30
    with pytest.raises(ValueError, match="unknown camera of PressEither 'mian'"):
        watch(recording, 1, {}, "mian")


def test_keys_stop_and_step() -> None:
    playback = ViewerClock(3, 0.04)

    def wait(key: int | None = None) -> tuple[int, bool]:
        playback.wait(lambda seconds: None if key is None else playback.press(key))
        return playback.step, playback.is_stopped

    assert wait() == (1, False)
    assert wait(SPACE) == (1, True)
    assert wait() == (1, True)
    for key, step in ((RIGHT, 2), (RIGHT, 3), (RIGHT, 3), (LEFT, 2), (HOME, 0), (LEFT, 0)):
        playback.press(key)
        assert (playback.step, playback.is_stopped) == (step, True)
    assert wait(SPACE) == (0, False)
    assert wait(ord("X")) == (1, False)


def test_where_there_is_no_screen_none_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewing.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not has_screen()
    monkeypatch.setenv("DISPLAY", ":no-such-display")
    assert not has_screen()


def test_a_window_that_does_not_open_is_told_in_one_line(recording: RecordedEpisode) -> None:
    def launch(*arguments: Any, **options: Any) -> Any:
        raise RuntimeError("`launch_passive` requires mjpython")

    with pytest.raises(FmbenchError, match=r"requires mjpython; start it so, or give --video FIL"):
        view_episode(recording, make_task(TASK), launch=launch)
