"""The live report: seldom, whole at any time, and nothing of the run depends on it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.errors import FmbenchError
from fmbench.evaluation.cells import Cell
from fmbench.report.page import write as page
from fmbench.report.results import read_results
from fmbench.runs import live_report
from fmbench.runs.experiment import Experiment
from fmbench.runs.live_report import FILE, LiveReport
from fmbench.runs.run_options import RunOptions
from tests.fmbench.cli.test_progress import Clock
from tests.fmbench.runs.small_experiment import CONFIG, Log, comparable, quickly

CELL = Cell("PressEither", "bc")


class Page:
    """Counts what is written; each version takes some seconds."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds, self.versions = clock, seconds, 0

    def write(self, folders: Sequence[Path], out: Path) -> Path:
        self.clock.now += self.seconds
        self.versions += 1
        return out


def run(out: Path, data: Path, live: bool) -> str:
    interrupts = Interrupts()
    log = Log(interrupts)
    options = RunOptions("the command", times_decisions=False, draws=False, live=live)
    config = replace(CONFIG, policy=("bc",))
    with quickly():
        Experiment(config, out, data, Session(log, interrupts), options).run()
    return log.file.getvalue()


@pytest.mark.parametrize(("seconds", "pause"), [(0.1, 5.0), (2.0, 20.0)])
def test_the_page_is_written_seldom_and_then_shows_all(
    seconds: float, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(live_report, "time", clock)
    lines: list[str] = []
    written = Page(clock, seconds)
    report = LiveReport(Path("runs/try"), lines.append, written.write)
    training = None  # it is not looked at
    report.evaluated(CELL, [])
    assert written.versions == 1, "the first cell is shown at once"
    clock.now += pause - 0.5
    report.evaluated(CELL, [])
    report.trained(training)  # type: ignore[arg-type]
    assert written.versions == 1
    clock.now += 0.6
    report.trained(training)  # type: ignore[arg-type]
    assert written.versions == 2, "what waited is shown although no further cell has finished"
    clock.now += 2 * pause
    report.trained(training)  # type: ignore[arg-type]
    assert written.versions == 2, "nothing is new"
    report.finished()
    report.finished()
    assert written.versions == 4, "the end is shown at once"
    assert lines == [f"Report, rewritten as cells finish: {Path('runs/try') / FILE}"]


def test_rows_are_the_same_with_and_without_and_the_page_is_of_the_finished_run(
    demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = demonstrations_folder.parent
    monkeypatch.setattr(live_report, "PAUSE_S", 0.0)
    monkeypatch.setattr(live_report, "PAUSE_TIMES", 0.0)
    states: list[str] = []

    def write(
        folders: Sequence[Path], out: Path, tiers: dict[str, str], real=page.write_report
    ) -> Path:
        (folder,) = folders
        states.append(read_results(folder).unfinished)
        path: Path = real(folders, out, tiers=tiers)
        assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
        return path

    monkeypatch.setattr(page, "write_report", write)
    run(tmp_path / "plain", data, live=False)
    assert not (tmp_path / "plain" / FILE).exists()
    run(tmp_path / "live", data, live=True)
    live = comparable(tmp_path / "live")
    assert live.pop(FILE)
    assert live == comparable(tmp_path / "plain")
    assert states == [*(f"unfinished: {n} of 3 cells" for n in (1, 2, 3)), ""]


def test_a_page_that_cannot_be_written_is_one_warning(
    demonstrations_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(live_report, "PAUSE_S", 0.0)
    monkeypatch.setattr(live_report, "PAUSE_TIMES", 0.0)
    tries: list[Path] = []

    def fail(folders: Sequence[Path], out: Path, tiers: dict[str, str]) -> Path:
        tries.append(out)
        raise FmbenchError("the report needs\nthe package plotly")

    monkeypatch.setattr(page, "write_report", fail)
    text = run(tmp_path / "run", demonstrations_folder.parent, live=True)
    assert len(tries) == 4
    assert "Report" not in text
    assert (tmp_path / "run" / "episodes.csv").exists()
    assert capsys.readouterr().err == (
        "warning: the report cannot be written, the run goes on: "
        "the report needs the package plotly\n"
    )
