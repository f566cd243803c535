"""Stamps: which code and which packages made a number."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from fmbench.storage.hashes import short_hash
from fmbench.storage.provenance import commit, versions, versions_of, versions_text
from fmbench.storage.rows import OriginRow
from fmbench.storage.typed import STRICT

DECIDING = (
    "envs",
    "policies",
    "fmbench.config",
    "fmbench.data",
    "fmbench.evaluation",
    "fmbench.harness",
    "fmbench.lerobot_policy",
    "fmbench.rl",
    "fmbench.runs",
    "fmbench.sight",
    "fmbench.storage",
    "fmbench.sb3_agent",
    "fmbench.training",
)
"""What decides rows, packages and modules: not the report, the commands and the tests."""
NOT_DECIDING = "fmbench/runs/grid/"
"""Which runs are done, and in how many processes, changes none of their rows."""
SUFFIXES = (".py", ".npz")
BETWEEN = "/"
"""Between several codes or versions that took part in one number."""


@dataclass(frozen=True)
class Stamp:
    """What made a number.

    Attributes:
        code_hash: Hash of the source that decides rows.
        versions: Python and the packages that determine results, on one line.
        commit: The commit of the source, for information.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    code_hash: str
    versions: str
    commit: str

    def differences(self, now: Stamp) -> list[str]:
        """Return one line per difference to another stamp, except in the commit."""
        there = {"code_hash": self.code_hash, **versions_of(self.versions)}
        here = {"code_hash": now.code_hash, **versions_of(now.versions)}
        return [
            f"{name}: {there.get(name, 'none')} there, {here.get(name, 'none')} now"
            for name in dict.fromkeys([*there, *here])
            if there.get(name) != here.get(name)
        ]


@lru_cache(maxsize=1)
def present_stamp() -> Stamp:
    """Return the stamp of this process."""
    return Stamp(code_hash(), versions_text(versions()), commit())


def merge(stamps: Iterable[Stamp]) -> Stamp:
    """Return one stamp that names every code, version and commit of several, each once."""
    several = list(stamps)
    names = dict.fromkeys(name for stamp in several for name in versions_of(stamp.versions))
    merged = {
        name: _joined([versions_of(stamp.versions).get(name, "none") for stamp in several])
        for name in names
    }
    return Stamp(
        _joined([stamp.code_hash for stamp in several]),
        versions_text(merged),
        _joined([stamp.commit for stamp in several]),
    )


def stamp_of(origin: OriginRow) -> Stamp:
    """Return the stamp in the origin of a cell."""
    return Stamp(origin.code_hash, origin.versions, origin.commit)


def unknown_parts(there: Stamp, known: Sequence[Stamp]) -> list[str]:
    """Return the code and the versions in a stamp that no known stamp names, each with its name."""
    return list(_unknown_parts(there, tuple(known)))


@lru_cache(maxsize=1024)
def _unknown_parts(there: Stamp, known: tuple[Stamp, ...]) -> tuple[str, ...]:
    """Return the same; the thousands of cells of a run share few stamps."""
    everything = merge(known)
    parts = {"code_hash": there.code_hash, **versions_of(there.versions)}
    names = {"code_hash": everything.code_hash, **versions_of(everything.versions)}
    return tuple(
        f"{name} {part}"
        for name, value in parts.items()
        for part in value.split(BETWEEN)
        if part not in names.get(name, "").split(BETWEEN)
    )


def with_stamp(stamps: Sequence[Stamp], stamp: Stamp) -> list[Stamp]:
    """Return stamps and a further one, unless its code and versions are among them."""
    known = any(not earlier.differences(stamp) for earlier in stamps)
    return [*stamps] if known else [*stamps, stamp]


def code_hash() -> str:
    """Return the hash of the installed source that decides rows.

    Every byte counts, comments too. It does not depend on the folder in which the source lies.
    """
    sums = hashlib.sha256()
    for name, path in _sources():
        data = path.read_bytes()
        if path.suffix == ".py":
            data = data.replace(b"\r\n", b"\n")
        sums.update(f"{name}\n{len(data)}\n".encode() + data)
    return short_hash(sums.hexdigest())


def _sources() -> Iterator[tuple[str, Path]]:
    """Yield the name and path of every file, in an order that depends on the names alone."""
    for package in DECIDING:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        folder = Path(spec.origin).parent
        if spec.submodule_search_locations is None:
            yield f"{package}.py", Path(spec.origin)
            continue
        files = (path for path in folder.rglob("*") if path.suffix in SUFFIXES)
        names = {f"{package}/{path.relative_to(folder).as_posix()}": path for path in files}
        yield from sorted(
            (name, path)
            for name, path in names.items()
            if not name.replace(".", "/").startswith(NOT_DECIDING)
        )


def _joined(values: Sequence[str]) -> str:
    parts = (part for value in values for part in value.split(BETWEEN))
    return BETWEEN.join(dict.fromkeys(parts))
