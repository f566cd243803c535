"""The command `python -m fmbench.evaluate RUN --sampler NAME`: evaluate a run's policies again.

Nothing heavy is imported before the command line has been checked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fmbench.cli.command import run_command
from fmbench.cli.flags import add_accept_changes, add_config_flag, add_out, given_values
from fmbench.cli.folders import check_out
from fmbench.cli.parser import Parser
from fmbench.cli.resumable import run_resumable
from fmbench.cli.sampler_help import samplers_help, suffixes_help
from fmbench.config import check_value
from policies.catalogue import TOLERANCE

if TYPE_CHECKING:
    from fmbench.cli.session import Session

DESCRIPTION = "Evaluate the trained policies of a finished run with another sampler."
EPILOG = """\
Every policy of the run that takes the sampler is evaluated from its checkpoints, with all of its
training seeds, on the run's test episodes. Nothing is trained. Values of --nfe that the sampler
does not take are listed and skipped; at least one must be valid.

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
    return run_command(arguments, _parser, _run)


def _parser() -> Parser:
    parser = Parser(
        "python -m fmbench.evaluate",
        DESCRIPTION,
        EPILOG.format(samplers=samplers_help(), suffixes=suffixes_help()),
    )
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="folder of a finished run")
    add("--sampler", required=True, metavar="NAME", help="the sampler, listed below")
    add_config_flag(parser, "nfe")
    add("--grid", metavar="NAME", help="time grid of the fixed steps (default: uniform)")
    for flag, kind in (("--rtol", "relative"), ("--atol", "absolute")):
        text = f"{kind} tolerance of a step (default: {TOLERANCE:g})"
        add(flag, type=float, metavar="X", help=text)
    add_config_flag(parser, "episodes", text="test episodes (default: the run's)")
    add_config_flag(parser, "device", text="cpu, cuda or cuda:N (default: the run's)")
    text = "where the file of the run's encoder weights is now, if it had one"
    add_config_flag(parser, "encoder_weights", text=text)
    add_out(parser, "the new folder (default: next to RUN)")
    add_accept_changes(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    values = given_values(options)
    nfe = values.pop("nfe", None)
    check_value("nfe", nfe, least=0)
    check_value("episodes", values.get("episodes"))
    if options.out is not None:
        check_out(options.out)

    def work(session: Session) -> None:
        from fmbench.runs.rescoring import run_rescoring
        from fmbench.runs.sampler_choice import SamplerRequest

        request = SamplerRequest(options.sampler, nfe, options.grid, options.rtol, options.atol)
        run_rescoring(
            options.run,
            request,
            values,
            options.out,
            session,
            options.command,
            options.accept_changes,
        )

    return run_resumable("fmbench.runs.rescoring", work, "saved")


if __name__ == "__main__":
    sys.exit(main())
