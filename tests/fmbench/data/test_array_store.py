"""Stored arrays: made once, verified when read, nothing half-written left behind."""

import json
import resource
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmbench.data.array_store import ARRAY_FILE, ArraySpec, stored_array
from fmbench.errors import FmbenchError, RunFailed
from tests.reseal import reseal

SPEC = ArraySpec("numbers", (5, 2), "float16", {"made_of": "tests", "sizes": [1, 2]})
VALUES = np.arange(10, dtype=np.float16).reshape(5, 2)


def parts() -> Iterator[np.ndarray[Any, Any]]:
    yield VALUES[:3]
    yield VALUES[3:]


def never() -> Iterator[np.ndarray[Any, Any]]:
    raise AssertionError("the stored array is not used")
    yield VALUES


def test_an_array_is_made_once_and_then_only_read(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "numbers"
    made = stored_array(folder, SPEC, parts)
    found = stored_array(folder, SPEC, never)
    assert made.is_new
    assert not found.is_new
    for stored in (made, found):
        assert isinstance(stored.array, np.memmap)
        np.testing.assert_array_equal(stored.array, VALUES)
        with pytest.raises(ValueError, match="read-only"):
            stored.array[0] = 1
    assert sorted(path.name for path in folder.iterdir()) == ["array.npy", "manifest.json"]


def test_the_size_on_disk_is_that_of_the_array(tmp_path: Path) -> None:
    stored_array(tmp_path / "numbers", SPEC, parts)
    assert SPEC.size == VALUES.nbytes
    assert (tmp_path / "numbers" / ARRAY_FILE).stat().st_size == SPEC.size + 128


@pytest.mark.parametrize(
    "change",
    [
        {"shape": (5, 3)},
        {"dtype": "float32"},
        {"decides": {"made_of": "tests", "sizes": [2, 1]}},
        {"decides": {}},
    ],
)
def test_the_key_covers_everything_that_decides_the_bytes(change: dict[str, Any]) -> None:
    assert replace(SPEC, **change).key != SPEC.key
    assert replace(SPEC, decides=dict(reversed(SPEC.decides.items()))).key == SPEC.key


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_array_leaves_nothing_behind(
    error: type[BaseException], tmp_path: Path
) -> None:
    def broken() -> Iterator[np.ndarray[Any, Any]]:
        yield VALUES[:3]
        raise error

    with pytest.raises(error):
        stored_array(tmp_path / "numbers", SPEC, broken)
    assert [p.name for p in tmp_path.iterdir() if not p.name.startswith(".")] in (
        [],
        ["numbers.lock"],
    )
    assert stored_array(tmp_path / "numbers", SPEC, parts).is_new


@pytest.mark.parametrize(
    "wrong", [VALUES[:4], VALUES.astype(np.float32), VALUES[:, :1], np.repeat(VALUES, 2, axis=0)]
)
def test_parts_that_do_not_make_the_array_are_rejected(
    wrong: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="expected"):
        stored_array(tmp_path / "numbers", SPEC, lambda: iter([wrong]))
    assert not (tmp_path / "numbers").exists()


def test_damage_and_other_arrays_are_one_line(tmp_path: Path) -> None:
    folder = stored_array(tmp_path / "numbers", SPEC, parts).folder
    with pytest.raises(FmbenchError, match="holds other numbers than its name says; delete it"):
        stored_array(folder, replace(SPEC, decides={}), never)
    with pytest.raises(FmbenchError, match=r"holds an array \(5, 2\) of float16, not \(6, 2\)"):
        stored_array(folder, replace(SPEC, shape=(6, 2)), never)
    good = (folder / ARRAY_FILE).read_bytes()
    (folder / ARRAY_FILE).write_bytes(good[:-1] + b"\1")
    with pytest.raises(FmbenchError, match="was changed after it was written"):
        stored_array(folder, SPEC, never)
    for data in (b"", b"\x93NUMPY", good[:-1], json.dumps([1]).encode()):
        (folder / ARRAY_FILE).write_bytes(data)
        reseal(folder)
        with pytest.raises(FmbenchError, match=r"array\.npy is no array of fmbench's; delete"):
            stored_array(folder, SPEC, never)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the size of files")
def test_a_file_that_may_not_grow_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    spec = replace(SPEC, shape=(20_000, 2))
    rows = np.zeros(spec.shape, np.float16)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    try:
        with pytest.raises(RunFailed, match=r"numbers\S* could not be written: File too large"):
            stored_array(tmp_path / "numbers", spec, lambda: iter([rows[:5000], rows[5000:]]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert {path.name for path in tmp_path.iterdir()} <= {".numbers.lock", "numbers.lock"}
    assert stored_array(tmp_path / "numbers", spec, lambda: iter([rows])).is_new
