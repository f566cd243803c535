"""Files of recordings: small, without pickles, and read in one form only."""

import io
import json
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmbench.errors import FmbenchError
from fmbench.storage.recordings import (
    RecordedEpisode,
    RecordingFacts,
    read_recording,
    rounded,
    write_recording,
)

FACTS = RecordingFacts(
    "LiftCube", 1, "ab" * 32, 2, 3_000_000, "flow", "euler", 4, 0, "cd" * 8, True, 40, 4.0, "", 0.04
)


def recording(length: int = 40, columns: int = 31) -> RecordedEpisode:
    """Return a smooth episode; it takes as many steps as its facts say."""
    time = np.linspace(0, 1, length + 1)[:, None]
    generator = np.random.default_rng(0)
    state = np.sin(time * generator.uniform(1, 3, (1, columns))).astype(np.float32)
    action = np.cos(time[:-1] * generator.uniform(1, 3, (1, 20))).astype(np.float16)
    memory = {"goal": np.tile(np.float32([0.1, 0.2, 0.3]), (length + 1, 1)),
              "turn": time.astype(np.float32)}  # fmt: skip
    return RecordedEpisode(replace(FACTS, length=length), state, action, memory)


@pytest.mark.parametrize("length", [0, 1, 40])
def test_a_recording_is_read_as_it_was_written(length: int, tmp_path: Path) -> None:
    written, path = recording(length), tmp_path / "a.npz"
    write_recording(path, written)
    write_recording(tmp_path / "b.npz", written)
    assert (tmp_path / "b.npz").read_bytes() == path.read_bytes()
    read = read_recording(path)
    assert read.facts == written.facts
    np.testing.assert_array_equal(read.state, rounded(written.state))
    assert np.abs(read.state - written.state).max() <= 2**-15
    np.testing.assert_array_equal(read.action, written.action)
    assert list(read.memory) == ["goal", "turn"]
    for name, values in written.memory.items():
        np.testing.assert_array_equal(read.memory[name], values)


def test_numpy_reads_it_without_pickles(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.npz", recording())
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert arrays["state"].shape == (41, 31)
        assert arrays["state"].dtype == np.float32
        assert arrays["action"].dtype == np.float16
        assert arrays["memory.goal"].shape == (1, 3), "what is constant is there once"
        assert json.loads(str(arrays["facts"])) == asdict(FACTS)


def test_it_is_smaller_than_numpys(tmp_path: Path) -> None:
    written = recording(150)
    write_recording(tmp_path / "a.npz", written)
    np.savez_compressed(tmp_path / "b.npz", state=written.state, action=written.action)
    sizes = [(tmp_path / name).stat().st_size for name in ("a.npz", "b.npz")]
    assert sizes[0] < 0.7 * sizes[1]


def test_rows_that_are_no_steps_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'state' is float32 \(41, 31\); 7 control steps need"):
        write_recording(tmp_path / "a.npz", replace(recording(), facts=replace(FACTS, length=7)))
    assert not list(tmp_path.iterdir())


def damaged(change: Callable[[dict[str, np.ndarray]], object], path: Path) -> Path:
    """Write a recording whose arrays were changed."""
    write_recording(path, recording())
    with np.load(path, allow_pickle=False) as file:
        arrays: dict[str, Any] = dict(file)
    change(arrays)
    np.savez(path, allow_pickle=True, **arrays)
    return path


def of_facts(**values: object) -> Callable[[dict[str, np.ndarray]], object]:
    return lambda arrays: arrays.update(facts=np.array(json.dumps({**asdict(FACTS), **values})))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("state"), "is no recording: state is missing"),
        (lambda arrays: arrays.pop("facts"), "content is None; "),
        (lambda arrays: arrays.update(facts=np.array("{")), "is no recording: Expecting property"),
        (lambda arrays: arrays.update(facts=np.array("[]")), "content is []; "),
        (lambda arrays: arrays.update(more=np.zeros((41, 2), np.float32)), "'more' is unknown"),
        (lambda arrays: arrays.update(state=np.zeros((41, 31))), "'state' is float64 (41, 31); 40"),
        (lambda arrays: arrays.update(state=arrays["state"][:-1]), "and 41 rows"),
        (lambda arrays: arrays.update(action=arrays["state"][:-1]), "'action' is float32 (40, 31)"),
        (lambda arrays: arrays.update(state=arrays["state"][:, 0]), "'state' is float32 (41,); 40"),
        (lambda arrays: arrays.update(state=np.array([{}])), "'state' is no array of object (1,)"),
        (of_facts(length=39), "39 control steps need float32 and 40 rows"),
        (of_facts(success=1), "success is 1; input should be a valid boolean"),
        (of_facts(schema=2), "schema is 2; give a number from 1 to 1"),
        (of_facts(wrong=2), "wrong is unknown; fmbench does not write it"),
        (of_facts(task_hash="x"), "task_hash is 'x'; give the 64 hexadecimal digits of a sha256"),
    ],
)
def test_what_is_no_recording_is_rejected_in_one_line(
    change: Callable[[dict[str, np.ndarray]], object], message: str, tmp_path: Path
) -> None:
    path = damaged(change, tmp_path / "a.npz")
    with pytest.raises(FmbenchError) as caught:
        read_recording(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_other_files_are_rejected_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(FmbenchError, match="does not exist; give a recording"):
        read_recording(path)
    write_recording(path, recording())
    whole = path.read_bytes()
    for data in (b"", b"a text", whole[:-40], whole[:100] + b"\0\0" + whole[102:]):
        path.write_bytes(data)
        with pytest.raises(FmbenchError, match=r"a\.npz is no recording: "):
            read_recording(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(FmbenchError, match="is not a file"):
        read_recording(path)


def test_an_array_cannot_claim_more_than_there_is(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 10**6)}
    )
    path = tmp_path / "a.npz"
    for copies in (1, 2):
        with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of the repeated name
            for name in ("state.npy", "state.npy")[:copies]:
                archive.writestr(name, header.getvalue())
        with pytest.raises(FmbenchError, match=r"is no array of float32|more than once"):
            read_recording(path)
