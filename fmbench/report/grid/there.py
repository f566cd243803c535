"""Which runs of a grid are there, and where the rows of each section are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fmbench.config import config_hash
from fmbench.errors import FmbenchError
from fmbench.storage.grid_folder import GridFacts, SectionFacts
from fmbench.storage.run_facts import RUN_FILE, read_run_facts
from fmbench.storage.unfinished import is_unfinished

SHOWN = ("matrix", "curve")
"""What draws runs that have their rows in another section, too."""


def runs_of(out: Path, section: SectionFacts) -> dict[Path, tuple[str, ...]]:
    """Return where the rows of a section are, those from outside last.

    Returns:
        Folder of each run that is there to those of its policies that the section shows; empty for
        all. Nothing if all rows are in other sections.
    """
    found: dict[Path, tuple[str, ...]] = {}
    for name in (*section.runs, *section.outside):
        folder = out / section.name / name
        if is_finished(folder):
            found[folder] = ()
        elif elsewhere := shown_folder(out, section, name):
            found[elsewhere] = section.shown[name].policies
    return found if () in found.values() else {}


def shown_folder(out: Path, section: SectionFacts, name: str) -> Path | None:
    """Return the folder of the run of another section that has the rows of one, if it is there."""
    if section.draw not in SHOWN or name not in section.shown:
        return None
    shown = section.shown[name]
    folder = out / shown.run
    try:
        facts = read_run_facts(folder) if is_finished(folder) else None
    except FmbenchError:  # the section of that run says what is wrong with it
        return None
    if facts is None or not set(shown.policies) <= set(facts.choice.policy or ()):
        return None
    config = {**facts.config, "policy": list(shown.policies)}
    return folder if config_hash(config) == section.runs[name] else None


def is_finished(folder: Path) -> bool:
    """Return whether a folder holds a run that has finished; another command may be at work.

    A damaged one counts: what draws it says what is wrong.
    """
    if not (folder / RUN_FILE).is_file():
        return False
    try:
        return not is_unfinished(folder)
    except FmbenchError:
        return True


def warn_of_missing(out: Path, facts: GridFacts, warn: Callable[[str], None]) -> None:
    """Say how many runs of a grid are not there, and which is the first."""
    elsewhere = {
        f"{section.name}/{name}"
        for section in facts.sections
        if runs_of(out, section)  # otherwise it is not drawn, and its runs are missing
        for name in section.shown
        if shown_folder(out, section, name)
    }
    for runs, what in (
        ([*facts.runs], "runs"),
        (facts.outside, "runs of policies from outside"),
    ):
        there = (name in elsewhere or is_finished(out / name) for name in runs)
        if missing := [name for name, is_there in zip(runs, there, strict=True) if not is_there]:
            warn(f"{len(missing)} of {len(runs)} {what} are missing, the first is {missing[0]}")
