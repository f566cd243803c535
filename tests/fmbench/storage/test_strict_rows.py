"""Row files: every other spelling, range, end of line and kind of file is one line."""

import bz2
import dataclasses
import os
import resource
from pathlib import Path
from typing import Any

import pytest

from fmbench.errors import FmbenchError
from fmbench.storage.compressed import text_hash
from fmbench.storage.row_files import read_header, read_rows, write_rows
from fmbench.storage.rows import DiagnosticRow, EpisodeRow, MeasurementRow, Row, TrainingRow
from tests.fmbench.storage.test_row_files import ROW

OTHER_SPELLINGS = {
    "integers": [" 5", "5 ", "+5", "1_0", "05", "-0", "١", "5.0", "0x5", "5e0", "", "9" * 19],
    "floats": ["1", "1_0.0", " 1.0", "+1.0", "1e400", "1.00", "1.", ".5", "0x1p0", "NaN", "Inf"],
    "digits": ["0.1234567", "1e2", "1E+22", "١.0", "9" * 5000],
}
NUMBERS = {"length": 130, "nfe": 10.0, "episode_return": -1e-17, "time_to_success_s": 2.5}


def refusal(path: Path, row_type: type[Row] = EpisodeRow) -> str:
    with pytest.raises(FmbenchError) as caught:
        read_rows(path, row_type)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < 500
    return message


def written(path: Path, *rows: Row) -> Path:
    write_rows(path, rows, type(rows[0]))
    return path


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (column, text)
        for column, kinds in (
            ("length", ("integers",)),
            *((name, ("floats", "digits")) for name in list(NUMBERS)[1:]),
        )
        for kind in kinds
        for text in OTHER_SPELLINGS[kind]
    ],
)
def test_only_the_text_that_is_written_is_read(column: str, text: str, tmp_path: Path) -> None:
    row = dataclasses.replace(ROW, **NUMBERS)
    path = written(tmp_path / "episodes.csv", row)
    head, values = path.read_text().splitlines()
    cells = values.split(",")
    cells[head.split(",").index(column)] = text
    path.write_text(f"{head}\n{','.join(cells)}\n")
    assert f"line 2, column {column}: " in refusal(path)


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        *((ROW, "progress", value) for value in (-0.1, 1.1, float("inf"))),
        *((ROW, "train_seed", value) for value in (-2, 2**63)),
        *((ROW, name, -1) for name in ("length", "decisions", "steps", "episode_seed")),
        *((ROW, "nfe", value) for value in (-1.0, float("nan"), float("inf"))),
        (ROW, "time_to_success_s", -0.01),
        *((ROW, "drops", value) for value in (-1, 2**63)),
        (ROW, "peak_contact_force", float("inf")),
        (TrainingRow("T", "flow", 0, 1, 0.5, 3e-4, 0.5), "loss", float("nan")),
        (TrainingRow("T", "flow", 0, 1, 0.5, 3e-4, 0.5), "gradient_norm", -1.0),
        (MeasurementRow("T", "flow", "e", 1, 0, True, 9, 9, 1.0, 1.0, None), "parameters", -1),
        (MeasurementRow("T", "flow", "e", 1, 0, True, 9, 9, 1.0, 1.0, None), "latency_ms_p50", -1),
        (DiagnosticRow("T", "flow", "e", 1, 0, 9, 4, 0.5, 0.5, None), "chunk_distance", -0.5),
    ],
)
def test_a_number_out_of_its_range_is_neither_written_nor_read(
    row: Row, column: str, value: Any, tmp_path: Path
) -> None:
    path = written(tmp_path / "rows.csv", row)
    before = path.read_bytes()
    value = float(value) if isinstance(getattr(row, column), float) else value
    with pytest.raises(FmbenchError, match=rf"line 2, {column}: .* is not a (whole )?number"):
        written(path, dataclasses.replace(row, **{column: value}))
    assert path.read_bytes() == before
    head, values = path.read_text().splitlines()
    cells = values.split(",")
    cells[head.split(",").index(column)] = repr(value)
    path.write_text(f"{head}\n{','.join(cells)}\n")
    assert f"line 2, column {column}: " in refusal(path, type(row))


