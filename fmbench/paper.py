"""The command `python -m fmbench.paper`: do a grid of runs and draw the paper's tables and figures.

Nothing heavy is imported before the command line has been checked.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from envs.registry import TASKS
from fmbench.cli.command import run_command
from fmbench.cli.flags import add_accept_changes, add_data, add_out
from fmbench.cli.folders import check_data, check_out
from fmbench.cli.parser import Parser, given_path
from fmbench.cli.resumable import run_resumable
from fmbench.cli.task_names import choose_tasks
from fmbench.errors import FmbenchError, unknown
from fmbench.runs.grid.grid_file import read_grid
from fmbench.runs.grid.planned import Grid

if TYPE_CHECKING:
    from fmbench.cli.session import Session

DESCRIPTION = "Do a grid of runs from one file, in several processes, and draw the paper from it."
EPILOG = """\
A grid is a TOML file; those of fmbench are {grids}. Every training is done once, whatever the
sections that show it. A failed job is tried once more; the others go on (exit code 3).

examples:
  python -m fmbench.paper --grid laptop
  python -m fmbench.paper --grid paper --devices cuda:0-3 --dry-run
  python -m fmbench.paper --grid paper --shard 2/5 --out runs/shard2
  python -m fmbench.paper --check 10 --out results/paper
  python -m fmbench.paper --grid paper --merge runs/shard1 runs/shard2 --out results/paper

