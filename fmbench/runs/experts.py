"""Success rates and contact sheets of the scripted experts."""

from collections.abc import Sequence
from pathlib import Path

from fmbench.cli.progress import Reporter
from fmbench.cli.user_code import users_code
from fmbench.errors import FmbenchError
from fmbench.evaluation.camera_sheet import draw_camera_sheet
from fmbench.evaluation.contact_sheets import draw_expert_sheet
from fmbench.evaluation.expert_rows import ExpertRow, markdown, measure_expert
from fmbench.evaluation.mosaic import draw_mosaic
from fmbench.runs.run_plugins import files_of_task
from fmbench.storage.row_files import write_rows

NOISES = (0.0, 1.0)
"""Scales of the command noise at which every expert is evaluated."""


def measure_experts(
    tasks: Sequence[str], episodes: int, out: Path | None, reporter: Reporter
) -> None:
    """Print the table of the experts of `tasks`; also write its rows if `out` is given."""
    rows = []
    with reporter.stage("experts", len(NOISES) * len(tasks)) as stage:
        for task in tasks:
            for noise in NOISES:
                with users_code(f"{task} expert", files_of_task(task)):
                    rows.append(measure_expert(task, noise, episodes))
                stage.update(len(rows))
    print(markdown(rows))
    if out is not None:
        write_rows(out / ExpertRow.file_name, rows, ExpertRow)
        print(f"Written: {out / ExpertRow.file_name}")


def film_experts(tasks: Sequence[str], folder: Path, reporter: Reporter) -> None:
    """Draw the first validation episode of every task, and a mosaic of all tasks drawn so far.

    The images are `folder`/TASK.png and, next to the folder, a mosaic with the folder's name and
    `cameras.png`, what the cameras of these tasks see.

    Raises:
        FmbenchError: There is no OpenGL library; the message states what to install.
    """
    with reporter.stage("images", len(tasks) + 1) as stage:
        for k, task in enumerate(tasks):
            try:
                draw_expert_sheet(folder / f"{task}.png", task)
            except RuntimeError as error:
                raise FmbenchError(str(error)) from error
            stage.update(k + 1)
        cameras = folder.with_name("cameras.png")
        draw_camera_sheet(cameras, tasks)
        stage.update(len(tasks) + 1)
    mosaic = folder.with_suffix(".png")
    draw_mosaic(mosaic, folder)
    print(f"Drawn: {folder}, {mosaic}, {cameras}")
