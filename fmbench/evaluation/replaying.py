"""Pictures of a recorded episode, drawn from its states: no weights, no policy, no simulation."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from envs.cameras import MAIN
from envs.pictures.renderer import open_renderer
from envs.pictures.states import PictureStates
from envs.registry import TASKS, check_extra, make_task
from envs.task import Task
from envs.task_hash import HASH_KIND, task_hash
from fmbench.errors import FmbenchError, unknown
from fmbench.evaluation.titled_sheet import Frame, write_titled_sheet
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.recordings import RecordedEpisode, RecordingFacts, read_recording

SHEET, FILM = ".png", ".gif"
FRAMES = 8
"""Pictures of a contact sheet, spread evenly over the episode."""
FILM_HZ = 25.0
"""Most pictures in a second of a film; a GIF cannot show more than 50."""


def draw_recording(
    path: Path, out: Path, camera: str = MAIN, size: int = 240, renderer: str = "auto"
) -> RecordingFacts:
    """Draw a recording as a contact sheet (`.png`) or as a film in real time (`.gif`).

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
    task = _same_task(path, recording)
    states, facts = recorded_states(recording), recording.facts
    if out.suffix == SHEET:
        chosen = np.linspace(0, facts.length, FRAMES).round().astype(int)
    else:
        per_second = 1 / facts.control_period_s if facts.control_period_s > 0 else FILM_HZ
        stride = max(1, round(per_second / FILM_HZ))
        chosen = np.unique([*range(0, facts.length + 1, stride), facts.length])
    drawer = open_renderer(task, (camera,), size, renderer)
    try:
        frames = [drawer.draw(states.rows(np.array([k])))[0, 0] for k in chosen.tolist()]
    finally:
        drawer.close()
    if out.suffix == SHEET:
        write_titled_sheet(out, frames, FRAMES, [describe(facts)], every=FRAMES)
    else:
        _write_film(out, frames, [*np.diff(chosen), 25], facts.control_period_s)
    return facts


def recorded_states(recording: RecordedEpisode) -> PictureStates:
    """Return the states of a recording, as they are drawn."""
    memory = {name: values.astype(np.float64) for name, values in recording.memory.items()}
    return PictureStates(recording.state.astype(np.float64), memory)


def describe(facts: RecordingFacts) -> str:
    """Say what was recorded, in one line."""
    sampler = f" {facts.sampler}{facts.steps or ''}" if facts.sampler else ""
    seed = f", training seed {facts.train_seed}" if facts.train_seed >= 0 else ""
    outcome = "success" if facts.success else "failure"
    return (
        f"{facts.task}: {facts.policy}{sampler}{seed}, episode {facts.episode_seed}: {outcome} "
        f"after {facts.length} control steps"
    )


def _same_task(path: Path, recording: RecordedEpisode) -> Task:
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


def _write_film(
    path: Path, frames: Sequence[Frame], steps: Sequence[int], control_period_s: float
) -> None:
    """Write a GIF that plays once and again; each picture is shown for its control steps."""
    first, *others = (Image.fromarray(frame) for frame in frames)
    buffer = io.BytesIO()
    durations = [max(20, round(1000 * control_period_s * int(count))) for count in steps]
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=durations, loop=0)
    write_bytes_atomic(path, buffer.getvalue())
