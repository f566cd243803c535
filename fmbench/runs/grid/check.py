"""Redo some cells of a grid from the beginning, and compare them with the rows that are there."""

from __future__ import annotations

import dataclasses
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from envs.registry import TASKS
from fmbench.cli.session import Session
from fmbench.cli.torch_settings import configure_torch
from fmbench.config import RunConfig, config_from_json
from fmbench.errors import FmbenchError, RunFailed
from fmbench.evaluation.cells import Cell, Origin
from fmbench.evaluation.episodes import evaluate
from fmbench.report.grid.there import runs_of
from fmbench.report.statistics import t_interval
from fmbench.runs.demonstrating import demonstrate
from fmbench.runs.preparation import check_runnable
from fmbench.runs.trainer import Trainer
from fmbench.runs.training_data import prepare
from fmbench.runs.users_encoder import open_sights
from fmbench.sight.opening import Sights
from fmbench.storage.episode_files import read_episode_table
from fmbench.storage.grid_folder import is_grid, read_grid_facts
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.rows import REFERENCES, EpisodeRow, OriginRow
from fmbench.storage.run_facts import read_run_facts
from fmbench.storage.stamps import stamp_of
from fmbench.training.checkpoints import load_policy

EQUAL, ELSEWHERE, DIFFERS = "equal", "other machine", "differs"


@dataclasses.dataclass(frozen=True)
class CheckedCell:
    """One cell, as it was recorded and as it came out now.

    Attributes:
        run: Its run, as SECTION/RUN.
        cell: Its name.
        recorded: Successes that were recorded.
        redone: Successes now.
        episodes: Episodes of each.
        other: Episodes with another outcome than the recorded one.
        verdict: `EQUAL`; else `DIFFERS` if device, code and packages are those that made the rows,
            `ELSEWHERE` if not.
    """

    run: str
    cell: str
    recorded: int
    redone: int
    episodes: int
    other: int
    verdict: str


def check_cells(
    out: Path, count: int, seed: int, data: Path, device: str, session: Session
) -> None:
    """Redo random cells of a grid: demonstrations, training and episodes; print the comparison.

    Where device, code and packages are those of the rows, they must be equal, byte by byte.
    Elsewhere rounding makes of each a training with other luck, as another training seed would be:
    there only the mean difference over the cells says something.

    Args:
        out: The folder of the grid.
        count: How many cells.
        seed: Which cells.
        data: Folder of all demonstrations.
        device: Where to train and evaluate.
        session: Progress display and requests to stop.

    Raises:
        FmbenchError: The folder has no cells.
        RunFailed: A cell differs.
    """
    configure_torch(device)
    chosen = choose_cells(out, count, seed)
    session.reporter.say(f"{len(chosen)} cells, chosen by --seed {seed}")
    checked = []
    for run, origin in chosen:
        checked.append(_redo(out, run, origin, data, device, session))
        last = checked[-1]
        session.reporter.say(f"{last.cell}: {last.redone} of {last.episodes}, {last.verdict}")
    print_checked(checked)
    if wrong := [cell for cell in checked if cell.verdict == DIFFERS]:
        raise RunFailed(
            f"{len(wrong)} of {len(checked)} cells differ from the rows in {out}, the first is "
            f"{wrong[0].cell} of {wrong[0].run}"
        )


def choose_cells(out: Path, count: int, seed: int) -> list[tuple[str, OriginRow]]:
    """Return random cells, each of another training, with a run that shows it."""
    if not is_grid(out):
        raise FmbenchError(f"{out} holds no grid to check; give its folder as --out")
    facts = read_grid_facts(out)
    trainings: dict[tuple[str, ...], list[tuple[str, OriginRow]]] = {}
    for section in facts.sections:
        own = dataclasses.replace(section, outside=(), shown={})  # trained here, each run once
        for folder in runs_of(out, own):
            for origin in read_rows(folder / OriginRow.file_name, OriginRow):
                if origin.policy not in REFERENCES:
                    key = (origin.task, origin.policy, origin.weights_hash, str(origin.train_seed))
                    trainings.setdefault(key, []).append((f"{section.name}/{folder.name}", origin))
    if not trainings:
        raise FmbenchError(f"{out} has no cells to check; let the grid finish its first run")
    generator = random.Random(seed)
    chosen = generator.sample(sorted(trainings), min(count, len(trainings)))
    return [generator.choice(trainings[key]) for key in chosen]


