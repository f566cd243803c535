"""Digest the files that reached code names: they decide as much as the code does.

A string counts as a file's name if such a file lies in the folder of the module with the string,
or in a folder that another reached string gives as "package:folder". A model file brings the files
that it names itself. Lines of text may end as they like.
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
    """Yield the digest of every file that is named, in the order of first mention."""
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
    """Return the folder that "package:folder" stands for, if there is one."""
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
    found = [path]
    for current in found:  # grows
        if current.suffix == MODEL:
            found += [each for each in _named_in(current, path.parent) if each not in found]
        changed = current.stat()
        yield f"file {_digest(current, changed.st_mtime_ns, changed.st_size)}"


def _named_in(model: Path, folder: Path) -> Iterator[Path]:
    """Yield the files that a model file names, wherever they lie below its folder."""
    for name in NAMED_IN_MODEL.findall(model.read_text(encoding="utf-8")):
        yield from sorted(folder.rglob(Path(name).name))


@lru_cache(maxsize=256)
def _digest(path: Path, time_ns: int, size: int) -> str:
    """Return the digest of a file as it is now: both numbers change when it is written."""
    del time_ns, size
    content = path.read_bytes()
    if b"\x00" not in content:
        content = content.replace(b"\r\n", b"\n")
    return hashlib.sha256(content).hexdigest()
