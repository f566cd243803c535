"""Parameters of tests: some always run, the others only where tests are thorough."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def thoroughly(values: Iterable[str], *, always: Collection[str]) -> list[Any]:
    """Return the values as parameters, marked `thorough` but for those of `always`."""
    return [x if x in always else pytest.param(x, marks=pytest.mark.thorough) for x in values]
