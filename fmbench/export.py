"""The command `python -m fmbench.export`: write demonstrations in the format of another library.

Nothing heavy is imported before the command line has been checked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fmbench.cli.command import run_command
from fmbench.cli.extras import check_extra
from fmbench.cli.flags import add_config_flag, add_data, add_out, given_config
from fmbench.cli.folders import check_data, check_out
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.cli.parser import Parser
from fmbench.cli.resumable import run_resumable
from fmbench.config import PIXELS, RunConfig
from fmbench.errors import FmbenchError, unknown
from fmbench.exit_code import ExitCode

if TYPE_CHECKING:
    from fmbench.cli.session import Session

DESCRIPTION = "Write demonstrations as a data set of LeRobot (v3.0)."
EPILOG = """\
Needs the extra export (pyarrow, PyAV); LeRobot itself is not needed. Demonstrations that are not in
--data yet are made first. Minari data sets are what python -m fmbench.demonstrations writes.

examples:
  python -m fmbench.export --format lerobot --task LiftCube --episodes 200 --out lift_cube
  python -m fmbench.export --format lerobot --task LiftCube --cameras main --out lift_cube_seen
  python -m fmbench.export --format minari --task LiftCube --episodes 200

Ctrl-C keeps the files that are finished; the same command resumes.
"""
LEROBOT, MINARI = FORMATS = ("lerobot", "minari")
PACKAGES = ("pyarrow", "av")
"""What the data set needs; the second only for its films."""
OF_PICTURES = ("image_size", "renderer")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _run)


def _parser() -> Parser:
    parser = Parser("python -m fmbench.export", DESCRIPTION, EPILOG)
    parser.add_argument("--format", metavar="NAME", help=", ".join(FORMATS))
    add_config_flag(parser, "task", text="one of {choices} (default: {default})")
    add_config_flag(
        parser, "demos", "--episodes", "successful episodes (default: 200)", default=200
    )
    add_config_flag(parser, "noise", text="scale of the command noise (default: {default})")
    text = "write the pictures of these: main, and those in the task's file (default: none)"
    add_config_flag(parser, "cameras", text=text)
    for name in OF_PICTURES:
        add_config_flag(parser, name)
    add_data(parser)
    add_out(parser, "new folder of the data set")
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.format is None:
        raise FmbenchError(f"--format is empty; known: {', '.join(FORMATS)}")
    if options.format not in FORMATS:
        raise unknown("format", options.format, FORMATS)
    config = _config(options)
    check_data(options.data)
    return _point(options, config) if options.format == MINARI else _export(options, config)


def _config(options: argparse.Namespace) -> RunConfig:
    """Return the demonstrations and pictures that are asked for, as a configuration."""
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
        raise FmbenchError("--out is empty; give a new folder for the data set")
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
