"""Compressed row files: read and written again in compressed form."""

import bz2
import lzma
import os
from pathlib import Path

import pytest

from fmbench.errors import FmbenchError
from fmbench.storage import compressed
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.rows import TrainingRow

ROWS = [TrainingRow("PressEither", "flow", 0, update, 1 / update, 3e-4, 0.5) for update in (1, 3)]


def test_compressed_rows_are_read_and_stay_compressed(tmp_path: Path) -> None:
    path = tmp_path / "training.csv"
    write_rows(path, ROWS[:1], TrainingRow)
    text = path.read_bytes()
    packed = compressed.compress_file(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["training.csv.bz2"]
    assert bz2.decompress(packed.read_bytes()) == text
    assert read_rows(path, TrainingRow) == read_rows(packed, TrainingRow) == ROWS[:1]
    write_rows(path, read_rows(path, TrainingRow) + ROWS[1:], TrainingRow)
    assert [entry.name for entry in tmp_path.iterdir()] == ["training.csv.bz2"]
    assert len(read_rows(path, TrainingRow)) == 2


def test_the_compressed_form_is_a_function_of_the_text(tmp_path: Path) -> None:
    packed = []
    for name, modified_s in (("a.csv", 10), ("longer_name.csv", 2**30)):
        path = tmp_path / name
        path.write_text("".join(f"{i},{i * i}\n" for i in range(1_000)), encoding="utf-8")
        os.utime(path, (modified_s, modified_s))
        packed.append(compressed.compress_file(path).read_bytes())
    assert packed[0] == packed[1]
    assert packed[0][:4] == b"BZh9", "a bzip2 stream in blocks of 900 kB"


def test_both_forms_in_one_folder_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "training.csv"
    write_rows(path, ROWS, TrainingRow)
    compressed.compress_file(path)
    path.write_text("")
    for work in (
        lambda: read_rows(path, TrainingRow),
        lambda: write_rows(path, ROWS, TrainingRow),
    ):
        with pytest.raises(
            FmbenchError, match=r"training\.csv and training\.csv\.bz2 both exist; delete one"
        ):
            work()
    assert path.read_text() == ""


def test_the_compressed_form_of_an_earlier_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "training.csv"
    write_rows(path, ROWS[:1], TrainingRow)
    text = path.read_bytes()
    path.with_name("training.csv.xz").write_bytes(lzma.compress(text))
    with pytest.raises(FmbenchError, match=r"training\.csv and training\.csv\.xz both exist"):
        read_rows(path, TrainingRow)
    compressed.convert_earlier(path)
    assert path.with_name("training.csv.xz").exists(), "nothing is lost where two forms exist"
    path.unlink()
    with pytest.raises(
        FmbenchError, match=r"convert its folder once: python .*figures '.*/a folder' --compress$"
    ):
        read_rows(path, TrainingRow)
    compressed.convert_earlier(path)
    assert path.read_bytes() == text
    assert [entry.name for entry in path.parent.iterdir()] == ["training.csv"]
    path.unlink()
    for damaged in (text, lzma.compress(text)[:-9]):
        path.with_name("training.csv.xz").write_bytes(damaged)
        with pytest.raises(FmbenchError, match=r"csv\.xz cannot be unpacked"):
            compressed.convert_earlier(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["training.csv.xz"]


@pytest.mark.parametrize("cut", [0, 10, -20])
def test_a_damaged_file_is_rejected(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "training.csv"
    write_rows(path, ROWS, TrainingRow)
    packed = compressed.compress_file(path)
    packed.write_bytes(packed.read_bytes()[:cut])
    with pytest.raises(FmbenchError, match=r"csv\.bz2 is not a CSV file compressed by bzip2"):
        read_rows(path, TrainingRow)
    packed.write_bytes(b"task,policy\n")
    with pytest.raises(FmbenchError, match=r"csv\.bz2 is not a CSV file compressed by bzip2"):
        read_rows(path, TrainingRow)


def test_a_file_is_kept_until_its_compressed_form_has_been_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "training.csv"
    path.write_text("task\n")
    monkeypatch.setattr(compressed.bz2, "decompress", lambda data: b"task")
    with pytest.raises(
        FmbenchError, match="differs after compression; the uncompressed file is kept"
    ):
        compressed.compress_file(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["training.csv"]
