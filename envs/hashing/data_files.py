"""Digests of the data files that reached code names.

A string counts as a file name if that file is in the folder of the module with the string, or in a
folder that another reached string gives as "package:folder". The files that a model file names are
included. Line endings of text files do not matter.
"""

import hashlib
import importlib.util
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from envs.hashing.definitions import Text

FILE_NAME = re.compile(r"[\w./ -]*\w\.\w+")
PACKAGE_FOLDER = re.compile(r"(\w+):([\w.-]+(?:/[\w.-]+)*)")
NAMED_IN_MODEL = re.compile(r"""\bfile\s*=\s*["']([^"']+)["']""")
MODEL = ".xml"


def data_digests(parts: Iterable[Text]) -> Iterator[str]:
    """Yield the digest of every named file, in the order of first mention."""
    parts = list(parts)
    texts = dict.fromkeys(text for part in parts for text in part.texts)
    shared = [folder for text in texts for folder in package_folders(text)]
    done: set[Path] = set()
    for part in parts:
        for text in part.texts:
            if not FILE_NAME.fullmatch(text):
                continue
            for folder in (part.folder, *shared):
                path = folder / text
                if path not in done and path.is_file():
                    done.add(path)
                    yield from _digests(path)


@lru_cache(maxsize=64)
def package_folders(text: str) -> tuple[Path, ...]:
    """Return the folder that "package:folder" refers to, if it exists."""
    match = PACKAGE_FOLDER.fullmatch(text)
    if match is None:
        return ()
    package, folder = match.groups()
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return ()
    roots = () if spec is None else spec.submodule_search_locations or ()
    return tuple(Path(root) / folder for root in roots if (Path(root) / folder).is_dir())


def _digests(path: Path) -> Iterator[str]:
    """Yield the digests of a file and of the files that it names."""
    files = [path]
    for current in files:  # grows
        if current.suffix == MODEL:
            files += [file for file in _named_in(current, path.parent) if file not in files]
        yield f"file {content_digest(current)}"


def _named_in(model: Path, folder: Path) -> Iterator[Path]:
    """Yield the files that a model file names, anywhere below its folder."""
    for name in NAMED_IN_MODEL.findall(model.read_text(encoding="utf-8")):
        yield from sorted(folder.rglob(Path(name).name))


def content_digest(path: Path) -> str:
    """Return the digest of a file's content, in which line endings of text do not matter."""
    status = path.stat()
    return _digest(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _digest(path: Path, time_ns: int, size: int) -> str:
    """Return the digest of a file; its time and size are part of the cache key."""
    del time_ns, size
    content = path.read_bytes()
    if b"\x00" not in content:
        content = content.replace(b"\r\n", b"\n")
    return hashlib.sha256(content).hexdigest()
