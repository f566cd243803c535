"""Episodes with delays, reduced to what their table needs, beside the plain cells they belong to.

A cell here has a delay and an execution besides what identifies a cell of the summary. Outcomes
know no such fields, so that a name of the three stands where the sampler does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fmbench.report.outcomes import CELL, Columns, Outcomes, SummaryKey, outcomes_of
from fmbench.report.results import Results
from fmbench.report.settings_split import PLAIN, Setting

SMOOTHNESS = ["boundary_jump", "jerk"]


class Acted(NamedTuple):
    """A cell of the summary, and how its policy acts."""

    cell: SummaryKey
    setting: Setting

    @property
    def key(self) -> SummaryKey:
        """What stands for it in `Outcomes`."""
        name = f"{self.cell.sampler} {self.setting.execution} {self.setting.delay}"
        return self.cell._replace(sampler=name)


class DelayedOutcomes(NamedTuple):
    """The cells of a run with delays or executions, and the plain cells of the same policies.

    Attributes:
        acted: Every cell, plain ones first.
        outcomes: What their episodes say, under `Acted.key`.
        smoothness: The means of `SMOOTHNESS` of every training seed by `Acted.key`; NaN where no
            episode has one.
    """

    acted: list[Acted]
    outcomes: Outcomes
    smoothness: dict[SummaryKey, Columns]


def delayed_settings(results: Results) -> list[Setting]:
    """Return the settings of a run that differ from the plain one in how policies act alone."""
    return [setting for setting in results.settings if not setting.perturb]


def delayed_outcomes(results: Results) -> DelayedOutcomes:
    """Reduce the episodes of a run with `delayed_settings`."""
    settings = delayed_settings(results)
    delayed = {
        SummaryKey(*cell)
        for setting in settings
        for cell in results.settings[setting][CELL].drop_duplicates().itertuples(index=False)
    }
    acted: list[Acted] = []
    parts: list[pd.DataFrame] = []
    for setting in (PLAIN, *settings):
        rows = results.episodes if setting == PLAIN else results.settings[setting]
        for one, part in _parts(rows, setting, delayed):
            acted += one
            parts.append(part)
    episodes = pd.concat(parts, ignore_index=True)
    outcomes = outcomes_of(episodes)
    return DelayedOutcomes(acted, outcomes, _smoothness(episodes))


def _parts(
    rows: pd.DataFrame, setting: Setting, delayed: set[SummaryKey]
) -> Iterator[tuple[list[Acted], pd.DataFrame]]:
    """Yield the cells of a setting that are in `delayed` with their renamed rows, if it has any."""
    groups: Any = rows.groupby(CELL, sort=False).indices
    found = [
        (Acted(SummaryKey(*cell), setting), places)
        for cell, places in groups.items()
        if SummaryKey(*cell) in delayed
    ]
    if not found:
        return
    names = np.repeat(
        np.array([one.key.sampler for one, _ in found], dtype=object),
        [len(places) for _, places in found],
    )
    part = rows.iloc[np.concatenate([places for _, places in found])]
    yield [one for one, _ in found], part.assign(sampler=names)


def _smoothness(episodes: pd.DataFrame) -> dict[SummaryKey, Columns]:
    """Return the means of `SMOOTHNESS` over the episodes of every training seed that have one."""
    values = episodes[[*CELL, "train_seed"]].assign(
        **{name: episodes[name].astype(float) for name in SMOOTHNESS}
    )
    means = values.groupby([*CELL, "train_seed"], sort=False)[SMOOTHNESS].mean().reset_index()
    groups: Any = means.groupby(CELL, sort=False).indices
    columns = {name: means[name].to_numpy() for name in SMOOTHNESS}
    return {
        SummaryKey(*cell): {name: found[places] for name, found in columns.items()}
        for cell, places in groups.items()
    }
