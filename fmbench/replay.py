"""The command `python -m fmbench.replay RECORDING --out FILE`: draw a recorded episode.

Nothing heavy is imported before the command line has been checked, and never torch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from fmbench.cli.command import run_command
from fmbench.cli.folders import check_out
from fmbench.cli.imports import lasting_imports
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.cli.parser import Parser, given_path
from fmbench.cli.whole_numbers import Whole, add_whole_numbers, whole_numbers
from fmbench.config.choices import RENDERERS
from fmbench.errors import FmbenchError, unknown
from fmbench.exit_code import ExitCode

DESCRIPTION = "Draw a recorded episode as a contact sheet or a film, without weights."
EPILOG = """\
Recordings are made by python -m fmbench.run --record N. The states are drawn, nothing is simulated.

examples:
  python -m fmbench.replay runs/try/recordings/NAME.npz --out sheet.png
  python -m fmbench.replay runs/try/recordings/NAME.npz --out film.gif --camera right-front
"""
SIZE = {"size": Whole(240, 16, 480, "rows and columns of a picture [px]")}
ENDS = (".png", ".webp", ".gif")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _draw)


def _parser() -> Parser:
    parser = Parser("python -m fmbench.replay", DESCRIPTION, EPILOG)
    parser.add_argument(
        "recording", type=given_path, metavar="RECORDING", help="the file, NAME.npz"
    )
    parser.add_argument(
        "--out",
        type=given_path,
        required=True,
        metavar="FILE",
        help="NAME.png, pictures spread over the episode, or NAME.webp or NAME.gif, a film",
    )
    parser.add_argument(
        "--camera", default="main", metavar="NAME", help="main (default), or one of the task's"
    )
    add_whole_numbers(parser, SIZE)
    parser.add_argument(
        "--renderer",
        default=RENDERERS[0],
        metavar="NAME",
        help=f"{', '.join(RENDERERS)} (default: {RENDERERS[0]}); rays need no OpenGL",
    )
    return parser


def _draw(options: argparse.Namespace) -> int:
    size = whole_numbers(options, SIZE)["size"]
    if options.renderer not in RENDERERS:
        raise unknown("renderer", options.renderer, RENDERERS)
    out: Path = options.out
    if out.suffix not in ENDS or out.is_dir():
        raise FmbenchError(f"--out is {out}; give a file that ends in {' or '.join(ENDS)}")
    check_out(out.parent)
    with lasting_imports():
        import_mujoco()
        from fmbench.evaluation.replaying import describe, draw_recording

    print(describe(draw_recording(options.recording, out, options.camera, size, options.renderer)))
    print(f"saved in {out}")
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
