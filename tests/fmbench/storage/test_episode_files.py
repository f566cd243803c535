"""Episodes and the origins of their cells match; folders of the first version are readable."""

import bz2
import csv
import dataclasses
import lzma
from pathlib import Path

import pytest

from fmbench.errors import FmbenchError
from fmbench.figures import main
from fmbench.report.draw import draw_all
from fmbench.storage.compressed import read_lines
from fmbench.storage.episode_files import Episodes, compress_run, read_episodes, write_episodes
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.rows import (
    CellRow,
    DiagnosticRow,
    EpisodeRow,
    MeasurementRow,
    OriginRow,
    TrainingRow,
)
from tests.fmbench.fake_run import write_run

FIRST_COLUMNS = (
    "task,task_version,policy,sampler,steps,train_seed,episode_seed,success,success_any,"
    "success_end,progress,episode_return,length,time_to_success_s,mode,decisions,nfe,"
    "action_smoothness,sim_unstable,error,weights_hash,demonstrations_hash,task_hash,config_hash,"
    "commit,device"
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder: Path = write_run(tmp_path / "run", train_seeds=(0, 1), episodes=4)
    return folder


def as_first_version(run: Path) -> None:
    """Write the episodes of a run in the format of the first version: one file, all digits."""
    episodes = read_episodes(run)
    origins = {tuple(row.cell.values()): dataclasses.asdict(row) for row in episodes.origins}
    with (run / "episodes.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, FIRST_COLUMNS.split(","), extrasaction="ignore", lineterminator="\n"
        )
        writer.writeheader()
        for row in episodes.rows:
            values = {**origins[tuple(row.cell.values())], **dataclasses.asdict(row)}
            values["progress"] += 1e-12
            writer.writerow(
                {name: str(v).lower() if isinstance(v, bool) else v for name, v in values.items()}
            )
    (run / "cells.csv").unlink()


def drawn_files(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in draw_all(run)}


def test_rows_of_one_cell_share_its_key() -> None:
    for row_type in (OriginRow, MeasurementRow, DiagnosticRow):
        assert row_type.key == CellRow.key
    assert EpisodeRow.key == (*CellRow.key, "episode_seed")
    row = DiagnosticRow("PressEither", "flow", "euler", 4, 0, 256, 4, 0.3, 0.2, None)
    assert list(row.cell) == list(CellRow.key)
    assert DiagnosticRow(**row.cell, **{k: 1 for k in dataclasses.asdict(row) if k not in row.cell})


def test_episodes_and_origins_survive_writing_and_reading(run: Path) -> None:
    episodes = read_episodes(run)
    assert len(episodes.origins) == len({tuple(row.cell.values()) for row in episodes.rows}) == 18
    before = {path.name: path.read_bytes() for path in run.glob("*.csv")}
    write_episodes(run, episodes)
    assert {path.name: path.read_bytes() for path in run.glob("*.csv")} == before
    assert read_episodes(run) == episodes


@pytest.mark.usefixtures("figures_of_text")
def test_compressing_a_run_changes_nothing_that_is_drawn(run: Path) -> None:
    episodes, tables = read_episodes(run), drawn_files(run)
    names = [path.name for path in compress_run(run)]
    assert names == [
        f"{name}.csv.bz2" for name in ("episodes", "cells", "measurements", "training")
    ]
    assert not (run / "episodes.csv").exists()
    assert read_episodes(run) == episodes
    assert drawn_files(run) == tables
    before = (run / "episodes.csv.bz2").read_bytes()
    compress_run(run)
    assert (run / "episodes.csv.bz2").read_bytes() == before


def _without(path: Path, column: str) -> str:
    """Write a file again without a column, and return its text."""
    table = [line.split(",") for line in path.read_text().splitlines()]
    place = table[0].index(column)
    text = "".join(",".join(row[:place] + row[place + 1 :]) + "\n" for row in table)
    path.write_text(text)
    return text


def test_compressing_keeps_the_text_of_files_that_lack_later_columns(run: Path) -> None:
    path = run / "episodes.csv"
    earlier = _without(path, "jerk")
    _without(run / "cells.csv", "rows_hash")  # earlier still: nothing states what rows were
    compress_run(run)
    assert "".join(read_lines(run / "episodes.csv.bz2")) == earlier


def test_a_folder_compressed_by_an_earlier_version_is_converted(run: Path) -> None:
    names = ("episodes.csv", "cells.csv", "training.csv")
    texts = {name: (run / name).read_bytes() for name in names}
    for name, text in texts.items():
        (run / f"{name}.xz").write_bytes(lzma.compress(text))
        (run / name).unlink()
    with pytest.raises(FmbenchError, match="is from an earlier fmbench"):
        read_episodes(run)
    assert main([str(run), "--compress"]) == 0
    assert {name: bz2.decompress((run / f"{name}.bz2").read_bytes()) for name in names} == texts
    assert not list(run.glob("*.xz"))


@pytest.mark.usefixtures("figures_of_text")
def test_the_command_compresses_and_draws(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = drawn_files(run)
    assert main([str(run), "--compress"]) == 0
    printed = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    assert printed[:2] == ["episodes.csv.bz2", "cells.csv.bz2"]
    assert printed[-len(tables) :] == list(tables)
    files = {path.name: path for path in run.rglob("*")}
    assert {name: files[name].read_bytes() for name in tables} == tables


def test_a_folder_of_the_first_version_is_read_and_converted(run: Path) -> None:
    episodes, tables = read_episodes(run), drawn_files(run)
    as_first_version(run)
    earlier = read_episodes(run)
    assert [row.cell for row in earlier.rows] == [row.cell for row in episodes.rows]
    without_seals = [dataclasses.replace(origin, rows_hash="") for origin in episodes.origins]
    assert earlier.origins == without_seals, "the versions are those of run.json"
    assert drawn_files(run) == tables
    (run / "run.json").unlink()
    assert {row.versions for row in read_episodes(run).origins} == {""}
    compress_run(run)
    assert read_episodes(run).rows == episodes.rows, "written with the present number of digits"


def test_a_cell_of_the_first_version_with_two_origins_is_rejected(run: Path) -> None:
    as_first_version(run)
    path = run / "episodes.csv"
    path.write_text(path.read_text().replace("abc1234", "fedcba9", 2))
    with pytest.raises(FmbenchError, match=r"policy=expert, .* have several origins"):
        read_episodes(run)


def test_cells_that_do_not_match_are_rejected(run: Path) -> None:
    episodes = read_episodes(run)
    foreign = dataclasses.replace(episodes.origins[-1], policy="ppo")
    for origins, message in (
        (episodes.origins[1:], r"cells\.csv has no row of task=.*, policy=expert, .*has episodes"),
        ([*episodes.origins, foreign], r"cells\.csv has a row of .*policy=ppo, .* has no episodes"),
        ([*episodes.origins, episodes.origins[0]], r"cells\.csv, line 20: the same row as line 2"),
    ):
        with pytest.raises(FmbenchError, match=message):
            write_episodes(run, Episodes(episodes.rows, origins))
        assert read_episodes(run) == episodes
    lines = (run / "cells.csv").read_text().splitlines(keepends=True)
    for text, message in (
        (lines[:-1], "has no row of .*policy=bc"),
        ([*lines, lines[-1].replace(",bc,", ",ppo,")], "has a row of .*policy=ppo"),
        ([*lines, lines[-1]], "the same row"),
    ):
        (run / "cells.csv").write_text("".join(text))
        with pytest.raises(FmbenchError, match=rf"cells\.csv.* {message}"):
            read_episodes(run)
    (run / "cells.csv").unlink()
    with pytest.raises(FmbenchError, match=r"cells\.csv does not exist"):
        read_episodes(run)


@pytest.mark.usefixtures("figures_of_text")
def test_every_file_of_a_compressed_folder_can_be_compressed(run: Path) -> None:
    tables = drawn_files(run)
    for row_type in (EpisodeRow, MeasurementRow, TrainingRow):
        rows = read_rows(run / row_type.file_name, row_type)
        (run / row_type.file_name).unlink()
        write_rows(run / f"{row_type.file_name}.bz2", rows, row_type)
    assert drawn_files(run) == tables


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("episodes.csv", "true", "false"),
        ("episodes.csv", ",17,", ",18,"),
        ("cells.csv", "77aa", "77ab"),
        ("cells.csv", "torch=2.13.0", "torch=2.14.0"),
        ("cells.csv", ",abc1234,", ",abc1235,"),
    ],
)
def test_a_changed_value_of_a_finished_run_is_rejected(
    file: str, old: str, new: str, run: Path
) -> None:
    change(run / file, old, new)
    noticed = r"episodes\.csv(: rows of .* were changed|, line 2: success is false, time_to_succ)"
    with pytest.raises(FmbenchError, match=noticed):
        read_episodes(run)


def test_a_lost_episode_of_a_finished_run_is_noticed(run: Path) -> None:
    path = run / "episodes.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], *lines[2:]]))
    with pytest.raises(FmbenchError, match="were changed after they were written"):
        read_episodes(run)
