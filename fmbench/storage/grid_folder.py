"""The folder of a grid: `grid.json` states its sections and runs, so that it can be drawn alone."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from fmbench.errors import FmbenchError
from fmbench.storage.accepted import Within
from fmbench.storage.files import write_json_atomic
from fmbench.storage.sealed_json import read_sealed, with_seal
from fmbench.storage.typed import STRICT, parse

GRID_FILE = "grid.json"
SCHEMA = 1
SECOND_BLOCK = "-test-block-2"
"""End of the name of a run's evaluation on the second block of test seeds."""
SEAL = "grid_sha256"
"""Hash of everything else in the file."""


@dataclasses.dataclass(frozen=True)
class ShownRun:
    """Where the rows of a run are if it has no folder: in a run with the same configuration.

    Attributes:
        run: SECTION/RUN of that, which has its policies, and may have more.
        policies: Its policies.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    run: str
    policies: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class SectionFacts:
    """One section of a grid.

    Attributes:
        name: Its name, which is that of its folder.
        title: What it shows.
        draw: What draws it.
        runs: Name of each run, which is that of its folder in the section's, to the hash of its
            configuration.
        hands: The hands on which its tasks are, as the grid file names them.
        outside: Names of the runs of policies from outside, likewise folders in the section's,
            which other commands write.
        shown: Names of those runs whose rows another section has, too, to where they are.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    name: str
    title: str
    draw: str
    runs: Mapping[str, str]
    hands: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    shown: Mapping[str, ShownRun] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class GridFacts:
    """The content of `grid.json`.

    Attributes:
        schema: Version of the file.
        title: Title of the grid.
        sections: Its sections, in order.
        command: The command line that began it.
        text: The grid file.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    schema: Annotated[int, Within(SCHEMA, SCHEMA)]
    title: str
    sections: tuple[SectionFacts, ...]
    command: str
    text: str

    @property
    def runs(self) -> dict[str, str]:
        """Folder of each run in that of the grid, to the hash of its configuration."""
        return {
            f"{section.name}/{name}": config
            for section in self.sections
            for name, config in section.runs.items()
        }

    @property
    def outside(self) -> list[str]:
        """Folders of the runs of policies from outside, in that of the grid."""
        return [f"{section.name}/{name}" for section in self.sections for name in section.outside]


def is_grid(folder: Path) -> bool:
    """Return whether a folder is that of a grid."""
    return os.path.lexists(folder / GRID_FILE)


def read_grid_facts(folder: Path) -> GridFacts:
    """Read the `grid.json` of a folder.

    Raises:
        FmbenchError: The file is missing or malformed, or was changed after it was written.
    """
    path = folder / GRID_FILE
    facts = parse(GridFacts, read_sealed(path, SEAL, "give another --out"), path)
    shown = (each.run for section in facts.sections for each in section.shown.values())
    sections = (section.name for section in facts.sections)
    for name in (*sections, *facts.runs, *facts.outside, *shown):
        if any(part in ("", "..", ".") for part in name.split("/")) or "\\" in name:
            raise FmbenchError(f"{path}: {name!r} is no name of a folder; fmbench wrote another")
    return facts


def write_grid_facts(folder: Path, facts: GridFacts) -> None:
    """Write the `grid.json` of a folder, with its hash, atomically."""
    values = json.loads(json.dumps(dataclasses.asdict(facts)))  # tuples as lists
    for section in values["sections"]:
        if not section["shown"]:  # as before there was such a thing
            del section["shown"]
    write_json_atomic(folder / GRID_FILE, with_seal(values, SEAL))
