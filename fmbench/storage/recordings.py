"""Recordings: states and actions of one episode, in a small file that is drawn without weights.

A recording is an `.npz` file without pickles, which `numpy.load` reads: `state` (T + 1, nq) float32
are the generalised positions before the first and after each of T control steps, `action`
(T, act_dim) float16 the commands in [-1, 1], `memory.NAME` (T + 1 or 1, k) float32 the episode's
variables that a picture shows (goals, colours), and `facts` a JSON text. States are rounded to
2^-14 (61 um or urad, which no picture shows), kept column by column and compressed by LZMA, which
takes about half the bytes of float32 in `numpy.savez_compressed`. Equal recordings have equal
bytes.
"""

from __future__ import annotations

import dataclasses
import io
import json
import lzma
import math
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeAlias

import numpy as np
from numpy.lib import format as npy

from fmbench.errors import FmbenchError, shown
from fmbench.storage.accepted import MAX_INT, Amount, Count, Positive, Sha256, Within
from fmbench.storage.files import open_regular, write_bytes_atomic
from fmbench.storage.typed import STRICT, parse

Float32Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
Float16Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float16]]

RECORDINGS_FOLDER = "recordings"
"""The folder of the recordings of a run, in its own."""
SUFFIX = ".npz"
SCHEMA = 1
STEPS_PER_UNIT = 2.0**14
"""Steps to which states are rounded, in one metre or radian."""
MAX_BYTES = 64 * 2**20
"""Most bytes of a recording, and of each of its arrays."""
MEMORY = "memory."
_DATE = (1980, 1, 1, 0, 0, 0)
_FAULTS = (zipfile.BadZipFile, lzma.LZMAError, zlib.error, ValueError, OSError, EOFError,
           NotImplementedError, RuntimeError, RecursionError)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class RecordingFacts:
    """What was recorded.

    Attributes:
        task: Name of the task.
        task_version: Its version.
        task_hash: Its hash.
        hash_kind: How the hash was computed.
        episode_seed: The episode.
        policy: Name of the policy.
        sampler: Its sampler; empty where nothing is sampled.
        steps: Its steps.
        train_seed: Its training seed; -1 where nothing is trained.
        weights_hash: First digits of the hash of its weights; empty where nothing is trained.
        success: Whether the episode succeeded.
        length: Control steps.
        nfe: Mean network evaluations per decision.
        mode: Mode of the solution, or "".
        control_period_s: Duration of a control step [s].
        schema: Version of the file.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    task: str
    task_version: Count
    task_hash: Sha256
    hash_kind: Positive
    episode_seed: Count
    policy: str
    sampler: str
    steps: Count
    train_seed: Annotated[int, Within(-1, MAX_INT)]
    weights_hash: str
    success: bool
    length: Count
    nfe: Amount
    mode: str
    control_period_s: Amount
    schema: Annotated[int, Within(1, SCHEMA)] = SCHEMA


@dataclasses.dataclass(frozen=True)
class RecordedEpisode:
    """One recorded episode of T control steps.

    Attributes:
        facts: What was recorded.
        state: Generalised positions, `(T + 1, nq)`.
        action: Commands in [-1, 1], `(T, act_dim)`.
        memory: The episode's variables that a picture shows, each `(T + 1, k)`.
    """

    facts: RecordingFacts
    state: Float32Array
    action: Float16Array
    memory: Mapping[str, Float32Array]


def rounded(qpos: np.ndarray) -> Float32Array:
    """Return states as they are recorded."""
    steps = np.round(np.asarray(qpos, dtype=np.float64) * STEPS_PER_UNIT)
    return (steps / STEPS_PER_UNIT).astype(np.float32)


def write_recording(path: Path, recording: RecordedEpisode) -> None:
    """Write a recording, atomically.

    Raises:
        ValueError: Its arrays do not have as many rows as the episode has steps.
        RunFailed: The disk is full.
    """
    facts = json.dumps(dataclasses.asdict(recording.facts), ensure_ascii=True, allow_nan=False)
    arrays: dict[str, np.ndarray] = {
        "facts": np.array(facts),
        "state": rounded(recording.state),
        "action": recording.action.astype(np.float16),
    }
    for name, values in sorted(recording.memory.items()):
        is_constant = bool((values == values[:1]).all())
        arrays[MEMORY + name] = values[: 1 if is_constant else None].astype(np.float32)
    if problem := _problem(arrays, recording.facts.length):
        raise ValueError(f"{path}: {problem}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, values in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", _DATE)
            entry.create_system, entry.compress_type = 3, zipfile.ZIP_LZMA
            archive.writestr(entry, _encode(values))
    write_bytes_atomic(path, buffer.getvalue())


def read_recording(path: Path) -> RecordedEpisode:
    """Read a recording; nothing is unpickled.

    Raises:
        FmbenchError: The file is missing, or is no recording.
    """
    try:
        with open_regular(path) as file:
            if (size := os.fstat(file.fileno()).st_size) > MAX_BYTES:
                raise ValueError(f"it has {size} bytes; at most {MAX_BYTES} are accepted")
            with zipfile.ZipFile(file) as archive:
                arrays = _read_arrays(archive)
        facts_json = json.loads(str(arrays["facts"])) if "facts" in arrays else None
    except FileNotFoundError:
        raise FmbenchError(f"{path} does not exist; give a recording ({SUFFIX})") from None
    except _FAULTS as error:
        raise FmbenchError(f"{path} is no recording: {error}") from None
    facts = parse(RecordingFacts, facts_json, path)
    if problem := _problem(arrays, facts.length):
        raise FmbenchError(f"{path} is no recording: {problem}")
    rows = facts.length + 1
    memory = {
        name.removeprefix(MEMORY): np.broadcast_to(values, (rows, values.shape[1]))
        for name, values in arrays.items()
        if name.startswith(MEMORY)
    }
    return RecordedEpisode(facts, arrays["state"], arrays["action"], memory)


def _problem(arrays: Mapping[str, np.ndarray], length: int) -> str:
    """Return what is wrong with the shapes and types of arrays; "" if nothing is."""
    for name in ("facts", "state", "action"):
        if name not in arrays:
            return f"{name} is missing"
    rows = {"state": ((length + 1,), np.float32), "action": ((length,), np.float16)}
    for name, values in arrays.items():
        if name == "facts":
            continue  # `parse` has checked them
        if name not in rows and not name.startswith(MEMORY):
            return f"{shown(name)} is unknown"
        counts, kind = rows.get(name, ((1, length + 1), np.float32))
        if values.ndim != 2 or values.shape[0] not in counts or values.dtype != kind:
            return (
                f"{shown(name)} is {values.dtype} {values.shape}; {length} control steps need "
                f"{np.dtype(kind)} and {' or '.join(map(str, counts))} rows"
            )
    return ""


def _encode(values: np.ndarray) -> bytes:
    """Return an array as a `.npy` file, its columns one after the other."""
    buffer = io.BytesIO()
    by_column = np.asfortranarray(values) if values.ndim else values
    npy.write_array(buffer, by_column, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _read_arrays(archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
    """Return the arrays of an open archive.

    Raises:
        ValueError: An entry is repeated, too large, or no array of numbers or text.
    """
    entries = archive.infolist()
    names = [entry.filename.removesuffix(".npy") for entry in entries]
    if len(set(names)) < len(names):
        raise ValueError("an array is there more than once")
    arrays = {}
    for name, entry in zip(names, entries, strict=True):
        with archive.open(name=entry) as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ValueError(f"{shown(name)} has more than {MAX_BYTES} bytes")
        arrays[name] = _decode(data, name)
    return arrays


def _decode(data: bytes, name: str) -> np.ndarray:
    """Return the array in the bytes of a `.npy` file, whose header cannot claim more than those."""
    buffer = io.BytesIO(data)
    if npy.read_magic(buffer) != (1, 0):
        raise ValueError(f"{shown(name)} has another version of the format")
    shape, is_by_column, kind = npy.read_array_header_1_0(buffer)
    content = memoryview(data)[buffer.tell() :]
    if kind.kind not in "fU" or math.prod(shape) * kind.itemsize != len(content):
        raise ValueError(f"{shown(name)} is no array of {kind} {shape}")
    if not content:
        return np.zeros(shape, kind)
    return np.frombuffer(content, kind).reshape(shape, order="F" if is_by_column else "C")
