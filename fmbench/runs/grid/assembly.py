"""Put the jobs of one run of a grid together: the rows that the run alone would have written."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.evaluation.plan import plan_run
from fmbench.report.looks import record_looks
from fmbench.storage.compressed import stored_path
from fmbench.storage.episode_files import Episodes, compress_run, write_episodes
from fmbench.storage.finished import FinishedRows, read_finished_rows
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.rows import (
    REFERENCES,
    DiagnosticRow,
    EpisodeRow,
    MeasurementRow,
    OriginRow,
    R,
    TrainingRow,
)
from fmbench.storage.run_facts import RUN_FILE, RunFacts, read_run_facts, write_run_facts
from fmbench.storage.run_rows import check_hashes, hash_rows
from fmbench.storage.stamps import with_stamp
from policies.catalogue import POLICIES

SHARED = ("task_hashes", "hash_kind", "demonstrations", "sights")
"""Facts in which all jobs of a run must agree."""


@dataclasses.dataclass(frozen=True)
class _Part:
    """One finished job."""

    folder: Path
    facts: RunFacts
    rows: FinishedRows


def assemble(config: RunConfig, jobs: Sequence[Path], out: Path, command: str) -> None:
    """Write the folder of a run from the jobs that have its policies.

    Its rows are, byte by byte, those of one run with all of these policies on the same machine;
    they are compressed.

    Args:
        config: The run.
        jobs: Folders of finished jobs. Each has the run's configuration but for its policies, of
            which one of the run's may be in one job only.
        out: The folder; an earlier assembly there is replaced.
        command: The command line, for `run.json`.

    Raises:
        FmbenchError: A job cannot be read, or they are of different tasks, data or code.
    """
    parts = [_part(folder) for folder in jobs]
    _check(parts)
    policies = (*REFERENCES, *config.policy)
    episodes = Episodes(
        _select(EpisodeRow, policies, [part.rows.episodes.table.rows for part in parts]),
        _select(OriginRow, policies, [part.rows.episodes.origins for part in parts]),
    )
    out.mkdir(parents=True, exist_ok=True)
    write_episodes(out, episodes)
    _write(out, MeasurementRow, policies, [part.rows.measurements.rows for part in parts])
    _write(out, TrainingRow, policies, [part.rows.training.rows for part in parts])
    _write(out, DiagnosticRow, policies, [part.rows.diagnostics.rows for part in parts])
    compress_run(out)
    write_run_facts(out, _facts(config, parts, command, hash_rows(out)))


def _write(
    out: Path, row_type: type[R], policies: Iterable[str], parts: Sequence[Sequence[R]]
) -> None:
    """Write the file of one kind of rows; none if there are none."""
    if chosen := _select(row_type, policies, parts):
        write_rows(stored_path(out / row_type.file_name), chosen, row_type)
    else:
        stored_path(out / row_type.file_name).unlink(missing_ok=True)


def is_assembled(config: RunConfig, jobs: Sequence[Path], out: Path) -> bool:
    """Return whether a folder holds the rows of a run as its jobs have them now.

    Args:
        config: The run.
        jobs: Folders of its finished jobs.
        out: The folder.
    """
    name = OriginRow.file_name
    rows = [read_rows(folder / name, OriginRow) for folder in jobs]
    expected = _select(OriginRow, (*REFERENCES, *config.policy), rows)
    if not os.path.lexists(out / RUN_FILE):
        return False
    try:
        facts, found = read_run_facts(out), read_rows(out / name, OriginRow)
        check_hashes(out, facts)
    except FmbenchError:  # damaged: it is put together again
        return False
    return facts.complete and facts.config == config.to_json() and found == expected


def _part(folder: Path) -> _Part:
    facts = read_run_facts(folder)
    if not facts.complete:
        raise FmbenchError(f"{folder} has not finished; the same command resumes it")
    try:
        return _Part(folder, facts, read_finished_rows(folder, facts))
    except FmbenchError as error:
        raise FmbenchError(
            f"{error} - or delete {folder}, and the same command does this job again"
        ) from None


def _check(parts: Sequence[_Part]) -> None:
    """Reject jobs that differ in what they share."""
    first = parts[0]
    for part in parts[1:]:
        for name in SHARED:
            there, here = getattr(first.facts, name), getattr(part.facts, name)
            if there != here:
                raise FmbenchError(
                    f"{first.folder} and {part.folder} differ in {name}: {_short(there)} and "
                    f"{_short(here)}; delete one of them, and the same command makes it again"
                )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) < 80 else f"{text[:77]}..."


def _select(row_type: type[R], policies: Iterable[str], parts: Sequence[Sequence[R]]) -> list[R]:
    """Return the rows of some policies in their order, each policy's from the first job with it."""
    at = row_type.key.index("policy")
    by_part: list[Mapping[str, list[R]]] = []
    for rows in parts:
        groups: dict[str, list[R]] = {}
        for row in rows:
            groups.setdefault(str(getattr(row, row_type.key[at])), []).append(row)
        by_part.append(groups)
    return [
        row
        for policy in policies
        for row in next((groups[policy] for groups in by_part if policy in groups), [])
    ]


def _facts(
    config: RunConfig, parts: Sequence[_Part], command: str, sha256: Mapping[str, str]
) -> RunFacts:
    """Return the facts of the assembled run, of those that are not shared a training job's."""
    base = next((part.facts for part in parts if part.facts.choice.policy), parts[0].facts)
    made_with = parts[0].facts.made_with
    for part in parts[1:]:
        for stamp in part.facts.made_with:
            made_with = tuple(with_stamp(made_with, stamp))
    teachers: dict[str, str] = {}
    for part in parts if any(POLICIES[name].teacher for name in config.policy) else ():
        teachers |= part.facts.teachers or {}
    return dataclasses.replace(
        base,
        policies=record_looks(config.policy),
        config=config.to_json(),
        command=command,
        made_with=made_with,
        teachers=teachers or None,
        planned_cells=plan_run(config).size(config),
        seconds=round(sum(part.facts.seconds or 0.0 for part in parts), 1),
        sha256=sha256,
    )
