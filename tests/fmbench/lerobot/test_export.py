"""A LeRobot v3.0 data set, read with pyarrow and PyAV alone: its schema, numbers, films, bytes."""

import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.cameras import MAIN
from envs.pictures.renderer import open_renderer
from envs.registry import make_task
from fmbench import export as command
from fmbench.data.manifest import DemonstrationFacts
from fmbench.data.pictures import draw_demonstrations
from fmbench.data.schema import StoredEpisode
from fmbench.data.store import Demonstrations
from fmbench.lerobot.statistics import QUANTILES, of_pictures
from fmbench.storage.artefacts import MANIFEST
from fmbench.storage.files import read_json
from tests.fmbench.small_run import call, files_of

pq = pytest.importorskip("pyarrow.parquet")
av = pytest.importorskip("av")
from fmbench.lerobot import parts  # noqa: E402 - after the check for pyarrow
from fmbench.lerobot.export import parts_folder  # noqa: E402
from fmbench.lerobot.source import Source, measure  # noqa: E402

pytestmark = pytest.mark.thorough
SMALL = ("--format", "lerobot", "--task", "PressEither", "--episodes", "4")
SEEN = ("--cameras", "main", "right-front", "--image-size", "32", "--renderer", "rays")
TASK = make_task("PressEither")
VECTORS = {
    "observation.state": TASK.agent_dim,
    "observation.environment_state": TASK.obs_dim - TASK.agent_dim,
    "action": TASK.act_dim,
    "info.environment_state": TASK.obs_dim - TASK.agent_dim,
    "info.executed_action": TASK.act_dim,
}
SINGLE = {
    "next.reward": "float",
    "next.done": "bool",
    "next.success": "bool",
    "timestamp": "float",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}
KEYS = ["observation.images.main", "observation.images.right_front"]


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demonstrations of all tests."""
    folder = tmp_path_factory.mktemp("data")
    shutil.copytree(demonstrations_folder, folder / demonstrations_folder.name)
    return folder


@pytest.fixture(scope="module", autouse=True)
def small_parts() -> Iterator[None]:
    """Write two episodes to a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "EPISODES", 2)
        yield


