"""A file that is read as columns gives the rows, refusals and seals of reading it row by row."""

import dataclasses
import math
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fmbench.errors import FmbenchError
from fmbench.storage import row_tables, row_values
from fmbench.storage.compressed import compress_file
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.row_tables import RowTable, read_table
from fmbench.storage.rows import (
    CellRow,
    EpisodeRow,
    MeasurementRow,
    OriginRow,
    R,
    TrainingRow,
    columns,
)
from fmbench.storage.seals import has_seal_of, is_sealed, sealed

ORIGIN = OriginRow("T", "flow", "euler", 10, 0, 0, "a", "b", "c", "d", "e", "cpu", "python=3.11")
FLOATS = st.one_of(
    st.floats(),
    st.sampled_from([0.0, -0.0, 1e16, 9.5e-5, 0.0001, 123456.0, 999999.5, 1e22, math.ulp(0.0)]),
)
AMOUNTS = st.floats(min_value=0, allow_nan=False, allow_infinity=False)
TEXTS = st.one_of(
    st.just(""),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(["a,b", 'say "no"', "=1+1", "'", "\x1f", "\x85", "\x00", "é, ß", " x "]),
)
COUNTS = st.integers(0, 2**63 - 1)


@st.composite
def episodes(draw: st.DrawFn) -> EpisodeRow:
    success = draw(st.booleans())
    return EpisodeRow(
        *(draw(st.sampled_from(names)) for names in (["T", "Ü"], ["flow", "b,c"], ["", "ddim"])),
        *(draw(st.sampled_from(numbers)) for numbers in ([0, 10], [-1, 0])),
        episode_seed=draw(COUNTS),
        success=success,
        success_any=True,
        success_end=draw(st.booleans()),
        progress=draw(st.one_of(st.floats(0, 1), st.just(math.nan))),
        episode_return=draw(FLOATS),
        length=draw(COUNTS),
        time_to_success_s=draw(AMOUNTS) if success and draw(st.booleans()) else None,
        mode=draw(TEXTS),
        decisions=draw(COUNTS),
        nfe=draw(AMOUNTS),
        action_smoothness=draw(AMOUNTS),
        sim_unstable=not success and draw(st.booleans()),
        error=draw(TEXTS),
        jerk=draw(st.one_of(st.none(), AMOUNTS)),
        peak_contact_force=draw(st.one_of(st.none(), AMOUNTS)),
        drops=draw(st.one_of(st.none(), COUNTS)),
        stage=(stage := draw(TEXTS.filter(str.isprintable))),
        stages_reached=draw(COUNTS) if stage else None,
    )


@st.composite
def measurements(draw: st.DrawFn) -> MeasurementRow:
    possible = st.one_of(st.none(), AMOUNTS)
    return MeasurementRow(
        *("T", draw(TEXTS), "euler", draw(st.integers(0, 9)), 0),
        headline=draw(st.booleans()),
        parameters=draw(COUNTS),
        updates=draw(COUNTS),
        training_time_s=draw(possible),
        latency_ms_p50=draw(possible),
        latency_ms_p95=None,
        rows_per_update=draw(possible),
        teacher_updates=draw(st.sampled_from([0, 0, 300])),
        stacked=draw(st.booleans()),
    )


def without_repeats(rows: list[R]) -> list[R]:
    """Return rows that can be in one file: as they are written, each key once."""
    found: dict[tuple[object, ...], R] = {}
    for row in rows:
        texts = {n: row_values.neutralise(v) for n, v in vars(row).items() if isinstance(v, str)}
        found.setdefault(tuple((vars(row) | texts)[name] for name in row.key), row)
    return list(found.values())


def quick(path: Path, row_type: type[R]) -> RowTable[R]:
    return row_tables._read_quickly(path, row_type, with_texts=True)


def is_same(table: RowTable[R], rows: list[R]) -> bool:
    """Return whether values, their types, and NaN in their places agree."""
    return [repr(row) for row in table.rows] == [repr(row) for row in rows]


RANDOM_FILES = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@RANDOM_FILES
@given(rows=st.lists(episodes(), max_size=6), is_compressed=st.booleans())
def test_random_episodes_are_read_the_same_and_have_their_seal(
    rows: list[EpisodeRow], is_compressed: bool, tmp_path: Path
) -> None:
    check_file(tmp_path, rows, EpisodeRow, is_compressed)


@RANDOM_FILES
@given(rows=st.lists(measurements(), max_size=6))
def test_rows_with_later_columns_have_their_seal(
    rows: list[MeasurementRow], tmp_path: Path
) -> None:
    check_file(tmp_path, rows, MeasurementRow, is_compressed=False)


def check_file(folder: Path, rows: list[R], row_type: type[R], is_compressed: bool) -> None:
    for path in folder.glob("rows.csv*"):
        path.unlink()
    rows, path = without_repeats(rows), folder / "rows.csv"
    write_rows(path, rows, row_type)
    if is_compressed:
        path = compress_file(path)
    table, read = quick(path, row_type), read_rows(folder / "rows.csv", row_type)
    assert is_same(table, read)
    assert issubclass(row_type, CellRow)
    there = sealed(ORIGIN, read, row_type)
    assert sealed(ORIGIN, rows, row_type) == there
    assert has_seal_of(there, table.texts)
    if len(rows) > 1:
        assert not has_seal_of(there, table.texts[::-1])
        assert not has_seal_of(there, table.texts[1:])
        assert not has_seal_of(there, [*table.texts, table.texts[0]])


