"""The rows of the leaderboard, from the summaries of all runs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fmbench.report.looks import Looks
from fmbench.report.observed import observation_label
from fmbench.report.outcomes import CELL, SummaryKey
from fmbench.report.outside import OutsidePairs
from fmbench.report.page.outside import outside_standings
from fmbench.report.page.row_places import lines_of_cells
from fmbench.report.page.runs import NamedRun
from fmbench.report.page.standings import ORDER, Standing, standings
from fmbench.report.results import Results
from fmbench.report.row_texts import evaluations, number_text, rate_marks, sampler_label
from fmbench.storage.rows import REFERENCES


@dataclasses.dataclass(frozen=True)
class BoardRow:
    """One cell of a run, over all training seeds.

    Attributes:
        run: Place of its run among all.
        task: Its task.
        tier: Tier of the task; empty if it is not known.
        policy: Label of the policy.
        backbone: Its network; empty for expert and random actions.
        observation: What it observes.
        sampler: Sampler and steps.
        headline: Whether the cell represents its policy.
        rate: Success rate.
        low: Lower end of its 95 % interval; None for a broken cell, like `high`.
        high: Upper end.
        marks: Warnings of the rate.
        episodes: Episodes over all seeds.
        seeds: Training seeds; 0 for expert and random actions.
        nfe: Network evaluations per decision.
        nfe_text: The same as text, with percentiles where episodes differ.
        latency: Median time of a decision [ms]; None if it was not measured.
        verdict: Standing against the best of its task and run; empty if it has none.
        evidence: Its sentence.
        lines: Lines of its episodes in their file; empty if the run has not finished.
    """

    run: int
    task: str
    tier: str
    policy: str
    backbone: str
    observation: str
    sampler: str
    headline: bool
    rate: float
    low: float | None
    high: float | None
    marks: str
    episodes: int
    seeds: int
    nfe: float
    nfe_text: str
    latency: float | None
    verdict: str
    evidence: str
    lines: str

    @property
    def success_text(self) -> str:
        """Success rate and interval, as the table shows them."""
        interval = "" if self.low is None else f" ({self.low:.3f}–{self.high:.3f})"
        return f"{self.rate:.3f}{interval}"

    @property
    def latency_text(self) -> str:
        """Latency as the table shows it."""
        return "–" if self.latency is None else number_text(self.latency)


def board_rows(
    runs: Sequence[NamedRun], tiers: Mapping[str, str], pairs: Sequence[OutsidePairs] = ()
) -> list[BoardRow]:
    """Return the rows of all runs: headlines first, each task's best first.

    Args:
        runs: The runs.
        tiers: Name of each known task to its tier.
        pairs: The comparisons of policies from outside, `pairs_of_page`.
    """
    rows = [row for place, run in enumerate(runs) for row in _rows(place, run, tiers, pairs)]
    tasks = list(dict.fromkeys(row.task for row in rows))
    place_of = {task: place for place, task in enumerate(tasks)}
    return sorted(rows, key=lambda row: (not row.headline, place_of[row.task], -row.rate, row.run))


def _rows(
    place: int, run: NamedRun, tiers: Mapping[str, str], pairs: Sequence[OutsidePairs]
) -> Iterator[BoardRow]:
    results = run.results
    stands = standings(results) or outside_standings(run, pairs)
    lines = lines_of_cells(results)
    backbone = str(results.run.choice.backbone or "")
    observation = observation_label(results.run.config)
    for row in results.summary.itertuples(index=False):
        key = SummaryKey(*(getattr(row, name) for name in CELL))
        stand = stands.get(key, Standing("", ""))
        yield BoardRow(
            run=place,
            tier=tiers.get(_name(key.task), ""),
            verdict=stand.word,
            evidence=stand.evidence,
            lines=lines.get(key, ""),
            **_policy(row, results.looks, backbone, observation),
            **_numbers(row, results),
        )


def _policy(row: Any, looks: Looks, backbone: str, observation: str) -> dict[str, Any]:
    """Return what a row of a summary says of its policy; references have neither of the two."""
    is_reference = row.policy in REFERENCES
    return {
        "task": row.task,
        "policy": looks.label(row.policy),
        "backbone": "" if is_reference else backbone,
        "observation": "" if is_reference else observation,
        "sampler": sampler_label(row.sampler, row.steps),
        "headline": bool(row.headline),
        "seeds": 0 if is_reference else row.train_seeds,
    }


def _numbers(row: Any, results: Results) -> dict[str, Any]:
    """Return the numbers of a row of a summary, rounded to what a reader can use."""
    is_broken = results.is_broken(row)
    latency = float(row.latency_ms_p50)
    return {
        "rate": round(row.success_rate, 6),
        "low": None if is_broken else round(row.low, 6),
        "high": None if is_broken else round(row.high, 6),
        "marks": " ".join(rate_marks(row, is_broken)),
        "episodes": row.episodes,
        "nfe": round(row.nfe, 3),
        "nfe_text": evaluations(row),
        "latency": None if math.isnan(latency) else round(latency, 4),
    }


def _name(task: str) -> str:
    """Return the name of a task in the registry: earlier rows have its identifier."""
    return task.removeprefix("fmbench/").rpartition("-v")[0] or task


def as_values(row: BoardRow) -> list[Any]:
    """Return what the page's script reads of a row: values in the order of `COLUMNS`."""
    place = ORDER.index(row.verdict) if row.verdict else None
    return [
        *(getattr(row, name) for name in COLUMNS[:-3]),
        *(row.success_text, row.latency_text, place),
    ]


COLUMNS = (
    *(field.name for field in dataclasses.fields(BoardRow)),
    *("success_text", "latency_text", "verdict_place"),
)
"""Names of the values of a row in the data of the page."""
