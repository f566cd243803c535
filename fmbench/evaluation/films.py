"""Films and rows of pictures of recorded episodes, drawn from their states."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from envs.pictures.renderer import PictureRenderer
from envs.pictures.states import PictureStates
from fmbench.evaluation.titled_sheet import Frame
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.recordings import RecordedEpisode

FILM_KINDS = {".gif": "GIF", ".webp": "WEBP"}
"""How the name of a film ends, and its format."""
FILM_HZ = 25.0
"""Most pictures in a second of a film; a GIF cannot show more than 50."""
SHEET_FRAMES = 8
"""Pictures of a contact sheet, spread evenly over the episode."""
LAST_STEPS = 25
"""Control steps for which a film rests on its last picture."""
QUALITY = 55
"""Of WebP, 0 to 100."""


class FilmFrames(NamedTuple):
    """Pictures of a film, and for how long each is shown [s]."""

    pictures: list[Frame]
    seconds: list[float]


def recorded_states(recording: RecordedEpisode) -> PictureStates:
    """Return the states of a recording, as they are drawn."""
    memory = {name: values.astype(np.float64) for name, values in recording.memory.items()}
    return PictureStates(recording.state.astype(np.float64), memory)


def draw_states(
    drawer: PictureRenderer, recording: RecordedEpisode, chosen: Sequence[int]
) -> list[Frame]:
    """Return the pictures of some states of a recording by the first camera."""
    states = recorded_states(recording)
    return [drawer.draw(states.rows(np.array([k])))[0, 0] for k in chosen]


def sheet_frames(drawer: PictureRenderer, recording: RecordedEpisode) -> list[Frame]:
    """Return pictures spread evenly over an episode."""
    length = recording.facts.length
    chosen = np.linspace(0, length, SHEET_FRAMES).round().astype(int).tolist()
    return draw_states(drawer, recording, chosen)


def film_frames(
    drawer: PictureRenderer, recording: RecordedEpisode, rate_hz: float = FILM_HZ
) -> FilmFrames:
    """Return the pictures of a film in real time.

    Args:
        drawer: Draws them.
        recording: The episode.
        rate_hz: The most pictures in a second.
    """
    facts = recording.facts
    per_second = 1 / facts.control_period_s if facts.control_period_s > 0 else rate_hz
    stride = max(1, round(per_second / rate_hz))
    chosen = sorted({*range(0, facts.length + 1, stride), facts.length})
    steps = [*np.diff(chosen).tolist(), LAST_STEPS]
    seconds = [max(0.02, facts.control_period_s * count) for count in steps]
    return FilmFrames(draw_states(drawer, recording, chosen), seconds)


def write_film(path: Path, film: FilmFrames) -> None:
    """Write a film that plays again and again, in the format of the name's end."""
    first, *others = (Image.fromarray(frame) for frame in film.pictures)
    buffer = io.BytesIO()
    durations = [round(1000 * seconds) for seconds in film.seconds]
    options = {"quality": QUALITY, "method": 4} if path.suffix == ".webp" else {}
    first.save(buffer, FILM_KINDS[path.suffix], save_all=True, append_images=others,
               duration=durations, loop=0, **options)  # fmt: skip
    write_bytes_atomic(path, buffer.getvalue())
