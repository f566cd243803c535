"""Recorded episodes of a run: each is made once; those not chosen any more are removed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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

REMEDY = "lower --record, or resume where more is free: finished work is kept"


class ToRecord(NamedTuple):
    """Episodes of one cell that are to be recorded.

    Attributes:
        cell: The cell.
        files: The file of each recording, with its episode.
        weights_hash: First digits of the hash of the policy's weights.
    """

    cell: Cell
    files: Mapping[Path, EpisodeRow]
    weights_hash: str


def recording_file(folder: Path, cell: Cell, episode_seed: int) -> Path:
    """Return the file of the recording of an episode."""
    return folder / f"{cell.name}-episode{episode_seed}{SUFFIX}"


def choose_of_run(
    folder: Path,
    config: RunConfig,
    episodes: Episodes,
    count: int,
    paired: Collection[str] | None = None,
) -> list[ToRecord]:
    """Choose the episodes of every task of a run that are recorded, each cell once.

    Args:
        folder: The folder of the recordings.
        config: The run.
        episodes: Its rows.
        count: How many of each kind; see `choose_episodes`.
        paired: Policies whose pairs are shown; None for all.
    """
    plan, found = plan_run(config), list[ToRecord]()
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
            files = {recording_file(folder, cell, row.episode_seed): row for row in chosen}
            found.append(ToRecord(cell, files, weights[key]))
    return found


def missing_of(chosen: Iterable[ToRecord]) -> list[ToRecord]:
    """Return what is not recorded yet of chosen episodes, without the cells that are.

    A recording that is there is kept if it is of the same episode of the same weights and task.
    """
    missing, tasks = list[ToRecord](), dict[str, Task]()
    for each in chosen:
        name = each.cell.task
        if name not in tasks:
            tasks = {name: make_task(name)}
        files = {
            path: row
            for path, row in each.files.items()
            if not _is_recorded(path, tasks[name], row, each.weights_hash)
        }
        if files:
            missing.append(each._replace(files=files))
    return missing


def record_chosen(
    config: RunConfig,
    chosen: Iterable[ToRecord],
    checkpoint: Callable[[Cell], Path],
    session: Session,
    sights: Sights,
) -> None:
    """Record episodes that have been evaluated and are not recorded yet, a cell in one batch.

    Interrupted, the same call goes on to the same files.

    Args:
        config: The run.
        chosen: The episodes.
        checkpoint: Returns the folder of the checkpoint of a cell.
        session: Progress display and requests to stop.
        sights: What the policies see with.

    Raises:
        RunFailed: An episode does not end as its row says, or the disk is full.
    """
    for each in missing_of(chosen):
        cell = each.cell
        files = files_of_policy(config, cell.task, cell.policy)
        with users_code(f"{cell.name} recordings", files), usable_encoder(config):
            _record(config, each, checkpoint(cell), session, sights)


def record_run(
    folder: Path,
    config: RunConfig,
    episodes: Episodes,
    count: int,
    checkpoint: Callable[[Cell], Path],
    session: Session,
    sights: Sights,
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

    Returns:
        The files, in order.

    Raises:
        RunFailed: See `record_chosen`.
    """
    chosen = choose_of_run(folder, config, episodes, count)
    record_chosen(config, chosen, checkpoint, session, sights)
    paths = files_of(chosen)
    remove_others(folder, paths)
    return paths


def files_of(chosen: Iterable[ToRecord]) -> list[Path]:
    """Return the files of the recordings of chosen episodes."""
    return [path for each in chosen for path in each.files]


def remove_others(folder: Path, kept: Sequence[Path]) -> None:
    """Remove recordings that are not among `kept`, e.g. of an earlier choice."""
    for path in folder.glob(f"*-episode*{SUFFIX}"):
        if path not in kept:
            path.unlink()


def _record(
    config: RunConfig,
    chosen: ToRecord,
    checkpoint: Path,
    session: Session,
    sights: Sights,
) -> None:
    """Record the episodes of one cell."""
    cell, files, weights = chosen
    session.interrupts.stop_here()
    name = f"{cell.name} recordings"
    with session.reporter.stage(name, len(files)) as stage, needs_memory(name, REMEDY):

        def count(done: int) -> None:
            session.interrupts.stop_here()
            stage.update(done)

        policy, rows = load_policy(checkpoint)[0], list(files.values())
        recordings = record(cell, config, policy, rows, weights, count, sights.of(cell.task))
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
