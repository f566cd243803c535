"""Data sheets of tasks, from their classes and the registry."""

from __future__ import annotations

import inspect
import re

from envs.registry import TASKS
from envs.task import Task
from fmbench.report.page.media import DataSheet, ObservedField

NOTES = ("Initial state", "Modes", "Success", "Failure")
"""Paragraphs of a task's documentation that a sheet shows, if they are there, in order."""
_PARAGRAPH = re.compile(r"^([A-Z][A-Za-z ]*): (.*(?:\n(?:[ \t]+.*|))*)", re.MULTILINE)


def data_sheet(task: Task) -> DataSheet:
    """Return the data sheet of a task."""
    return DataSheet(
        description=task.description,
        version=task.version,
        horizon=task.horizon,
        hold_steps=task.hold_steps,
        control_period_s=task.control_period_s,
        actions=tuple(task.action_names),
        observed=tuple(
            ObservedField(f.name, f.size, f.unit, f.limit, f.meaning, f.pictured)
            for f in task.fields()
        ),
        modes=tuple(task.modes),
        is_sanity=TASKS[task.name].is_sanity,
        notes=_notes(inspect.getdoc(type(task)) or ""),
    )


def _notes(text: str) -> dict[str, str]:
    """Return the paragraphs of a documentation that a sheet shows, each on one line."""
    found = {heading: " ".join(words.split()) for heading, words in _PARAGRAPH.findall(text)}
    return {heading: found[heading] for heading in NOTES if heading in found}
