"""The command `python -m fmbench.view RUN --episode SEED`: show one episode of a run.

Nothing heavy is imported before the command line has been checked; torch only if the episode has no
recording.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from fmbench.cli.command import run_command
from fmbench.cli.flags import add_config_flag, given_values
from fmbench.cli.folders import check_one_run, check_out
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.cli.parser import Parser, given_path
from fmbench.cli.whole_numbers import Whole, add_whole_numbers, whole_numbers
from fmbench.config.choices import RENDERERS
from fmbench.errors import FmbenchError, unknown
from fmbench.exit_code import ExitCode
from fmbench.storage.recordings import RecordedEpisode
from fmbench.storage.wanted_episode import WantedEpisode, find_recording

DESCRIPTION = "Show one episode of a run in MuJoCo's viewer, or write a video of it."
EPILOG = """\
The episode comes from the run's recordings (python -m fmbench.run --record N). If it is not among
them, it is repeated from the run's checkpoint and must end as its row says.

Without a screen, or with --video, a film is written. In the viewer, space stops and goes on, the
left and right arrows step, Home begins again.

examples:
  python -m fmbench.view runs/try --episode 3000000 --policy flow
  python -m fmbench.view runs/try --episode 3000000 --policy expert --video expert.webp
"""
SIZE = {"size": Whole(240, 16, 480, "rows and columns of a video [px]")}
ENDS = (".webp", ".gif", ".png")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _view)


def _parser() -> Parser:
    parser = Parser("python -m fmbench.view", DESCRIPTION, EPILOG)
    add = parser.add_argument
    add("run", type=given_path, metavar="RUN", help="folder of a run, alone or in that of a grid")
    add("--episode", type=int, required=True, metavar="SEED", help="the episode's seed")
    add("--task", metavar="NAME", help="its task, if the run has several")
    add("--policy", metavar="NAME", help="its policy, or expert or random")
    add("--train-seed", type=int, metavar="K", help="the policy's training seed")
    text = "write it: NAME.webp or NAME.gif, a film, or NAME.png, pictures spread over it"
    add("--video", type=given_path, metavar="FILE", help=text)
    add("--camera", default="main", metavar="NAME", help="main (default), or one of the task's")
    add_whole_numbers(parser, SIZE)
    text = f"of a video: {', '.join(RENDERERS)} (default: {RENDERERS[0]}); rays need no OpenGL"
    add("--renderer", default=RENDERERS[0], metavar="NAME", help=text)
    text = "device on which the episode is repeated: cpu, cuda or cuda:N (default: the run's)"
    add_config_flag(parser, "device", text=text)
    return parser


def _view(options: argparse.Namespace) -> int:
    size = whole_numbers(options, SIZE)["size"]
    if options.renderer not in RENDERERS:
        raise unknown("renderer", options.renderer, RENDERERS)
    video: Path | None = options.video
    if video is not None:
        if video.suffix not in ENDS or video.is_dir():
            raise FmbenchError(f"--video is {video}; give a file that ends in {' or '.join(ENDS)}")
        check_out(video.parent, "--video")
    folder: Path = options.run
    check_one_run(folder)
    wanted = WantedEpisode(options.episode, options.task, options.policy, options.train_seed)
    import_mujoco()
    path, recording = _recording(folder, wanted, options)
    from fmbench.evaluation.replaying import describe, draw_episode, task_of_recording
    from fmbench.evaluation.viewing import has_screen, view_episode

    facts = recording.facts
    task = task_of_recording(path, recording)
    print(describe(facts), flush=True)
    if video is None and has_screen():
        view_episode(recording, task, options.camera)
        return ExitCode.DONE
    if video is None:
        video = Path(f"{facts.task}-{facts.policy}-episode{facts.episode_seed}.webp")
        check_out(video.parent, "--video")
    draw_episode(recording, task, video, options.camera, size, options.renderer)
    print(f"saved in {video}")
    return ExitCode.DONE


def _recording(
    folder: Path, wanted: WantedEpisode, options: argparse.Namespace
) -> tuple[Path, RecordedEpisode]:
    """Return the recording of an episode and its file, or it repeated from its checkpoint.

    Raises:
        FmbenchError: It is not recorded and cannot be repeated, or several episodes may be it.
    """
    found = find_recording(folder, wanted)
    if found is not None:
        return found
    from fmbench.runs.repeated_episode import repeat_episode

    changes = {name: value for name, value in given_values(options).items() if name == "device"}
    try:
        return folder, repeat_episode(folder, wanted, changes)
    except FmbenchError as error:
        raise type(error)(f"{folder} has no recording of {wanted}; {error}") from error


if __name__ == "__main__":
    sys.exit(main())
