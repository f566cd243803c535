"""Compressed text files: `episodes.csv.xz` may replace `episodes.csv`."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import IO, Any

from fmbench.errors import FmbenchError
from fmbench.storage.files import write_bytes_atomic

SUFFIX = ".xz"
_FILTERS: list[dict[str, Any]] = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
"""Explicit, because defaults may change. No name or time is stored: same text, same bytes."""


def compressed_path(path: Path) -> Path:
    """Return the path of the compressed form of `path`."""
    return path.with_name(path.name + SUFFIX)


def stored_path(path: Path) -> Path:
    """Return the compressed form of `path` if it exists, otherwise `path`.

    Raises:
        FmbenchError: Both exist.
    """
    compressed = compressed_path(path)
    if not compressed.exists():
        return path
    if path.exists():
        raise FmbenchError(f"{path} and {compressed.name} both exist; delete one of them")
    return compressed


def encode(text: str, path: Path) -> bytes:
    """Return the bytes of `text` for the file `path`, compressed if its suffix is `.xz`."""
    data = text.encode("utf-8", errors="backslashreplace")
    return _compress(data) if path.suffix == SUFFIX else data


def open_text(path: Path) -> IO[str]:
    """Open a text file, compressed or not, without newline translation."""
    if path.suffix != SUFFIX:
        return path.open(encoding="utf-8-sig", newline="")
    return lzma.open(path, "rt", encoding="utf-8-sig", newline="")


def compress_file(path: Path) -> Path:
    """Replace a file by its compressed form after reading that back and comparing.

    Returns:
        The path of the compressed form.
    """
    data, compressed = path.read_bytes(), compressed_path(path)
    write_bytes_atomic(compressed, _compress(data))
    if lzma.decompress(compressed.read_bytes()) != data:
        compressed.unlink()
        raise FmbenchError(f"{path} differs after compression; the uncompressed file is kept")
    path.unlink()
    return compressed


def _compress(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=_FILTERS)
