"""The configuration that the runs of a section share, as a text asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fmbench.errors import FmbenchError, unknown
from fmbench.storage.run_facts import RUN_FILE, read_run_facts


def setting(out: Path, section: str, name: str) -> Any:
    """Return a value that is the same in the configurations of all runs of a section.

    Args:
        out: The folder of the grid.
        section: The section.
        name: The name of the value, as in `run.json`.

    Raises:
        FmbenchError: The section has no run, or these have no such value, or several.
    """
    files = sorted((out / section).glob(f"*/{RUN_FILE}"))
    if not files:
        raise unknown("section with runs", section, sorted(_sections(out)))
    found = []
    for file in files:
        config = read_run_facts(file.parent).config
        if name not in config:
            raise unknown("value of a configuration", name, tuple(config))
        if config[name] not in found:
            found.append(config[name])
    if len(found) > 1:
        values = ", ".join(map(str, found))
        raise FmbenchError(f"{name} is {values} in the runs of {section}; a text needs one")
    return found[0]


def _sections(out: Path) -> set[str]:
    return {file.parent.parent.name for file in out.glob(f"*/*/{RUN_FILE}")}
