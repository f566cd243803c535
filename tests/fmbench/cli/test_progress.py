"""Progress display: bars in a terminal, plain lines at intervals elsewhere, never a crash."""

import io

import pytest
from rich.console import Console

from fmbench.cli import outlook, progress
from fmbench.cli.outlook import Piece
from fmbench.cli.progress import PLAIN_PERIOD_S, Reporter
from fmbench.cli.success import Score


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(outlook, "time", clock)
    return clock


def plain() -> tuple[Reporter, io.StringIO]:
    file = io.StringIO()
    return Reporter(Console(file=file, highlight=False, soft_wrap=True, width=20)), file


def test_plain_lines_appear_at_most_once_per_period_with_the_time_left(clock: Clock) -> None:
    reporter, file = plain()
    with reporter.stage("training", 200) as stage:
        for done in range(0, 51, 10):
            stage.update(done)
            clock.now += PLAIN_PERIOD_S / 2
    assert file.getvalue().splitlines() == [
        "training: 20/200, 9 min left",
        "training: 40/200, 8 min left",
        "training: done in 180.0 s",
    ]


def test_time_left_ignores_the_work_of_an_earlier_process(clock: Clock) -> None:
    reporter, file = plain()
    with reporter.stage("training", 200, done=100) as stage:
        clock.now += 1200.0
        stage.update(100)
        stage.update(150)
    assert file.getvalue().splitlines()[0] == "training: 150/200, 20 min left"


def test_a_failed_stage_is_not_reported_as_done() -> None:
    reporter, file = plain()
    with pytest.raises(KeyboardInterrupt), reporter.stage("training", 3):
        raise KeyboardInterrupt
    assert file.getvalue() == ""


def test_long_lines_and_markup_are_printed_unchanged() -> None:
    reporter, file = plain()
    text = "data/[bold]LiftCube[/bold]-v0 " + "x" * 90
    reporter.say(text)
    assert file.getvalue() == text + "\n"


@pytest.mark.parametrize("width", [1, 20, 200])
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_bars_fit_any_terminal(width: int, encoding: str) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace")  # as stderr
    reporter = Reporter(
        Console(file=file, force_terminal=True, width=width, highlight=False, soft_wrap=True)
    )
    with reporter.stage("LiftCube flow training", 30, done=10) as stage:
        for done in (10, 20, 30):
            stage.update(done)
    file.flush()
    assert "LiftCube flow training: done in " in raw.getvalue().decode(encoding)


def test_progress_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Reporter().say("hello")
    assert capsys.readouterr() == ("", "hello\n")


def planned(reporter: Reporter) -> None:
    """Plan two trainings and an evaluation of each, all expected to take 10 s."""
    for policy in ("flow", "bc"):
        reporter.outlook.plan(
            [
                Piece(f"{policy} training", ("training", policy), 10.0),
                Piece(f"{policy} episodes", ("episodes", policy), 10.0),
            ]
        )


def test_a_plain_stage_is_one_line_with_its_success_and_the_time_left_of_the_whole_run(
    clock: Clock,
) -> None:
    reporter, file = plain()
    planned(reporter)
    with reporter.stage("flow training", 100) as stage:
        for done in range(0, 101, 10):
            stage.update(done)
            clock.now += 2.0  # twice as slow as expected, and so is all else, as far as is known
    with reporter.stage("flow episodes", 50) as stage:
        clock.now += 5.0
        stage.update(50)
        reporter.score(Score("LiftCube", "flow euler10", 46, 50))
    assert file.getvalue().splitlines() == [
        "flow training: done in 22.0 s; whole run: 25%, 66 s left",
        "flow episodes: done in 5.0 s, success 46/50; whole run: 50%, 27 s left",
    ]
    assert "\r" not in file.getvalue()
    assert reporter.whole() == (
        "whole run: 50%, 27 s left; last 0.92 flow euler10, best 0.92 flow euler10"
    )


def test_the_best_is_of_the_task_of_the_last_one() -> None:
    reporter, _ = plain()
    for name, successes in (("flow euler10", 46), ("bc direct1", 50), ("bc direct1", 50)):
        reporter.score(Score("LiftCube", name, successes, 50))
    reporter.score(Score("LiftCube", "expert", 50, 50), counts=False)
    assert reporter.whole() == "last 1.00 bc direct1, best 1.00 bc direct1"
    reporter.score(Score("LiftCube", "flow euler1", 10, 50))
    assert reporter.whole() == "last 0.20 flow euler1, best 1.00 bc direct1"
    reporter.score(Score("TurnDial", "flow euler1", 0, 50))
    assert reporter.whole() == "last 0.00 flow euler1, best 0.00 flow euler1"


@pytest.mark.parametrize("width", [40, 63, 64, 80])
def test_counts_and_time_left_are_shown_beside_a_long_name(width: int, clock: Clock) -> None:
    file = io.StringIO()
    reporter = Reporter(Console(file=file, force_terminal=True, width=width, soft_wrap=True))
    reporter.outlook.plan([Piece("x" * 100, ("training",), 10.0)])
    reporter.score(Score("RotateCube", "diffusion " + "dpmsolver" * 10, 46, 50))
    with reporter.stage("x" * 100, 10_000) as stage:
        stage.update(5_000, left=7300.0)
        assert isinstance(stage, progress._Bar)
        lines = [
            "".join(segment.text for segment in line)
            for line in reporter.console.render_lines(stage._progress.get_renderable())
        ]
    assert [len(line) for line in lines] == [width, width]
    assert "5000/10000" in lines[0]
    assert "2.0 h left" in lines[0]
    assert lines[1].startswith("whole run: 50%, 2 s left; last 0.92 diffusion "[: width - 1])
