"""What differs between the runs of a page, value by value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fmbench.config import ADDED
from fmbench.report.page.runs import NamedRun

MAX_SHOWN = 6
"""Most names of runs, and of values, that are listed."""


class Difference(NamedTuple):
    """A value that not all runs share.

    Attributes:
        name: Its name.
        values: Each value with the runs that have it, as text; of many only the first.
        more: Number of values that are not listed.
    """

    name: str
    values: list[tuple[str, str]]
    more: int


def run_differences(runs: Sequence[NamedRun]) -> list[Difference]:
    """Return the values of configuration, code, machine and tasks that differ between runs."""
    facts = {run.name: _facts(run) for run in runs}
    names = dict.fromkeys(name for values in facts.values() for name in values)
    found = []
    for name in names:
        is_of_task = name.startswith(("task ", "demonstrations "))
        by_value: dict[str, list[str]] = {}
        for run, values in facts.items():
            if name in values or not is_of_task:
                by_value.setdefault(values.get(name, "none"), []).append(run)
        if len(by_value) > 1:
            listed = [(value, _listed(of)) for value, of in by_value.items()]
            found.append(Difference(name, listed[:MAX_SHOWN], max(0, len(listed) - MAX_SHOWN)))
    return found


def _facts(run: NamedRun) -> dict[str, str]:
    """Return everything of a run that two runs may have in common, as text."""
    facts, origins = run.results.run, run.results.origins
    values = {name: _text(value) for name, value in {**ADDED, **facts.config}.items()}
    for name in ("commit", "code_hash", "versions", "device"):
        values[name] = _text(sorted(set(origins[name])))
    values["machine"] = _text(list(facts.machine.values()))
    values["margin of verdicts"] = f"{run.results.margin:g}"
    for task, rows in origins.groupby("task", sort=False):
        values[f"task {task}"] = _text(sorted(set(rows["task_hash"])))
        made = sorted(set(rows["demonstrations_hash"]) - {""})
        values[f"demonstrations {task}"] = _text(made)
    return values


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(_text, value)) or "none"
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_text(each)}" for name, each in value.items()) or "none"
    return "none" if value is None or value == "" else str(value)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return ", ".join(names[:MAX_SHOWN]) + more
