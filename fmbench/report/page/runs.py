"""A run as the page names it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from fmbench.report.results import Results


@dataclasses.dataclass(frozen=True)
class NamedRun:
    """A run on the page.

    Attributes:
        name: The folder as given, or SECTION/RUN of a grid.
        folder: Its folder.
        results: What was read from it.
    """

    name: str
    folder: Path
    results: Results
