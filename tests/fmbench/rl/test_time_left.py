"""The time left of a training whose updates begin later than its steps."""

import pytest

from fmbench.rl.time_left import UPDATE_S, TimeLeft


def test_steps_of_one_kind_are_extrapolated() -> None:
    left = TimeLeft(total=100)
    assert left.at(0, now=5.0) is None
    assert left.at(10, now=7.0) == pytest.approx(90 * 0.2)
    assert left.at(100, now=30.0) == 0


def test_updates_that_have_not_begun_are_counted() -> None:
    left = TimeLeft(total=1000, silent=100, updates_per_step=0.5)
    left.at(0, now=0.0)
    expected = 50 * 0.001 + 900 * (0.001 + 0.5 * UPDATE_S)
    assert left.at(50, now=0.05) == pytest.approx(expected)


@pytest.mark.parametrize("update_s", [0.001, 0.02, 0.3])
def test_updates_are_soon_as_slow_as_they_were_measured(update_s: float) -> None:
    left = TimeLeft(total=1000, silent=100, updates_per_step=0.5)
    now, step_s = 0.0, 0.001
    for steps in range(0, 301, 10):
        now += 10 * (step_s + 0.5 * update_s * (steps > 110)) if steps else 0.0
        seconds = left.at(steps, now)
    assert seconds == pytest.approx(700 * (step_s + 0.5 * update_s), rel=0.02)


def test_a_resumed_training_that_learns_already_tells_what_it_measures() -> None:
    left = TimeLeft(total=1000, silent=100, updates_per_step=0.5)
    assert left.at(500, now=0.0) is None
    left.at(510, now=1.0)
    assert left.at(600, now=10.0) == pytest.approx(400 * 0.1)
