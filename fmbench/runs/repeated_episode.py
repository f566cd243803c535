"""An evaluated episode of a run, repeated from its checkpoint as its row says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fmbench.cli.torch_settings import configure_torch
from fmbench.cli.user_code import users_code
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError, unknown
from fmbench.evaluation.cells import EXPERT, RANDOM, Cell
from fmbench.evaluation.plan import plan_run
from fmbench.evaluation.recording import record
from fmbench.runs.preparation import check_runnable
from fmbench.runs.run_plugins import files_of_policy, files_of_task
from fmbench.runs.saved_run import SavedRun, open_saved_run
from fmbench.runs.users_encoder import open_sights, usable_encoder
from fmbench.storage.episode_files import read_episodes
from fmbench.storage.recordings import RecordedEpisode
from fmbench.storage.rows import EpisodeRow
from fmbench.storage.wanted_episode import WantedEpisode


def repeat_episode(
    folder: Path, wanted: WantedEpisode, changes: Mapping[str, Any]
) -> RecordedEpisode:
    """Repeat an episode of a finished run, of a policy at its headline sampler, or of a reference.

    Args:
        folder: The folder of the run.
        wanted: The episode.
        changes: Fields of the run's configuration that are others here: its device.

    Raises:
        FmbenchError: It is no finished run, has no such episode or several, or its checkpoint is
            missing or damaged.
        RunFailed: The episode does not end as its row says.
    """
    run = open_saved_run(folder)
    config = dataclasses.replace(run.config, perturb=(), **changes)
    cells = {tuple(cell.cell.values()): cell for cell in _cells(config)}
    episodes = read_episodes(folder)
    rows = [row for row in episodes.rows if tuple(row.cell.values()) in cells]
    row = _chosen(folder, wanted, rows)
    cell = cells[tuple(row.cell.values())]
    is_trained = cell.policy not in (EXPERT, RANDOM)
    if is_trained:
        run.check_policy(cell.task, cell.policy, cell.train_seed)
    check_runnable(config)
    configure_torch(config.device)
    (weights,) = (o.weights_hash for o in episodes.origins if o.cell == row.cell)
    return _repeat(run, config, cell, row, weights, is_trained)


def _repeat(
    run: SavedRun,
    config: RunConfig,
    cell: Cell,
    row: EpisodeRow,
    weights: str,
    is_trained: bool,
) -> RecordedEpisode:
    """Repeat the episode of a row."""
    files = files_of_task(cell.task)
    if is_trained:
        files = files_of_policy(config, cell.task, cell.policy)
    with users_code(f"{cell.name} episode", files), usable_encoder(config):
        policy = None
        if is_trained:
            policy, _ = run.load(cell.task, cell.policy, cell.train_seed)
        sights = open_sights(config) if is_trained else None
        try:
            sight = sights.of(cell.task) if sights else None
            (recording,) = record(cell, config, policy, [row], weights, sight=sight)
        finally:
            if sights:
                sights.close()
    return recording


def _cells(config: RunConfig) -> list[Cell]:
    """Return the headline cells of a run, and those of expert and random actions."""
    plan = plan_run(config)
    trained = [
        cell
        for task in config.task
        for policy in config.policy
        for seed in range(config.seeds)
        for cell in plan.cells(task, policy, seed)
        if cell.headline
    ]
    return [*trained, *(Cell(task, name) for task in config.task for name in (EXPERT, RANDOM))]


def _chosen(folder: Path, wanted: WantedEpisode, rows: list[EpisodeRow]) -> EpisodeRow:
    """Return the row of an episode.

    Raises:
        FmbenchError: There is none, or are several.
    """
    if found := wanted.among(rows):
        return wanted.only(found, str(folder / EpisodeRow.file_name))
    for kind, name in (("task", wanted.task), ("policy", wanted.policy)):
        known = {getattr(row, kind) for row in rows}
        if name is not None and name not in known:
            raise unknown(f"{kind} of {folder}", name, known)
    seeds = [row.episode_seed for row in rows]
    trained = max(row.train_seed for row in rows) + 1
    raise FmbenchError(
        f"{folder / EpisodeRow.file_name} has no {wanted}; it has the episodes {min(seeds)} to "
        f"{max(seeds)}, and {trained} training seed{'' if trained == 1 else 's'}"
    )
