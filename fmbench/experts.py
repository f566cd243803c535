"""`python -m fmbench.experts`: measure the scripted experts, with and without command noise."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from envs.registry import TASKS
from fmbench.command_line import Parser
from fmbench.config import check_out, make_config
from fmbench.errors import FmbenchError, run_command_line
from fmbench.opengl_check import import_mujoco
from fmbench.records import Row, write_rows
from fmbench.statistics import wilson_interval
from fmbench.task_names import choose_tasks

MAX_SIMS = 256


@dataclass(frozen=True)
class ExpertRow(Row):
    """How one task's expert does at one scale of the command noise."""

    file_name: ClassVar[str] = "experts.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "noise")

    task: str
    noise: float
    episodes: int
    successes: int
    low: float
    """Of the Wilson 95 % interval."""
    high: float
    median_length: int
    """Control steps of the successful episodes."""
    modes: str
    unstable: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = Parser(
        "python -m fmbench.experts",
        "Measure the experts on episodes that they were not tuned on.",
    )
    add = parser.add_argument
    add("--task", nargs="+", default=["all"], metavar="NAME", help=f"{', '.join(TASKS)}, all")
    add("--episodes", type=int, default=500, metavar="N", help="episodes per task and noise")
    add("--out", type=Path, metavar="DIR", help="also write experts.csv there")
    add("--film", action="store_true", help="also draw one episode of each as tasks/NAME.png there")
    add("--debug", action="store_true", help="show the traceback of an error")
    given = parser.parse_args(arguments)
    return run_command_line(lambda: _run(given), given.debug)


def measure_expert(task: str, noise: float, count: int) -> ExpertRow:
    """Roll an expert out on the first `count` validation seeds."""
    import numpy as np

    from envs.experts.command_noise import CommandNoise
    from envs.registry import make_expert, make_task
    from envs.world import World
    from fmbench.rollout import rollout
    from fmbench.seeds import VALIDATION, episode_seeds

    world = World(make_task(task), min(count, MAX_SIMS))
    episodes = rollout(
        world,
        make_expert(world),
        episode_seeds(VALIDATION, count),
        disturbance=CommandNoise(world, noise),
    )
    solved = [episode for episode in episodes if episode.success]
    interval = wilson_interval(len(solved), count)
    names = [episode.mode for episode in solved]
    return ExpertRow(
        task=task,
        noise=noise,
        episodes=count,
        successes=len(solved),
        low=interval.low,
        high=interval.high,
        median_length=int(np.median([episode.length for episode in solved] or [0])),
        modes=" / ".join(f"{mode} {names.count(mode)}" for mode in world.task.modes),
        unstable=sum(episode.sim_unstable for episode in episodes),
    )


def markdown(rows: Sequence[ExpertRow]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| task | command noise | success | Wilson 95 % | median steps | modes |",
        "|---|--:|--:|--:|--:|---|",
    ]
    lines += [
        f"| {row.task} | {row.noise:g} | {row.successes}/{row.episodes} | "
        f"{row.low:.3f}–{row.high:.3f} | {row.median_length} | {row.modes or '–'} |"
        for row in rows
    ]
    return "\n".join(lines)


def _run(given: argparse.Namespace) -> int:
    overrides = {"task": choose_tasks(given.task), "episodes": given.episodes}
    config = make_config("default", overrides, tuple(TASKS))
    if given.out is not None:
        check_out(given.out)
    elif given.film:
        raise FmbenchError("--film needs a folder to draw in; give --out DIR")
    import_mujoco()
    from fmbench.progress import Reporter

    rows = []
    with Reporter().stage("experts", 2 * len(config.task)) as stage:
        for task in config.task:
            for noise in (0.0, 1.0):
                rows.append(measure_expert(task, noise, config.episodes))
                stage.update(len(rows))
    print(markdown(rows))
    if given.out is not None:
        write_rows(given.out / ExpertRow.file_name, rows, ExpertRow)
        print(f"Written: {given.out / ExpertRow.file_name}")
    if given.film:
        _film(given.out / "tasks", config.task)
    return 0


def _film(folder: Path, tasks: Sequence[str]) -> None:
    from fmbench.contact_sheets import draw_expert_sheet
    from fmbench.progress import Reporter
    from fmbench.seeds import VALIDATION

    with Reporter().stage("pictures", len(tasks)) as stage:
        for k, task in enumerate(tasks):
            try:
                draw_expert_sheet(folder / f"{task}.png", task, VALIDATION)
            except RuntimeError as error:
                raise FmbenchError(str(error)) from error
            stage.update(k + 1)
    print(f"Drawn: {folder}")


if __name__ == "__main__":
    sys.exit(main())
