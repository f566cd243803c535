"""Rows that two sections of a grid have are drawn from the one that keeps them."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from fmbench.report.grid.draw import draw_grid
from fmbench.runs.grid import check
from fmbench.runs.grid.folder import grid_facts
from fmbench.storage.grid_folder import ShownRun, read_grid_facts, write_grid_facts
from tests.fmbench.runs.grid.small_grid import (
    TEXT,
    do_grid,
    in_this_process,
    small_grid,
    without_figures,
)
from tests.fmbench.small_run import files_of

FEWER = """
[sections.fewer]
title = "Two policies"
task = ["PressEither", "ReachPose"]
policy = ["bc", "flow"]

[sections.other]
title = "Two policies, other updates"
policy = ["bc", "flow"]
updates = 8

[sections.again]
title = "The same two policies"
policy = ["flow", "bc"]
"""
TABLES = ("matrix.csv", "matrix.md", "comparisons.csv", "headline.csv", "headline.md")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    in_this_process(monkeypatch)
    without_figures(monkeypatch)


def test_a_run_is_shown_by_the_section_with_more_policies(tmp_path: Path) -> None:
    sections = {s.name: s for s in grid_facts(small_grid(tmp_path, TEXT + FEWER), "").sections}
    shown = {name: dict(section.shown) for name, section in sections.items()}
    fewer = ShownRun("main/PressEither", ("bc", "flow"))
    again = ShownRun("main/PressEither", ("flow", "bc"))
    assert shown.pop("fewer") == {"PressEither": fewer}
    assert shown.pop("again") == {"PressEither": again}
    # The runs of `settings` and `other` have the same rows; the first one in the file keeps them.
    assert shown.pop("settings") == {"PressEither-updates6": again}
    assert shown.pop("other") == {
        "PressEither": ShownRun("settings/PressEither-updates8", ("bc", "flow"))
    }
    assert shown == {"main": {}}


def test_tables_are_those_of_a_section_that_keeps_its_rows(
    demonstrations_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    do_grid(small_grid(tmp_path, TEXT + FEWER), out, demonstrations_folder.parent)
    shutil.rmtree(out / "jobs")
    before = files_of(out / "fewer")
    cells = check.choose_cells(out, 100, 0)
    lines: list[str] = []
    shutil.rmtree(out / "fewer" / "PressEither")
    for name in TABLES:
        (out / "fewer" / name).unlink()
    draw_grid(out, warn=lines.append)
    assert not [line for line in lines if "missing" in line]
    after = files_of(out / "fewer")
    assert {name: after[name] for name in TABLES} == {name: before[name] for name in TABLES}
    assert len(check.choose_cells(out, 100, 0)) == len(cells)
    shutil.rmtree(out / "fewer" / "ReachPose")
    lines.clear()
    written = draw_grid(out, warn=lines.append)
    assert lines[0] == "2 of 7 runs are missing, the first is fewer/PressEither"
    assert out / "main" / "matrix.csv" in written
    assert out / "fewer" / "matrix.csv" not in written, "it has no rows of its own"


def test_rows_of_another_configuration_are_not_shown(
    demonstrations_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    do_grid(small_grid(tmp_path, TEXT + FEWER), out, demonstrations_folder.parent)
    shutil.rmtree(out / "fewer" / "PressEither")
    facts = read_grid_facts(out)
    (fewer,) = (section for section in facts.sections if section.name == "fewer")
    elsewhere = {"PressEither": ShownRun("settings/PressEither-updates8", ("bc", "flow"))}
    changed = dataclasses.replace(fewer, shown=elsewhere)
    sections = tuple(changed if s.name == "fewer" else s for s in facts.sections)
    write_grid_facts(out, dataclasses.replace(facts, sections=sections))
    lines: list[str] = []
    draw_grid(out, warn=lines.append)
    assert "1 of 7 runs are missing, the first is fewer/PressEither" in lines
