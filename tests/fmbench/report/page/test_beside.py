"""Work in a copy of this process: the same result, and the same error."""

import os

import pytest

from fmbench.errors import FmbenchError
from fmbench.report.page import beside as module
from fmbench.report.page.beside import beside


@pytest.mark.parametrize("pays", [True, False])
def test_the_result_is_that_of_the_work(pays: bool) -> None:
    with beside(lambda: {"value": 3}, pays) as result:
        assert result() == {"value": 3}


@pytest.mark.parametrize("pays", [True, False])
def test_an_error_of_the_work_is_raised(pays: bool) -> None:
    def fail() -> None:
        raise FmbenchError("no figure")

    with pytest.raises(FmbenchError, match="no figure"), beside(fail, pays) as result:
        result()


def test_it_is_done_by_another_process_where_it_may_be_copied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for may in (True, False):
        monkeypatch.setattr(module, "cores", lambda may=may: 1 + may)
        with beside(os.getpid, True) as result:
            assert (result() != os.getpid()) == may
