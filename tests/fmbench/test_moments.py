"""A copy of the process of tests: what it need not wait for."""

import gc
import weakref

from tests.fmbench.moments import forked


class Held:
    """Something in a cycle, of which a weak reference tells whether it was deleted."""

    def __init__(self) -> None:
        self.itself = self


def test_a_copy_deletes_no_garbage_of_this_process() -> None:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        garbage = weakref.ref(Held())

        def work() -> None:
            gc.collect()
            assert garbage() is not None
            new = weakref.ref(Held())
            gc.collect()
            assert new() is None

        assert garbage() is not None
        assert forked(work) == 0
    finally:
        if was_enabled:
            gc.enable()
    gc.collect()
    assert garbage() is None