@pytest.fixture(scope="module")
def seen(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with two cameras."""
    out = tmp_path_factory.mktemp("seen") / "out"
    assert call(command.main, *SMALL, *SEEN, "--data", data, "--out", out) == 0
    return out


@pytest.fixture(scope="module")
def table(seen: Path) -> Any:
    paths = sorted((seen / "data" / "chunk-000").iterdir())
    assert [path.name for path in paths] == ["file-000.parquet", "file-001.parquet"]
    assert [pq.ParquetFile(path).num_row_groups for path in paths] == [2, 2]
    return pq.read_table(paths)


def column(table: Any, name: str) -> np.ndarray:
    values = table.column(name).combine_chunks()
    width = VECTORS.get(name)
    return np.asarray(values.to_numpy(False) if width is None else values.flatten().to_numpy())


def vectors(table: Any, name: str) -> np.ndarray:
    return column(table, name).reshape(-1, VECTORS[name])


def test_the_files_are_those_of_the_format(seen: Path) -> None:
    assert sorted(files_of(seen)) == sorted(
        [
            *(f"data/chunk-000/file-00{k}.parquet" for k in range(2)),
            *(f"videos/{key}/chunk-000/file-00{k}.mp4" for key in KEYS for k in range(2)),
            *("meta/episodes/chunk-000/file-000.parquet", "meta/tasks.parquet"),
            *("meta/info.json", "meta/stats.json", MANIFEST),
        ]
    )


def test_the_data_have_a_column_for_each_feature_and_no_other(seen: Path, table: Any) -> None:
    features = read_json(seen / "meta" / "info.json")["features"]
    assert {name: str(table.schema.field(name).type) for name in table.column_names} == {
        **{name: f"fixed_size_list<element: float>[{size}]" for name, size in VECTORS.items()},
        **SINGLE,
    }
    assert set(features) == {*VECTORS, *SINGLE, *KEYS}
    for name, size in VECTORS.items():
        assert (features[name]["dtype"], features[name]["shape"]) == ("float32", [size])
        assert len(set(features[name]["names"])) == size
    assert features["action"]["names"] == list(TASK.action_names)
    assert features["observation.state"]["names"][-1] == "countdown"
    for name, kind in SINGLE.items():
        dtype = "float32" if kind == "float" else kind
        assert features[name] == {"dtype": dtype, "shape": [1], "names": None}
    for key in KEYS:
        assert (features[key]["dtype"], features[key]["shape"]) == ("video", [32, 32, 3])
        assert features[key]["names"] == ["height", "width", "channels"]
        assert features[key]["info"]["video.codec"] == "h264"


def test_the_information_has_the_keys_of_v3_and_our_hashes(
    seen: Path, demonstrations: Demonstrations
) -> None:
    info = read_json(seen / "meta" / "info.json")
    ours, steps = info.pop("fmbench"), int(demonstrations.lengths.sum())
    del info["features"]
    assert info == {
        "codebase_version": "v3.0",
        "robot_type": None,
        "total_episodes": 4,
        "total_frames": steps,
        "total_tasks": 1,
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": 25,
        "splits": {"train": "0:4"},
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    }
    assert ours["task"] == "fmbench/PressEither-v2"
    assert ours["task_hash"] == demonstrations.manifest["task_hash"]
    assert ours["demonstrations"] == demonstrations.sha256
    assert ours["cameras"] == dict(zip(KEYS, ("main", "right-front"), strict=True))
    assert sum(part["size"] for part in ours["fields"]) == TASK.obs_dim


def test_the_numbers_are_those_of_the_demonstrations(
    seen: Path, table: Any, demonstrations: Demonstrations
) -> None:
    lengths = demonstrations.lengths
    last = (lengths + 1).cumsum() - 1
    frames = np.delete(demonstrations.observations, last, axis=0)
    assert np.array_equal(vectors(table, "observation.state"), frames[:, TASK.agent_columns])
    assert np.array_equal(vectors(table, "info.environment_state"), frames[:, ~TASK.agent_columns])
    assert np.array_equal(vectors(table, "action"), demonstrations.actions)
    assert np.array_equal(vectors(table, "info.executed_action"), demonstrations.executed)
    steps = np.concatenate([np.arange(length) for length in lengths])
    assert np.array_equal(column(table, "frame_index"), steps)
    assert np.abs(column(table, "timestamp") - steps / 25).max() < 1e-6
    assert np.array_equal(column(table, "index"), np.arange(lengths.sum()))
    assert np.array_equal(column(table, "episode_index"), np.repeat(np.arange(4), lengths))
    ends = np.isin(np.arange(lengths.sum()), lengths.cumsum() - 1)
    assert np.array_equal(column(table, "next.done"), ends)
    assert np.array_equal(column(table, "next.success"), ends)
    episodes = pq.read_table(seen / "meta" / "episodes" / "chunk-000" / "file-000.parquet")
    rows = episodes.to_pylist()
    assert [row["dataset_to_index"] for row in rows] == lengths.cumsum().tolist()
    assert [row["data/file_index"] for row in rows] == [0, 0, 1, 1]
    assert [row["tasks"] for row in rows] == [[TASK.description]] * 4
    finals = np.array([row["fmbench/final_observation"] for row in rows], dtype=np.float32)
    assert np.array_equal(finals, demonstrations.observations[last])
    assert [row["fmbench/episode_seed"] for row in rows] == demonstrations.manifest["episode_seeds"]


def test_the_environment_state_is_standardised(seen: Path, table: Any) -> None:
    scaled = vectors(table, "observation.environment_state").astype(np.float64)
    raw = vectors(table, "info.environment_state").astype(np.float64)
    ours = read_json(seen / "meta" / "info.json")["fmbench"]["environment_state"]
    assert np.abs(scaled.mean(axis=0)).max() < 1e-5
    moves = raw.std(axis=0) > 1e-3
    assert moves.any()
    assert np.abs(scaled.std(axis=0)[moves] - 1).max() < 1e-5
    assert scaled.std(axis=0).max() < 1 + 1e-5
    restored = scaled * ours["divisor"] + ours["offset"]
    assert np.abs(restored - raw).max() < 1e-5


def test_statistics_are_those_of_numpy_in_float64(seen: Path, table: Any) -> None:
    stats = read_json(seen / "meta" / "stats.json")
    for name in (*VECTORS, *SINGLE):
        values = column(table, name).astype(np.float64).reshape(table.num_rows, -1)
        expected = {"min": values.min(0), "max": values.max(0)}
        expected |= {"mean": values.mean(0), "std": values.std(0)}
        for quantile, at in QUANTILES.items():
            expected[quantile] = np.quantile(values, at, axis=0)
        assert stats[name].pop("count") == [table.num_rows]
        assert set(stats[name]) == set(expected)
        for key, value in expected.items():
            np.testing.assert_allclose(stats[name][key], value, rtol=1e-12, atol=1e-15)


def test_pandas_reads_the_tasks_by_their_sentences(seen: Path) -> None:
    import pandas as pd

    tasks = pd.read_parquet(seen / "meta" / "tasks.parquet")
    assert tasks.index.tolist() == [TASK.description]
    assert tasks["task_index"].tolist() == [0]


def test_films_hold_the_pictures_and_statistics_are_of_the_pictures(
    seen: Path, demonstrations_folder: Path, demonstrations: Demonstrations, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(demonstrations_folder, tmp_path / demonstrations_folder.name))
    renderer = open_renderer(TASK, (MAIN, "right-front"), 32, "rays")
    drawn = draw_demonstrations(copy, TASK, demonstrations, renderer, (MAIN, "right-front"), 32)
    last = (demonstrations.lengths + 1).cumsum() - 1
    pictures = np.delete(drawn.array, last, axis=0)
    rows = pq.read_table(seen / "meta" / "episodes" / "chunk-000" / "file-000.parquet").to_pylist()
    stats = read_json(seen / "meta" / "stats.json")
    for camera, key in enumerate(KEYS):
        films = sorted((seen / "videos" / key / "chunk-000").iterdir())
        decoded = [
            np.stack([frame.to_ndarray(format="rgb24") for frame in av.open(film).decode(video=0)])
            for film in films
        ]
        frames = np.concatenate(decoded).astype(np.int64)
        assert frames.shape == pictures[:, camera].shape
        assert np.abs(frames - pictures[:, camera]).mean() < 3
        for row in rows:
            film = decoded[row[f"videos/{key}/file_index"]]
            first, stop = (
                round(row[f"videos/{key}/{end}_timestamp"] * 25) for end in ("from", "to")
            )
            whole = frames[row["dataset_from_index"] : row["dataset_to_index"]]
            assert np.array_equal(film[first:stop], whole)
        share = pictures[:, camera].reshape(-1, 3) / 255
        assert np.shape(stats[key]["mean"]) == (3, 1, 1)
        np.testing.assert_allclose(np.ravel(stats[key]["mean"]), share.mean(0), rtol=1e-9)
        np.testing.assert_allclose(np.ravel(stats[key]["std"]), share.std(0), rtol=1e-9)
        assert stats[key]["count"] == [len(frames)]


@given(st.lists(st.integers(0, 255), min_size=1, max_size=40))
def test_quantiles_of_counted_levels_are_those_of_numpy(levels: list[int]) -> None:
    counts = np.tile(np.bincount(levels, minlength=256), (3, 1))
    found = of_pictures(counts, 1)
    for name, at in QUANTILES.items():
        expected = np.quantile(np.array(levels) / 255, at)
        np.testing.assert_allclose(np.ravel(found[name]), expected, atol=1e-12)


def test_a_second_export_has_the_same_bytes_and_a_third_writes_nothing(
    seen: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = (*SMALL, *SEEN, "--data", data, "--out", out)
    assert call(command.main, *words) == 0
    assert files_of(out) == files_of(seen)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    capsys.readouterr()
    assert call(command.main, *words) == 0
    assert f"PressEither for LeRobot: found in {out}" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    assert not parts_folder(out).exists()


def test_ctrl_c_keeps_finished_parts_and_the_same_command_resumes(
    seen: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, written = tmp_path / "out", parts._write
    words, first = (*SMALL, *SEEN, "--data", data, "--out", out), list[int]()

    def interrupted(*arguments: Any) -> Any:
        first.append(arguments[4])
        if len(first) == 2:
            raise KeyboardInterrupt
        return written(*arguments)

    monkeypatch.setattr(parts, "_write", interrupted)
    assert call(command.main, *words) == 130
    assert not out.exists()
    assert [path.name for path in parts_folder(out).iterdir()] == ["part-0000"]
    assert call(command.main, *words) == 0
    assert first == [0, 2, 2]
    assert files_of(out) == files_of(seen)


def test_a_damaged_part_is_made_again(
    seen: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, words = tmp_path / "out", (*SMALL, *SEEN, "--data", data)

    def stopped(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fmbench.lerobot.export.assemble", stopped)
    assert call(command.main, *words, "--out", out) == 130
    monkeypatch.undo()
    monkeypatch.setattr(parts, "EPISODES", 2)
    data_file = parts_folder(out) / "part-0001" / "data.parquet"
    data_file.write_bytes(data_file.read_bytes()[:-1])
    assert call(command.main, *words, "--out", out) == 0
    assert files_of(out) == files_of(seen)


def test_memory_does_not_grow_with_the_number_of_episodes(
    demonstrations: Demonstrations, tmp_path: Path
) -> None:
    facts = DemonstrationFacts.from_json(demonstrations.manifest, tmp_path)
    steps = 100

    def episodes(count: int) -> Iterator[StoredEpisode]:
        for _ in range(count):
            actions = np.zeros((steps, TASK.act_dim), dtype=np.float32)
            observations = np.zeros((steps + 1, TASK.obs_dim), dtype=np.float32)
            yield StoredEpisode(observations, actions, actions.copy(), np.zeros(steps))

    def peak(count: int) -> int:
        lengths, scaling = measure(TASK, lambda: episodes(count))
        source = Source(TASK, facts, lambda: episodes(count), lengths, scaling)
        tracemalloc.start()
        found = parts.write_parts_of(source, tmp_path / str(count), "key", lambda done: None)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(found) == count // 2
        return most

    peak(2)  # what is imported and cached once
    assert peak(60) < 1.5 * peak(6)


@pytest.mark.parametrize("change", ["foreign", "damaged", "other"])
def test_a_folder_with_something_else_is_left_alone(
    change: str, seen: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Path(shutil.copytree(seen, tmp_path / "out"))
    words = (*SMALL, "--data", data, "--out", out)
    if change == "foreign":
        (out / MANIFEST).unlink()
    elif change == "damaged":
        (out / "meta" / "info.json").write_text("{}", encoding="utf-8")
    before = files_of(out)
    assert call(command.main, *words) == 2
    assert f"error: --out is {out}" in capsys.readouterr().err
    assert files_of(out) == before
