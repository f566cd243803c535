"""Artefacts: folders, published atomically, whose manifest holds the sha256 of every file."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fmbench.errors import FmbenchError
from fmbench.storage.critical import uninterrupted
from fmbench.storage.disk import needs_space
from fmbench.storage.exchange import exchange
from fmbench.storage.files import encode_json, read_json, write_new
from fmbench.storage.hashes import sha256_file
from fmbench.storage.leftovers import staged
from fmbench.storage.sealed_json import is_intact, with_seal

MANIFEST = "manifest.json"
SCHEMA = 2
SEAL = "manifest_sha256"
"""Hash of everything else in the manifest, which holds the hashes of the files."""


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder next to `target`, removed on exit unless `publish` was called on it.

    A second Ctrl-C takes effect on exit, when the artefact is whole.

    Raises:
        RunFailed: The disk is full.
    """
    staging = staged(target)
    with uninterrupted(), needs_space(target, 0):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir()
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def publish(staging: Path, target: Path, kind: str, facts: Mapping[str, object]) -> None:
    """Write the manifest of a staged folder and exchange the folder with `target`.

    A process that ends anywhere in between leaves the older artefact, if there is one, in `target`
    or where `fmbench.storage.leftovers.recover` finds it.

    Args:
        staging: A folder with all files of the artefact.
        target: The artefact's final path; an older artefact there is replaced.
        kind: Kind of the artefact, e.g. `"demonstrations"`, checked by `verify`.
        facts: Further content of the manifest.

    Raises:
        RunFailed: The disk is full; an older artefact is kept.
    """
    files = sorted(path for path in staging.rglob("*") if path.is_file())
    sums = {path.relative_to(staging).as_posix(): sha256_file(path) for path in files}
    manifest = with_seal({"schema": SCHEMA, "kind": kind, **facts, "sha256": sums}, SEAL)
    write_new(staging / MANIFEST, encode_json(manifest, target / MANIFEST))
    if target.exists():
        exchange(staging, target)
    else:
        os.replace(staging, target)
    _sync(target.parent)


def verify(folder: Path, kind: str) -> dict[str, Any]:
    """Verify the manifest of a published folder, and every file against it.

    Returns:
        The manifest.

    Raises:
        FmbenchError: The folder is not such an artefact, was made by another fmbench, or a file
            is missing, changed or not listed.
    """
    if not (folder / MANIFEST).is_file():
        raise FmbenchError(
            f"{folder} holds no {MANIFEST}: it was not written by fmbench; delete it"
        )
    manifest = read_json(folder / MANIFEST)
    if manifest.get("kind") != kind:
        raise FmbenchError(f"{folder} holds {manifest.get('kind')!r}, not {kind!r}")
    if manifest.get("schema") != SCHEMA or isinstance(manifest["schema"], bool):
        raise FmbenchError(
            f"{folder} has schema {manifest.get('schema')}; this fmbench reads {SCHEMA}: "
            "use the fmbench that made it, or delete it"
        )
    if not is_intact(manifest, SEAL):
        raise FmbenchError(
            f"{folder / MANIFEST} was changed after it was written (sha256 differs); "
            f"delete {folder}"
        )
    sums = manifest.get("sha256")
    if not isinstance(sums, dict) or not sums:
        raise FmbenchError(f"{folder / MANIFEST} lists no files; delete the folder")
    _verify_files(folder, sums)
    return manifest


def _verify_files(folder: Path, sums: Mapping[str, object]) -> None:
    """Compare the files of a folder with their hashes."""
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


def _sync(folder: Path) -> None:
    """Write the names in a folder to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
