"""Pictures and films of recordings in the folder beside a page; each is drawn once."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from PIL import Image

from envs.pictures.renderer import PictureRenderer, open_renderer
from envs.render import contact_sheet
from envs.task import Task
from fmbench.evaluation.cells import EXPERT
from fmbench.evaluation.films import (
    QUALITY,
    SHEET_FRAMES,
    film_frames,
    sheet_frames,
    write_film,
)
from fmbench.evaluation.replaying import describe
from fmbench.report.page.media import PagePicture, Shown
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.recordings import RecordedEpisode

FILM_PIXELS, SHEET_PIXELS = 240, 120
FILM_HZ = 12.5
"""Pictures in a second of a film of a page."""


def in_the_page(
    pictures: Mapping[Shown, PagePicture], folder: Path, most_characters: int
) -> dict[Shown, PagePicture]:
    """Return pictures of which as many as there is room for are in the page, experts' first.

    Args:
        pictures: Pictures in files of the folder.
        folder: The folder.
        most_characters: Most characters that they take of the page.
    """
    placed, left = dict(pictures), most_characters
    for shown in sorted(pictures, key=lambda shown: shown.policy != EXPERT):
        file = folder / unquote(pictures[shown].address.rpartition("/")[2])
        address = f"data:image/webp;base64,{base64.b64encode(file.read_bytes()).decode()}"
        left -= len(address)
        if left < 0:
            break
        placed[shown] = dataclasses.replace(pictures[shown], address=address)
    return placed


class PictureFolder:
    """Draws recordings of one task into a folder.

    Args:
        folder: The folder; it is created with its first file.
        task: The task.
    """

    def __init__(self, folder: Path, task: Task) -> None:
        self._folder, self._task = folder, task
        self._drawers: dict[int, PictureRenderer] = {}

    def film(self, path: Path, recording: RecordedEpisode) -> PagePicture:
        """Return the film of a recording, given its file."""
        file = self._file(path, f"film{FILM_PIXELS}")
        if not file.exists():
            write_film(file, film_frames(self._drawer(FILM_PIXELS), recording, FILM_HZ))
        text = f"Film of {describe(recording.facts)}"
        return self._picture(file, text, FILM_PIXELS, FILM_PIXELS)

    def sheet(self, path: Path, recording: RecordedEpisode) -> PagePicture:
        """Return pictures spread over a recording, given its file."""
        file = self._file(path, f"sheet{SHEET_PIXELS}")
        if not file.exists():
            pictures = sheet_frames(self._drawer(SHEET_PIXELS), recording)
            buffer = io.BytesIO()
            sheet = Image.fromarray(contact_sheet(pictures, SHEET_FRAMES))
            sheet.save(buffer, "WEBP", quality=QUALITY, method=6)
            write_bytes_atomic(file, buffer.getvalue())
        with Image.open(file) as image:
            width, height = image.size
        text = f"{SHEET_FRAMES} pictures spread over {describe(recording.facts)}"
        return self._picture(file, text, width, height)

    def close(self) -> None:
        """Free the renderers."""
        for drawer in self._drawers.values():
            drawer.close()
        self._drawers.clear()

    def _file(self, path: Path, kind: str) -> Path:
        """Return the file of a picture of a recording, named by the content of that."""
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        return self._folder / f"{path.stem}-{kind}-{digest}.webp"

    def _drawer(self, size: int) -> PictureRenderer:
        if size not in self._drawers:
            self._drawers[size] = _open(self._task, size)
        return self._drawers[size]

    def _picture(self, file: Path, text: str, width: int, height: int) -> PagePicture:
        address = f"{quote(self._folder.name)}/{quote(file.name)}"
        return PagePicture(address, text, width, height, file.stat().st_size)


_opengl_starts = True
"""False once it did not; some of its backends end the process at the second attempt."""


def _open(task: Task, size: int) -> PictureRenderer:
    """Return what draws faster: OpenGL, even by a processor, and rays where it does not start."""
    global _opengl_starts
    if _opengl_starts:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", module="glfw")
                return open_renderer(task, size=size, renderer="opengl")
        except RuntimeError:
            _opengl_starts = False
    return open_renderer(task, size=size, renderer="rays")
