"""`python -m fmbench.experts`: measure the scripted experts, with and without command noise."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from envs.registry import TASKS
from fmbench.cli.exit_codes import run_command_line
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.cli.parser import Parser
from fmbench.cli.task_names import choose_tasks
from fmbench.config import check_out, make_config
from fmbench.errors import FmbenchError
from fmbench.storage.row_files import write_rows


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


def _run(given: argparse.Namespace) -> int:
    overrides = {"task": choose_tasks(given.task), "episodes": given.episodes}
    config = make_config("default", overrides, tuple(TASKS))
    if given.out is not None:
        check_out(given.out)
    elif given.film:
        raise FmbenchError("--film needs a folder to draw in; give --out DIR")
    import_mujoco()
    from fmbench.cli.progress import Reporter
    from fmbench.evaluation.expert_rows import ExpertRow, markdown, measure_expert

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
    from fmbench.cli.progress import Reporter
    from fmbench.evaluation.contact_sheets import draw_expert_sheet
    from fmbench.harness.seeds import VALIDATION

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
