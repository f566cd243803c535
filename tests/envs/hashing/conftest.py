"""Cache parsed sources for all tests of this folder."""

from collections.abc import Iterator
from functools import lru_cache

import pytest

from envs.hashing import namespace


@pytest.fixture(scope="package", autouse=True)
def read_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(namespace, "Module", lru_cache(maxsize=256)(namespace.Module))
        yield
