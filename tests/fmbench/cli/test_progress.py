"""Progress display: bars in a terminal, plain lines at intervals elsewhere, never a crash."""

import io

import pytest
from rich.console import Console

from fmbench.cli import progress
from fmbench.cli.progress import PLAIN_PERIOD_S, Reporter


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
        "training: 20/200, 90 s left",
        "training: 40/200, 80 s left",
        "training: done in 30.0 s",
    ]


def test_time_left_ignores_the_work_of_an_earlier_process(clock: Clock) -> None:
    reporter, file = plain()
    with reporter.stage("training", 200, done=100) as stage:
        clock.now += 20.0
        stage.update(100)
        stage.update(150)
    assert file.getvalue().splitlines()[0] == "training: 150/200, 20 s left"


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
