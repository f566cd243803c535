"""The command `python -m fmbench.export`: take demonstrations, or a trained policy, elsewhere.

Nothing heavy is imported before the command line has been checked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fmbench.cli.command import run_command
from fmbench.cli.extras import check_extra
from fmbench.cli.flags import DEFAULT_DATA, add_config_flag, add_data, given_config
from fmbench.cli.folders import check_data, check_out
from fmbench.cli.imports import lasting_imports
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.cli.parser import Parser, given_path
from fmbench.cli.resumable import run_resumable
from fmbench.cli.task_names import choose_tasks
from fmbench.config import PIXELS, RunConfig
from fmbench.errors import FmbenchError, unknown
from fmbench.exit_code import ExitCode

if TYPE_CHECKING:
    from fmbench.cli.session import Session

DESCRIPTION = "Write demonstrations for LeRobot (v3.0), or a trained policy as a file."
EPILOG = """\
Demonstrations: lerobot needs the extra export (pyarrow, PyAV); LeRobot itself is not needed.
Demonstrations that are not in --data yet are made first. Minari data sets are what
python -m fmbench.demonstrations writes.

Policies: torch-export writes NAME.pt2, which needs torch alone; onnx, which needs the extra onnx,
writes NAME.onnx, which needs onnxruntime alone; hub writes a folder with weights and model card for
the Hugging Face Hub.

examples:
  python -m fmbench.export --format lerobot --task LiftCube --episodes 200 --out lift_cube
  python -m fmbench.export --format lerobot --task LiftCube --cameras main --out lift_cube_seen
  python -m fmbench.export --format minari --task LiftCube --episodes 200
  python -m fmbench.export --format onnx --policy runs/try --name flow --out flow.onnx
  python -m fmbench.export --format hub --policy runs/try/checkpoints/LiftCube-flow-seed0 --out hub

Ctrl-C keeps the files of a data set that are finished; the same command resumes.
"""
LEROBOT, MINARI = OF_DEMONSTRATIONS = ("lerobot", "minari")
TORCH, ONNX, HUB = OF_POLICIES = ("torch-export", "onnx", "hub")
FORMATS = (*OF_DEMONSTRATIONS, *OF_POLICIES)
PACKAGES = ("pyarrow", "av")
"""What the data set needs; the second only for its films."""
ONNX_PACKAGES = ("onnx", "onnxscript")
ENDS = {TORCH: ".pt2", ONNX: ".onnx"}
OF_PICTURES = ("image_size", "renderer")
DEMONSTRATION_FLAGS = ("demos", "noise", "cameras", *OF_PICTURES)
POLICY_FLAGS = ("checkpoint", "name", "train_seed", "sampler", "steps")
FLAG_OF = {"demos": "--episodes", "image_size": "--image-size", "checkpoint": "--policy"}
FLAG_OF |= {"train_seed": "--train-seed"}
"""Flags whose values have another name."""
EPISODES = 200
MOST_STEPS = 1000
"""Of a sampler, as in `--nfe`: a file holds each of them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _run)


def _parser() -> Parser:
    parser = Parser("python -m fmbench.export", DESCRIPTION, EPILOG)
    parser.add_argument("--format", metavar="NAME", help=", ".join(FORMATS))
    text = "one of {choices} (default: {default}, or the only one of the policy's run)"
    add_config_flag(parser, "task", text=text)
    parser.add_argument(
        "--out", type=given_path, metavar="PATH", help="new file, or folder, to write"
    )
    group = parser.add_argument_group(f"demonstrations ({', '.join(OF_DEMONSTRATIONS)})")
    add_config_flag(group, "demos", "--episodes", f"successful episodes (default: {EPISODES})")
    add_config_flag(group, "noise", text="scale of the command noise (default: {default})")
    text = "write the pictures of these: main, and those in the task's file (default: none)"
    add_config_flag(group, "cameras", text=text)
    for name in OF_PICTURES:
        add_config_flag(group, name)
    add_data(group)
    add = parser.add_argument_group(f"trained policies ({', '.join(OF_POLICIES)})").add_argument
    text = "folder of a finished run, or of a checkpoint in it: RUN/checkpoints/NAME"
    add("--policy", dest="checkpoint", type=given_path, metavar="PATH", help=text)
    add("--name", metavar="POLICY", help="the policy's name, if the run has several")
    text = "its training seed, if the run has several"
    add("--train-seed", type=int, metavar="K", help=text)
    text = "any of the policy's with a fixed number of steps (default: that of its first row)"
    add("--sampler", metavar="NAME", help=text)
    add("--steps", type=int, metavar="N", help="the sampler's steps (default: as in that row)")
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.format is None:
        raise FmbenchError(f"--format is missing; known: {', '.join(FORMATS)}")
    if options.format not in FORMATS:
        raise unknown("format", options.format, FORMATS)
    _check_flags(options)
    if options.format in OF_POLICIES:
        return _export_policy(options)
    config = _config(options)
    check_data(options.data)
    return _point(options, config) if options.format == MINARI else _export(options, config)


