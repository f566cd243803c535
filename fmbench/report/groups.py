"""Groups of runs that one figure may hold, and in words why others are not in it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.report.comparable import check_alike, values_to_share
from fmbench.report.looks import Looks
from fmbench.report.results import Results
from fmbench.storage.rows import REFERENCES

Named = tuple[str, Results]
"""A run and its name."""
_END = "; runs in one table"
_MOST_CHARACTERS = 300


@dataclasses.dataclass
class RunGroup:
    """Runs that may be drawn together.

    Attributes:
        runs: The runs, each with its name; at least one.
        difference: Why they are not drawn with those of the first group; empty of the first one.
    """

    runs: list[Named]
    difference: str = ""
    _cells: set[str] = dataclasses.field(default_factory=set)

    @property
    def results(self) -> list[Results]:
        """The runs without their names."""
        return [results for _, results in self.runs]

    @property
    def label(self) -> str:
        """A name for them."""
        more = len(self.runs) - 1
        return self.runs[0][0] + (f" and {more} more run{'s' * (more > 1)}" if more else "")

    @property
    def looks(self) -> Looks:
        """The looks of all of their policies."""
        return Looks(*(results.run for results in self.results))


@dataclasses.dataclass(frozen=True)
class GroupKind:
    """What decides which runs a figure may hold together; see `check_alike`.

    Attributes:
        may_differ: Configuration values that may differ.
        value: The value that the figure compares.
        what: The same in words.
        cells: Returns in words what a run has, such as `flow on LiftCube`; no two runs of a figure
            may have the same.
        measured: Returns in words where a run was measured, if that must be the same.
    """

    may_differ: tuple[str, ...]
    value: str
    what: str
    cells: Callable[[Results], Collection[str]]
    measured: Callable[[Results], str] = lambda results: ""


def group_alike(runs: Sequence[Named], kind: GroupKind) -> list[RunGroup]:
    """Return the runs in groups, each in the first one that may hold it.

    Args:
        runs: The runs in order; those without a policy, and with it an expert, are left out.
        kind: What decides.
    """
    groups: list[RunGroup] = []
    by_values: dict[str, list[RunGroup]] = {}
    for named in runs:
        if set(named[1].summary["policy"]) <= set(REFERENCES):
            continue
        is_known = named[1].run.config.get(kind.value) is not None
        candidates = by_values.setdefault(_values(named[1], kind), []) if is_known else []
        cells = set(kind.cells(named[1]))
        for group in candidates:
            if group._cells.isdisjoint(cells) and not _difference(_nearest(group, named), kind):
                group.runs.append(named)
                group._cells |= cells
                break
        else:
            reason = _reason(groups[0], named, kind, cells) if groups else ""
            candidates.append(RunGroup([named], reason, cells))
            groups.append(candidates[-1])
    return groups


def _values(results: Results, kind: GroupKind) -> str:
    """Return what runs of one group share, as text."""
    config = values_to_share(results.run.config, kind.may_differ)
    stated = {name: value for name, value in config.items() if value is not None}
    return json.dumps([stated, kind.measured(results)], sort_keys=True, default=str)


def _nearest(group: RunGroup, named: Named) -> list[Named]:
    """Return a run with those of a group that it must agree with.

    These are the first one, the first with its network, and the first on each of its tasks.
    """
    tasks, backbone = set(named[1].summary["task"]), named[1].run.config.get("backbone")
    chosen = [group.runs[0]]
    chosen += [one for one in group.runs if one[1].run.config.get("backbone") == backbone][:1]
    for task in sorted(tasks):
        chosen += [one for one in group.runs if task in one[1].run.task_hashes][:1]
    return [*chosen, named]


def _reason(first: RunGroup, named: Named, kind: GroupKind, cells: set[str]) -> str:
    """Return why a run is not drawn with the first group."""
    if text := _difference(_nearest(first, named), kind):
        return text if len(text) < _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} …"
    if kind.measured(first.runs[0][1]) != (where := kind.measured(named[1])):
        return f"measured on {where}, not on {kind.measured(first.runs[0][1])}"
    common = sorted(first._cells & cells)
    if not common:
        return "it differs from other runs of that group"
    return f"both have {common[0]}" + f" and {len(common) - 1} more" * (len(common) > 1)


def _difference(runs: Sequence[Named], kind: GroupKind) -> str:
    """Return why runs may not be in one table; empty if they may."""
    try:
        check_alike({Path(n): r for n, r in runs}, kind.may_differ, kind.value, kind.what)
    except FmbenchError as error:
        return str(error).partition(_END)[0]
    return ""
