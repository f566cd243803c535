"""Rows of a run, compared with what its `run.json` states: which rows there are, and their hashes.

Folders of versions that stated neither are read as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fmbench.errors import FmbenchError
from fmbench.storage.compressed import is_stored, stored_path, text_hash
from fmbench.storage.episode_files import ROW_FILES, EpisodeTable
from fmbench.storage.hashes import short_hash
from fmbench.storage.learning_rows import LearningRow
from fmbench.storage.row_tables import RowTable
from fmbench.storage.rows import (
    REFERENCES,
    CellRow,
    OriginRow,
    TrainingRow,
    cell_text,
)
from fmbench.storage.run_facts import RUN_FILE, Choice, RunFacts
from fmbench.storage.stamps import stamp_of, unknown_parts

FIRST_TEST_SEEDS = {1: 3_000_000, 2: 4_000_000}
"""`TEST_BLOCKS` of `fmbench.harness.seeds`, which this must not import."""


def states_rows(facts: RunFacts) -> bool:
    """Return whether a run states what its rows must be."""
    return facts.schema is not None or bool(facts.made_with)


def hash_rows(folder: Path) -> dict[str, str]:
    """Return the hash of the text of every file of rows, by name."""
    names = [row_type.file_name for row_type in ROW_FILES if is_stored(folder / row_type.file_name)]
    return {name: text_hash(stored_path(folder / name)) for name in names}


def check_hashes(folder: Path, facts: RunFacts) -> None:
    """Reject files of rows that are not those that the finished run has written.

    Raises:
        FmbenchError: One was changed, removed or added.
    """
    if not states_rows(facts):
        return
    again = "the run's own command writes it again"
    for row_type in ROW_FILES:
        path = folder / row_type.file_name
        stated, is_there = facts.sha256.get(path.name), is_stored(path)
        if is_there and stated is None:
            raise FmbenchError(f"{path} is not listed in {RUN_FILE}; {again}")
        if stated is not None and not is_there:
            raise FmbenchError(f"{path} is missing, {RUN_FILE} lists it; {again}")
        if is_there and _hash(stored_path(path)) != stated:
            raise FmbenchError(
                f"{path} was changed after it was written (its sha256 in {RUN_FILE} differs); "
                f"{again}"
            )


def check_episodes(
    folder: Path, facts: RunFacts, episodes: EpisodeTable, has_finished: bool
) -> None:
    """Reject episodes that are not this run's.

    Args:
        folder: The run's folder, for messages.
        facts: The content of its `run.json`.
        episodes: Its episodes.
        has_finished: Whether it must have all of them.

    Raises:
        FmbenchError: A cell is of another task, policy, seed, data, code or number of episodes.
    """
    if not states_rows(facts):
        return
    choice = facts.choice
    if unknown := [name for name, value in vars(choice).items() if value is None]:
        raise FmbenchError(
            f"{folder / RUN_FILE}: config.{unknown[0]} is missing; fmbench writes it"
        )
    for origin in episodes.origins:
        _reject(folder, origin, _foreign_cell(choice, origin) or _foreign_origin(facts, origin))
    seeds = episodes.seeds
    for origin in episodes.origins:
        found = seeds[tuple(origin.cell.values())]
        _reject(folder, origin, _foreign_seeds(choice, found, has_finished))
    planned, count = facts.planned_cells, len(episodes.origins)
    is_whole = has_finished and facts.rescores is None  # those count no copied cells
    if is_whole and planned is not None and count != planned:
        raise FmbenchError(f"{folder} has {count} cells; its {RUN_FILE} has {planned}")


def check_cells(folder: Path, facts: RunFacts, tables: Iterable[RowTable[Any]]) -> None:
    """Reject further rows of tasks, policies and seeds that are not this run's.

    Raises:
        FmbenchError: There is one.
    """
    if states_rows(facts):
        choice = facts.choice
        for table in tables:
            for row in table.first_rows(("task", "policy", "train_seed")):
                _reject(folder, row, _foreign_cell(choice, row))


def _foreign_cell(choice: Choice, row: CellRow | TrainingRow | LearningRow) -> str:
    """Return why the run has no such cell; "" if it has."""
    if choice.task is not None and row.task not in choice.task:
        return f"task: {row.task} there, {' '.join(choice.task)} in {RUN_FILE}"
    if row.policy in REFERENCES:
        seeds = range(-1, 0)
    elif choice.policy is not None and row.policy not in choice.policy:
        return f"policy: {row.policy} there, {' '.join(choice.policy)} in {RUN_FILE}"
    else:
        seeds = range(choice.seeds or row.train_seed + 1)
    if row.train_seed not in seeds:
        return f"train_seed: {row.train_seed} there, seeds: {seeds.stop} in {RUN_FILE}"
    return ""


def _foreign_origin(facts: RunFacts, origin: OriginRow) -> str:
    """Return which origin the run does not have; "" if it has."""
    stated = {"task_hash": facts.task_hashes.get(origin.task)}
    if origin.policy not in REFERENCES:
        made = (facts.demonstrations or {}).get(origin.task)
        stated["demonstrations_hash"] = made.sha256 if made else None
        stated["device"] = facts.choice.device
    for name, value in stated.items():
        there = getattr(origin, name)
        if value is not None and there != short_hash(value):
            return f"{name}: {there} there, {short_hash(value)} in {RUN_FILE}"
    if facts.rescores is None:  # the code of a run that is scored again stands in that run
        for part in unknown_parts(stamp_of(origin), facts.made_with):
            return f"made with {part}, which {RUN_FILE} does not state"
    return ""


def _foreign_seeds(choice: Choice, found: Sequence[int], has_finished: bool) -> str:
    """Return what is wrong with the episodes of one cell; "" if nothing is."""
    planned = choice.episodes or len(found)
    if len(found) > planned or (has_finished and len(found) < planned):
        return f"episodes: {len(found)} there, {planned} in {RUN_FILE}"
    first = FIRST_TEST_SEEDS[choice.test_block]
    expected = range(first, first + len(found))
    wrong = [seed for seed, right in zip(found, expected, strict=True) if seed != right]
    return f"episode_seed: {wrong[0]} is not the next test episode" if wrong else ""


def _reject(folder: Path, row: CellRow | TrainingRow | LearningRow, problem: str) -> None:
    if problem:
        cell = cell_text({n: getattr(row, n) for n in CellRow.key if hasattr(row, n)})
        raise FmbenchError(f"{folder} has rows of something else, of {cell} ({problem})")


def _hash(path: Path) -> str:
    """Return the hash of a text that has been read already, compressed or not."""
    try:
        return text_hash(path)
    except (OSError, ValueError) as error:
        raise FmbenchError(f"{path} cannot be read: {error}") from None
