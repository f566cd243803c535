"""Rows of `disturbances.csv`: each policy with and without each disturbance, on the same episodes.

The rows are a function of the episodes. Both arms have the same checkpoints, samplers and episode
seeds, so what is reported is the paired difference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmbench.report.caveats import broken_cells
from fmbench.report.outcomes import CELL, SummaryKey, outcomes_of
from fmbench.report.over_changes import change_bounds
from fmbench.report.over_seeds import Bounds
from fmbench.report.results import Results
from fmbench.report.same_checkpoints import changes_of_pairs
from fmbench.report.settings_split import Setting
from fmbench.report.statistics import paired_interval
from fmbench.storage.rows import REFERENCES, Row

EXPERT = REFERENCES[0]
LEAST_EXPERT = 0.8
"""Success rate below which a disturbance breaks the expert, and ranks nobody."""
LEAST_PLAIN = 0.5
"""Success rate without disturbance from which a share of it can be stated."""
PAIRED, OVER_SEEDS = "paired Newcombe", "changes over training seeds"


@dataclasses.dataclass(frozen=True)
class DisturbanceRow(Row):
    """One policy on one task with one disturbance."""

    file_name: ClassVar[str] = "disturbances.csv"
    key: ClassVar[tuple[str, ...]] = (*CELL, "perturb")

    task: str
    policy: str
    sampler: str
    steps: int
    perturb: str
    """Axis and level, e.g. `mass=2`."""
    train_seeds: int
    """Training seeds, or 0 of the expert."""
    episodes: int
    """Episodes of each training seed that both arms have."""
    plain: int
    """Successes without disturbance."""
    disturbed: int
    """Successes with it."""
    plain_rate: float
    """Success rate: the mean over training seeds, as below."""
    disturbed_rate: float
    difference: float
    """That with disturbance minus that without."""
    low: float | None
    """Lower bound of its 95 % interval; None of a broken cell, like `high` and `retention`."""
    high: float | None
    interval: str
    """Kind of interval: of one checkpoint, or of several training seeds."""
    retention: float | None
    """Rate with disturbance divided by that without; None where the latter is below one half."""
    ranks: bool
    """Whether the expert copes with the disturbance, or does not meet it."""


class Arms(NamedTuple):
    """The common episodes of a cell without and with a disturbance, by training seed.

    Attributes:
        episodes: Episode seeds, each (n,).
        plain: Which of them succeeded without disturbance, each (n,).
        disturbed: Which succeeded with it, each (n,).
    """

    episodes: list[NDArray[np.int64]]
    plain: list[NDArray[np.bool_]]
    disturbed: list[NDArray[np.bool_]]

    @property
    def rates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Success rate of each training seed without and with disturbance, (seeds,)."""
        plain, disturbed = (np.array([s.mean() for s in arm]) for arm in self[1:])
        return plain, disturbed


def disturbances_of(results: Results) -> dict[str, pd.DataFrame]:
    """Return the episodes of every disturbance of a run without delay, in the order requested."""
    found = {
        setting.perturb: rows
        for setting, rows in results.settings.items()
        if setting.perturb and setting == Setting(perturb=setting.perturb)
    }
    stated = (results.run.rescores or results.run.config).get("perturb")
    requested = stated if isinstance(stated, list) else []
    return {text: found[text] for text in dict.fromkeys([*requested, *found]) if text in found}


AllArms = Mapping[tuple[SummaryKey, str], Arms]
"""Both arms of every disturbed cell, by cell and disturbance."""


def arms_of(results: Results) -> AllArms:
    """Return both arms of every disturbed cell, by cell and disturbance.

    Cells are in the order of the summary, disturbances in that of the rows.
    """
    plain = _successes(results.episodes)
    disturbed = {text: _successes(rows) for text, rows in disturbances_of(results).items()}
    cells = [SummaryKey(*key) for key in results.summary[CELL].itertuples(index=False)]
    found = {}
    for cell in cells:
        for text, of_setting in disturbed.items():
            if cell in of_setting:
                found[cell, text] = _pair(plain[cell], of_setting[cell])
    return {key: arms for key, arms in found.items() if arms.plain}


