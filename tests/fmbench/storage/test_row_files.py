"""Row files: byte-stable writing, strict reading, atomic JSON."""

import dataclasses
import math
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fmbench.errors import FmbenchError
from fmbench.storage import files, row_files, row_values
from fmbench.storage.rows import CellRow, EpisodeRow, MeasurementRow, TrainingRow, columns

ROW = EpisodeRow(
    task="fmbench/LiftCube-v0",
    policy="flow",
    sampler="euler",
    steps=10,
    train_seed=0,
    episode_seed=20_000,
    success=True,
    success_any=True,
    success_end=False,
    progress=0.3,
    episode_return=-1e-17,
    length=130,
    time_to_success_s=None,
    mode="",
    decisions=17,
    nfe=10.0,
    action_smoothness=0.02,
    sim_unstable=False,
    error="",
)


def test_rows_survive_writing_and_reading(tmp_path):
    rows = [
        ROW,
        dataclasses.replace(ROW, episode_seed=3, time_to_success_s=2.5, episode_return=math.inf),
    ]
    path = tmp_path / "new" / EpisodeRow.file_name
    row_files.write_rows(path, rows, EpisodeRow)
    assert row_files.read_rows(path, EpisodeRow) == rows
    assert row_files.read_header(path) == list(columns(EpisodeRow))
    before = path.read_bytes()
    row_files.write_rows(path, row_files.read_rows(path, EpisodeRow), EpisodeRow)
    assert path.read_bytes() == before
    assert before.endswith(b"\n")
    assert b"\r" not in before
    assert os.listdir(path.parent) == [path.name]


def test_rows_without_the_measures_of_later_versions_are_read(tmp_path):
    later = ("boundary_jump", "jerk", "peak_contact_force", "drops", "stage", "stages_reached")
    measured = {"peak_contact_force": 12.5, "drops": 0, "stage": "lifted", "stages_reached": 3}
    path = tmp_path / "episodes.csv"
    row_files.write_rows(path, [dataclasses.replace(ROW, **measured)], EpisodeRow)
    (row,) = row_files.read_rows(path, EpisodeRow)
    assert {name: getattr(row, name) for name in measured} == measured
    assert isinstance(row.drops, int)
    head, values = (line.split(",") for line in path.read_text().splitlines())
    kept = [k for k, name in enumerate(head) if name not in later]
    assert len(kept) == len(head) - len(later)
    path.write_text("".join(",".join(line[k] for k in kept) + "\n" for line in (head, values)))
    assert row_files.read_rows(path, EpisodeRow) == [ROW]


def test_columns_are_the_fields_in_order_the_setting_last(tmp_path):
    for row_type in (EpisodeRow, MeasurementRow, TrainingRow):
        path = tmp_path / row_type.file_name
        row_files.write_rows(path, [], row_type)
        fields = [field.name for field in dataclasses.fields(row_type)]
        if issubclass(row_type, CellRow):
            assert fields[5:8] == ["delay", "execution", "perturb"]
            fields = [*fields[:5], *fields[8:], *fields[5:8]]
        assert path.read_text() == ",".join(fields) + "\n"
        assert set(row_type.key) <= set(fields)
        assert row_files.read_rows(path, row_type) == []


