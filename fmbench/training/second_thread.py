"""A second thread that takes tasks from a queue, from which the first one helps itself too."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter
from types import TracebackType
from typing import TypeAlias

import torch

Task: TypeAlias = Callable[[], None]

MOST_WAITING = 1
"""Tasks that wait for the second thread; then the first one does the oldest, while its data are
still in the processor's caches."""
MOST_LOSSES = 4
"""Pairs of tasks, one after the other, that took no less time on two threads than on one; then the
first thread does the next `REST` pairs by itself: the other processor is busy."""
REST = 100
WORTHWHILE = 1.8
"""Two tasks that take as many times as long as one of them, or longer, are better done alone."""


class SecondThread(AbstractContextManager["SecondThread"]):
    """Does tasks beside the thread that gives them, which does those that are left at the end.

    Tasks must depend neither on each other nor on the thread. Where no processor is free for the
    second thread, the first one does them all, at the time that it would take alone. Nothing waits
    actively. The thread is started by the first task and ends with the `with` block.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._outcomes: SimpleQueue[BaseException | None] = SimpleQueue()
        self._given = 0
        self._losses = self._rest = 0
        self._thread: Thread | None = None

    def give(self, task: Task) -> None:
        """Let either thread do a task, in any order, until `finish` returns."""
        if self._thread is None:
            threads = torch.get_num_threads()  # a new thread does not inherit it
            self._thread = Thread(target=self._work, args=(threads,), name="second", daemon=True)
            self._thread.start()
        self._given += 1
        self._tasks.put(task)
        if self._tasks.qsize() > MOST_WAITING:
            self._do_next()

    def do_both(self, first: Task, other: Task) -> None:
        """Do two tasks that take equally long, on a thread each, and wait for both.

        Tasks that were given before may be finished, too. Where no processor is free, the first
        thread soon stops offering the other one of two: waking a thread takes a tenth of a small
        task's time.
        """
        if self._rest:
            self._rest -= 1
            first()
            other()
            return
        started = perf_counter()
        self.give(other)
        try:
            first()
            half = perf_counter() - started
        finally:
            self.finish()
        self._losses = 0 if perf_counter() - started < WORTHWHILE * half else self._losses + 1
        if self._losses == MOST_LOSSES:
            self._losses, self._rest = 0, REST

    def finish(self) -> None:
        """Do the tasks that are left, wait for the other thread, and raise the first error."""
        while self._do_next():
            pass
        outcomes = [self._outcomes.get() for _ in range(self._given)]
        self._given = 0
        for error in outcomes:
            if error is not None:
                raise error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Forget the tasks that are left, and end the thread after the one that it is doing."""
        while self._next() is not None:
            pass
        if self._thread is not None:
            self._tasks.put(None)
            if self._thread.is_alive():  # not if its start failed or was interrupted
                self._thread.join()

    def _do_next(self) -> bool:
        """Do a task that nobody has started; return whether there was one."""
        task = self._next()
        if task is not None:
            self._outcomes.put(_outcome(task))
        return task is not None

    def _next(self) -> Task | None:
        try:
            return self._tasks.get_nowait()
        except Empty:
            return None

    def _work(self, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        while (task := self._tasks.get()) is not None:
            self._outcomes.put(_outcome(task))
            del task  # or the tensors that it uses would live until the next one


def _outcome(task: Task) -> BaseException | None:
    """Do a task; return the error that it raised."""
    try:
        task()
    except BaseException as error:
        return error
    return None
