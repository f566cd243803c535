"""Strict reading of HDF5: a file's parts are compared with what is expected before they are read.

Only what fmbench writes is accepted: hard links, groups, whole numbers as attributes, and arrays
of plain numbers in uncompressed chunks that are all in the file, each in a place of its own. Chunks
are fetched by their position, since a file can list one elsewhere and the library then reads zeros.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import pairwise, product
from pathlib import Path

import h5py
import numpy as np

from fmbench.errors import FmbenchError

Array = np.ndarray[tuple[int, ...], np.dtype[np.generic]]
REMEDY = "delete the demonstrations, then make them again"
MAX_REASON = 200
MIN_CHUNK_BYTES = 1024
"""Smaller chunks, of larger arrays, would only take time; h5py makes none."""


class Place:
    """A group of an open file, with the names that errors need.

    Args:
        path: The file.
        group: The group.
    """

    def __init__(self, path: Path, group: h5py.h5g.GroupID, name: str = "") -> None:
        self._path, self._group, self._name = path, group, name

    def check(self, names: Sequence[str], attributes: Sequence[str] = ()) -> None:
        """Check that the group has exactly these entries and attributes, and no links."""
        links = self._group.links
        for name in names:
            if not links.exists(name.encode()):
                raise self.error(f"{name} is missing")
            if links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
                raise self.error("is a link", name)
        for kind, known, count in (
            ("entries", names, self._group.get_num_objs()),
            ("attributes", attributes, h5py.h5a.get_num_attrs(self._group)),
        ):
            if count != len(known):
                raise self.error(f"has {count} {kind}, not {len(known)}")

    def group(self, name: str) -> "Place":
        """Return a group in this one."""
        entry = h5py.h5o.open(self._group, name.encode())
        if not isinstance(entry, h5py.h5g.GroupID):
            raise self.error("is no group", name)
        return Place(self._path, entry, f"{self._name}/{name}")

    def whole_number(self, name: str) -> int:
        """Return a whole number that is an attribute."""
        if h5py.h5a.exists(self._group, name.encode()):
            attribute = h5py.h5a.open(self._group, name.encode())
            if attribute.shape == () and attribute.get_type() == _stored(np.dtype(np.int64)):
                value = np.empty((), np.int64)
                attribute.read(value)
                return int(value)
        raise self.error(f"has no whole number {name!r}")

    def array(self, name: str, shape: tuple[int, ...], kind: type[np.generic]) -> "StoredArray":
        """Return an array of this shape and type in the group, unread."""
        entry = h5py.h5o.open(self._group, name.encode())
        if not isinstance(entry, h5py.h5d.DatasetID):
            raise self.error("is no array", name)
        dtype = np.dtype(kind)
        if entry.get_type() != _stored(dtype):
            raise self.error(f"is not of type {dtype}", name)
        if entry.shape != shape:
            raise self.error(f"has shape {entry.shape}, not {shape}", name)
        plan = entry.get_create_plist()
        if plan.get_external_count() or plan.get_layout() == h5py.h5d.VIRTUAL:
            raise self.error("is stored elsewhere", name)
        if plan.get_layout() != h5py.h5d.CHUNKED or plan.get_nfilters():
            raise self.error("is not stored in uncompressed chunks", name)
        array = StoredArray(entry, shape, dtype, plan.get_chunk())
        if array.is_incomplete() or h5py.h5a.get_num_attrs(entry):
            raise self.error("is not stored as a whole, in chunks of its size", name)
        return array

    def error(self, text: str, name: str = "") -> FmbenchError:
        """Return the error that this group, or an entry of it, is not what was expected."""
        place = f"{self._name}/{name}" if name else self._name or "/"
        return FmbenchError(f"{self._path}: {place} {text}; {REMEDY}")


class StoredArray:
    """An array in an open file.

    Attributes:
        spans: First byte in the file and the byte after the last one, of each chunk.
    """

    def __init__(
        self,
        entry: h5py.h5d.DatasetID,
        shape: tuple[int, ...],
        kind: np.dtype[np.generic],
        chunk: tuple[int, ...],
    ) -> None:
        self._entry, self._shape, self._kind, self._chunk = entry, shape, kind, chunk
        self.spans: list[tuple[int, int]] = []

    def is_incomplete(self) -> bool:
        """Return whether a chunk is missing or of a size that is not written."""
        if any(part > size for size, part in zip(self._shape, self._chunk, strict=True)):
            return True
        size = math.prod(self._chunk) * self._kind.itemsize
        if size < min(MIN_CHUNK_BYTES, math.prod(self._shape) * self._kind.itemsize):
            return True
        for corner in self._corners():
            info = self._entry.get_chunk_info_by_coord(corner)
            if info.byte_offset is None or info.size != size or info.filter_mask:
                return True
            self.spans.append((info.byte_offset, info.byte_offset + size))
        return bool(self._entry.get_num_chunks() != len(self.spans))

    def read(self) -> Array:
        """Return the values."""
        values = np.empty(self._shape, self._kind)
        for corner in self._corners():
            _, data = self._entry.read_direct_chunk(corner)
            chunk = np.frombuffer(data, self._kind).reshape(self._chunk)
            inside = [
                min(c, s - a) for c, s, a in zip(self._chunk, self._shape, corner, strict=True)
            ]
            target = tuple(slice(a, a + n) for a, n in zip(corner, inside, strict=True))
            values[target] = chunk[tuple(slice(n) for n in inside)]
        return values

    def _corners(self) -> Iterator[tuple[int, ...]]:
        """Yield the position of the first element of each chunk."""
        return product(
            *(range(0, size, part) for size, part in zip(self._shape, self._chunk, strict=True))
        )


@contextmanager
def opened(path: Path) -> Iterator[Place]:
    """Open an HDF5 file; whatever the library says of damaged bytes becomes one line.

    Chunks are read past the library's cache, whose table would take 60 KB for each open array.
    """
    try:
        with h5py.File(path, "r", locking=False, rdcc_nbytes=0, rdcc_nslots=1) as file:
            yield Place(path, file.id)
    except (FmbenchError, MemoryError):
        raise
    except Exception as error:  # the library documents no list of what it raises
        reason = " ".join(str(error).split())[:MAX_REASON] or type(error).__name__
        raise FmbenchError(f"{path} is not an HDF5 file that can be read: {reason}") from None


def check_places(path: Path, spans: Iterable[tuple[int, int]]) -> None:
    """Check that the file holds every byte of the chunks of all arrays, each byte for one."""
    end = path.stat().st_size
    if any(one[1] > other[0] for one, other in pairwise([(0, 0), *sorted(spans), (end, end)])):
        raise FmbenchError(f"{path} claims more data than it holds; {REMEDY}")


@cache
def _stored(kind: np.dtype[np.generic]) -> h5py.h5t.TypeID:
    """Return how a file names a type."""
    return h5py.h5t.py_create(kind, logical=True)