def _redo(
    out: Path, run: str, origin: OriginRow, data: Path, device: str, session: Session
) -> CheckedCell:
    """Train and evaluate one cell again."""
    facts = read_run_facts(out / run)
    values = {**facts.config, "policy": [origin.policy], "device": device}
    config = config_from_json(values, tuple(TASKS))
    check_runnable(config)
    sights = open_sights(config)
    try:
        with tempfile.TemporaryDirectory(prefix="fmbench-check-") as folder:
            rows, now = _evaluate(config, origin, Path(folder), data, sights, session)
    finally:
        sights.close()
    table = read_episode_table(out / run)
    places = table.places[tuple(origin.cell.values())]
    there = [table.table.row(place) for place in places]
    return compare(run, there, rows, origin, now)


def _evaluate(
    config: RunConfig,
    origin: OriginRow,
    folder: Path,
    data: Path,
    sights: Sights,
    session: Session,
) -> tuple[list[EpisodeRow], OriginRow]:
    """Return the rows of a cell and their origin, as a run would have written them."""
    task, sight = config.task[0], sights.of(config.task[0])
    demonstrations = demonstrate(config, task, data, session)
    windows, _ = prepare(config, demonstrations, sight, task, session)
    trainer = Trainer(config, folder, None, session, origin.train_seed)
    trained = trainer.train(task, origin.policy, windows)
    policy, facts = load_policy(trained.checkpoints[origin.train_seed])
    cell = Cell(**origin.cell)
    with session.reporter.stage(f"{cell.name} episodes", config.episodes) as stage:

        def count(done: int) -> None:
            session.interrupts.stop_here()
            stage.update(done)

        made = Origin().of_checkpoint(facts)
        played = evaluate(cell, config, made, policy.to(config.device), count, (), sight)
    path = folder / EpisodeRow.file_name
    write_rows(path, played.rows, EpisodeRow)  # with as many digits as the others
    return read_rows(path, EpisodeRow), played.origins[0]


def compare(
    run: str,
    there: Sequence[EpisodeRow],
    now: Sequence[EpisodeRow],
    origin: OriginRow,
    made_now: OriginRow,
) -> CheckedCell:
    """Compare a cell that was done again with its rows.

    Args:
        run: Its run.
        there: Its rows.
        now: The rows of the same episodes now.
        origin: The origin of the former.
        made_now: That of the latter.

    Raises:
        FmbenchError: They are of another version of the task or of other demonstrations.
    """
    for name in ("task_hash", "demonstrations_hash"):
        before, after = getattr(origin, name), getattr(made_now, name)
        if before != after:
            raise FmbenchError(
                f"{run}: {name} of {origin.policy} is {before}, here it is {after}; use the "
                f"fmbench that made it (commit {origin.commit})"
            )
    is_same = origin.device == made_now.device
    is_same = is_same and not stamp_of(origin).differences(stamp_of(made_now))
    verdict = EQUAL if list(there) == list(now) else DIFFERS if is_same else ELSEWHERE
    outcomes = [(a.success, b.success) for a, b in zip(there, now, strict=True)]
    cell = Cell(**origin.cell)
    return CheckedCell(
        run=run,
        cell=cell.name,
        recorded=sum(before for before, _ in outcomes),
        redone=sum(after for _, after in outcomes),
        episodes=len(outcomes),
        other=sum(before != after for before, after in outcomes),
        verdict=verdict,
    )


def print_checked(cells: Sequence[CheckedCell]) -> None:
    """Print a table of the cells, and the mean difference where they were not equal."""
    console = Console(width=100, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for name in ("run", "cell", "recorded", "redone", "episodes", "other outcome", "verdict"):
        justify: Literal["left", "right"] = "left" if name in ("run", "cell") else "right"
        table.add_column(name, justify=justify, overflow="fold")
    for cell in cells:
        numbers = (cell.recorded, cell.redone, cell.episodes, cell.other)
        table.add_row(cell.run, cell.cell, *map(str, numbers), cell.verdict)
    console.print(table)
    print(summary(cells))


def summary(cells: Sequence[CheckedCell]) -> str:
    """Return what the comparison says, in one or two sentences."""
    equal = sum(cell.verdict == EQUAL for cell in cells)
    text = f"{equal} of {len(cells)} cells are equal in every row."
    if any(cell.verdict == ELSEWHERE for cell in cells):
        points = [100 * (cell.redone - cell.recorded) / cell.episodes for cell in cells]
        text += (
            " Another device, code or package rounds differently, so that a training comes out as "
            f"with another seed; redone minus recorded is {np.mean(points):+.1f} points"
        )
        if len(points) > 1:
            low, high = t_interval(points, resolution=100 / cells[0].episodes)
            text += f" (95 % {low:+.1f} to {high:+.1f}, t over {len(points)} cells)"
        text += "."
    return text
