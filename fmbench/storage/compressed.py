"""Compressed text files: `episodes.csv.bz2` may replace `episodes.csv`."""

from __future__ import annotations

import bz2
import hashlib
import lzma
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.storage.files import open_regular, write_bytes_atomic

SUFFIX = ".bz2"
"""Files of episodes are a fifth smaller than by xz; any file is read in 4 MB of memory."""
EARLIER = ".xz"
"""The suffix before 2026-12-01."""
_MEMORY_BYTES, _UNPACKED_BYTES = 128 * 2**20, 2**30
"""Most memory of unpacking one, and most that it may hold: a file could ask for much more."""
_LEVEL = 9
"""Explicit, because defaults may change. No name or time is stored: same text, same bytes."""
_BLOCK_BYTES, _TEXT_BYTES = 2**16, 2**20
MAX_LINE_BYTES = 2**18
"""Far more than the longest row; what a small file expands to has no end otherwise."""


def compressed_path(path: Path) -> Path:
    """Return the path of the compressed form of `path`."""
    return path.with_name(path.name + SUFFIX)


def is_stored(path: Path) -> bool:
    """Return whether a file is there, compressed or not, also if it is only a broken link.

    Raises:
        FmbenchError: See `stored_path`.
    """
    return os.path.lexists(stored_path(path))


def stored_path(path: Path) -> Path:
    """Return the compressed form of `path` if it exists, otherwise `path`.

    Raises:
        FmbenchError: Two forms exist, or only that of an earlier version does.
    """
    forms = (path, compressed_path(path), _earlier_path(path))
    there = [form for form in forms if os.path.lexists(form)] or [path]
    if len(there) > 1:
        raise FmbenchError(f"{there[0]} and {there[1].name} both exist; delete one of them")
    if there[0] == forms[-1]:
        raise FmbenchError(
            f"{there[0]} is from an earlier fmbench; convert its folder once: "
            f"python -m fmbench.figures {shlex.quote(str(path.parent))} --compress"
        )
    return there[0]


def convert_earlier(path: Path) -> None:
    """Unpack the compressed form of an earlier version, if only that exists.

    Raises:
        FmbenchError: It cannot be unpacked; it is kept.
    """
    earlier = _earlier_path(path)
    others = (path, compressed_path(path))
    if os.path.lexists(earlier) and not any(map(os.path.lexists, others)):
        stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_BYTES)
        with open_regular(earlier) as file:
            try:
                data = stream.decompress(file.read(), _UNPACKED_BYTES)
            except lzma.LZMAError as error:
                raise FmbenchError(f"{earlier} cannot be unpacked: {error}") from None
        if not stream.eof:
            raise FmbenchError(f"{earlier} cannot be unpacked: it ends too early, or is too large")
        write_bytes_atomic(path, data)
        earlier.unlink()


def _earlier_path(path: Path) -> Path:
    return path.with_name(path.name + EARLIER)


def encode(text: str, path: Path) -> bytes:
    """Return the bytes of `text` for the file `path`, compressed if its suffix is `.bz2`."""
    data = text.encode("utf-8", errors="backslashreplace")
    return _compress(data) if path.suffix == SUFFIX else data


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, compressed or not, each with its end.

    No more than one block and one line are in memory.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: It is not UTF-8 or not bzip2, or a line is too long.
        FmbenchError: It is no regular file.
    """
    rest = b""
    for block in _blocks(path):
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise ValueError(f"a line has more than {MAX_LINE_BYTES} bytes")
        for line in lines:
            yield f"{line.decode()}\n"
    if rest:
        yield rest.decode()


def read_texts(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, compressed or not, about a million characters at a time.

    Each text ends with the end of a line; the last one ends as the file does.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: It is not UTF-8 or not bzip2, or a line is too long.
        FmbenchError: It is no regular file.
    """
    whole, size, rest = [], 0, b""
    for block in _blocks(path):
        lines, end, begun = block.rpartition(b"\n")
        if not end:
            rest += block
        else:
            whole.append(rest + lines + end)
            rest, size = begun, size + len(whole[-1])
        if len(rest) > MAX_LINE_BYTES:
            raise ValueError(f"a line has more than {MAX_LINE_BYTES} bytes")
        if size >= _TEXT_BYTES:
            yield b"".join(whole).decode()
            whole, size = [], 0
    if whole or rest:
        yield b"".join([*whole, rest]).decode()


def text_hash(path: Path) -> str:
    """Return the sha256 of the text of a file, the same for its compressed form.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: It is not bzip2.
        FmbenchError: It is no regular file.
    """
    sums = hashlib.sha256()
    for block in _blocks(path):
        sums.update(block)
    return sums.hexdigest()


def compress_file(path: Path) -> Path:
    """Replace a file by its compressed form after reading that back and comparing.

    Returns:
        The path of the compressed form.
    """
    data, compressed = path.read_bytes(), compressed_path(path)
    write_bytes_atomic(compressed, _compress(data))
    if bz2.decompress(compressed.read_bytes()) != data:
        compressed.unlink()
        raise FmbenchError(f"{path} differs after compression; the uncompressed file is kept")
    path.unlink()
    return compressed


def _compress(data: bytes) -> bytes:
    return bz2.compress(data, _LEVEL)


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a text file, decompressed, in blocks of bounded size."""
    with open_regular(path) as file:
        if path.suffix != SUFFIX:
            yield from iter(lambda: file.read(_BLOCK_BYTES), b"")
            return
        stream = bz2.BZ2Decompressor()
        while not stream.eof:
            data = file.read(_BLOCK_BYTES) if stream.needs_input else b""
            if stream.needs_input and not data:
                raise ValueError("it ends too early")
            try:
                yield stream.decompress(data, _BLOCK_BYTES)
            except OSError as error:
                raise ValueError(str(error)) from None
        if stream.unused_data or file.read(1):
            raise ValueError("something follows its end")
