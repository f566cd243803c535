"""The command `python -m fmbench.evaluate`: a finished run's policies again, or LeRobot's.

Nothing heavy is imported before the command line has been checked.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from envs.registry import TASKS
from fmbench.cli.command import run_command
from fmbench.cli.disturbances import axes_help
from fmbench.cli.flags import (
    add_accept_changes,
    add_config_flag,
    add_no_latency,
    add_out,
    given_values,
)
from fmbench.cli.folders import check_out
from fmbench.cli.parser import Parser, given_path
from fmbench.cli.resumable import run_resumable
from fmbench.cli.sampler_help import samplers_help, suffixes_help
from fmbench.config import FLAGS, RunConfig, check_value, make_config, read_disturbances
from fmbench.config.flag import ACTING
from fmbench.errors import FmbenchError, shown
from policies.catalogue import TOLERANCE

if TYPE_CHECKING:
    from fmbench.cli.session import Session

DESCRIPTION = (
    "Evaluate a run again (sampler, delay, disturbances, test seeds), or a policy of LeRobot."
)
OF_ACTING = tuple(
    name for name, flag in FLAGS.items() if flag.group == ACTING and name != "perturb"
)
SECOND_BLOCK = 2
OF_LEROBOT = ("task", "hand", "dataset", "name", "no_latency")
"""Flags of `--lerobot` alone."""
OUTSIDE_NAME = re.compile(r"lerobot(-[a-z0-9]+){1,8}")
OF_RUN = (
    *("sampler", "nfe", "grid", "rtol", "atol", "perturb", "test_block", "encoder_weights"),
    *OF_ACTING,
)
"""Flags of `RUN` alone."""
EPILOG = """\
With --sampler, every policy of the run that takes it is evaluated from its checkpoints, with all of
its training seeds, on the run's test episodes. Nothing is trained. Values of --nfe that the sampler
does not take are listed and skipped; at least one must be valid.

With --delay and --execution, decisions take time, or chunks follow one another otherwise; without
--sampler these are the run's own samplers, and its rows without delay are copied.

With --test-block 2, all cells of the run but disturbed ones are evaluated from the same checkpoints
on as many test episodes that no run has met, and the difference is printed and written to
test_blocks.csv and .md.
Do this once, for a release or a paper: policies that are changed after it have seen both blocks.

With --perturb, the headline of every policy and the expert are evaluated with each disturbance and,
on the same episodes, without; disturbances.csv and .md have the paired differences.

With --lerobot instead of RUN, checkpoints of LeRobot act on the same test episodes, in a folder of
their own; several are the training seeds of one policy. docs/lerobot.md has more.

axes of --perturb, suggested levels, and what a level is:
{axes}

samplers and the network evaluations they take:
{samplers}

{suffixes}

examples:
  python -m fmbench.evaluate runs/try --sampler heun --nfe 1 2 4 8 16 --grid late
  python -m fmbench.evaluate runs/try --sampler rk45 --rtol 1e-4 --atol 1e-4
  python -m fmbench.evaluate runs/try --delay 0 2 4 measured --execution hold ensemble
  python -m fmbench.evaluate runs/try --perturb mass=2 friction=0.5 obs-noise=0.03
  python -m fmbench.evaluate runs/try --test-block 2
  python -m fmbench.evaluate --lerobot outputs/act/checkpoints/last/pretrained_model --task LiftCube

Ctrl-C saves; the same command resumes.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _run)


