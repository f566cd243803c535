"""Artefacts: folders, published atomically, whose manifest holds the sha256 of every file."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fmbench.errors import FmbenchError
from fmbench.storage.files import read_json, write_json_atomic
from fmbench.storage.hashes import sha256_file

MANIFEST = "manifest.json"
SCHEMA = 1


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder next to `target`, removed on exit unless `publish` was called on it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def publish(staging: Path, target: Path, kind: str, facts: Mapping[str, object]) -> None:
    """Write the manifest of a staged folder and move the folder to `target`.

    Args:
        staging: A folder with all files of the artefact.
        target: The artefact's final path; an older artefact there is replaced.
        kind: Kind of the artefact, e.g. `"demonstrations"`, checked by `verify`.
        facts: Further content of the manifest.
    """
    files = sorted(path for path in staging.rglob("*") if path.is_file())
    sums = {path.relative_to(staging).as_posix(): sha256_file(path) for path in files}
    manifest = {"schema": SCHEMA, "kind": kind, **facts, "sha256": sums}
    write_json_atomic(staging / MANIFEST, manifest)
    if not target.exists():
        os.replace(staging, target)
        return
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    os.replace(target, old)
    os.replace(staging, target)
    shutil.rmtree(old, ignore_errors=True)


def verify(folder: Path, kind: str) -> dict[str, Any]:
    """Verify every file of a published folder against its manifest.

    Returns:
        The manifest.

    Raises:
        FmbenchError: The folder is not such an artefact, was made by a newer fmbench, or a file
            is missing, changed or not listed.
    """
    if not (folder / MANIFEST).is_file():
        raise FmbenchError(
            f"{folder} holds no {MANIFEST}: it was not written by fmbench; delete it"
        )
    manifest = read_json(folder / MANIFEST)
    if manifest.get("kind") != kind:
        raise FmbenchError(f"{folder} holds {manifest.get('kind')!r}, not {kind!r}")
    if manifest.get("schema") != SCHEMA:
        raise FmbenchError(
            f"{folder} has schema {manifest.get('schema')}; this fmbench reads {SCHEMA}: "
            "use the fmbench that made it, or delete it"
        )
    sums = manifest.get("sha256")
    if not isinstance(sums, dict) or not sums:
        raise FmbenchError(f"{folder / MANIFEST} lists no files; delete the folder")
    present = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    } - {MANIFEST}
    if mismatches := sorted(present ^ set(sums)):
        names = ", ".join(mismatches)
        raise FmbenchError(f"{folder}: files missing or not in the manifest: {names}")
    for name, expected in sums.items():
        path = folder / name
        if path.is_symlink() or sha256_file(path) != expected:
            raise FmbenchError(
                f"{path} was changed after it was written (sha256 differs); delete {folder}"
            )
    return manifest
