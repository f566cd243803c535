"""A finished run as if it had some of its policies only."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from fmbench.storage.episode_files import EpisodeTable
from fmbench.storage.finished import FinishedRows
from fmbench.storage.row_tables import RowTable
from fmbench.storage.rows import REFERENCES, R
from fmbench.storage.run_facts import RunFacts


def run_of(run: RunFacts, policies: Sequence[str]) -> RunFacts:
    """Return the facts of a run with some of its policies, in the order given."""
    return dataclasses.replace(
        run,
        policies={name: run.policies[name] for name in policies if name in run.policies},
        config={**run.config, "policy": list(policies)},
    )


def rows_of(rows: FinishedRows, policies: Sequence[str]) -> FinishedRows:
    """Return the rows of some policies, in the order given, after those of expert and random."""
    order = {name: place for place, name in enumerate((*REFERENCES, *policies))}

    def chosen(table: RowTable[R]) -> RowTable[R]:
        names = table.columns["policy"]
        places = [place for place, name in enumerate(names) if name in order]
        return table.take(sorted(places, key=lambda place: order[names[place]]))

    origins = [row for row in rows.episodes.origins if row.policy in order]
    origins.sort(key=lambda row: order[row.policy])
    return FinishedRows(
        EpisodeTable(chosen(rows.episodes.table), origins),
        chosen(rows.measurements),
        chosen(rows.training),
        chosen(rows.diagnostics),
        chosen(rows.learning),
    )
