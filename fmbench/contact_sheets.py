"""Film one success and one failure of a policy as a sheet of frames."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from envs.registry import make_task
from envs.render import GAP_PIXELS, TaskRenderer, contact_sheet
from envs.world import World
from fmbench.config import RunConfig
from fmbench.evaluation import Cell, make_actor
from fmbench.records import EpisodeRow, write_bytes_atomic
from fmbench.rollout import rollout
from policies.chunk_policy import ChunkPolicy

Frame = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
FRAMES, FRAME_PIXELS = 8, 200


def draw_contact_sheet(
    path: Path, cell: Cell, config: RunConfig, rows: list[EpisodeRow], policy: ChunkPolicy
) -> None:
    """Draw the first success above the first failure among `rows`.

    Raises:
        RuntimeError: There is no OpenGL library; says what to install.
    """
    chosen: dict[bool, int] = {}
    for row in rows:
        chosen.setdefault(row.success, row.episode_seed)
    frames: list[Frame] = []
    titles = []
    for success, name in ((True, "success"), (False, "failure")):
        if success in chosen:
            frames += _film(cell, config, chosen[success], policy)
            titles.append(f"{cell.name}: {name}, episode seed {chosen[success]}")
    sheet = Image.fromarray(contact_sheet(frames, FRAMES))
    pen = ImageDraw.Draw(sheet)
    for k, title in enumerate(titles):
        pen.text((8, 6 + k * (FRAME_PIXELS + GAP_PIXELS)), title, fill=(40, 44, 52), font_size=15)
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG")
    write_bytes_atomic(path, buffer.getvalue())


def _film(cell: Cell, config: RunConfig, episode_seed: int, policy: ChunkPolicy) -> list[Frame]:
    """Repeat one evaluated episode, exactly, and return frames spread evenly over it."""
    task = make_task(cell.task)
    world = World(task)
    actor = make_actor(policy, cell, config)
    (episode,) = rollout(world, actor, np.array([episode_seed]), keep_trajectories=True)
    assert episode.trajectory is not None
    shown = np.linspace(0, episode.length, FRAMES).round().astype(int).tolist()
    renderer = TaskRenderer(task, FRAME_PIXELS, FRAME_PIXELS)
    row = world.all_rows
    world.reset(row, np.array([episode_seed]))
    frames = []
    try:
        for step in range(episode.length + 1):
            frames += [renderer.rows(world, row)[0]] * shown.count(step)
            if step < episode.length:
                world.step(row, episode.trajectory.executed[step][None])
    finally:
        renderer.close()
    return frames
