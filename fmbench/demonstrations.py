"""`python -m fmbench.demonstrations`: make or check the demonstrations of tasks."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from envs.registry import TASKS
from fmbench.cli.exit_codes import run_command_line
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.cli.parser import Parser
from fmbench.cli.task_names import choose_tasks
from fmbench.config import MOST, check_count, check_out, make_config


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = Parser(
        "python -m fmbench.demonstrations",
        "Roll scripted experts out, keep what succeeds, replay it, and store it.",
    )
    add = parser.add_argument
    add("--task", nargs="+", default=["LiftCube"], metavar="NAME", help=f"{', '.join(TASKS)}, all")
    add("--episodes", type=int, default=200, metavar="N", help="successful episodes to keep")
    add("--noise", type=float, default=1.0, metavar="X", help="scale of the command noise")
    add("--data", type=Path, default=Path("data"), metavar="DIR", help="folder of demonstrations")
    add("--debug", action="store_true", help="show the traceback of an error")
    given = parser.parse_args(arguments)
    return run_command_line(lambda: _run(given), given.debug)


def _run(given: argparse.Namespace) -> int:
    check_count("--episodes", given.episodes, MOST["demos"])
    overrides = {"task": choose_tasks(given.task), "demos": given.episodes, "noise": given.noise}
    config = make_config("default", overrides, tuple(TASKS))
    check_out(given.data, "--data")
    import_mujoco()
    from fmbench.cli.progress import Reporter
    from fmbench.cli.session import Session
    from fmbench.runs.preparation import demonstrate_all

    with Interrupts() as interrupts:
        session = Session(Reporter(), interrupts)
        print(*demonstrate_all(config, given.data, session), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
