"""Minari data sets that a user gives: the same numbers as ours, or one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from envs.registry import make_task
from fmbench.data.minari_file import DATA_FILE, METADATA_FILE
from fmbench.data.minari_import import minari_data, read_minari
from fmbench.data.recorded import GivenEpisode, chosen
from fmbench.data.store import Demonstrations
from fmbench.errors import FmbenchError
from tests.fmbench.small_run import files_of

TASK = make_task("PressEither")
Change = Callable[[h5py.File], object]


@pytest.fixture
def copy(demonstrations_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(demonstrations_folder, tmp_path / "given"))


def changed(folder: Path, change: Change) -> Path:
    with h5py.File(folder / DATA_FILE, "r+") as file:
        change(file)
    return folder


def replaced(file: h5py.File, name: str, values: Any) -> None:
    del file[name]
    file[name] = values


def test_our_own_demonstrations_are_read_as_they_are(
    demonstrations_folder: Path, demonstrations: Demonstrations
) -> None:
    for folder in (demonstrations_folder, demonstrations_folder / "data"):
        episodes, sha256 = read_minari(folder, TASK)
        recorded = chosen(folder, TASK, episodes, sha256, keeps_unsuccessful=False, most=None)
        given = recorded.demonstrations
        assert (recorded.found, recorded.unsuccessful, recorded.is_stated) == (4, 0, True)
        assert given.sha256 == demonstrations.sha256
        for name in ("observations", "actions", "lengths"):
            assert np.array_equal(getattr(given, name), getattr(demonstrations, name))


def test_compressed_arrays_without_clean_commands_are_read(
    copy: Path, demonstrations: Demonstrations
) -> None:
    def compress(file: h5py.File) -> None:
        for index in range(4):
            del file[f"episode_{index}/infos"]
            for name in ("observations", "actions"):
                values = file[f"episode_{index}/{name}"][...]
                del file[f"episode_{index}/{name}"]
                file.create_dataset(f"episode_{index}/{name}", data=values, compression="gzip")

    episodes, sha256 = read_minari(changed(copy, compress), TASK)
    recorded = chosen(copy, TASK, episodes, sha256, keeps_unsuccessful=False, most=None)
    assert np.array_equal(recorded.demonstrations.actions, demonstrations.executed)
    assert np.array_equal(recorded.demonstrations.observations, demonstrations.observations)
    assert sha256 != demonstrations.sha256


def no_success(file: h5py.File) -> None:
    """The first episode did not end in success, as its infos say; the others say so, too."""
    for index in range(4):
        steps = file[f"episode_{index}"].attrs["total_steps"]
        values = np.zeros(steps + 1, dtype=bool)
        values[-1] = index > 0
        file[f"episode_{index}/infos/success"] = values


def test_unsuccessful_episodes_are_counted_and_dropped_or_kept(copy: Path) -> None:
    episodes, sha256 = read_minari(changed(copy, no_success), TASK)
    lengths = [len(episode.actions) for episode in episodes]
    for keeps, expected in ((False, lengths[1:]), (True, lengths)):
        recorded = chosen(copy, TASK, episodes, sha256, keeps, most=None)
        assert (recorded.found, recorded.unsuccessful) == (4, 1)
        assert recorded.demonstrations.lengths.tolist() == expected
        first = chosen(copy, TASK, episodes, sha256, keeps, most=2)
        assert first.demonstrations.lengths.tolist() == expected[:2]
    with pytest.raises(FmbenchError, match=r"4 episodes, 1 without success, so 3 to .* is 4"):
        chosen(copy, TASK, episodes, sha256, keeps_unsuccessful=False, most=4)


def as_pictures(file: h5py.File) -> None:
    replaced(file, "episode_0/observations", np.zeros((9, 32, 32, 3), dtype=np.uint8))


def as_dict(file: h5py.File) -> None:
    del file["episode_1/observations"]
    file["episode_1/observations/agent"] = np.zeros((9, 29))


def with_smaller_actions(file: h5py.File) -> None:
    del file["episode_0/infos"]
    replaced(file, "episode_0/actions", file["episode_0/actions"][:, 1:])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            as_pictures,
            r"/episode_0/observations are \(9, 32, 32, 3\) \(pictures, uint8\); fm",
        ),
        (
            as_dict,
            r"/episode_1/observations are of several spaces \(agent\); accepted is one",
        ),
        (with_smaller_actions, r"/episode_0/actions are \(\d+, 13\) \(float32\); .* \(steps, 14\)"),
        (
            lambda file: file.__delitem__("episode_2/observations"),
            "/episode_2 lacks observat",
        ),
        (lambda file: replaced(file, "episode_0/actions", "x"), None),
    ],
)
def test_other_shapes_and_missing_parts_are_refused(
    change: Change, message: str | None, copy: Path
) -> None:
    changed(copy, change)
    if message is None:  # what is not read may be anything
        assert len(read_minari(copy, TASK)[0]) == 4
        return
    with pytest.raises(FmbenchError, match=message):
        read_minari(copy, TASK)


def test_data_outside_of_the_file_are_refused(copy: Path) -> None:
    def link(file: h5py.File) -> None:
        del file["episode_0/observations"]
        file["episode_0/observations"] = h5py.ExternalLink("other.hdf5", "/x")

    with h5py.File(copy / "data" / "other.hdf5", "w") as file:
        file["x"] = np.zeros((5, TASK.obs_dim), dtype=np.float32)
    with pytest.raises(FmbenchError, match="observations is stored elsewhere"):
        read_minari(changed(copy, link), TASK)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"data_format": "arrow"}, "data_format is 'arrow'; accepted is 'hdf5'"),
        (
            {"env_spec": json.dumps({"id": "fmbench/PressEither-v1", "kwargs": {}})},
            "the environment is 'fmbench/PressEither-v1'; the task is fmbench/PressEither-v2",
        ),
    ],
)
def test_other_formats_tasks_and_versions_are_refused(
    values: dict[str, Any], message: str, copy: Path
) -> None:
    path = copy / METADATA_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}), encoding="utf-8")
    with pytest.raises(FmbenchError, match=message):
        read_minari(copy, TASK)


def test_a_file_that_is_no_hdf5_is_refused_and_nothing_is_written(copy: Path) -> None:
    (copy / DATA_FILE).write_bytes(b"no hdf5")
    before = files_of(copy)
    with pytest.raises(FmbenchError, match="is not a Minari data set that can be read"):
        read_minari(copy, TASK)
    assert files_of(copy) == before
    assert minari_data(copy.parent) is None


def episode(**changes: Any) -> GivenEpisode:
    values: dict[str, Any] = {
        "observations": np.zeros((5, TASK.obs_dim), dtype=np.float32),
        "actions": np.zeros((4, TASK.act_dim), dtype=np.float32),
        "success": True,
    }
    return GivenEpisode(**{**values, **changes})


def refusal(**changes: Any) -> str:
    with pytest.raises(FmbenchError) as caught:
        chosen(Path("given"), TASK, [episode(), episode(**changes)], "", False, None)
    return str(caught.value)


def test_numbers_outside_the_table_of_the_task_are_refused() -> None:
    observations, actions = episode().observations, episode().actions
    observations[3, 0] = 4.5
    assert refusal(observations=observations) == (
        "given: episode 1, step 3: joint_position[0] is 4.5; fmbench/PressEither-v2 has at most 4 "
        "rad or m there"
    )
    observations[3, 0] = np.nan
    assert "joint_position[0] is nan" in refusal(observations=observations)
    actions[2, 1] = -1.01
    name = TASK.action_names[1]
    assert refusal(actions=actions) == (
        f"given: episode 1, step 2: the action of {name} is -1.01; actions are position targets "
        "scaled to [-1, 1]"
    )
    assert "has 3 actions and 5 observations" in refusal(actions=actions[1:])


def test_an_observation_that_is_not_recorded_is_the_one_before_it() -> None:
    observations = np.arange(4, dtype=np.float32)[:, None] * np.ones(TASK.obs_dim, np.float32) / 90
    recorded = chosen(
        Path("given"), TASK, [episode(observations=observations, success=None)], "", False, None
    )
    expected = np.concatenate((observations, observations[-1:]))
    assert np.array_equal(recorded.demonstrations.observations, expected)
    assert not recorded.is_stated
