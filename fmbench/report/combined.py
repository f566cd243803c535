"""Caveats of one table of several runs, and the marks of its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd

from fmbench.report.caveats import error_lines, version_lines
from fmbench.report.results import Results
from fmbench.report.row_texts import BROKEN, BROKEN_NOTE, DISAGREE, DISAGREE_NOTE, INCOMPLETE
from fmbench.storage.rows import REFERENCES

Key = tuple[object, ...]
"""Key of a row of the table."""


class Combined:
    """What a reader of several runs in one table must know.

    Args:
        runs: The runs.
        where: Returns what distinguishes a run, e.g. `with mlp`.
        key: Returns the key in the table of a row of a run's summary; None if it has no such row.
    """

    def __init__(
        self,
        runs: Sequence[Results],
        where: Callable[[Results], str],
        key: Callable[[Results, Any], Key | None],
    ) -> None:
        self.marks: dict[Key, str] = {}
        """Key of a row to its mark, e.g. `(broken)` or `(incomplete)`; most have none."""
        self.row_caveats: dict[Key, str] = {}
        """Key of a row to its caveat in a file; the others have none."""
        for results in runs:
            for row in results.summary.itertuples():
                self._mark(key(results, row), results, row)
        unfinished = [results for results in runs if results.unfinished]
        self.unfinished = f"unfinished: {len(unfinished)} of {len(runs)} runs" if unfinished else ""
        """For titles; empty if all runs have finished."""
        lines = [
            f"{results.unfinished} of the run {where(results)} "
            f"({', '.join(dict.fromkeys(results.summary['task']))})"
            for results in unfinished
        ]
        lines += version_lines(pd.concat([results.origins for results in runs]))
        for results in runs:
            lines += error_lines(results.episodes, _namer(results, where(results)))
        self.caveats = list(dict.fromkeys(lines))
        """One line each."""

    def _mark(self, key: Key | None, results: Results, row: Any) -> None:
        if key is None:
            return
        is_broken = results.is_broken(row)
        if is_broken or not row.complete:
            self.marks[key] = BROKEN if is_broken else INCOMPLETE
        elif row.seeds_disagree:
            self.marks[key] = DISAGREE
        warning = BROKEN if is_broken else DISAGREE if row.seeds_disagree else ""
        caveats = [results.unfinished, warning.strip("()")]
        if any(caveats):
            self.row_caveats[key] = "; ".join(filter(None, caveats))

    def title(self, text: str) -> str:
        """Return the title of a table, marked if a run has not finished."""
        return f"{text} ({self.unfinished})" if self.unfinished else text

    def notes(self) -> Iterator[str]:
        """Yield the notes that explain the marks."""
        if INCOMPLETE in self.marks.values():
            yield f"{INCOMPLETE}: a training seed or an episode is missing."
        if BROKEN in self.marks.values():
            yield f"{BROKEN}: {BROKEN_NOTE}"
        if DISAGREE in self.marks.values():
            yield f"{DISAGREE}: {DISAGREE_NOTE}"

    def warn(self, warn: Callable[[str], None]) -> None:
        """Call `warn` with each caveat."""
        for line in self.caveats:
            warn(line)

    def is_broken(self, key: Key) -> bool:
        """Return whether the rate of a row says nothing about the policy."""
        return self.marks.get(key) == BROKEN


def _namer(results: Results, where: str) -> Callable[[str], str]:
    """Return a function that names a policy of a run."""

    def name(policy: str) -> str:
        label = results.looks.label(policy)
        return label if policy in REFERENCES else f"{label} {where}"

    return name
