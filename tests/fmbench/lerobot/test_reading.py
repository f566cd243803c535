"""LeRobot data sets that a user gives: the same numbers after a round trip, or one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.registry import make_task
from fmbench import export as command
from fmbench.data.manifest import DemonstrationFacts
from fmbench.data.recorded import chosen
from fmbench.data.schema import StoredEpisode
from fmbench.data.store import Demonstrations
from fmbench.errors import FmbenchError
from fmbench.run import main
from fmbench.runs.given import read_given
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow, OriginRow
from tests.fmbench.small_run import SMALL, call

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.thorough
from fmbench.lerobot.layout import numeric_features  # noqa: E402 - after the check for pyarrow
from fmbench.lerobot.parquet import encode_frames, read_columns  # noqa: E402
from fmbench.lerobot.reading import _observations, read_lerobot  # noqa: E402
from fmbench.lerobot.source import Source, measure  # noqa: E402

TASK = make_task("PressEither")
INFO = Path("meta", "info.json")
DATA = Path("data", "chunk-000", "file-000.parquet")
EPISODES = Path("meta", "episodes", "chunk-000", "file-000.parquet")
Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def exported(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "out"
    words = ("--format", "lerobot", "--task", "PressEither", "--episodes", "4")
    assert call(command.main, *words, "--data", demonstrations_folder.parent, "--out", out) == 0
    return out


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "given"))


def changed(folder: Path, change: Change) -> Path:
    """Change the file of information."""
    info = json.loads((folder / INFO).read_text(encoding="utf-8"))
    change(info)
    (folder / INFO).write_text(json.dumps(info), encoding="utf-8")
    return folder


def without(folder: Path, *names: str, ours: bool = False) -> Path:
    """Remove features with their columns, as in a data set of somebody else."""

    def remove(info: dict[str, Any]) -> None:
        for name in names:
            del info["features"][name]
        if ours:
            del info["fmbench"]

    table = pq.read_table(folder / DATA)
    pq.write_table(table.drop_columns(list(names)), folder / DATA)
    if ours:
        rows = pq.read_table(folder / EPISODES)
        theirs = [name for name in rows.column_names if not name.startswith("fmbench/")]
        pq.write_table(rows.select(theirs), folder / EPISODES)
    return changed(folder, remove)


def read(folder: Path) -> Demonstrations:
    episodes, sha256 = read_lerobot(folder, TASK)
    return chosen(folder, TASK, episodes, sha256, False, None).demonstrations


def test_a_round_trip_gives_exactly_the_same_training_data(
    exported: Path, demonstrations: Demonstrations
) -> None:
    given = read(exported)
    for name in ("observations", "actions", "lengths"):
        assert np.array_equal(getattr(given, name), getattr(demonstrations, name))
    assert given.sha256 != demonstrations.sha256


def test_scaling_alone_is_undone_up_to_rounding(copy: Path, demonstrations: Demonstrations) -> None:
    given = read(without(copy, "info.environment_state"))
    difference = np.abs(given.observations - demonstrations.observations)
    assert 0 < difference.max() < 1e-6
    assert not difference[:, TASK.agent_columns].any()


def test_states_of_somebody_else_are_taken_as_they_are(
    copy: Path, demonstrations: Demonstrations
) -> None:
    """Without our entry nothing was scaled, and the observation after the last frame is unknown."""
    table = pq.read_table(copy / DATA)
    raw = table.column("info.environment_state").combine_chunks().flatten().to_numpy()
    scaled = table.column("observation.environment_state").combine_chunks().flatten().to_numpy()
    assert not np.array_equal(raw, scaled)
    place = table.column_names.index("observation.environment_state")
    column = table.column("info.environment_state")
    pq.write_table(table.set_column(place, "observation.environment_state", column), copy / DATA)
    given = read(without(copy, "info.environment_state", "info.executed_action", ours=True))
    last = (demonstrations.lengths + 1).cumsum() - 1
    frames = np.delete(demonstrations.observations, last, axis=0)
    assert np.array_equal(np.delete(given.observations, last, axis=0), frames)
    assert np.array_equal(given.observations[last], given.observations[last - 1])


def test_success_is_that_of_the_last_frame_or_not_recorded(copy: Path) -> None:
    table = pq.read_table(copy / DATA)
    success = table.column("next.success").to_numpy().copy()
    success[np.flatnonzero(success)[1]] = False
    place = table.column_names.index("next.success")
    pq.write_table(table.set_column(place, "next.success", pa.array(success)), copy / DATA)
    assert [e.success for e in read_lerobot(copy, TASK)[0]] == [True, False, True, True]
    episodes, sha256 = read_lerobot(without(copy, "next.success"), TASK)
    recorded = chosen(copy, TASK, episodes, sha256, False, None)
    assert (recorded.is_stated, recorded.unsuccessful) == (False, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda info: info.update(codebase_version="v2.1"), "codebase_version is 'v2.1'; accepted"),
        (
            lambda info: info.update(fps=30),
            "fps is 30; fmbench/PressEither-v2 has 25 co",
        ),
        (
            lambda info: info["fmbench"].update(task="fmbench/LiftCube-v0"),
            "the task is 'fm",
        ),
        (lambda info: info["fmbench"]["fields"][0].update(unit="deg"), "have other units"),
        (lambda info: info.update(total_episodes=5), "holds 4 episodes; meta/info.json says 5"),
        (lambda info: info.pop("features"), "lacks the table 'features'"),
        (lambda info: info["features"].pop("action"), "lacks the feature 'action'; it has"),
        (
            lambda info: info["features"]["action"].update(shape=[7]),
            r"action has the shape \[7\]",
        ),
        (
            lambda info: info["features"]["action"]["names"].reverse(),
            "action has '.*' where fmbench/PressEither-v2 has '.*'; give the task's values in its",
        ),
        (
            lambda info: info["fmbench"].update(environment_state={}),
            "the scaling of the e",
        ),
    ],
)
def test_what_a_data_set_says_of_itself_must_fit_the_task(
    change: Change, message: str, copy: Path
) -> None:
    if "the scaling" in message:
        without(copy, "info.environment_state")
    with pytest.raises(FmbenchError, match=message):
        read(changed(copy, change))


def test_pictures_where_states_are_needed_are_refused(copy: Path) -> None:
    def only_pictures(info: dict[str, Any]) -> None:
        del info["features"]["observation.state"]
        info["features"]["observation.images.top"] = {"dtype": "video", "shape": [96, 96, 3]}

    message = r"lacks the feature 'observation.state'; it has pictures \(observation.images.top\)"
    with pytest.raises(FmbenchError, match=message):
        read(changed(copy, only_pictures))


def replaced(folder: Path, name: str, values: Any) -> None:
    table = pq.read_table(folder / DATA)
    place = table.column_names.index(name)
    pq.write_table(table.set_column(place, name, values(table.column(name))), folder / DATA)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        (
            "action",
            lambda c: pa.array([[0.0] * (2 + k % 2) for k in range(len(c))]),
            "several leng",
        ),
        ("action", lambda c: pa.array([None] * len(c), c.type), r"action has \d+ empty rows"),
        ("action", lambda c: pa.array(["x"] * len(c)), "action is of type 'string'; accepted"),
        ("action", lambda c: pa.array([{"a": 1}] * len(c)), "action is of type"),
        ("frame_index", lambda c: pa.array(range(len(c))), "frames are not in order"),
        (
            "action",
            lambda c: pa.array([[0.0] * 13] * len(c)),
            "action has 13 numbers a frame",
        ),
        ("next.success", lambda c: pa.array([[True] * 2] * len(c)), "next.success has 2 numbers"),
    ],
)
def test_columns_that_are_no_rows_of_numbers_are_refused(
    name: str, values: Any, message: str, copy: Path
) -> None:
    replaced(copy, name, values)
    with pytest.raises(FmbenchError, match=message):
        read(copy)


def test_damaged_and_missing_files_are_refused(copy: Path) -> None:
    (copy / DATA).write_bytes((copy / DATA).read_bytes()[:-9])
    with pytest.raises(FmbenchError, match="is not a Parquet file that can be read"):
        read(copy)
    (copy / DATA).unlink()
    with pytest.raises(FmbenchError, match="holds no Parquet files"):
        read(copy)


def test_the_rows_of_a_run_after_a_round_trip_are_the_same(
    exported: Path, demonstrations_folder: Path, finished_run: Path, tmp_path: Path
) -> None:
    words = (*SMALL[: SMALL.index("--demos")], *SMALL[SMALL.index("--updates") :])
    origins = [read_origins(finished_run)]
    for name, folder in {"minari": demonstrations_folder, "lerobot": exported}.items():
        out = tmp_path / name
        assert call(main, *words, "--demonstrations", folder, "--out", out) == 0
        assert read_rows(out / "episodes.csv", EpisodeRow) == read_rows(
            finished_run / "episodes.csv", EpisodeRow
        )
        origins.append(read_origins(out))
    ours, minari, lerobot = ([origin.demonstrations_hash for origin in rows] for rows in origins)
    assert ours == minari
    assert ours != lerobot
    assert [o.weights_hash for o in origins[0]] == [o.weights_hash for o in origins[2]]


def read_origins(run: Path) -> list[OriginRow]:
    return read_rows(run / "cells.csv", OriginRow)


def test_a_missing_package_is_named_with_the_extra_that_has_it(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fmbench.config import RunConfig

    monkeypatch.setattr("fmbench.cli.extras.find_spec", lambda name: None)
    config = RunConfig(task=("PressEither",), demonstrations=str(exported))
    with pytest.raises(FmbenchError, match="which needs the package pyarrow; install it with: "):
        read_given(config, None)


@pytest.mark.parametrize("hidden", [0, 1])
def test_an_environment_of_no_or_one_number_is_written_and_read(
    hidden: int, demonstrations: Demonstrations, tmp_path: Path
) -> None:
    task = type(TASK)()
    columns = np.ones(task.obs_dim, dtype=np.bool_)
    columns[:hidden] = False
    task.__dict__["agent_columns"] = columns
    features = numeric_features(task)
    assert ("observation.environment_state" in features) == bool(hidden)
    steps = int(demonstrations.lengths[0])
    episode = StoredEpisode(
        demonstrations.observations[: steps + 1],
        demonstrations.actions[:steps],
        demonstrations.executed[:steps],
        np.zeros(steps),
    )
    lengths, scaling = measure(task, lambda: iter([episode]))
    facts = DemonstrationFacts.from_json(demonstrations.manifest, tmp_path)
    source = Source(task, facts, lambda: iter([episode]), lengths, scaling)
    rows = source.columns(source.episodes(), 0, 1)
    path = tmp_path / "data.parquet"
    path.write_bytes(encode_frames(features, rows))
    names = [name for name in features if name.startswith(("observation", "info.env"))]
    found = read_columns(path, names)
    shapes = {name: values.shape[1:] for name, values in found.items()}
    assert shapes["observation.state"] == (task.obs_dim - hidden,)
    read_back = _observations(task, found, None if hidden == 0 else scaling)
    assert np.array_equal(read_back, episode.observations[:-1])