def disturbance_rows(results: Results, arms: AllArms) -> list[DisturbanceRow]:
    """Return the rows of a run with these arms; none if it has no disturbance."""
    broken, breaks = broken_arms(results), breaking(arms)
    return [
        _row(cell, text, both, (cell, text) in broken, (cell.task, text) not in breaks)
        for (cell, text), both in arms.items()
    ]


def breaking(arms: AllArms) -> set[tuple[str, str]]:
    """Return the tasks and disturbances with which the expert fails too often to rank anybody."""
    return {
        (cell.task, text)
        for (cell, text), both in arms.items()
        if cell.policy == EXPERT and both.rates[1].mean() < LEAST_EXPERT
    }


def bounds_of(arms: Arms) -> tuple[Bounds, str]:
    """Return the 95 % interval of the difference of rates, disturbed minus plain, and its kind."""
    if len(arms.plain) == 1:
        a, b = arms.disturbed[0], arms.plain[0]
        counts = (int(np.sum(x & y)) for x, y in ((a, b), (a, ~b), (~a, b), (~a, ~b)))
        low, high = paired_interval(*counts)
        return Bounds(np.float64(low), np.float64(high)), PAIRED  # type: ignore[arg-type]
    pairs = list(zip(arms.disturbed, arms.plain, strict=True))
    return change_bounds(changes_of_pairs(pairs)), OVER_SEEDS


def _row(cell: SummaryKey, text: str, arms: Arms, is_broken: bool, ranks: bool) -> DisturbanceRow:
    plain, disturbed = (float(rates.mean()) for rates in arms.rates)
    (low, high), kind = bounds_of(arms)
    has_share = plain >= LEAST_PLAIN and not is_broken
    return DisturbanceRow(
        *cell,
        perturb=text,
        train_seeds=0 if cell.policy in REFERENCES else len(arms.plain),
        episodes=min(map(len, arms.plain)),
        plain=int(sum(map(np.sum, arms.plain))),
        disturbed=int(sum(map(np.sum, arms.disturbed))),
        plain_rate=plain,
        disturbed_rate=disturbed,
        difference=disturbed - plain,
        low=None if is_broken else float(low),
        high=None if is_broken else float(high),
        interval=kind,
        retention=disturbed / plain if has_share else None,
        ranks=ranks,
    )


Successes = dict[int, tuple[NDArray[np.int64], NDArray[np.bool_]]]
"""Training seed to its episode seeds, ascending, and which of them succeeded."""


def _successes(episodes: pd.DataFrame) -> dict[SummaryKey, Successes]:
    seeds, success = episodes["episode_seed"].to_numpy(), episodes["success"].to_numpy(bool)
    groups: Any = episodes.groupby([*CELL, "train_seed"], sort=False).indices
    found: dict[SummaryKey, Successes] = {}
    for (*cell, train_seed), places in groups.items():
        ordered = places[np.argsort(seeds[places])]
        of_cell = found.setdefault(SummaryKey(*cell), {})
        of_cell[int(train_seed)] = seeds[ordered].astype(np.int64), success[ordered]
    return found


def _pair(plain: Successes, disturbed: Successes) -> Arms:
    """Return the common episodes of all common training seeds."""
    arms = Arms([], [], [])
    for train_seed in sorted(plain.keys() & disturbed.keys()):
        (seeds_a, on_a), (seeds_b, on_b) = plain[train_seed], disturbed[train_seed]
        common, of_a, of_b = np.intersect1d(seeds_a, seeds_b, True, return_indices=True)
        if len(common):
            arms.episodes.append(common)
            arms.plain.append(on_a[of_a])
            arms.disturbed.append(on_b[of_b])
    return arms


def broken_arms(results: Results) -> frozenset[tuple[SummaryKey, str]]:
    """Return the cells, with a disturbance, whose rate in an arm says nothing about the policy."""
    return frozenset(_each_broken(results))


def _each_broken(results: Results) -> Iterator[tuple[SummaryKey, str]]:
    for text, rows in disturbances_of(results).items():
        ended = (rows["error"] != "") | rows["sim_unstable"].astype(bool)
        broken = broken_cells(outcomes_of(rows)) if ended.any() else frozenset()
        for cell in results.broken | broken:
            yield cell, text