@RANDOM_FILES
@given(rows=st.lists(measurements(), min_size=1, max_size=4), count=st.integers(1, 3))
def test_missing_columns_of_older_rows_are_their_defaults(
    rows: list[MeasurementRow], count: int, tmp_path: Path
) -> None:
    names = list(columns(MeasurementRow))[:-count]
    defaults = {f.name: f.default for f in dataclasses.fields(MeasurementRow)}
    missing = {name: defaults[name] for name in defaults if name not in names}
    older = without_repeats([dataclasses.replace(row, **missing) for row in rows])
    path = tmp_path / "rows.csv"
    write_rows(path, older, MeasurementRow)
    _drop_last_columns(path, count)
    table = quick(path, MeasurementRow)
    assert is_same(table, read_rows(path, MeasurementRow))
    assert has_seal_of(sealed(ORIGIN, older, MeasurementRow), table.texts)


def _drop_last_columns(path: Path, count: int) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]  # the last columns have no commas
    path.write_text("".join(f"{line.rsplit(',', count)[0]}\n" for line in lines), encoding="utf-8")


@RANDOM_FILES
@given(row=episodes(), place=st.integers(0, 18), other=episodes())
def test_another_value_has_another_seal(
    row: EpisodeRow, place: int, other: EpisodeRow, tmp_path: Path
) -> None:
    path, name = tmp_path / "rows.csv", list(columns(EpisodeRow))[place]
    write_rows(path, [row], EpisodeRow)
    there = sealed(ORIGIN, [row], EpisodeRow)
    changed = dataclasses.replace(row, **{name: getattr(other, name)})
    try:
        write_rows(path, [changed], EpisodeRow)
    except FmbenchError:  # it contradicts itself
        return
    assert has_seal_of(there, quick(path, EpisodeRow).texts) == is_sealed(
        there, [changed], EpisodeRow
    )


@settings(max_examples=400, deadline=None)
@given(value=FLOATS)
@example(100000.0)
@example(999999.0)
@example(0.000123456)
def test_numbers_in_plain_form_are_those_that_are_written(value: float) -> None:
    written = row_values._number_text(value)
    parse = row_values.parser(float, None, row_values.FLOAT_DIGITS)
    assert repr(parse(written)) == written
    is_plain = re.fullmatch(r"-?\d+\.\d+", written) and len(written.strip("-")) <= 7
    if is_plain:
        assert row_values._PLAIN(written)


@settings(max_examples=200, deadline=None)
@given(text=st.from_regex(r"-?[0-9]{1,7}(\.[0-9]{0,7})?(e-?[0-9]{1,2})?", fullmatch=True))
@example("00.5")
@example("0.50")
@example("1.")
@example("0.00001")
@example("1234567.0")
@example("0.1234567")
@example("1.5\n")
def test_no_other_text_is_taken_for_plain(text: str) -> None:
    if row_values._PLAIN(text):
        assert row_values._number_text(float(text)) == text
        assert row_values._number_text(float(text), 17) == text


def test_a_changed_byte_is_refused_or_read_as_it_is_row_by_row(tmp_path: Path) -> None:
    rng, path = random.Random(0), tmp_path / "rows.csv"
    row = EpisodeRow(
        "T", "flow", "euler", 10, 0, 7, False, True, True, 0.25, -1.5, 130, None, "a,b", 17, 10.0,
        0.02, False, "",
    )  # fmt: skip
    write_rows(path, [row, dataclasses.replace(row, episode_seed=8, mode="")], EpisodeRow)
    data = path.read_bytes()
    for _ in range(400):
        place, byte = rng.randrange(len(data)), rng.choice(b'",\n\r\x00 -+.0179aeT=\xc3\xff')
        path.write_bytes(data[:place] + bytes([byte]) + data[place + rng.randrange(2) :])
        row_by_row = outcome(lambda: read_rows(path, EpisodeRow))
        assert outcome(lambda: read_table(path, EpisodeRow).rows) == row_by_row


@pytest.mark.parametrize("rest", ["7", "PressEither", "T,flow", ",", "\n"])
def test_the_rest_of_a_line_at_the_end_is_refused(rest: str, tmp_path: Path) -> None:
    path = tmp_path / TrainingRow.file_name
    write_rows(path, [TrainingRow("T", "flow", 0, 7, 0.5, 1e-3, 2.0)], TrainingRow)
    with path.open("a", newline="") as file:
        file.write(rest)
    with pytest.raises(FmbenchError, match="line 3"):
        read_table(path, TrainingRow)


def outcome(read: Callable[[], list[EpisodeRow]]) -> str:
    """Return what is read, or why nothing is."""
    try:
        return repr(read())
    except FmbenchError as error:
        return str(error)


def test_a_table_takes_rows_in_any_order(tmp_path: Path) -> None:
    rows = [
        MeasurementRow("T", "flow", "e", steps, 0, steps == 1, 9, 9, None, None, None)
        for steps in (1, 2, 3)
    ]
    table = row_tables.table_of(rows, MeasurementRow)
    assert table.take([2, 0]).rows == [rows[2], rows[0]]
    assert table.first_rows(["headline"]) == [rows[0], rows[1]]
    assert len(table) == 3


@pytest.mark.parametrize("size", [10, 2**15])
def test_a_large_file_is_read_in_parts(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fmbench.storage.compressed._TEXT_BYTES", size)
    rows = [
        MeasurementRow("T", "ü" * (i % 7), "e", i, 0, False, i, 9, 0.1 * i, None, None)
        for i in range(3_000)
    ]
    path = tmp_path / "rows.csv"
    write_rows(path, rows, MeasurementRow)
    table = quick(path, MeasurementRow)
    assert is_same(table, read_rows(path, MeasurementRow))
    assert has_seal_of(sealed(ORIGIN, rows, MeasurementRow), table.texts)
