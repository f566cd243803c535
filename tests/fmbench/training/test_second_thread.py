"""A second thread: it does what the first one has not begun, and errors of both are raised."""

import itertools
import threading

import pytest

from fmbench.training import second_thread
from fmbench.training.second_thread import SecondThread, Task
from tests.fmbench.second_threads import Diligent, Idle, second_threads

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.mark.parametrize("thread", [SecondThread, Idle, Diligent])
def test_an_error_in_a_task_is_raised_after_the_others(thread: type[SecondThread]) -> None:
    done: list[int] = []

    def fail() -> None:
        raise MemoryError("no memory for a gradient")

    with thread() as second:
        for task in (lambda: done.append(1), fail, lambda: done.append(2)):
            second.give(task)
        with pytest.raises(MemoryError, match="no memory for a gradient"):
            second.finish()
        assert sorted(done) == [1, 2]
        second.give(lambda: done.append(3))
        second.finish()
        assert done[-1] == 3
    assert not second_threads()


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt("Ctrl-C"), RuntimeError("can't start new thread")]
)
def test_an_error_at_the_start_of_the_thread_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(thread: threading.Thread) -> None:
        raise error

    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(type(error), match=str(error)), SecondThread() as second:
        second.give(lambda: None)


class Offers(SecondThread):
    """Counts what is offered to the second thread."""

    offered = 0

    def give(self, task: Task) -> None:
        self.offered += 1
        super().give(task)


def test_pairs_are_no_longer_offered_where_that_saves_no_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # at every look at the clock one task more is done: two take twice as long as one
    monkeypatch.setattr(second_thread, "perf_counter", itertools.count().__next__)
    done: list[int] = []
    pairs = second_thread.MOST_LOSSES + second_thread.REST
    with Offers() as second:
        for k in range(pairs):
            second.do_both(lambda k=k: done.append(k), lambda k=k: done.append(k))  # type: ignore[misc]
        assert second.offered == second_thread.MOST_LOSSES
        second.do_both(lambda: done.append(pairs), lambda: done.append(pairs))
        assert second.offered == second_thread.MOST_LOSSES + 1, "but tried again later"
    assert sorted(done) == sorted([*range(pairs + 1)] * 2)


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("thread", [SecondThread, Idle, Diligent])
def test_an_error_in_one_of_a_pair_leaves_nothing(thread: type[SecondThread], failing: int) -> None:
    done: list[int] = []

    def do(number: int) -> None:
        if number == failing:
            raise MemoryError("no memory for a product")
        done.append(number)

    with thread() as second:
        with pytest.raises(MemoryError, match="no memory for a product"):
            second.do_both(lambda: do(0), lambda: do(1))
        assert done == [1 - failing]
        second.do_both(lambda: do(2), lambda: do(3))
        assert sorted(done) == [1 - failing, 2, 3]
