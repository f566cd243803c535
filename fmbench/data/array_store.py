"""Large arrays that are computed once from other data, written in parts, and memory-mapped."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fmbench.errors import FmbenchError
from fmbench.storage.artefacts import publish, staged_folder, verify
from fmbench.storage.disk import needs_space
from fmbench.storage.files import write_parts
from fmbench.storage.leftovers import recover_target
from fmbench.storage.locks import Waiting, lock_beside, locked

ARRAY_FILE = "array.npy"
DIGITS = 12


@dataclass(frozen=True)
class ArraySpec:
    """What a stored array is.

    Attributes:
        kind: Kind of the artefact, e.g. "pictures".
        shape: Its shape.
        dtype: Its type, e.g. "uint8".
        decides: Everything that determines its bytes, as JSON values.
    """

    kind: str
    shape: tuple[int, ...]
    dtype: str
    decides: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Hash of everything that determines the array, 12 hexadecimal digits."""
        parts = {**self.decides, "shape": self.shape, "dtype": self.dtype}
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]

    @property
    def size(self) -> int:
        """Size of the array [bytes]."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


def folder_beside(demonstrations: Path, spec: ArraySpec) -> Path:
    """Return the folder of an array that is made of demonstrations, beside their folder."""
    return demonstrations.with_name(f"{demonstrations.name}-{spec.kind}-{spec.key}")


class Stored(NamedTuple):
    """A stored array, and whether this call has made it."""

    array: NDArray[Any]
    folder: Path
    is_new: bool


def stored_array(
    folder: Path,
    spec: ArraySpec,
    parts: Callable[[], Iterator[NDArray[Any]]],
    waiting: Waiting | None = None,
) -> Stored:
    """Return a memory-mapped array, made and stored first if it is not there.

    Args:
        folder: Its folder; a whole one is only read.
        spec: What it is.
        parts: Yields its rows in order, in parts of any number.
        waiting: How to wait while another process makes it; silently by default.

    Raises:
        FmbenchError: The folder is foreign or damaged, or holds something else.
        RunFailed: The disk is full; nothing is left behind.
    """
    if folder.exists():
        return Stored(read_array(folder, spec), folder, is_new=False)
    with needs_space(folder, spec.size):
        folder.parent.mkdir(parents=True, exist_ok=True)
    waiting = waiting or Waiting(say=lambda line: None, stop_here=lambda: None)
    with locked(lock_beside(folder), str(folder), f"making {spec.kind}", waiting=waiting):
        recover_target(folder)
        is_new = not folder.exists()  # or made by another process meanwhile
        if is_new:
            with staged_folder(folder) as staging:
                write_parts(staging / ARRAY_FILE, spec.size, _content(spec, parts()))
                facts = {"shape": spec.shape, "dtype": spec.dtype, "decides": spec.decides}
                publish(staging, folder, spec.kind, facts)
    return Stored(read_array(folder, spec), folder, is_new)


def _content(spec: ArraySpec, parts: Iterator[NDArray[Any]]) -> Iterator[bytes | memoryview]:
    """Yield the bytes of the file: a header of NumPy's format, then the rows.

    Raises:
        ValueError: The parts are not those of the array.
    """
    header, count = io.BytesIO(), 0
    values = {"descr": np.dtype(spec.dtype).str, "fortran_order": False, "shape": spec.shape}
    np.lib.format.write_array_header_1_0(header, values)
    yield header.getvalue()
    for part in parts:
        if part.shape[1:] != spec.shape[1:] or part.dtype != np.dtype(spec.dtype):
            raise ValueError(f"a part is {part.shape} {part.dtype}; expected {spec}")
        yield np.ascontiguousarray(part).data
        count += len(part)
    if count != spec.shape[0]:
        raise ValueError(f"the parts have {count} rows; expected {spec.shape[0]}")


def read_array(folder: Path, spec: ArraySpec) -> NDArray[Any]:
    """Return the array of a folder, after verifying every byte.

    Raises:
        FmbenchError: The folder is foreign or damaged, or holds something else.
    """
    manifest = verify(folder, spec.kind)
    if manifest.get("decides") != json.loads(json.dumps(spec.decides)):
        raise FmbenchError(f"{folder} holds other {spec.kind} than its name says; delete it")
    try:
        array: NDArray[Any] = np.load(folder / ARRAY_FILE, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FmbenchError(
            f"{folder / ARRAY_FILE} is no array of fmbench's; delete {folder}"
        ) from error
    if array.shape != spec.shape or array.dtype != np.dtype(spec.dtype):
        raise FmbenchError(
            f"{folder} holds an array {array.shape} of {array.dtype}, not {spec.shape} of "
            f"{spec.dtype}; delete it"
        )
    return array
