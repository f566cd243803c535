"""Artefacts: a published folder is complete and unchanged, or rejected in one line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fmbench.errors import FmbenchError
from fmbench.storage.artefacts import MANIFEST, publish, staged_folder, verify
from fmbench.storage.hashes import sha256_file
from tests.reseal import reseal


def make(target: Path, text: str = "hello") -> Path:
    with staged_folder(target) as staging:
        (staging / "part").mkdir()
        (staging / "part" / "a.txt").write_text(text)
        (staging / "b.bin").write_bytes(bytes(range(256)))
        publish(staging, target, "letters", {"colour": "blue"})
    return target


def edit_manifest(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}))


def test_a_published_folder_is_verified_and_returns_its_facts(tmp_path: Path) -> None:
    folder = make(tmp_path / "deep" / "letters")
    manifest = verify(folder, "letters")
    assert manifest["colour"] == "blue"
    assert set(manifest["sha256"]) == {"part/a.txt", "b.bin"}
    assert manifest["sha256"]["b.bin"] == sha256_file(folder / "b.bin")
    assert [path.name for path in folder.parent.iterdir()] == ["letters"]


def test_publishing_again_replaces_the_complete_folder(tmp_path: Path) -> None:
    make(tmp_path / "letters")
    folder = make(tmp_path / "letters", "again")
    verify(folder, "letters")
    assert (folder / "part" / "a.txt").read_text() == "again"
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


def test_a_failure_while_staging_keeps_the_old_folder(tmp_path: Path) -> None:
    folder = make(tmp_path / "letters")

    def interrupted() -> None:
        with staged_folder(folder) as staging:
            (staging / "half.txt").write_text("ha")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert verify(folder, "letters")["colour"] == "blue"
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


def test_stale_staging_folders_are_ignored(tmp_path: Path) -> None:
    stale = tmp_path / ".letters.1.tmp"
    stale.mkdir()
    (stale / "half.txt").write_text("ha")
    with staged_folder(tmp_path / "letters") as staging:
        (staging / "left-over").write_text("of a killed process with our id")
        staging.rename(tmp_path / "kept")
        (tmp_path / "kept").rename(staging)
        folder = make(tmp_path / "letters")
    assert set(verify(folder, "letters")["sha256"]) == {"part/a.txt", "b.bin"}


def flip(folder: Path) -> None:
    data = bytearray((folder / "b.bin").read_bytes())
    data[100] ^= 1
    (folder / "b.bin").write_bytes(data)


def link(folder: Path) -> None:
    (folder / "b.bin").rename(folder.parent / "elsewhere")
    (folder / "b.bin").symlink_to(folder.parent / "elsewhere")


def repeat_a_fact(folder: Path) -> None:
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace("{", '{"kind": "letters", ', 1))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "flipped bit": (flip, "b.bin was changed after it was written"),
    "truncated": (lambda folder: (folder / "b.bin").write_bytes(b"\0\1"), "was changed"),
    "link": (link, "b.bin was changed"),
    "missing": (lambda folder: (folder / "part" / "a.txt").unlink(), "missing .* part/a.txt"),
    "extra": (lambda folder: (folder / "c.txt").write_text("c"), "not in the manifest: c.txt"),
    "no manifest": (lambda folder: (folder / MANIFEST).unlink(), "was not written by fmbench"),
    "no JSON": (lambda folder: (folder / MANIFEST).write_text("{"), "is not JSON"),
    "no object": (lambda folder: (folder / MANIFEST).write_text("[]"), "must hold a JSON object"),
    "other kind": (lambda folder: edit_manifest(folder, kind="words"), "holds 'words', not"),
    "newer": (lambda folder: edit_manifest(folder, schema=3), "has schema 3; this fmbench reads 2"),
    "no files": (lambda folder: reseal(folder, sha256={}), "lists no files"),
    "other fact": (lambda folder: edit_manifest(folder, colour="red"), f"{MANIFEST} was changed"),
    "new fact": (lambda folder: edit_manifest(folder, size=3), f"{MANIFEST} was changed"),
    "fact twice": (repeat_a_fact, "'kind' is there more than once"),
    "NaN": (lambda folder: edit_manifest(folder, size=float("nan")), "NaN is no JSON number"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_and_foreign_folders_are_rejected(damage: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "letters")
    act, message = DAMAGES[damage]
    act(folder)
    with pytest.raises(FmbenchError, match=message) as caught:
        verify(folder, "letters")
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_files_and_missing_folders_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("file", "nothing"):
        with pytest.raises(FmbenchError, match="was not written by fmbench"):
            verify(tmp_path / name, "letters")
