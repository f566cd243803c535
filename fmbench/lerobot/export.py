"""Export of demonstrations as a LeRobot v3.0 data set: found, resumed or written."""

import hashlib
import importlib.metadata
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fmbench.data.minari_file import DATA_FILE
from fmbench.data.store import KIND as DEMONSTRATIONS
from fmbench.errors import FmbenchError
from fmbench.lerobot.assembly import assemble
from fmbench.lerobot.columns import field_table
from fmbench.lerobot.layout import VERSION
from fmbench.lerobot.parts import write_parts_of
from fmbench.lerobot.source import Source
from fmbench.storage.artefacts import MANIFEST, publish, staged_folder, verify
from fmbench.storage.leftovers import recover, recover_target
from fmbench.storage.locks import Waiting, lock_beside, locked

KIND = "LeRobot data set"
WRITING = 1
"""Increased when other bytes are written of the same demonstrations."""


def parts_folder(out: Path) -> Path:
    """Return the folder that holds the finished parts of an export that is not whole yet."""
    return out.with_name(f".{out.name}.parts")


def export_key(source: Source) -> str:
    """Return the hash of everything that decides the bytes of the data set."""
    packages = ("pyarrow", *(("av",) if source.cameras else ()))
    decides = {
        "writing": WRITING,
        "demonstrations": source.facts.sha256[DATA_FILE],
        "task_hash": source.facts.task_hash,
        "pictures": _drawn_with(source),
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def export(source: Source, out: Path, on_episode: Callable[[int], None], waiting: Waiting) -> bool:
    """Write a data set, unless it is there.

    Args:
        source: What is exported.
        out: Folder of the data set.
        on_episode: Called with the number of finished episodes; it may raise, and the next call of
            this function goes on after the last finished part.
        waiting: How to wait while another process writes it.

    Returns:
        Whether it was written now.

    Raises:
        FmbenchError: `out` holds something else.
        RunFailed: The disk is full.
    """
    key = export_key(source)
    out.parent.mkdir(parents=True, exist_ok=True)
    with locked(lock_beside(out), str(out), "exporting", waiting=waiting):
        recover_target(out)
        recover(parts_folder(out))
        if out.exists():
            _check_same(out, key)
            shutil.rmtree(parts_folder(out), ignore_errors=True)
            return False
        parts = write_parts_of(source, parts_folder(out), key, on_episode)
        with staged_folder(out) as staging:
            assemble(source, parts, staging, _ours(source, key))
            publish(staging, out, KIND, {"key": key})
        shutil.rmtree(parts_folder(out), ignore_errors=True)
    return True


def check_target(out: Path) -> str | None:
    """Return the key of the verified data set in a folder; None if there is no such folder.

    Raises:
        FmbenchError: The folder holds something else, or the data set is damaged.
    """
    if not out.exists():
        return None
    if not (out / MANIFEST).is_file():
        raise FmbenchError(f"--out is {out}, which is there and no export; give a new folder")
    try:
        return str(verify(out, KIND).get("key"))
    except FmbenchError as error:
        raise FmbenchError(f"--out is {out}; give another folder ({error})") from None


def _check_same(out: Path, key: str) -> None:
    """Check that a folder holds this data set, and every byte of it.

    Raises:
        FmbenchError: It does not.
    """
    if check_target(out) != key:
        raise FmbenchError(
            f"--out is {out}, which holds another data set (other demonstrations, cameras or "
            "versions); give another folder"
        )


def _ours(source: Source, key: str) -> Mapping[str, Any]:
    """Return our entry of `info.json`: where the data come from, and what their columns mean."""
    facts = {name: value for name, value in asdict(source.facts).items() if name not in _LISTS}
    return {
        "format": VERSION,
        "key": key,
        **facts,
        DEMONSTRATIONS: source.facts.sha256[DATA_FILE],
        "fields": field_table(source.task),
        "environment_state": source.scaling.to_json(),
        "cameras": dict(zip(source.videos, source.cameras, strict=True)),
        "pictures": _drawn_with(source),
    }


def _drawn_with(source: Source) -> dict[str, Any] | None:
    """Return what decides the bytes of the pictures; None without cameras."""
    if source.pictures is None:
        return None
    return {**source.pictures.decides, "size": source.pictures.size}


_LISTS = ("episode_seeds", "modes", "sha256")
"""Facts that are columns of the table of episodes, or hashes of files that are not here."""
