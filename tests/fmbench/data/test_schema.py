"""Stored episodes have the schema, or are refused in one line, even if every hash fits."""

import re
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import h5py
import minari
import numpy as np
import pytest

from envs.registry import make_task
from fmbench.data.minari_file import DATA, DATA_FILE
from fmbench.data.store import Demonstrations
from tests.fmbench.data.refusal import refused
from tests.reseal import reseal

TASK = "PressEither"
HORIZON, OBS_DIM = make_task(TASK).horizon, make_task(TASK).obs_dim
Edit = Callable[[h5py.Group], object]


@pytest.fixture
def folder(demonstrations_folder: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may damage."""
    return Path(shutil.copytree(demonstrations_folder, tmp_path / demonstrations_folder.name))


def put(name: str, **options: object) -> Edit:
    """Return an edit that replaces an array by one that is made with `options`."""

    def edit(episode: h5py.Group) -> None:
        old = episode[name][()]
        del episode[name]
        episode.create_dataset(name, **{"data": old, "chunks": True, **options})

    return edit


def change(name: str, index: object, value: object) -> Edit:
    """Return an edit that replaces some numbers of an array."""

    def edit(episode: h5py.Group) -> None:
        episode[name][index] = value

    return edit


def cut(name: str, rows: int) -> Edit:
    """Return an edit that gives an array `rows` more rows."""
    return lambda episode: episode[name].resize(len(episode[name]) + rows, axis=0)


def claim(name: str, shape: tuple[int, ...], kind: str) -> Edit:
    """Return an edit that replaces an array by one of which no number was ever written."""
    return put(name, data=None, shape=shape, dtype=kind)


def note(name: str, value: object) -> Edit:
    """Return an edit that replaces an attribute."""

    def edit(episode: h5py.Group) -> None:
        episode.attrs[name] = value

    return edit


def long_episode(episode: h5py.Group) -> None:
    episode.attrs["total_steps"] = np.int64(10**12)
    claim("rewards", (10**12,), "f8")(episode)


def share(episode: h5py.Group) -> None:
    del episode["actions"]
    episode["actions"] = episode["infos/clean_action"]


def raw_flag(episode: h5py.Group) -> None:
    data = episode["terminations"]
    raw = np.array(data[()]).view(np.uint8)
    raw[-1] = 2
    data.id.write_direct_chunk((0,), raw.tobytes())


def text(episode: h5py.Group) -> None:
    put("observations", data=np.full(len(episode["observations"]), b"1.0"))(episode)


def text_of_any_length(episode: h5py.Group) -> None:
    texts = ["1.0"] * len(episode["observations"])
    put("observations", data=texts, dtype=h5py.string_dtype())(episode)


def records(episode: h5py.Group) -> None:
    kind = np.dtype([("value", "f4", (OBS_DIM,))])
    put("observations", data=np.zeros(len(episode["observations"]), kind))(episode)


def references(episode: h5py.Group) -> None:
    data = np.full(len(episode["rewards"]), episode.ref, dtype=h5py.ref_dtype)
    put("rewards", data=data, dtype=h5py.ref_dtype)(episode)


ONE = r"main_data\.hdf5: /episode_1"
EDITS: dict[str, tuple[Edit, str]] = {
    "one observation short": (cut("observations", -1), rf"{ONE}/observations has shape \(\d+, "),
    "one observation too many": (cut("observations", 1), rf"{ONE}/observations has shape"),
    "one action short": (cut("actions", -1), rf"{ONE}/actions has shape"),
    "one clean command short": (cut("infos/clean_action", -1), r"/infos/clean_action has shape"),
    "one reward short": (cut("rewards", -1), rf"{ONE}/rewards has shape"),
    "observations of another width": (
        lambda g: put("observations", data=g["observations"][:, 1:])(g),
        rf"{ONE}/observations has shape \(\d+, {OBS_DIM - 1}\), not \(\d+, {OBS_DIM}\)",
    ),
    "a flat array": (put("actions", data=np.zeros(7, "f4")), rf"{ONE}/actions has shape \(7,\)"),
    "NaN observed": (
        change("observations", (3, 2), np.nan),
        "observations of /episode_1 hold nan, not only values within the task's limits",
    ),
    "infinity observed": (change("observations", (-1, 0), -np.inf), "/episode_1 hold -inf"),
    "beyond the limits": (change("observations", (0, 0), 1e12), r"/episode_1 hold 999999995904\.0"),
    "NaN executed": (change("actions", (0, 0), np.nan), "actions of /episode_1 hold nan"),
    "executed out of range": (
        change("actions", (2, 3), 1.0001),
        r"actions of /episode_1 hold 1\.000\d*, not only values in \[-1, 1\]",
    ),
    "clean command out of range": (
        change("infos/clean_action", (2, 3), -7.0),
        r"clean_action of /episode_1 hold -7\.0",
    ),
    "NaN reward": (change("rewards", 4, np.nan), "rewards of /episode_1 hold nan"),
    "ends early": (change("terminations", 0, True), "terminations of /episode_1 hold True"),
    "does not end": (change("terminations", -1, False), "/episode_1 hold False, not only values t"),
    "is truncated": (change("truncations", -1, True), "truncations of /episode_1 hold True"),
    "a flag that is neither": (raw_flag, "terminations of /episode_1 hold"),
    "float64 observations": (put("observations", dtype="f8"), "observations is not of type float3"),
    "float16 actions": (put("actions", dtype="f2"), "actions is not of type float32"),
    "other byte order": (put("actions", dtype=">f4"), "actions is not of type float32"),
    "whole numbers": (put("actions", dtype="i4"), "actions is not of type float32"),
    "bytes as flags": (put("truncations", dtype="i1"), "truncations is not of type bool"),
    "text": (text, "observations is not of type float32"),
    "text of any length": (text_of_any_length, "observations is not of type float32"),
    "records": (records, "observations is not of type float32"),
    "references": (references, "rewards is not of type float64"),
    "compressed": (put("actions", compression="gzip"), "actions is not stored in uncompressed"),
    "another filter": (put("actions", fletcher32=True), "actions is not stored in uncompressed"),
    "no chunks": (put("actions", chunks=None), "actions is not stored in uncompressed chunks"),
    "tiny chunks": (put("observations", chunks=(1, 1)), "observations is not stored as a whole"),
    "a name missing": (lambda g: g.__delitem__("rewards"), "/episode_1 rewards is missing"),
    "an array renamed": (lambda g: g.move("rewards", "reward"), "/episode_1 rewards is missing"),
    "an array added": (
        lambda g: g.create_dataset("notes", data=1),
        "/episode_1 has 7 entries, not 6",
    ),
    "infos without commands": (lambda g: g["infos"].move("clean_action", "x"), "is missing"),
    "infos with more": (lambda g: g["infos"].create_group("x"), "/infos has 2 entries, not 1"),
    "a group for an array": (
        lambda g: (g.__delitem__("rewards"), g.create_group("rewards")),
        "/episode_1/rewards is no array",
    ),
    "an array for a group": (
        lambda g: (g.__delitem__("infos"), g.create_dataset("infos", data=np.zeros(3))),
        "/episode_1/infos is no group",
    ),
    "never written": (
        lambda g: claim("rewards", g["rewards"].shape, "f8")(g),
        "rewards is not stored as a whole",
    ),
    "a trillion rows": (claim("rewards", (10**12,), "f8"), r"has shape \(1000000000000,\), not"),
    "a trillion columns": (claim("actions", (9, 10**12), "f4"), "actions has shape"),
    "a trillion steps": (long_episode, f"total_steps 1000000000000, not .* 1 to {HORIZON} steps"),
    "no steps": (note("total_steps", np.int64(0)), "total_steps 0, not"),
    "two arrays in one place": (share, "claims more data than it holds"),
    "another id": (note("id", np.int64(0)), "/episode_1 has id 0, .* not id 1"),
    "another seed": (
        note("seed", np.int64(7)),
        r"/episode_1 has id 1, seed 7, .* not id 1, seed 1",
    ),
    "an id as text": (note("id", "1"), "/episode_1 has no whole number 'id'"),
    "an id as a number with a point": (note("id", 1.0), "/episode_1 has no whole number 'id'"),
    "ids": (note("id", np.array([1, 1])), "/episode_1 has no whole number 'id'"),
    "an id missing": (lambda g: g.attrs.__delitem__("id"), "/episode_1 has 2 attributes, not 3"),
    "an attribute renamed": (
        lambda g: (g.attrs.__delitem__("id"), note("ID", np.int64(1))(g)),
        "/episode_1 has no whole number 'id'",
    ),
    "an attribute added": (note("note", 1), "/episode_1 has 4 attributes, not 3"),
    "an attribute of an array": (
        lambda g: g["actions"].attrs.__setitem__("unit", "rad"),
        "actions is not stored as a whole",
    ),
    "an episode missing": (lambda g: g.parent.__delitem__("episode_1"), "episode_1 is missing"),
    "an episode added": (
        lambda g: g.parent.copy("episode_1", "episode_4"),
        "main_data.hdf5: / has 5 entries, not 4",
    ),
    "an attribute of the file": (
        lambda g: g.file.attrs.__setitem__("author", "x"),
        "main_data.hdf5: / has 1 attributes, not 0",
    ),
    "episodes exchanged": (
        lambda g: (
            g.file.move("episode_1", "x"),
            g.file.move("episode_2", "episode_1"),
            g.file.move("x", "episode_2"),
        ),
        "/episode_1 has id 2,",
    ),
    "the same episode twice": (
        lambda g: (
            g.file.__delitem__("episode_2"),
            g.file.__setitem__("episode_2", g.file["episode_1"]),
        ),
        "/episode_2 has id 1,",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_what_does_not_have_the_schema_is_refused(name: str, folder: Path) -> None:
    edit, message = EDITS[name]
    with h5py.File(folder / DATA_FILE, "a") as file:
        edit(file["episode_1"])
    refused(folder, r"main_data\.hdf5 was changed")
    reseal(folder)
    refused(folder, message)


def test_nothing_is_allocated_before_the_schema_is_checked(folder: Path) -> None:
    with h5py.File(folder / DATA_FILE, "a") as file:
        long_episode(file["episode_3"])
    reseal(folder)
    tracemalloc.start()
    try:
        refused(folder, "total_steps 1000000000000")
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


def test_the_arrays_are_those_that_minari_reads(
    demonstrations: Demonstrations, demonstrations_folder: Path
) -> None:
    episodes = list(minari.MinariDataset(demonstrations_folder / DATA).iterate_episodes())
    for ours, theirs in (
        (demonstrations.observations, [episode.observations for episode in episodes]),
        (demonstrations.executed, [episode.actions for episode in episodes]),
        (demonstrations.actions, [episode.infos["clean_action"] for episode in episodes]),
    ):
        assert ours.dtype == np.float32
        assert ours.tobytes() == np.concatenate(theirs).tobytes()
    assert demonstrations.lengths.tolist() == [len(episode.actions) for episode in episodes]


def test_an_array_listed_at_another_position_is_refused(folder: Path) -> None:
    """The library reads zeros where no chunk is listed."""
    good = (folder / DATA_FILE).read_bytes()
    nodes = [match.start() for match in re.finditer(b"TREE\x01\x00\x01\x00", good)]
    assert len(nodes) > 4
    for node in nodes:
        damaged = bytearray(good)
        damaged[node + 33] ^= 1  # the second byte of the position of the node's first chunk
        (folder / DATA_FILE).write_bytes(damaged)
        reseal(folder)
        refused(folder, "is not stored as a whole|is not an HDF5 file that can be read")
