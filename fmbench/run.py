"""`python -m fmbench.run`: demonstrate, train, evaluate, and show the table.

Nothing heavy is imported before the command line is known to be right.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from envs.registry import TASKS
from fmbench.cli.exit_codes import run_command_line
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.cli.parser import Parser
from fmbench.cli.task_names import choose_tasks, runnable_suite
from fmbench.config import (
    CHOICES,
    PRESETS,
    RunConfig,
    check_out,
    make_config,
)
from policies.catalogue import BACKBONES, POLICIES

EPILOG = """\
presets, each value of which an option above overrides:
{presets}

examples:
  python -m fmbench.run --policy flow
  python -m fmbench.run --policy flow diffusion bc --task all
  python -m fmbench.run --policy flow bc --task PressEither --seeds 3 --nfe 1 2 4
  python -m fmbench.run --policy flow --preset smoke --out runs/try
  python -m fmbench.run --policy reflow --from runs/try --preset smoke

Ctrl-C saves; the same command resumes. Tables and figures are redrawn from the rows by
python -m fmbench.figures RUN_DIR.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    given = _parser().parse_args(words)
    command = shlex.join(["python", "-m", "fmbench.run", *words])
    return run_command_line(lambda: _run(given, command), given.debug)


def _parser() -> Parser:
    parser = Parser(
        "python -m fmbench.run",
        "Train chunk policies on scripted demonstrations and compare them under one harness.",
        EPILOG.format(presets=_preset_table()),
        usage="python -m fmbench.run [--policy NAME ...] [--task NAME ...] [options]",
    )
    add = parser.add_argument
    what = parser.add_argument_group("what to compare")
    what.add_argument(
        "--policy", nargs="+", metavar="NAME", help=f"{', '.join(POLICIES)} (default: flow)"
    )
    what.add_argument(
        "--task", nargs="+", metavar="NAME", help=f"{', '.join(TASKS)} or all (default: LiftCube)"
    )
    what.add_argument(
        "--preset",
        default="default",
        metavar="NAME",
        help="smoke (seconds, no meaningful numbers), default (two cores) or paper (a GPU: add "
        "--device cuda); default: default",
    )
    what.add_argument("--seeds", type=int, metavar="N", help="training seeds per policy")
    what.add_argument("--episodes", type=int, metavar="N", help="test episodes per trained policy")
    what.add_argument(
        "--nfe", type=int, nargs="+", metavar="N", help="network evaluations to compare at"
    )
    _add_training(parser)
    where = parser.add_argument_group("where")
    where.add_argument("--device", metavar="NAME", help="cpu (default), cuda or cuda:N")
    where.add_argument(
        "--out", type=Path, metavar="DIR", help="the run's folder (default: in runs/)"
    )
    where.add_argument(
        "--data", type=Path, default=Path("data"), metavar="DIR", help="folder of demonstrations"
    )
    where.add_argument(
        "--no-latency",
        action="store_true",
        help="do not time decisions: for a machine that is busy with other work",
    )
    add("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _add_training(parser: Parser) -> None:
    """Add what decides a training."""
    how = parser.add_argument_group("how to train, alike for every policy")
    how.add_argument("--demos", type=int, metavar="N", help="demonstrations per task")
    how.add_argument("--noise", type=float, metavar="X", help="scale of their command noise")
    how.add_argument("--updates", type=int, metavar="N", help="gradient steps")
    how.add_argument("--batch-size", type=int, metavar="N", help="windows per update")
    how.add_argument("--learning-rate", type=float, metavar="X", help="peak learning rate")
    how.add_argument("--backbone", metavar="NAME", help=f"the network: {', '.join(BACKBONES)}")
    how.add_argument(
        "--size", metavar="NAME", help=f"how large it is: {', '.join(CHOICES['size'])}"
    )
    how.add_argument("--width", type=int, metavar="N", help="its width, if not the size's")
    how.add_argument("--depth", type=int, metavar="N", help="its blocks, if not the size's")
    how.add_argument(
        "--conditioning",
        metavar="NAME",
        help="how observations reach it: film or concat (default: concat for mlp, else film)",
    )
    how.add_argument(
        "--prediction", metavar="NAME", help="sample, velocity, epsilon or v_prediction"
    )
    how.add_argument(
        "--time-sampling",
        metavar="NAME",
        help=f"times a flow is trained at: {', '.join(CHOICES['time_sampling'])}",
    )
    how.add_argument(
        "--pairing",
        metavar="NAME",
        help=f"noise a flow is paired with: {', '.join(CHOICES['pairing'])}",
    )
    how.add_argument(
        "--schedule",
        metavar="NAME",
        help=f"noise of diffusion: {', '.join(CHOICES['schedule'])}",
    )
    how.add_argument(
        "--precision", metavar="NAME", help=f"of the layers: {', '.join(CHOICES['precision'])}"
    )
    how.add_argument(
        "--from",
        dest="from_run",
        metavar="RUN",
        help="the run whose flows reflow learns from (default: this run's own)",
    )
    how.add_argument("--obs-horizon", type=int, metavar="N", help="observations a policy sees")
    how.add_argument("--pred-horizon", type=int, metavar="N", help="actions it predicts")
    how.add_argument("--exec-horizon", type=int, metavar="N", help="actions executed of them")


_NOT_PRESET = ("task", "policy", "preset", "from_run")


def _say(value: object) -> str:
    return "-" if value is None else str(value)


def _preset_table() -> str:
    """Return the values of every preset as aligned text."""
    names = [name for name in RunConfig.__dataclass_fields__ if name not in _NOT_PRESET]
    presets = {
        preset: RunConfig(**{**values, "preset": preset}) for preset, values in PRESETS.items()
    }
    lines = [f"  {'':<16}" + "".join(f"{preset:>16}" for preset in presets)]
    for name in names:
        values = [getattr(config, name) for config in presets.values()]
        texts = [" ".join(map(str, v)) if isinstance(v, tuple) else _say(v) for v in values]
        flag = f"--{name.replace('_', '-')}"
        lines.append(f"  {flag:<16}" + "".join(f"{text:>16}" for text in texts))
    return "\n".join(lines)


def _run(given: argparse.Namespace, command: str) -> int:
    names = [name for name in RunConfig.__dataclass_fields__ if name != "preset"]
    overrides = {name: getattr(given, name) for name in names}
    for name in ("task", "policy", "nfe"):
        overrides[name] = tuple(overrides[name]) if overrides[name] else None
    if overrides["task"] is not None:
        overrides["task"] = choose_tasks(overrides["task"])
    config = make_config(given.preset, overrides, tuple(TASKS))
    out = given.out or default_out(config)
    check_out(out)
    check_out(given.data, "--data")
    with Interrupts() as interrupts:
        try:
            return _work(config, out, given, command, interrupts)
        except KeyboardInterrupt:
            print(
                f"interrupted; everything done is in {out}; the same command resumes",
                file=sys.stderr,
            )
            return 130


def _work(
    config: RunConfig,
    out: Path,
    given: argparse.Namespace,
    command: str,
    interrupts: Interrupts,
) -> int:
    import_mujoco()
    from fmbench.cli.progress import Reporter
    from fmbench.cli.session import Session
    from fmbench.cli.torch_settings import configure_torch
    from fmbench.report.results import read_results
    from fmbench.report.terminal import print_summary
    from fmbench.runs.experiment import Experiment

    configure_torch(config.device)
    experiment = Experiment(
        config, out, given.data, Session(Reporter(), interrupts), command, not given.no_latency
    )
    experiment.run()
    print_summary(read_results(out))
    print(f"Rows, tables and figures: {out}{os.sep}")
    return 0


def default_out(config: RunConfig) -> Path:
    """Return the folder of a run that named none: the same configuration, the same folder."""
    tasks = "all" if config.task == runnable_suite() else "-".join(config.task)
    return Path("runs") / f"{tasks}-{'-'.join(config.policy)}-{config.preset}-{config.hash}"


if __name__ == "__main__":
    sys.exit(main())
