"""Small made-up runs with configurations, for the figures of the page."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fmbench.report.page.runs import NamedRun
from fmbench.report.results import Results, read_results
from fmbench.storage.rows import EpisodeRow
from tests.fmbench.fake_run import make_rows, write_episode_rows, write_run

CONFIG: dict[str, Any] = {"backbone": "mlp", "demos": 50, "task": ["LiftCube"], "device": "cpu"}


def made_run(folder: Path, name: str = "one", **config: Any) -> NamedRun:
    """Return a run of expert, random actions and three policies with two training seeds."""
    folder.mkdir(parents=True, exist_ok=True)
    task = config.get("task", CONFIG["task"])[0]
    write_run(folder, tasks=(task,), train_seeds=(0, 1), episodes=20)
    return named(name, read_results(folder), **config)


def named(name: str, results: Results, **config: Any) -> NamedRun:
    """Return results under a name, with a configuration."""
    run = dataclasses.replace(results.run, config={**CONFIG, **config})
    return NamedRun(name, Path(name), dataclasses.replace(results, run=run))


def solved_run(
    folder: Path, times_s: dict[str, Sequence[float | None]], horizon: int = 100
) -> Results:
    """Return a run on one task in which each policy has succeeded at the given times.

    Args:
        folder: Where it is written.
        times_s: Policy to the time of each of its episodes [s]; None of a failure.
        horizon: Control steps of a failure, each 0.04 s.
    """
    made, _, _ = make_rows(("LiftCube",), episodes=1)
    rows: list[EpisodeRow] = []
    for policy, times in times_s.items():
        first = next(row for row in made if row.policy == policy)
        rows += [
            dataclasses.replace(
                first, episode_seed=i, success=time is not None, success_any=time is not None,
                success_end=time is not None, time_to_success_s=time,
                length=horizon if time is None else round(time / 0.04),
            )
            for i, time in enumerate(times)
        ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    write_episode_rows(folder, rows)
    return read_results(folder)


def acted_run(folder: Path, name: str = "acted", **config: Any) -> NamedRun:
    """Return a run whose policies also act with a delay of two steps and with a doubled mass.

    Every second episode that they solve fails with the delay, every fourth with the mass.
    """
    made, measured, _ = make_rows(("LiftCube",), train_seeds=(0, 1), episodes=20)
    headline = {row.policy: (row.sampler, row.steps) for row in measured if row.headline}
    rows = [row for row in made if (row.sampler, row.steps) == headline.get(row.policy, ("", 0))]
    acted = []
    for row in rows:
        solved = row.episode_seed % 2 == 0 and row.success
        if row.policy not in ("expert", "random"):
            acted.append(_failed(dataclasses.replace(row, delay=2), not solved and row.success))
        if row.policy != "random":
            is_hard = row.policy != "expert" and row.episode_seed % 4 == 0
            acted.append(_failed(dataclasses.replace(row, perturb="mass=2"), is_hard))
    folder.mkdir(parents=True, exist_ok=True)
    write_episode_rows(folder, [*rows, *acted])
    conditions = {"delay": [0, 2], "execution": ["hold"], "perturb": ["mass=2"]}
    return named(name, read_results(folder), **conditions, **config)


def _failed(row: EpisodeRow, fails: bool) -> EpisodeRow:
    if not fails:
        return row
    return dataclasses.replace(
        row, success=False, success_any=False, success_end=False, time_to_success_s=None
    )