def _parser() -> Parser:
    parser = Parser(
        "python -m fmbench.evaluate",
        DESCRIPTION,
        EPILOG.format(axes=axes_help(), samplers=samplers_help(), suffixes=suffixes_help()),
    )
    add = parser.add_argument
    add("run", type=given_path, metavar="RUN", nargs="?", help="folder of a finished run")
    add("--sampler", metavar="NAME", help="the sampler, listed below")
    add_config_flag(parser, "nfe")
    add("--grid", metavar="NAME", help="time grid of the fixed steps (default: uniform)")
    for flag, kind in (("--rtol", "relative"), ("--atol", "absolute")):
        text = f"{kind} tolerance of a step (default: {TOLERANCE:g})"
        add(flag, type=float, metavar="X", help=text)
    add_config_flag(parser, "episodes", text="test episodes (default: the run's)")
    for name in OF_ACTING:
        add_config_flag(parser, name)
    text = "disturb the episodes, e.g. mass=2; axes are listed below"
    add_config_flag(parser, "perturb", text=text)
    add_config_flag(parser, "test_block")
    add_config_flag(parser, "device", text="cpu, cuda or cuda:N (default: the run's)")
    text = "where the file of the run's encoder weights is now, if it had one"
    add_config_flag(parser, "encoder_weights", text=text)
    of_lerobot = parser.add_argument_group("policies of LeRobot")
    text = "checkpoints of LeRobot (pretrained_model), one per training seed"
    of_lerobot.add_argument("--lerobot", type=given_path, nargs="+", metavar="DIR", help=text)
    add_config_flag(of_lerobot, "task", text="the task on which they act")
    text = "the data set on which they were trained (default: the one that they name)"
    of_lerobot.add_argument("--dataset", type=given_path, metavar="DIR", help=text)
    text = "its name in tables, lerobot-... (default: lerobot- and the type of the policy)"
    of_lerobot.add_argument("--name", metavar="NAME", help=text)
    add_no_latency(of_lerobot)
    add_out(parser, "the new folder (default: next to RUN)")
    add_accept_changes(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    values = given_values(options)
    nfe, _ = values.pop("nfe", None), values.pop("perturb", None)
    check_value("nfe", nfe, least=0)
    check_value("episodes", values.get("episodes"))
    for name in OF_ACTING:
        check_value(name, values.get(name))
    if options.out is not None:
        check_out(options.out)
    if options.lerobot is not None:
        return _run_lerobot(options, values)
    if options.run is None:
        raise FmbenchError("give RUN, the folder of a finished run, or --lerobot DIR; see --help")
    if lost := [name for name in OF_LEROBOT if getattr(options, name) not in (None, False)]:
        flag = lost[0].replace("_", "-")
        raise FmbenchError(f"--{flag} belongs to --lerobot; RUN has its own, leave it out")
    block = values.pop("test_block", None)
    if block is not None:
        return _run_second_block(options, values, block)
    if options.perturb is not None:
        return _run_disturbed(options, values)
    acts = any(name in values for name in OF_ACTING)
    if options.sampler is None and not acts:
        raise FmbenchError(
            "--sampler must be given, or --delay, --execution, --perturb or --test-block 2; see "
            "--help"
        )
    flags = ("nfe", "grid", "rtol", "atol")
    if options.sampler is None and (lost := [f for f in flags if getattr(options, f) is not None]):
        raise FmbenchError(f"--{lost[0]} belongs to --sampler; give both, or leave it out")

    def work(session: Session) -> None:
        from fmbench.runs.sampler_choice import SamplerRequest
        from fmbench.runs.scored_again import run_rescoring

        request = None
        if options.sampler is not None:
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

    return run_resumable("fmbench.runs.scored_again", work, "saved")


def _run_second_block(options: argparse.Namespace, values: Mapping[str, Any], block: int) -> int:
    if block != SECOND_BLOCK:
        raise FmbenchError(
            f"--test-block is {block}; give {SECOND_BLOCK}, the only block besides the run's own"
        )
    flags = ("sampler", "nfe", "grid", "rtol", "atol", "episodes", "perturb", *OF_ACTING)
    if extra := [flag for flag in flags if getattr(options, flag) is not None]:
        raise FmbenchError(
            f"--test-block is {block}, which evaluates the run as it is; leave out "
            f"{', '.join('--' + flag.replace('_', '-') for flag in extra)}"
        )

    def work(session: Session) -> None:
        from fmbench.runs.second_block import run_second_block

        run_second_block(
            options.run, values, options.out, session, options.command, options.accept_changes
        )

    return run_resumable("fmbench.runs.second_block", work, "saved")


def _run_lerobot(options: argparse.Namespace, values: Mapping[str, Any]) -> int:
    if options.run is not None:
        raise FmbenchError(
            f"RUN is {options.run} and --lerobot is given, too; give one of them: the page of "
            "python -m fmbench.report shows both"
        )
    if extra := [name for name in OF_RUN if getattr(options, name) is not None]:
        raise FmbenchError(
            "--lerobot evaluates policies as LeRobot executes them; leave out "
            f"{', '.join('--' + name.replace('_', '-') for name in extra)}"
        )
    tasks = values.get("task", ())
    if len(tasks) != 1:
        given = f"--task is {' '.join(tasks)}" if tasks else "--lerobot needs --task"
        raise FmbenchError(f"{given}; give the one task on which the policy was trained")
    if options.name is not None and not OUTSIDE_NAME.fullmatch(options.name):
        raise FmbenchError(
            f"--name is {shown(options.name)}; give lerobot- and small letters, digits and single -"
        )
    config = make_config(RunConfig.preset, {"task": tasks}, tuple(TASKS))
    episodes, device = values.get("episodes", RunConfig.episodes), values.get("device", "cpu")

    def work(session: Session) -> None:
        from fmbench.runs.of_lerobot import run_lerobot

        run_lerobot(
            *(options.lerobot, config.task[0], options.dataset, episodes, device, options.out),
            *(session, options.command, options.accept_changes, options.name),
            times_decisions=not options.no_latency,
        )

    return run_resumable("fmbench.runs.of_lerobot", work, "saved")


def _run_disturbed(options: argparse.Namespace, values: Mapping[str, Any]) -> int:
    settings = read_disturbances(options.perturb)
    flags = ("sampler", "nfe", "grid", "rtol", "atol", *OF_ACTING)
    if extra := [flag for flag in flags if getattr(options, flag) is not None]:
        raise FmbenchError(
            "--perturb evaluates every policy with its main sampler, without delay; leave out "
            f"{', '.join('--' + flag.replace('_', '-') for flag in extra)}"
        )

    def work(session: Session) -> None:
        from fmbench.runs.disturbed import run_disturbed

        run_disturbed(
            options.run,
            settings,
            values,
            options.out,
            session,
            options.command,
            options.accept_changes,
        )

    return run_resumable("fmbench.runs.disturbed", work, "saved")


if __name__ == "__main__":
    sys.exit(main())
