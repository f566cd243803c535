"""Demonstrations replay from their seeds, are made once, and are rejected if changed."""

import json
import os
import shutil
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

from envs.registry import make_task
from envs.task_hash import task_hash
from envs.world import World
from fmbench.data import make, store
from fmbench.data.make import make_demonstrations
from fmbench.data.minari_file import DATA_FILE
from fmbench.data.store import (
    DemonstrationConfig,
    Demonstrations,
    load_demonstrations,
)
from fmbench.errors import FmbenchError, RunFailed
from fmbench.harness.open_loop import Playback, RandomPolicy
from fmbench.harness.rollout import rollout
from fmbench.harness.seeds import DEMONSTRATION
from fmbench.storage.artefacts import MANIFEST
from tests.reseal import reseal

TASK = "PressEither"


@pytest.fixture
def folder(demonstrations_folder: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may damage."""
    return Path(shutil.copytree(demonstrations_folder, tmp_path / demonstrations_folder.name))


def episodes_of(data: Demonstrations, flat: np.ndarray, extra: int) -> list[np.ndarray]:
    """Split concatenated steps into episodes, which have `extra` rows more than steps."""
    return np.split(flat, np.cumsum(data.lengths + extra)[:-1])


def test_the_manifest_describes_the_data(demonstrations: Demonstrations) -> None:
    facts = demonstrations.manifest
    assert facts["task"] == "fmbench/PressEither-v2"
    assert (facts["task_hash"], facts["hash_kind"]) == (task_hash(TASK), 2)
    assert (facts["episodes"], facts["noise"]) == (4, 1.0)
    assert facts["steps"] == demonstrations.lengths.sum()
    assert facts["attempted"] - facts["failed"] == 4
    assert set(facts["versions"]) == {"mujoco", "gymnasium", "numpy", "minari", "h5py"}
    assert len(set(facts["episode_seeds"])) == len(facts["modes"]) == 4
    assert all(DEMONSTRATION <= seed < DEMONSTRATION + 12 for seed in facts["episode_seeds"])
    assert set(facts["modes"]) <= {"index", "middle"}
    assert facts["sha256"][DATA_FILE] == demonstrations.sha256


def test_arrays_match_the_lengths_and_replay(demonstrations: Demonstrations) -> None:
    steps = int(demonstrations.lengths.sum())
    assert demonstrations.observations.shape == (steps + 4, make_task(TASK).obs_dim)
    assert demonstrations.actions.shape == demonstrations.executed.shape == (steps, 14)
    for values in (demonstrations.observations, demonstrations.actions, demonstrations.executed):
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    assert not np.array_equal(demonstrations.actions, demonstrations.executed)
    seeds = demonstrations.manifest["episode_seeds"]
    executed = episodes_of(demonstrations, demonstrations.executed, 0)
    world = World(make_task(TASK), 2, 1)
    playback = Playback(world, dict(zip(seeds, executed, strict=True)))
    replays = rollout(world, playback, np.array(seeds), keep_trajectories=True)
    observations = episodes_of(demonstrations, demonstrations.observations, 1)
    for replay, seen in zip(replays, observations, strict=True):
        assert replay.success
        assert replay.trajectory is not None
        assert np.array_equal(replay.trajectory.observations, seen)


def test_the_same_request_gives_the_same_bytes_without_warnings(
    demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", "elsewhere")
    progress: list[tuple[str, int]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folder, report = make_demonstrations(
            DemonstrationConfig(TASK, 4),
            tmp_path,
            lambda stage, done: progress.append((stage, done)),
        )
    assert folder.name == demonstrations_folder.name
    assert (folder / MANIFEST).read_bytes() == (demonstrations_folder / MANIFEST).read_bytes()
    assert report is not None
    assert (report.kept, report.replayed, report.attempted - report.failed) == (4, 4, 4)
    assert ("expert", 4) in progress
    assert progress[-1] == ("replay", 4)
    assert os.environ["MINARI_DATASETS_PATH"] == "elsewhere"


def test_second_call_reuses_the_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / f".{folder.name}.1.tmp").mkdir()  # of a process that was killed
    monkeypatch.delattr(make, "rollout")
    assert make_demonstrations(DemonstrationConfig(TASK, 4), tmp_path) == (folder, None)


def test_a_folder_that_was_renamed_to_another_request_is_rejected(
    folder: Path, tmp_path: Path
) -> None:
    config = DemonstrationConfig(TASK, 3)
    folder.rename(store.dataset_folder(config, tmp_path))
    with pytest.raises(FmbenchError, match=r"holds 4 episodes of .*, which is not what its name"):
        make_demonstrations(config, tmp_path)


def test_without_noise_the_clean_commands_are_executed(tmp_path: Path) -> None:
    folder, _ = make_demonstrations(DemonstrationConfig("ReachPose", 1, 0.0), tmp_path)
    data = load_demonstrations(folder, "ReachPose")
    assert len(data.actions) > 0
    assert np.array_equal(data.actions, data.executed)


def test_a_flipped_bit_is_rejected(folder: Path) -> None:
    data = bytearray((folder / DATA_FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / DATA_FILE).write_bytes(data)
    with pytest.raises(FmbenchError, match=r"main_data\.hdf5 was changed .*delete"):
        load_demonstrations(folder, TASK)
    with pytest.raises(FmbenchError, match=r"main_data\.hdf5 was changed"):
        make_demonstrations(DemonstrationConfig(TASK, 4), folder.parent)


def test_a_truncated_file_is_rejected_even_with_a_forged_manifest(folder: Path) -> None:
    data = (folder / DATA_FILE).read_bytes()
    (folder / DATA_FILE).write_bytes(data[: len(data) // 2])
    with pytest.raises(FmbenchError, match="was changed"):
        load_demonstrations(folder, TASK)
    reseal(folder)
    with pytest.raises(FmbenchError, match="is not an HDF5 file") as caught:
        load_demonstrations(folder, TASK)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["external link", "soft link", "external storage", "virtual"])
def test_data_outside_the_file_are_rejected(kind: str, folder: Path, tmp_path: Path) -> None:
    with h5py.File(folder / DATA_FILE, "a") as file:
        group = file["episode_1"]
        count = len(group["rewards"])
        del group["rewards"]
        if kind == "external link":
            group["rewards"] = h5py.ExternalLink(str(tmp_path / "other.hdf5"), "/rewards")
        elif kind == "soft link":
            group["rewards"] = h5py.SoftLink("/episode_0/rewards")
        elif kind == "external storage":
            place = [(str(tmp_path / "raw"), 0, 8 * count)]
            group.create_dataset("rewards", (count,), "f8", external=place)
        else:
            layout = h5py.VirtualLayout((count,), "f8")
            layout[:] = h5py.VirtualSource(tmp_path / "other.hdf5", "rewards", (count,))
            group.create_virtual_dataset("rewards", layout)
    reseal(folder)
    with pytest.raises(FmbenchError, match=r"/episode_1/rewards is (a link|stored elsewhere)"):
        load_demonstrations(folder, TASK)


def test_foreign_folders_are_rejected(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FmbenchError, match="was not written by fmbench"):
        load_demonstrations(tmp_path, TASK)
    with pytest.raises(FmbenchError, match="fmbench/PressEither-v2 as it was"):
        load_demonstrations(folder, "ReachPose")
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, "kind": "checkpoint"}))
    with pytest.raises(FmbenchError, match="holds 'checkpoint', not 'demonstrations'"):
        load_demonstrations(folder, TASK)


def test_demonstrations_of_an_older_task_are_rejected(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "task_hash", lambda task: "newer")
    with pytest.raises(
        FmbenchError,
        match=r"not of the present fmbench/PressEither-v2; make new ones with .*--task",
    ):
        load_demonstrations(folder, TASK)


def test_demonstrations_with_a_hash_of_the_earlier_kind_are_rejected(folder: Path) -> None:
    reseal(folder, hash_kind=1)
    with pytest.raises(FmbenchError, match=r"hash of an earlier kind, .*; make new ones with .*"):
        load_demonstrations(folder, TASK)


def test_expert_that_keeps_failing_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "make_expert", RandomPolicy)
    with pytest.raises(RunFailed, match=r"succeeded 0 times in 6 episodes .*lower --noise"):
        make_demonstrations(DemonstrationConfig(TASK, 2), tmp_path)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_episodes_that_do_not_replay_are_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "Playback", lambda world, recordings: RandomPolicy(world))
    with pytest.raises(RunFailed, match="only 0 of 2 episodes of PressEither replay"):
        make_demonstrations(DemonstrationConfig(TASK, 2), tmp_path)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (DemonstrationConfig("PressEitherr"), "did you mean PressEither"),
        (DemonstrationConfig(TASK, 0), "give 1 to 1000000"),
        (DemonstrationConfig(TASK, 4, -1.0), "--noise is -1.0"),
        (DemonstrationConfig(TASK, 4, float("nan")), "--noise is nan"),
    ],
)
def test_invalid_requests_are_rejected_before_any_work(
    config: DemonstrationConfig, message: str, tmp_path: Path
) -> None:
    with pytest.raises((ValueError, FmbenchError), match=message):
        make_demonstrations(config, tmp_path / "new")
    assert not (tmp_path / "new").exists()
