"""`python -m fmbench.evaluate RUN --sampler NAME --nfe N`: score a run's policies once more.

Nothing heavy is imported before the command line is known to be right.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from fmbench.cli.exit_codes import run_command_line
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.cli.parser import Parser
from fmbench.cli.sampler_help import samplers_help, suffixes_help
from fmbench.config import MOST, check_count, check_out
from fmbench.errors import FmbenchError
from policies.catalogue import TOLERANCE

EPILOG = """\
Every policy of the run that takes the sampler is scored from its checkpoints, with all of its
training seeds, on the run's own test episodes. Nothing is trained. Numbers of --nfe that the
sampler cannot take are skipped and named; at least one must be possible.

samplers and the network evaluations they take:
{samplers}

{suffixes}

examples:
  python -m fmbench.evaluate runs/try --sampler heun --nfe 1 2 4 8 16 --grid late
  python -m fmbench.evaluate runs/try --sampler rk45 --rtol 1e-4 --atol 1e-4

Ctrl-C saves; the same command resumes.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    parser = Parser(
        "python -m fmbench.evaluate",
        "Score the trained policies of a finished run with another sampler.",
        EPILOG.format(samplers=samplers_help(), suffixes=suffixes_help()),
    )
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="folder of a finished run")
    add("--sampler", required=True, metavar="NAME", help="the sampler; see below")
    add("--nfe", type=int, nargs="+", metavar="N", help="network evaluations to compare at")
    add("--grid", metavar="NAME", help="where fixed steps lie in time (default: uniform)")
    for flag, kind in (("--rtol", "relative"), ("--atol", "absolute")):
        text = f"{kind} tolerance of a step (default: {TOLERANCE:g})"
        add(flag, type=float, metavar="X", help=text)
    add("--episodes", type=int, metavar="N", help="test episodes (default: the run's)")
    add("--device", metavar="NAME", help="cpu, cuda or cuda:N (default: the run's)")
    add("--out", type=Path, metavar="DIR", help="the new folder (default: beside RUN)")
    add("--debug", action="store_true", help="show the traceback of an error")
    given = parser.parse_args(words)
    command = shlex.join(["python", "-m", "fmbench.evaluate", *words])
    return run_command_line(lambda: _run(given, command), given.debug)


def _run(given: argparse.Namespace, command: str) -> int:
    for count in given.nfe or ():
        check_count("--nfe", count, MOST["nfe"], least=0)
    if given.nfe and len(set(given.nfe)) < len(given.nfe):
        raise FmbenchError(f"--nfe names a number twice: {' '.join(map(str, given.nfe))}")
    if given.episodes is not None:
        check_count("--episodes", given.episodes, MOST["episodes"])
    if given.out is not None:
        check_out(given.out)
    with Interrupts() as interrupts:
        try:
            return _work(given, command, interrupts)
        except KeyboardInterrupt:
            print(
                "interrupted; everything done is saved; the same command resumes", file=sys.stderr
            )
            return 130


def _work(given: argparse.Namespace, command: str, interrupts: Interrupts) -> int:
    import_mujoco()
    from fmbench.cli.progress import Reporter
    from fmbench.cli.session import Session
    from fmbench.cli.torch_settings import configure_torch
    from fmbench.report.results import read_results
    from fmbench.report.terminal import print_summary
    from fmbench.runs.rescoring import Rescoring
    from fmbench.runs.sampler_choice import choose_sampler
    from fmbench.runs.saved_run import open_saved_run

    run = open_saved_run(given.run)
    nfe = tuple(given.nfe) if given.nfe else None
    choice = choose_sampler(
        given.sampler, run.config.policy, str(run.folder), nfe, given.grid, given.rtol, given.atol
    )
    wanted = {name: getattr(given, name) for name in ("episodes", "device")}
    changes = {name: value for name, value in wanted.items() if value is not None}
    configure_torch(str(changes.get("device", run.config.device)))
    out = given.out or default_out(given.run, choice.sampler, choice.nfe, changes)
    check_out(out)
    session = Session(Reporter(), interrupts)
    rescoring = Rescoring(run, choice, changes, out, session, command)
    rescoring.run()
    print_summary(read_results(out))
    print(f"Rows, tables and figures: {out}{os.sep}")
    return 0


def default_out(run: Path, sampler: str, nfe: Sequence[int], changes: dict[str, object]) -> Path:
    """Return the folder beside RUN of a re-scoring that named none: same command, same folder."""
    plain = run if run.name and ".." not in run.parts else run.resolve()
    words = [plain.name, sampler, *map(str, sorted(nfe))]
    words += [f"{name}{value}" for name, value in sorted(changes.items())]
    return plain.with_name("-".join(words).replace(os.sep, "_").replace(":", "-"))


if __name__ == "__main__":
    sys.exit(main())
