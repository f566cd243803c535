"""Recorded episodes of a run: each is made once; those not chosen any more are removed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from envs.registry import make_task
from envs.task import Task
from fmbench.cli.session import Session
from fmbench.cli.user_code import users_code
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.plan import plan_run
from fmbench.evaluation.recorded_episodes import choose_episodes
from fmbench.evaluation.recording import record, recording_facts
from fmbench.runs.run_plugins import files_of_policy
from fmbench.runs.users_encoder import usable_encoder
from fmbench.sight.opening import Sights
from fmbench.storage.episode_files import Episodes
from fmbench.storage.memory import needs_memory
from fmbench.storage.recordings import SUFFIX, read_recording, write_recording
from fmbench.storage.rows import EpisodeRow
from fmbench.training.checkpoints import load_policy
from policies.chunk_policy import ChunkPolicy

REMEDY = "lower --record, or resume where more is free: finished work is kept"


class ToRecord(NamedTuple):
    """Episodes of one cell that are to be recorded.

    Attributes:
        cell: The cell.
        rows: The episodes.
        weights_hash: First digits of the hash of the policy's weights; empty without weights.
        load: Returns the trained policy, or None of the expert and of random actions; called only
            if a recording is missing.
    """

    cell: Cell
    rows: Sequence[EpisodeRow]
    weights_hash: str
    load: Callable[[], ChunkPolicy | None]


def recording_file(folder: Path, cell: Cell, episode_seed: int) -> Path:
    """Return the file of the recording of an episode."""
    return folder / f"{cell.name}-episode{episode_seed}{SUFFIX}"


def record_episodes(
    folder: Path,
    config: RunConfig,
    chosen: Sequence[ToRecord],
    session: Session,
    sights: Sights,
) -> list[Path]:
    """Record episodes that have been evaluated, those of a cell in one batch.

    A recording that is there is kept if it is of the same episode of the same weights and task.
    Interrupted, the same call goes on to the same files.

    Args:
        folder: The folder of the recordings.
        config: The run.
        chosen: The episodes, each cell once.
        session: Progress display and requests to stop.
        sights: What the policies see with.

    Returns:
        The files, in order.

    Raises:
        RunFailed: An episode does not end as its row says, or the disk is full.
    """
    paths, tasks = list[Path](), dict[str, Task]()
    for cell, rows, weights, load in chosen:
        if cell.task not in tasks:
            tasks = {cell.task: make_task(cell.task)}
        files = {recording_file(folder, cell, row.episode_seed): row for row in rows}
        paths += files
        missing = {
            path: row
            for path, row in files.items()
            if not _is_recorded(path, tasks[cell.task], row, weights)
        }
        if missing:
            left = ToRecord(cell, list(missing.values()), weights, load)
            _record(config, left, list(missing), session, sights)
    return paths


def record_run(
    folder: Path,
    config: RunConfig,
    episodes: Episodes,
    count: int,
    checkpoint: Callable[[Cell], Path],
    session: Session,
    sights: Sights,
    paired: Collection[str] | None = None,
) -> list[Path]:
    """Record episodes of every task of a run, and remove those that are not chosen any more.

    Args:
        folder: The folder of the recordings.
        config: The run.
        episodes: Its rows.
        count: How many of each kind; see `choose_episodes`.
        checkpoint: Returns the folder of the checkpoint of a cell.
        session: Progress display and requests to stop.
        sights: What the policies see with.
        paired: Policies whose pairs are shown; None for all.

    Returns:
        The files, in order.

    Raises:
        RunFailed: See `record_episodes`.
    """
    plan, paths = plan_run(config), list[Path]()
    weights = {tuple(o.cell.values()): o.weights_hash for o in episodes.origins}
    for task in config.task:
        cells = {
            tuple(cell.cell.values()): cell
            for policy in config.policy
            for seed in range(config.seeds)
            for cell in plan.cells(task, policy, seed)
            if cell.headline
        }
        rows = [row for row in episodes.rows if row.task == task]
        for key, chosen in choose_episodes(rows, list(cells.values()), count, paired).items():
            cell = cells[key]
            files = files_of_policy(config, task, cell.policy)
            with users_code(f"{cell.name} recordings", files), usable_encoder(config):
                load = partial(_policy_at, checkpoint(cell))
                each = ToRecord(cell, chosen, weights[key], load)
                paths += record_episodes(folder, config, [each], session, sights)
    remove_others(folder, paths)
    return paths


def _policy_at(checkpoint: Path) -> ChunkPolicy:
    """Return the trained policy of a checkpoint."""
    return load_policy(checkpoint)[0]


def remove_others(folder: Path, kept: Sequence[Path]) -> None:
    """Remove recordings that are not among `kept`, e.g. of an earlier choice."""
    for path in folder.glob(f"*-episode*{SUFFIX}"):
        if path not in kept:
            path.unlink()


def _record(
    config: RunConfig,
    chosen: ToRecord,
    files: Sequence[Path],
    session: Session,
    sights: Sights,
) -> None:
    """Record the episodes of one cell."""
    cell, rows, weights, load = chosen
    session.interrupts.stop_here()
    name = f"{cell.name} recordings"
    with session.reporter.stage(name, len(rows)) as stage, needs_memory(name, REMEDY):

        def count(done: int) -> None:
            session.interrupts.stop_here()
            stage.update(done)

        policy = load()
        sight = None if policy is None else sights.of(cell.task)
        recordings = record(cell, config, policy, rows, weights, count, sight)
        for path, recording in zip(files, recordings, strict=True):
            write_recording(path, recording)


def _is_recorded(path: Path, task: Task, row: EpisodeRow, weights_hash: str) -> bool:
    """Return whether a file holds the recording of an episode; damaged ones are made again."""
    if not path.exists():
        return False
    try:
        return read_recording(path).facts == recording_facts(task, row, weights_hash)
    except FmbenchError:
        return False
