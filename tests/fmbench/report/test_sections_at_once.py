"""Sections drawn by several processes are those that one process draws, with the same words."""

import dataclasses
import sys
import threading
from pathlib import Path

import pytest

from fmbench.errors import FmbenchError
from fmbench.report.copies import cores
from fmbench.report.grid.draw import draw_grid
from fmbench.storage.files import write_json_atomic
from fmbench.storage.grid_folder import GridFacts, SectionFacts, write_grid_facts
from fmbench.storage.rows import EpisodeRow
from tests.fmbench.fake_run import make_rows, write_episode_rows

TASKS = {"one": "LiftCube", "two": "TurnDial", "none": "PressEither"}


def write_grid(folder: Path) -> Path:
    """Write a grid of two sections with a run, which has an error, and one without."""
    for name in ("one", "two"):
        first, *others = make_rows(tasks=[TASKS[name]], episodes=3)[0]
        no_success = dict.fromkeys(("success", "success_any", "success_end"), False)
        failed = dataclasses.replace(
            first, **no_success, time_to_success_s=None, error=f"{name} failed"
        )
        write_episode_rows(folder / name / TASKS[name], [failed, *others])
        facts = {"preset": "quick", "config": {"backbone": "mlp"}}
        write_json_atomic(folder / name / TASKS[name] / "run.json", facts)
    sections = [SectionFacts(x, x, "matrix", {task: "0" * 12}) for x, task in TASKS.items()]
    write_grid_facts(folder, GridFacts(1, "Small", tuple(sections), "a command", ""))
    return folder


def test_two_processes_draw_what_one_draws(tmp_path: Path) -> None:
    texts, warnings = [], []
    for processes in (1, 2):
        folder, lines = write_grid(tmp_path / str(processes)), list[str]()
        written = draw_grid(folder, (), lines.append, processes=processes)
        texts.append({path.relative_to(folder): path.read_bytes() for path in written})
        warnings.append(lines)
    assert texts[0] == texts[1]
    assert {path.parts[0] for path in texts[0]} == {"one", "two"}
    missing, one, two = warnings[0]
    assert warnings[0] == warnings[1]
    assert "none/PressEither" in missing
    assert "one failed" in one
    assert "two failed" in two


@pytest.mark.parametrize("processes", [1, 2])
def test_a_section_that_cannot_be_drawn_is_named(tmp_path: Path, processes: int) -> None:
    folder, failed = write_grid(tmp_path), dict[str, str]()
    (folder / "one" / TASKS["one"] / EpisodeRow.file_name).write_text("task\n")
    written = draw_grid(folder, (), failed=failed, processes=processes)
    assert {path.relative_to(folder).parts[0] for path in written} == {"two"}
    assert list(failed) == ["section one"]
    with pytest.raises(FmbenchError, match=r"section one: .*episodes\.csv"):
        draw_grid(folder, (), processes=processes)


def test_a_process_with_torch_or_other_threads_is_not_copied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert cores() == 1
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert cores() == 1