@pytest.mark.parametrize(
    "changes",
    [
        {"success": True, "success_any": False},
        {"success": False, "success_any": False, "success_end": True},
        {"success": True, "sim_unstable": True},
        {"success": False, "time_to_success_s": 1.0},
        {"stage": "lifted", "stages_reached": None},
        {"stage": "", "stages_reached": 3},
    ],
)
def test_an_episode_that_contradicts_itself_is_neither_written_nor_read(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(FmbenchError, match=r"line 2: (success|stage).* is .*; both cannot be"):
        written(tmp_path / "episodes.csv", dataclasses.replace(ROW, **changes))


def test_rounding_errors_are_in_range(tmp_path: Path) -> None:
    path = written(tmp_path / "episodes.csv", dataclasses.replace(ROW, progress=1.0 + 1e-9))
    assert read_rows(path, EpisodeRow)[0].progress == 1.0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"\n", b"\r\n", "line 1: its line end or its quotes"),
        (b",flow,", b',"flow",', "line 2: its line end or its quotes"),
        (b",flow,", b',"fl\now",', "line 2: its line end or its quotes"),
        (b",flow,", b',"flow,', "is not a CSV file"),
        (b"task,", b"\xef\xbb\xbftask,", "unknown column"),
        (b",flow,", b",\xed\xa0\x80,", "is not a CSV file in UTF-8"),
        (b",flow,", b",=flow,", "column policy: '=flow' is not text"),
        (b",flow,", b",fl\x85ow,".decode("latin-1").encode(), "column policy: "),
        (b",flow,", b"," + b"x" * 200_000 + b",", "is not a CSV file in UTF-8: field larger"),
        (b",flow,", b"," + b"x" * 2_000_000 + b",", "a line has more than"),
        (b"policy", b"x" * 100_000, "line 1: unknown column 'xxx"),
        (b"hold,\n", b"hold,", "line 2: its line end or its quotes"),
        (b"hold,\n", b"hold,\n\n", "line 3: "),
        (b"true", b"tr\0ue", "is not true or false"),
    ],
)
def test_another_form_of_the_file_is_rejected(
    old: bytes, new: bytes, message: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "episodes.csv", ROW)
    path.write_bytes(path.read_bytes().replace(old, new))
    assert message in refusal(path)


def test_a_small_file_that_expands_without_end_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "episodes.csv.bz2"
    bomb = bz2.BZ2Compressor()
    block = bytes(2**24)
    with path.open("wb") as file:
        for _ in range(20):  # 320 MiB
            file.write(bomb.compress(block))
        file.write(bomb.flush())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "a line has more than" in refusal(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 2**10


@pytest.mark.parametrize("more", [b"x", bz2.compress(b"more\n")])
def test_nothing_may_follow_a_compressed_text(more: bytes, tmp_path: Path) -> None:
    path = tmp_path / "episodes.csv.bz2"
    write_rows(path, [ROW], EpisodeRow)
    path.write_bytes(path.read_bytes() + more)
    assert "something follows its end" in refusal(path)


def test_a_text_and_its_compressed_form_have_one_hash(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv.bz2"):
        write_rows(tmp_path / name, [ROW], EpisodeRow)
    assert text_hash(tmp_path / "a.csv") == text_hash(tmp_path / "b.csv.bz2")


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "dangling"])
def test_what_is_no_file_is_rejected_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "episodes.csv"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.name if kind == "loop" else "nowhere")
    assert "file" in refusal(path) or "links" in refusal(path) or "not exist" in refusal(path)
    with pytest.raises(FmbenchError):
        read_header(path)
