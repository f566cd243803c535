"""Rows of runs that differ in what policies observe, and the verdicts that they share."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import pandas as pd

from fmbench.config import STATE
from fmbench.report.comparable import without_repeats
from fmbench.report.comparisons import adjust_together
from fmbench.report.observed import observation_label
from fmbench.report.results import Results
from fmbench.report.summary import shared_values
from fmbench.report.verdicts import AHEAD, BEHIND
from fmbench.storage.rows import REFERENCES, Row, key_of


@dataclasses.dataclass(frozen=True)
class ObservationRow(Row):
    """One task, observation and policy with its headline sampler, over all training seeds."""

    file_name: ClassVar[str] = "observations.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "demos", "observation", "policy")

    task: str
    demos: int
    observation: str
    """`state`, or the encoder of pictures; empty for the expert and for random actions."""
    cameras: str
    """Names of the cameras; empty without pictures."""
    policy: str
    sampler: str
    steps: int
    train_seeds: int
    episodes: int
    success_rate: float
    low: float
    high: float
    seed_rates: str


class Pair(NamedTuple):
    """Two policies of a task with a number of demonstrations, and the verdict of each observation.

    Attributes:
        task: The task.
        demos: The number of demonstrations.
        a: A policy.
        b: Another policy.
        verdicts: Observation to 1 if A is ahead, -1 if B is, 0 if none is.
    """

    task: str
    demos: int
    a: str
    b: str
    verdicts: dict[str, int]


def observation_rows(runs: Sequence[Results]) -> list[ObservationRow]:
    """Return the headline rows of all runs, state first; those of expert and random once.

    Raises:
        FmbenchError: Two runs have the same policy, task, observation and demonstrations, or other
            rows of expert or random.
    """
    rows = [
        _row(results, row)
        for results in sorted(runs, key=lambda run: observation_label(run.run.config) != STATE)
        for row in results.summary[results.summary["headline"]].to_dict("records")
    ]
    return without_repeats(rows, _about)


def observation_key(results: Results, row: Any) -> tuple[object, ...] | None:
    """Return the key of the table's row for one row of a run's summary; None if it has none."""
    return key_of(_row(results, row._asdict())) if row.headline else None


def comparisons_of(runs: Sequence[Results]) -> dict[tuple[str, int], pd.DataFrame]:
    """Return the comparisons of each observation and number of demonstrations.

    They are adjusted together, over all runs: an observation whose tasks are separate runs has the
    same number of comparisons as one whose tasks are one run. Runs that are not finished compare
    nothing.
    """
    tables: dict[tuple[str, int], list[pd.DataFrame]] = {}
    for results in runs:
        if not results.unfinished:
            config = results.run.config
            key = observation_label(config), int(config["demos"])
            tables.setdefault(key, []).append(results.comparisons)
    return {key: adjust_together(of_key, runs[0].margin) for key, of_key in tables.items()}


def pairs_of(comparisons: Mapping[tuple[str, int], pd.DataFrame]) -> list[Pair]:
    """Return every pair of policies that several observations compare; see `comparisons_of`."""
    pairs: dict[tuple[str, int, str, str], Pair] = {}
    for (label, demos), table in comparisons.items():
        for row in table.itertuples():
            key = (str(row.task), demos, str(row.policy_a), str(row.policy_b))
            pair = pairs.setdefault(key, Pair(*key, {}))
            pair.verdicts[label] = {AHEAD: 1, BEHIND: -1}.get(str(row.verdict), 0)
    return [pair for pair in pairs.values() if len(pair.verdicts) > 1]


def _about(row: ObservationRow) -> str:
    seen = f" from {row.observation}" if row.observation else ""
    return f"{row.policy} on {row.task}{seen} with {row.demos} demonstrations"


def _row(results: Results, row: dict[Any, Any]) -> ObservationRow:
    config = results.run.config
    is_reference = row["policy"] in REFERENCES
    observation = "" if is_reference else observation_label(config)
    cameras = "" if observation in ("", STATE) else _cameras(results, row["task"])
    shared = shared_values(row, ObservationRow)
    return ObservationRow(
        **shared, demos=int(config["demos"]), observation=observation, cameras=cameras
    )


def _cameras(results: Results, task: str) -> str:
    """Return the names of a task's cameras, as `run.json` states them."""
    words = (results.run.sights or {}).get(task, "").split()
    return " ".join(words[1:-1])
