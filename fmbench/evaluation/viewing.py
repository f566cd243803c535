"""A recorded episode in MuJoCo's own viewer, posed from its states."""

from __future__ import annotations

import copy
import importlib
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import mujoco
import numpy as np

from envs.cameras import MAIN
from envs.pictures.scene import picture_model
from envs.task import Task
from fmbench.errors import FmbenchError
from fmbench.evaluation.films import recorded_states
from fmbench.evaluation.scene_description import describe_cameras
from fmbench.storage.recordings import RecordedEpisode

SPACE, RIGHT, LEFT, HOME = 32, 262, 263, 268
"""Codes of keys, as GLFW has them."""
POLL_S = 0.02
"""Time between two looks at the keyboard while the episode stands still."""
REST_S = 1.0
"""Time for which the last state is shown before the episode begins again."""


class Window(Protocol):
    """The window of a viewer; see `mujoco.viewer.Handle`."""

    @property
    def cam(self) -> mujoco.MjvCamera:
        """Its camera, which the mouse moves."""

    def is_running(self) -> bool:
        """Return whether it is open."""

    def sync(self) -> None:
        """Show the state of the data."""

    def lock(self) -> AbstractContextManager[Any]:
        """Return what keeps the window from reading the data meanwhile."""


Launch = Callable[..., AbstractContextManager[Window]]


def has_screen() -> bool:
    """Return whether a window can be opened here; the viewer would end the process if not."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    glfw = importlib.import_module("glfw")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bool(glfw.init())


class ViewerClock:
    """Which state of an episode is shown, in real time; keys stop it and step through it.

    Args:
        length: Control steps of the episode.
        period_s: Duration of one [s].

    Attributes:
        step: The state that is shown.
        is_stopped: Whether it stands still.
    """

    def __init__(self, length: int, period_s: float) -> None:
        self.length, self.period_s = length, period_s
        self.step, self.is_stopped = 0, False

    def press(self, key: int) -> None:
        """Answer to a key: space stops and goes on, the arrows step, Home begins again."""
        if key == SPACE:
            self.is_stopped = not self.is_stopped
        elif key in (LEFT, RIGHT):
            self.is_stopped = True
            self.step = min(self.length, max(0, self.step + (1 if key == RIGHT else -1)))
        elif key == HOME:
            self.step = 0

    def wait(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """Wait for the next state and go on to it; after the last one the first follows."""
        if self.is_stopped:
            sleep(POLL_S)
        elif self.step < self.length:
            sleep(self.period_s)
            self.step = min(self.length, self.step + (not self.is_stopped))
        else:
            sleep(REST_S)
            self.step = 0 if not self.is_stopped else self.step


def look_from(view: mujoco.MjvCamera, camera: Mapping[str, Any]) -> None:
    """Put a window's camera where a camera of the scene is, free to move."""
    way = np.subtract(camera["target"], camera["position"])
    view.type = mujoco.mjtCamera.mjCAMERA_FREE
    view.lookat[:] = camera["target"]
    view.distance = float(np.linalg.norm(way))
    view.azimuth = float(np.degrees(np.arctan2(way[1], way[0])))
    view.elevation = float(np.degrees(np.arcsin(way[2] / view.distance)))


def view_episode(
    recording: RecordedEpisode,
    task: Task,
    camera: str = MAIN,
    launch: Launch | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Show an episode again and again until the window is closed.

    Args:
        recording: The episode.
        task: Its task.
        camera: The camera from which it is seen first: `main`, or one of the task's.
        launch: Opens the window; MuJoCo's passive viewer by default.
        sleep: Waits for a number of seconds.

    Raises:
        ValueError: The camera is not known.
        FmbenchError: The window does not open, as on macOS without `mjpython`.
    """
    picture = picture_model(task, (camera,))
    model = copy.copy(picture.model)  # receives the fields of the episode
    data, poses = mujoco.MjData(model), picture.poses(recorded_states(recording))
    playback = ViewerClock(recording.facts.length, task.control_period_s)
    poses.put(0, model, data)
    open_window = launch or importlib.import_module("mujoco.viewer").launch_passive
    try:
        window = open_window(
            model, data, key_callback=playback.press, show_left_ui=False, show_right_ui=False
        )
    except RuntimeError as error:
        raise FmbenchError(f"{error}; start it so, or give --video FILE") from error
    with window as opened:
        look_from(opened.cam, *describe_cameras(picture))
        while opened.is_running():
            with opened.lock():
                poses.put(playback.step, model, data)
                mujoco.mj_forward(model, data)
            opened.sync()
            playback.wait(sleep)