def _check_flags(options: argparse.Namespace) -> None:
    """Reject flags of the other kind of formats."""
    of_policy = options.format in OF_POLICIES
    others = DEMONSTRATION_FLAGS if of_policy else POLICY_FLAGS
    there = [name for name in others if getattr(options, name) is not None]
    given = [FLAG_OF.get(name, f"--{name}") for name in there]
    given += ["--data"] if of_policy and options.data is not DEFAULT_DATA else []
    if given:
        exports = "a trained policy" if of_policy else "demonstrations"
        formats = OF_DEMONSTRATIONS if of_policy else OF_POLICIES
        raise FmbenchError(
            f"{given[0]} is given; --format {options.format} exports {exports}, {given[0]} is for "
            f"{', '.join(formats)}"
        )


def _export_policy(options: argparse.Namespace) -> int:
    """Write a trained policy as a file with its card, or as a folder for the Hub."""
    out = _new_place(options)
    if options.checkpoint is None:
        raise FmbenchError(
            "--policy is missing; give the folder of a run, or of a checkpoint in it"
        )
    task = _task(options)
    steps = options.steps
    if steps is not None and not 0 <= steps <= MOST_STEPS:
        raise FmbenchError(f"--steps is {steps}; give a whole number from 0 to {MOST_STEPS}")
    for package in ONNX_PACKAGES if options.format == ONNX else ():
        check_extra(f"--format {ONNX}", package, "onnx")
    with lasting_imports():
        import_mujoco()
        from fmbench.cli.progress import Reporter
        from fmbench.runs.exporting_policy import export_file, export_hub
        from fmbench.runs.wanted_policy import WantedPolicy

    chosen = (options.name, options.train_seed, options.sampler, options.steps)
    wanted = WantedPolicy(options.checkpoint, task, *chosen)
    if options.format == HUB:
        export_hub(wanted, out)
        print(f"saved in {out}; upload it with: hf upload OWNER/NAME {out}")
    else:
        beside = export_file(wanted, options.format, out, Reporter())
        print(f"saved in {out}, its card in {beside}")
    return ExitCode.DONE


def _task(options: argparse.Namespace) -> str | None:
    """Return the task of a policy; None if it is not given."""
    if options.task is None:
        if options.hand is not None:
            raise FmbenchError(f"--hand is {options.hand}, but --task is missing; give the task")
        return None
    tasks = choose_tasks(options.task, options.hand)
    if len(tasks) > 1:
        raise FmbenchError(f"--task is {' '.join(tasks)}; give one task, a file has one policy")
    return tasks[0]


def _new_place(options: argparse.Namespace) -> Path:
    """Return where a policy is written; it must not be there."""
    out: Path | None = options.out
    end = ENDS.get(options.format)
    if out is None or (end and out.suffix != end):
        what = f"a new file that ends in {end}" if end else "a new folder"
        raise FmbenchError(f"--out is {'missing' if out is None else out}; give {what}")
    check_out(out.parent)
    places = [out, out.with_name(f"{out.name}.md")] if end else [out]
    for place in places:
        if place.exists() and (end or not place.is_dir() or any(place.iterdir())):
            raise FmbenchError(f"{place} exists; give another --out, or remove it")
    return out


def _config(options: argparse.Namespace) -> RunConfig:
    """Return the demonstrations and pictures that are asked for, as a configuration."""
    options.demos = EPISODES if options.demos is None else options.demos
    if options.cameras is None:
        for name in OF_PICTURES:
            if getattr(options, name) is not None:
                flag = f"--{name.replace('_', '-')}"
                raise FmbenchError(f"{flag} is given without --cameras; name the cameras")
    else:
        options.observation = PIXELS
    config = given_config(options, demos="--episodes")
    if len(config.task) > 1:
        raise FmbenchError(
            f"--task is {' '.join(config.task)}; give one task, a data set has the demonstrations "
            "of one"
        )
    if config.image_size % 2 and options.cameras is not None:
        raise FmbenchError(
            f"--image-size is {config.image_size}; give an even number, H.264 halves the colours' "
            "rows and columns"
        )
    return config


def _point(options: argparse.Namespace, config: RunConfig) -> int:
    """Say where the Minari data set is that has been written with the demonstrations."""
    for name in ("out", "cameras"):
        if getattr(options, name) is not None:
            raise FmbenchError(f"--{name} is given; --format {MINARI} writes nothing")
    import_mujoco()
    from fmbench.runs.exporting import minari_folder

    folder = minari_folder(config, options.data)
    print(f"{folder} is a Minari data set already; nothing was written")
    return ExitCode.DONE


def _export(options: argparse.Namespace, config: RunConfig) -> int:
    if options.out is None:
        raise FmbenchError("--out is missing; give a new folder for the data set")
    check_out(options.out)
    for package in PACKAGES if config.observation == PIXELS else PACKAGES[:1]:
        check_extra(f"--format {LEROBOT}", package, "export")

    def work(session: Session) -> None:
        from fmbench.runs.exporting import export_lerobot

        export_lerobot(config, options.data, options.out, session)
        print(options.out)

    return run_resumable("fmbench.runs.exporting", work, f"saved beside {options.out}")


if __name__ == "__main__":
    sys.exit(main())
