"""How tests use the processor, which hold a promise of `docs/reliability.md`, which need a hand.

One torch thread per process, no time limit per random example.
"""

import gc
import importlib.util
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

# Read by torch when it is imported, and by the commands that tests start. With one thread for each
# processor in each of two test processes the threads wait for each other: 3.6 times as long here.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What is imported and collected stays: a search for garbage in it takes half a second each time.
gc.disable()

# Models of real hands without a network: a copy beside the checkout.
COPY = Path(__file__).resolve().parents[2] / "shared" / "menagerie"
if COPY.is_dir():
    os.environ.setdefault("MENAGERIE_ROOT", str(COPY))
if os.environ.get("MENAGERIE_ROOT"):  # tests and their commands run in other folders
    os.environ["MENAGERIE_ROOT"] = str(Path(os.environ["MENAGERIE_ROOT"]).resolve())

if importlib.util.find_spec("hypothesis"):  # the tests of an extra run without it
    from hypothesis import HealthCheck, settings

    # How fast a shared machine draws an example says nothing about the code.
    settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("tests")


RELIABILITY = Path(__file__).parent.parent / "docs" / "reliability.md"
PROMISED = set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", RELIABILITY.read_text("utf-8")))
"""Tests, or files of tests, that the page names."""


LONGEST = ("tests/policies/test_learning.py", "tests/test_examples.py", "tests/test_results.py")
"""Files that take long: started last, they would keep one process waiting for the other."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files; mark the promises of the page, and tasks on real hands."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    for item in items:
        test = item.nodeid.partition("[")[0]
        if not PROMISED.isdisjoint((test, test.partition("::")[0])):
            item.add_marker(pytest.mark.faults)
        if any(_is_on_hand(value) for value in _parameters(item)):
            item.add_marker(pytest.mark.real_hand)


def pytest_collection_finish() -> None:
    """Search for garbage from now on, and only in what tests make."""
    gc.freeze()
    gc.enable()


def _parameters(item: pytest.Item) -> tuple[object, ...]:
    return tuple(item.callspec.params.values()) if hasattr(item, "callspec") else ()


def _is_on_hand(value: object) -> bool:
    """Return whether a parameter is the name of a task on a described hand."""
    from envs.registry import TASKS  # registers names only

    return isinstance(value, str) and value in TASKS and bool(TASKS[value].hand)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs models of real hands, where they are not here and not to be downloaded."""
    if item.get_closest_marker("real_hand"):
        from tests.envs.hand.described import missing_models

        if reason := missing_models():
            pytest.skip(reason)


@pytest.fixture
def torch_threads() -> Iterator[None]:
    """Restore torch's threads after a test: a command called in the test's process sets them."""
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
