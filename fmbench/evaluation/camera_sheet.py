"""One image of what the cameras of tasks see: the pictures that a policy observes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from envs.cameras import MAIN
from envs.pictures.renderer import open_renderer
from envs.pictures.states import joined, picture_states
from envs.registry import make_task
from fmbench.evaluation.contact_sheets import replay
from fmbench.evaluation.players import expert_player
from fmbench.evaluation.titled_sheet import Frame, write_titled_sheet
from fmbench.harness.seeds import VALIDATION

PHASES, PIXELS = 3, 96
"""Pictures of each camera, from the start to the end of an episode, and their size."""
COLUMNS, SHADE = 4, 4
"""Strips in a row, and the step to which colours are rounded, for a third less to store."""


def draw_camera_sheet(path: Path, tasks: Sequence[str]) -> None:
    """Draw each camera's pictures of the start, middle and end of a task's expert episode.

    The episode is that of the first validation seed. Rays draw, so that the image is the same on
    every machine and needs no OpenGL.

    Args:
        path: The PNG to write.
        tasks: Names of the tasks.
    """
    strips: list[Frame] = []
    titles: list[str] = []
    for name in tasks:
        for camera, pictures in _strips(name).items():
            strips.append(pictures)
            titles.append(f"{name}: {camera}")
    write_titled_sheet(path, strips, COLUMNS, titles, corner=(4, 2), font_size=11, shade=SHADE)


def _strips(name: str) -> dict[str, Frame]:
    """Return each camera's pictures of one episode side by side."""
    task = make_task(name)
    cameras = (MAIN, *task.cameras)
    states = replay(expert_player(name), VALIDATION, PHASES, picture_states)
    renderer = open_renderer(task, cameras, PIXELS, "rays")
    try:
        pictures = renderer.draw(joined(states))
    finally:
        renderer.close()
    return {camera: np.concatenate(pictures[:, k], axis=1) for k, camera in enumerate(cameras)}
