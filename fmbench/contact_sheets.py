"""Film one success and one failure of a policy as a sheet of frames."""

from pathlib import Path

import numpy as np
from PIL import Image

from envs.registry import make_task
from envs.render import TaskRenderer, contact_sheet
from envs.world import World
from fmbench.evaluation import Cell, make_actor
from fmbench.config import RunConfig
from fmbench.records import EpisodeRow
from fmbench.rollout import rollout
from policies.chunk_policy import ChunkPolicy

FRAMES, FRAME_PIXELS = 8, 200


def draw_contact_sheet(
    path: Path, cell: Cell, config: RunConfig, rows: list[EpisodeRow], policy: ChunkPolicy
) -> str:
    """Draw the first success above the first failure among `rows`.

    Returns:
        What the sheet shows, one phrase.

    Raises:
        RuntimeError: There is no OpenGL library; says what to install.
    """
    chosen = {}
    for row in rows:
        chosen.setdefault(row.success, row.episode_seed)
    strips, names = [], []
    for success, name in ((True, "success"), (False, "failure")):
        if success in chosen:
            strips.append(_film(cell, config, chosen[success], policy))
            names.append(f"{name} (episode seed {chosen[success]})")
    sheet = contact_sheet([frame for strip in strips for frame in strip], FRAMES)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    Image.fromarray(sheet).save(temporary, format="PNG")
    temporary.replace(path)
    return ", then ".join(names)


def _film(
    cell: Cell, config: RunConfig, episode_seed: int, policy: ChunkPolicy
) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
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