Ctrl-C stops at a safe point of every process; the same command resumes.
"""
ENGINES = ("processes", "ray")
GRIDS = Path(__file__).parent / "grids"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _run)


def grid_names() -> list[str]:
    """Return the names of the grids that fmbench has."""
    return sorted(path.stem for path in GRIDS.glob("*.toml"))


def _parser() -> Parser:
    names = ", ".join(grid_names())
    parser = Parser("python -m fmbench.paper", DESCRIPTION, EPILOG.format(grids=names))
    what, how = parser.add_argument_group("what"), parser.add_argument_group("how")
    what.add_argument(
        *("--grid", "--preset"),
        default="paper",
        metavar="NAME",
        help=f"{names} or a file (default: paper)",
    )
    what.add_argument(
        "--only", nargs="+", default=[], metavar="SECTION", help="these sections only"
    )
    what.add_argument("--shard", metavar="I/N", help="do the I-th of N parts, e.g. 2/5")
    what.add_argument(
        "--merge",
        nargs="+",
        type=given_path,
        default=[],
        metavar="DIR",
        help="first take the finished jobs of these folders of the same grid",
    )
    what.add_argument(
        "--dry-run", action="store_true", help="list the jobs and how long they take; do nothing"
    )
    what.add_argument(
        "--test-block",
        type=int,
        metavar="2",
        help="evaluate the finished runs on the second block of test seeds, once, for a release",
    )
    what.add_argument(
        "--check",
        type=int,
        metavar="N",
        help="do N random cells again, from the demonstrations on, and compare their rows",
    )
    what.add_argument("--seed", type=int, metavar="N", help="which cells --check takes")
    how.add_argument(
        "--devices",
        default="cpu",
        metavar="NAME",
        help="cpu (default), cuda, cuda:N or cuda:FIRST-LAST",
    )
    how.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help="jobs at a time (default: one per processor core, on a GPU at most eight)",
    )
    how.add_argument(
        "--engine",
        default="processes",
        metavar="NAME",
        help="processes (default), or ray: tasks of a Ray cluster (extra dist)",
    )
    how.add_argument(
        "--address",
        metavar="ADDRESS",
        help="the Ray cluster, e.g. auto or HOST:PORT (default: one of this machine alone)",
    )
    how.add_argument(
        "--rows-only", action="store_true", help="remove the checkpoints of finished jobs"
    )
    add_out(how, "folder of the grid (default: runs/NAME)")
    add_data(how)
    add_accept_changes(how)
    return parser


def _run(options: argparse.Namespace) -> int:
    path = _grid_file(options.grid)
    device = "cpu" if options.devices == "cpu" else "cuda"
    grid = read_grid(path, choose_tasks, tuple(TASKS), device, options.only)
    _check_sections(grid, options.only)
    only = _done_here(grid, options)
    shard = _shard(options.shard)
    if options.processes is not None and not 1 <= options.processes <= 256:
        raise FmbenchError(f"--processes is {options.processes}; give a whole number from 1 to 256")
    address = _address(options)
    if options.test_block is not None and address is not None:
        raise FmbenchError("--test-block needs --engine processes: checkpoints are here")
    if options.test_block not in (None, 2):
        raise FmbenchError(f"--test-block is {options.test_block}; give 2, the block for a release")
    out = options.out or Path("runs") / path.stem
    check_out(out)
    check_data(options.data)
    if options.check is not None:
        return _check(options, out, device)

    def work(session: Session) -> None:
        from fmbench.runs.grid.options import GridOptions
        from fmbench.runs.grid.second_blocks import evaluate_second_blocks
        from fmbench.runs.grid.slots import slots_of
        from fmbench.runs.grid.work import GridWork

        plugins = [word for file in options.plugin or [] for word in ("--plugin", file)]
        settings = GridOptions(
            command=options.command,
            only=only,
            shard=shard,
            merge=tuple(options.merge),
            slots=slots_of(options.devices, options.processes, bool(options.merge)),
            plugins=tuple(plugins),
            accept_changes=options.accept_changes,
            keeps_rows_only=options.rows_only,
            address=address,
        )
        job = GridWork(grid, out, options.data, session, settings)
        if options.dry_run:
            job.show()
        elif options.test_block is not None:
            evaluate_second_blocks(job)
        else:
            job.run()

    return run_resumable("fmbench.runs.grid.work", work, f"saved in {out}")


def _check(options: argparse.Namespace, out: Path, device: str) -> int:
    if not 1 <= options.check <= 10_000:
        raise FmbenchError(f"--check is {options.check}; give a whole number from 1 to 10000")

    seed = time.time_ns() % 10**6 if options.seed is None else options.seed

    def work(session: Session) -> None:
        from fmbench.runs.grid.check import check_cells
        from fmbench.runs.grid.slots import slots_of

        slots_of(options.devices, 1)
        check_cells(out, options.check, seed, options.data, device, session)

    return run_resumable("fmbench.runs.grid.check", work, f"not kept; give --seed {seed}")


def _grid_file(name: str) -> Path:
    """Return the file of a grid, given its name or path."""
    if name in grid_names():
        return GRIDS / f"{name}.toml"
    if name.endswith(".toml") or "/" in name:
        return Path(name)
    raise FmbenchError(f"{unknown('grid', name, grid_names())}, or give a file NAME.toml")


def _check_sections(grid: Grid, names: Sequence[str]) -> None:
    known = [section.name for section in grid.sections]
    for name in names:
        if name not in known:
            raise unknown("section", name, known)


def _done_here(grid: Grid, options: argparse.Namespace) -> tuple[str, ...]:
    """Return the names of the sections to do, none for all; say which are left out."""
    left_out = {section.name: section.left_out for section in grid.sections if section.left_out}
    if options.only or not left_out:
        return tuple(options.only)
    done = tuple(section.name for section in grid.sections if section.name not in left_out)
    name, why = next(iter(left_out.items()))
    if not done:
        raise FmbenchError(f"every section would be left out; {name}: {why}")
    whole = {"--shard": options.shard, "--merge": options.merge, "--check": options.check}
    if flags := [flag for flag, value in whole.items() if value]:
        raise FmbenchError(
            f"{flags[0]} is given, but section {name} would be left out: {why}; install it, or "
            f"name the others, alike on every machine: --only {' '.join(done)}"
        )
    for name, why in left_out.items():
        print(f"Section {name} is left out: {why}", file=sys.stderr)
    return done


def _address(options: argparse.Namespace) -> str | None:
    """Return the address of a Ray cluster; None where processes do the jobs."""
    if options.engine not in ENGINES:
        raise unknown("engine", options.engine, ENGINES)
    if options.engine == "ray":
        return str(options.address or "local")
    if options.address is not None:
        raise FmbenchError(f"--address is {options.address}, which needs --engine ray")
    return None


def _shard(text: str | None) -> tuple[int, int] | None:
    """Return which part of how many."""
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise FmbenchError(f"--shard is {text}; give I/N with I from 1 to N, e.g. 2/5")
    return int(match[1]), int(match[2])


if __name__ == "__main__":
    sys.exit(main())
