"""Contact sheets: frames of a success and a failure of a policy, or of an expert's episode."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from envs.render import TaskRenderer
from envs.task import IntArray
from envs.world import World
from fmbench.config import RunConfig
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.players import Player, expert_player, policy_player
from fmbench.evaluation.titled_sheet import Frame, write_titled_sheet
from fmbench.harness.rollout import rollout
from fmbench.harness.seeds import VALIDATION
from fmbench.sight.opening import Sight
from fmbench.storage.rows import EpisodeRow
from policies.chunk_policy import ChunkPolicy

Look = TypeVar("Look")
FRAMES, FRAME_PIXELS = 8, 200


def draw_contact_sheet(
    path: Path,
    cell: Cell,
    config: RunConfig,
    rows: list[EpisodeRow],
    policy: ChunkPolicy,
    sight: Sight | None = None,
) -> None:
    """Draw the first success above the first failure among `rows`.

    Raises:
        RuntimeError: There is no OpenGL library; the message lists what to install.
    """
    chosen: dict[bool, int] = {}
    for row in rows:
        chosen.setdefault(row.success, row.episode_seed)
    frames: list[Frame] = []
    titles = []
    for success, name in ((True, "success"), (False, "failure")):
        if success in chosen:
            player = policy_player(policy, cell, config, sight, num_sims=1)
            frames += _film(player, chosen[success])
            titles.append(f"{cell.name}: {name}, episode seed {chosen[success]}")
    write_titled_sheet(path, frames, FRAMES, titles, every=FRAMES)


def draw_expert_sheet(path: Path, task: str, episode_seed: int = VALIDATION) -> None:
    """Draw one episode of a task's expert, by default with the first validation seed.

    Raises:
        RuntimeError: There is no OpenGL library; the message lists what to install.
    """
    frames = _film(expert_player(task), episode_seed)
    write_titled_sheet(path, frames, FRAMES, [task])


def replay(
    player: Player,
    episode_seed: int,
    count: int,
    look: Callable[[World, IntArray], Look],
) -> list[Look]:
    """Repeat one episode, exactly, and look at states spread evenly over it.

    Args:
        player: A world of one simulation, and the policy that acts in it.
        episode_seed: The episode.
        count: Number of states, the first and the last one included.
        look: What to do with a state: it is given the world and its only row.

    Returns:
        What `look` returned, in order.
    """
    world, policy, delay = player
    (episode,) = rollout(
        world, policy, np.array([episode_seed]), keep_trajectories=True, delay=delay
    )
    assert episode.trajectory is not None
    chosen = np.linspace(0, episode.length, count).round().astype(int).tolist()
    row, seen = world.all_rows, []
    world.reset(row, np.array([episode_seed]))
    for step in range(episode.length + 1):
        seen += [look(world, row) for _ in range(chosen.count(step))]
        if step < episode.length:
            world.step(row, episode.trajectory.executed[step][None])
    return seen


def _film(player: Player, episode_seed: int) -> list[Frame]:
    """Return frames spread evenly over one episode."""
    renderer = TaskRenderer(player.world.task, FRAME_PIXELS, FRAME_PIXELS)
    try:
        images = replay(player, episode_seed, FRAMES, renderer.rows)
    finally:
        renderer.close()
    return [rows[0] for rows in images]
