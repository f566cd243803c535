"""Parameters of tests: some always run, the others only where tests are thorough."""

from collections.abc import Iterable
from typing import Any

import pytest


def thoroughly(values: Iterable[str], *, always: str) -> list[Any]:
    """Return the values as parameters, marked `thorough` but for the words of `always`."""
    plain = always.split()
    return [x if x in plain else pytest.param(x, marks=pytest.mark.thorough) for x in values]
