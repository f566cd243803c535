"""The command `python -m fmbench.detector`: train a detector on labelled pictures, or import one.

Nothing heavy is imported before the command line has been checked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from fmbench.cli.command import run_command
from fmbench.cli.flags import add_config_flag, given_config
from fmbench.cli.folders import check_out
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.cli.parser import Parser, given_path
from fmbench.cli.whole_numbers import Whole, add_whole_numbers, whole_numbers
from fmbench.config import PIXELS
from fmbench.errors import FmbenchError
from fmbench.exit_code import ExitCode
from fmbench.storage.leftovers import recover_target

DESCRIPTION = "Train the YOLO12 detector of the encoders yolo12 and boxes, or import your own."
EPILOG = """\
Needs the extra yolo (ultralytics, AGPL-3.0). Nothing is downloaded. A detector learns from expert
episodes with seeds of demonstrations and is tested on episodes with validation seeds.

examples:
  python -m fmbench.detector --task LiftCube PickEither --out detector.safetensors
  python -m fmbench.detector --import best.pt --trust --out mine.safetensors
"""
SUFFIX = ".safetensors"
WHOLE = {
    "pictures": Whole(8, 1, 1000, "states of each episode, drawn by every camera"),
    "epochs": Whole(20, 1, 100_000, "passes over the pictures"),
    "seed": Whole(0, 0, 2**31 - 3, "seed of weights, augmentation and drawn states"),
}
EPISODES = 60
SHARED = ("noise", "cameras", "image_size", "renderer", "device")
"""Flags that a run has, too."""
OF_TRAINING = ("task", "episodes", *SHARED, *WHOLE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _run)


def _parser() -> Parser:
    parser = Parser("python -m fmbench.detector", DESCRIPTION, EPILOG)
    train, own = parser.add_argument_group("training"), parser.add_argument_group("importing")
    add_config_flag(train, "task", text="{choices} or all: one detector for all of them")
    add_config_flag(
        train,
        "episodes",
        text=f"expert episodes of each task to learn from (default: {EPISODES}); a fifth as many "
        "are held out",
    )
    add_whole_numbers(train, WHOLE)
    for name in SHARED:
        add_config_flag(train, name)
    own.add_argument(
        "--import",
        dest="source",
        type=given_path,
        metavar="FILE",
        help="a YOLO12 detector that ultralytics has saved (.pt), of any classes",
    )
    own.add_argument(
        "--trust",
        action="store_true",
        help="allow to read that file: it is a pickle, which can run any code",
    )
    parser.add_argument(
        "--out",
        type=given_path,
        required=True,
        metavar="FILE",
        help=f"the new file of weights, NAME{SUFFIX}",
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    given = [name for name in OF_TRAINING if getattr(options, name) is not None]
    if options.source is None and options.trust:
        raise FmbenchError("--trust is given without --import, the file to be trusted")
    if options.source is None and options.task is None:
        raise FmbenchError("--task is missing; give tasks to train on, or --import FILE")
    if options.source is not None and given:
        flag = f"--{given[0].replace('_', '-')}"
        raise FmbenchError(f"{flag} is given; --import trains nothing, leave one of them out")
    _check_out_file(options.out)
    return _train(options) if options.source is None else _import(options)


def _train(options: argparse.Namespace) -> int:
    values = whole_numbers(options, WHOLE)
    options.observation = PIXELS
    config = given_config(options)
    import_mujoco()
    from fmbench.cli.progress import Reporter
    from fmbench.detection.pictures import PictureSettings
    from fmbench.detection.training import TrainingSettings, train_detector

    pictures = PictureSettings(
        cameras=config.cameras or (),
        size=config.image_size,
        renderer=config.renderer,
        per_episode=values["pictures"],
        noise=config.noise,
        seed=values["seed"],
    )
    settings = TrainingSettings(
        tasks=config.task,
        episodes=options.episodes or EPISODES,
        epochs=values["epochs"],
        seed=values["seed"],
        device=config.device,
        pictures=pictures,
    )
    print(train_detector(settings, options.out, Reporter()))
    print(f"\nsaved in {options.out}")
    return ExitCode.DONE


def _import(options: argparse.Namespace) -> int:
    from fmbench.detection.importing import check_trusted, import_detector

    check_trusted(options.source, options.trust)
    print(import_detector(options.source, options.out))
    print(f"saved in {options.out}")
    return ExitCode.DONE


def _check_out_file(out: Path) -> None:
    """Check that a new file of weights can be written.

    Raises:
        FmbenchError: It is not named as one, exists, or cannot be written.
    """
    if out.suffix != SUFFIX or out.stem.startswith("."):
        raise FmbenchError(f"--out is {out}; give a file named NAME{SUFFIX}")
    if out.exists() or out.is_symlink():
        raise FmbenchError(f"--out is {out}, which exists; give another name, or remove it")
    check_out(out.parent)
    recover_target(out)


if __name__ == "__main__":
    sys.exit(main())
