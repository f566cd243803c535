"""What draws the sections of a grid, and which runs a drawing can show."""

from __future__ import annotations

from collections.abc import Sequence

from fmbench.config import ADDED, RECIPE_FIELDS, RunConfig
from fmbench.config.run_config import SEEN_FIELDS
from fmbench.errors import FmbenchError
from fmbench.runs.grid.planned import PlannedRun
from policies.catalogue import HOLD, MEASURED

DRAWINGS: dict[str, tuple[str, ...]] = {
    "matrix": ("policy", "backbone", "seeds", "preset"),
    "curve": ("demos", "nfe", "preset"),
    "observations": ("policy", "demos", "nfe", "precision", *SEEN_FIELDS),
    "settings": (),
    "disturbances": ("seeds", "preset"),
    "delay": ("seeds", "preset", "delay", "execution", "latency_ms", "train_delay"),
    "deployment": ("seeds", "preset"),
}
"""What draws a section, and in what its runs may differ besides their tasks: the commands
`fmbench.matrix`, `data_curve` and `observations`; whatever they differ in, a line for each;
retention with every disturbance over all tasks; success by delay, or at the delay of each policy's
own latency, a panel for each task."""


def check_drawing(where: str, draw: str, runs: Sequence[PlannedRun]) -> None:
    """Reject runs that differ in more than their drawing shows, before any of them is done."""
    configs = [{**ADDED, **run.config.to_json()} for run in runs]
    names = {name for config in configs for name in config}
    differing = {
        name
        for name in names
        if any(config.get(name) != configs[0].get(name) for config in configs)
    }
    if draw == "disturbances" and not all(run.config.perturb for run in runs):
        raise FmbenchError(f"{where}: draw = '{draw}' needs disturbances; add perturb = ['mass=2']")
    if draw == "delay":
        _check_executions(where, runs)
    if draw == "curve":
        _check_headlines(where, runs)
    if draw == "deployment" and not all(_is_deployed(run.config) for run in runs):
        raise FmbenchError(
            f"{where}: draw = '{draw}' needs the delay of a latency; add delay = ['{MEASURED}']"
        )
    if any(_is_untimed(run) for run in runs):
        raise FmbenchError(
            f"{where}: delay is {MEASURED}, but decisions are not timed; add latency = true"
        )
    several = len({config["backbone"] for config in configs}) > 1
    drawn = {"task", *DRAWINGS[draw], *(RECIPE_FIELDS if several else ())}
    if draw != "settings" and (other := sorted(differing - drawn)):
        raise FmbenchError(
            f"{where}: its runs differ in {', '.join(other)}, which draw = '{draw}' does not "
            "show; give draw = 'settings'"
        )


def _check_headlines(where: str, runs: Sequence[PlannedRun]) -> None:
    """Reject runs with other headlines: those are at the largest number of evaluations."""
    most = {run.name: max(run.config.nfe) for run in runs}
    first = runs[0].name
    for name, number in most.items():
        if number != most[first]:
            raise FmbenchError(
                f"{where}: a curve is drawn at the largest nfe, which is {most[first]} in {first} "
                f"and {number} in {name}; let it be the same"
            )


def _is_deployed(config: RunConfig) -> bool:
    return MEASURED in config.delay and HOLD in config.execution


def _is_untimed(run: PlannedRun) -> bool:
    return MEASURED in run.config.delay and not run.latency and run.config.latency_ms is None


def _check_executions(where: str, runs: Sequence[PlannedRun]) -> None:
    """Reject two runs of a task with the same execution, which one line of a figure shows."""
    seen: set[tuple[str, str]] = set()
    for run in runs:
        for execution in run.config.execution:
            if (run.config.task[0], execution) in seen:
                raise FmbenchError(
                    f"{where} has two runs of {run.config.task[0]} with the execution {execution}; "
                    "give each in one variant, or draw = 'settings'"
                )
            seen.add((run.config.task[0], execution))
    if all((run.config.delay, run.config.execution) == (("0",), (HOLD,)) for run in runs):
        raise FmbenchError(f"{where}: draw = 'delay' needs delays; add delay = ['0', '4']")