def test_numpy_scalars_are_written_as_plain_numbers(tmp_path):
    path = tmp_path / "episodes.csv"
    row = dataclasses.replace(
        ROW, success=np.bool_(True), steps=np.int64(10), nfe=np.float64(10), progress=np.float32(1)
    )
    row_files.write_rows(path, [row], EpisodeRow)
    assert "np." not in path.read_text()
    assert row_files.read_rows(path, EpisodeRow)[0].nfe == 10.0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2 / 3, "0.666667"),
        (1234567.8, "1234570.0"),
        (10, "10.0"),
        (1.5e-17, "1.5e-17"),
        (-0.0, "-0.0"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
    ],
)
def test_floats_are_written_with_six_digits(tmp_path, value, text):
    path = tmp_path / "episodes.csv"
    row = dataclasses.replace(ROW, episode_return=float(value))
    row_files.write_rows(path, [row], EpisodeRow)
    assert f",true,true,false,0.3,{text},130,," in path.read_text().splitlines()[1]
    assert row_files.read_rows(path, EpisodeRow)[0].episode_return == pytest.approx(
        value, rel=5e-6, nan_ok=True
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_rows_that_were_read_are_written_as_the_same_bytes(tmp_path, value):
    path = tmp_path / "episodes.csv"
    row_files.write_rows(path, [dataclasses.replace(ROW, episode_return=value)], EpisodeRow)
    before, (row,) = path.read_bytes(), row_files.read_rows(path, EpisodeRow)
    assert row.episode_return == pytest.approx(value, rel=5e-6) or abs(value) < 1e-300
    row_files.write_rows(path, [row], EpisodeRow)
    assert path.read_bytes() == before


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
def test_any_text_survives_on_one_line_and_is_no_formula(tmp_path, text):
    path = tmp_path / "episodes.csv"
    row_files.write_rows(path, [dataclasses.replace(ROW, error=text)], EpisodeRow)
    (row,) = row_files.read_rows(path, EpisodeRow)
    assert row.error == " ".join(text.splitlines())
    assert not row_values.neutralise(text).lstrip().startswith(("=", "+", "-", "@"))


def test_formula_is_written_with_an_apostrophe(tmp_path):
    path = tmp_path / "episodes.csv"
    row = dataclasses.replace(ROW, mode="=HYPERLINK(1)")
    row_files.write_rows(path, [row], EpisodeRow)
    assert ",'=HYPERLINK(1)," in path.read_text()
    assert row_files.read_rows(path, EpisodeRow) == [row]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",steps,", ",stepz,", "line 1: unknown column 'stepz'; did you mean steps"),
        (",error", "", "line 1: missing columns: error"),
        (",error", ",error,error", "line 1: duplicate column"),
        (",10.0,", ",ten,", "line 2, column nfe: 'ten' is not a number"),
        (",130,", ",130.5,", "line 2, column length: '130.5' is not a whole number"),
        (",true,true,", ",true,1,", "line 2, column success_any: '1' is not true or false"),
        (",hold,\n", ",hold\n", "line 2: 27 values for 28 columns"),
    ],
)
def test_reading_names_file_line_and_column(tmp_path, old, new, message):
    path = tmp_path / "episodes.csv"
    row_files.write_rows(path, [ROW], EpisodeRow)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(FmbenchError) as caught:
        row_files.read_rows(path, EpisodeRow)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_a_duplicate_key_is_rejected(tmp_path):
    path = tmp_path / "episodes.csv"
    with pytest.raises(FmbenchError, match=r"line 3: the same row as line 2 .*episode_seed=20000"):
        row_files.write_rows(path, [ROW, dataclasses.replace(ROW, success=False)], EpisodeRow)
    assert not path.exists()
    row_files.write_rows(path, [ROW], EpisodeRow)
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    with pytest.raises(FmbenchError, match="line 3: the same row"):
        row_files.read_rows(path, EpisodeRow)


@pytest.mark.parametrize(
    ("field", "value"), [("steps", True), ("success", 1), ("mode", None), ("progress", "1")]
)
def test_writing_rejects_a_wrong_type(tmp_path, field, value):
    with pytest.raises(FmbenchError, match=f"line 2, {field}: .* is not"):
        row_files.write_rows(
            tmp_path / "e.csv", [dataclasses.replace(ROW, **{field: value})], EpisodeRow
        )


@pytest.mark.parametrize("content", [b"\xff\xfe", b'"a'])
def test_a_file_that_is_no_csv_is_rejected(tmp_path, content):
    path = tmp_path / "episodes.csv"
    path.write_bytes(content)
    with pytest.raises(FmbenchError, match="is not a CSV file"):
        row_files.read_rows(path, EpisodeRow)


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    files.write_json_atomic(path, {"preset": "smoke", "seeds": [1, 2]})

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        files.write_json_atomic(path, {})
    assert files.read_json(path) == {"preset": "smoke", "seeds": [1, 2]}
    assert os.listdir(tmp_path) == ["run.json"]


@pytest.mark.parametrize(
    ("content", "message"),
    [("[1]", "not a list"), ("{", "is not JSON"), ('{"a": "0123456789"}', "at most 10")],
)
def test_read_json_rejects_other_files(tmp_path, content, message):
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(FmbenchError, match=message):
        files.read_json(path, max_bytes=10 if "at most" in message else 100)


def test_write_json_rejects_nan(tmp_path):
    with pytest.raises(FmbenchError, match="cannot be written"):
        files.write_json_atomic(tmp_path / "run.json", {"loss": math.nan})
    assert not os.listdir(tmp_path)
