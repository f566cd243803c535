"""Second threads that never find a processor, or always do."""

import threading

from fmbench.training.second_thread import SecondThread, Task


class Idle(SecondThread):
    """The second thread never finds a processor: the first one does everything."""

    def _work(self, threads: int) -> None:
        pass


class Diligent(SecondThread):
    """The second thread does everything: the first one only waits."""

    def _next(self) -> Task | None:
        return None


def second_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "second"]
