"""The time left of the whole work: learnt from what is done, and never of what is not needed."""

import contextlib

import pytest

from fmbench.cli import outlook as module
from fmbench.cli.outlook import Outlook, Piece, in_words
from tests.fmbench.cli.test_progress import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def trainings(seeds: int) -> list[Piece]:
    return [
        Piece(f"{policy} {seed}", ("training", policy), 10.0)
        for policy in ("flow", "diffusion")
        for seed in range(seeds)
    ]


def do(outlook: Outlook, clock: Clock, name: str, seconds: float, share: float = 0.0) -> None:
    with outlook.during(name, share=share):
        clock.now += seconds


def test_nothing_is_known_without_a_plan_or_at_its_end(clock: Clock) -> None:
    outlook = Outlook()
    do(outlook, clock, "something", 5.0)
    assert outlook.left() is None
    outlook.plan([Piece("a", ("a",), 1.0)])
    assert (outlook.left(), outlook.done()) == (1.0, 0.0)
    do(outlook, clock, "a", 5.0)
    assert outlook.left() is None


def test_what_is_done_corrects_what_is_like_it_most(clock: Clock) -> None:
    outlook = Outlook()
    outlook.plan([*trainings(2), Piece("episodes", ("episodes",), 10.0)])
    do(outlook, clock, "flow 0", 20.0)
    assert outlook.left() == pytest.approx(20 + 20 + 20 + 20), "all of it twice as slow"
    do(outlook, clock, "diffusion 0", 40.0)
    # flow is twice as slow, diffusion four times, and trainings, all that is known, three times
    assert outlook.left() == pytest.approx(20 + 40 + 30)
    assert outlook.done() == pytest.approx(60 / 150)


def test_pieces_of_an_earlier_process_are_skipped_and_teach_nothing(clock: Clock) -> None:
    outlook = Outlook()
    outlook.plan(trainings(2))
    outlook.skip("flow 0", "flow 1", "unknown")
    assert (outlook.left(), outlook.done()) == (20.0, 0.0)
    do(outlook, clock, "diffusion 0", 10.0, share=0.5)  # a half of it
    assert outlook.left() == pytest.approx(20.0), "the other takes twice as long as expected"


def test_the_speed_of_a_piece_counts_the_more_the_more_is_done(clock: Clock) -> None:
    outlook = Outlook()
    outlook.plan(trainings(1))
    with outlook.during("flow 0"):
        lefts = []
        for step in range(1, 10):
            clock.now += 3.0  # three times as slow as expected
            outlook.update(step / 10)
            lefts.append((outlook.left() or 0.0) - 10.0)  # without diffusion, not begun
        true = [3.0 * (10 - step) for step in range(1, 10)]
        assert lefts[0] < 0.7 * true[0]
        assert lefts[-1] == pytest.approx(true[-1], rel=0.05)
        outlook.update(1.0)
        assert outlook.left() == pytest.approx(10.0)


def test_pieces_that_are_done_together_share_the_time(clock: Clock) -> None:
    outlook = Outlook()
    outlook.plan([Piece("a", ("a",), 10.0), Piece("b", ("b",), 30.0), Piece("c", ("b",), 30.0)])
    with outlook.during("a", "b", "b"):
        clock.now += 20.0
    assert outlook.left() == pytest.approx(15.0)


def test_a_piece_that_fails_teaches_nothing(clock: Clock) -> None:
    outlook = Outlook()
    outlook.plan(trainings(1))
    with contextlib.suppress(KeyboardInterrupt), outlook.during("flow 0"):
        clock.now += 500.0
        raise KeyboardInterrupt
    assert outlook.left() == 20.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "1 s"), (40.2, "41 s"), (119, "119 s"), (121, "2 min"), (7100, "118 min"),
     (7300, "2.0 h"), (400_000, "111.1 h")],
)  # fmt: skip
def test_durations_in_words(seconds: float, text: str) -> None:
    assert in_words(seconds) == text
