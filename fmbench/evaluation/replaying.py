"""Pictures of a recorded episode, drawn from its states: no weights, no policy, no simulation."""

from __future__ import annotations

from pathlib import Path

from envs.cameras import MAIN
from envs.pictures.renderer import open_renderer
from envs.registry import TASKS, check_extra, make_task
from envs.task import Task
from envs.task_hash import HASH_KIND, task_hash
from fmbench.errors import FmbenchError, unknown
from fmbench.evaluation.films import SHEET_FRAMES, film_frames, sheet_frames, write_film
from fmbench.evaluation.titled_sheet import write_titled_sheet
from fmbench.report.row_texts import sampler_label
from fmbench.storage.recordings import RecordedEpisode, RecordingFacts, read_recording

SHEET = ".png"


def draw_recording(
    path: Path, out: Path, camera: str = MAIN, size: int = 240, renderer: str = "auto"
) -> RecordingFacts:
    """Draw a recording as a contact sheet (`.png`) or as a film in real time (`.webp`, `.gif`).

    Args:
        path: The recording.
        out: The image to write.
        camera: `main`, or one of the task's.
        size: Pixels in a row and in a column of a picture, 16 to 480.
        renderer: `rays`, which needs no OpenGL, `opengl` or `auto`.

    Returns:
        What was recorded.

    Raises:
        FmbenchError: It is no recording, or one of another version of its task.
        ValueError: The task's extra is not installed, or camera, size or renderer are not accepted.
        RuntimeError: OpenGL was asked for and does not start.
    """
    recording = read_recording(path)
    draw_episode(recording, task_of_recording(path, recording), out, camera, size, renderer)
    return recording.facts


def draw_episode(
    recording: RecordedEpisode,
    task: Task,
    out: Path,
    camera: str = MAIN,
    size: int = 240,
    renderer: str = "auto",
) -> None:
    """Draw a recorded episode of a task; see `draw_recording`."""
    drawer = open_renderer(task, (camera,), size, renderer)
    try:
        if out.suffix == SHEET:
            titles = [describe(recording.facts)]
            frames = sheet_frames(drawer, recording)
            write_titled_sheet(out, frames, SHEET_FRAMES, titles, every=SHEET_FRAMES)
        else:
            write_film(out, film_frames(drawer, recording))
    finally:
        drawer.close()


def describe(facts: RecordingFacts) -> str:
    """Say what was recorded, in one line."""
    sampler = f" ({sampler_label(facts.sampler, facts.steps)})" if facts.sampler else ""
    seed = f", training seed {facts.train_seed}" if facts.train_seed >= 0 else ""
    outcome = "success" if facts.success else "failure"
    return (
        f"{facts.task}: {facts.policy}{sampler}{seed}, episode {facts.episode_seed}: {outcome} "
        f"after {facts.length} control step{'s' * (facts.length != 1)}"
    )


def task_of_recording(path: Path, recording: RecordedEpisode) -> Task:
    """Return the task of a recording.

    Raises:
        FmbenchError: The task is not known or is another version of it; the message says which.
    """
    facts = recording.facts
    if facts.task not in TASKS:
        raise FmbenchError(f"{path}: {unknown('task', facts.task, TASKS)}")
    check_extra(facts.task)
    version, now = TASKS[facts.task].version, task_hash(facts.task)
    there = {"version": facts.task_version, "hash_kind": facts.hash_kind, "hash": facts.task_hash}
    here = {"version": version, "hash_kind": HASH_KIND, "hash": now}
    if differ := [name for name in there if there[name] != here[name]]:
        words = "; ".join(
            f"{name}: {str(there[name])[:12]} there, {str(here[name])[:12]} now" for name in differ
        )
        raise FmbenchError(
            f"{path} was recorded with another {facts.task} ({words}); draw it with the fmbench "
            "that recorded it"
        )
    task = make_task(facts.task)
    if recording.state.shape[1] != task.model.nq:
        raise FmbenchError(
            f"{path} has states of {recording.state.shape[1]} positions; {facts.task} has "
            f"{task.model.nq}"
        )
    sizes = task.memory_sizes
    for name, values in recording.memory.items():
        if sizes.get(name) != values.shape[1]:
            raise FmbenchError(
                f"{path}: variable {name!r} has {values.shape[1]} values; {facts.task} has "
                f"{sizes.get(name, 'no such variable')}"
            )
    return task
