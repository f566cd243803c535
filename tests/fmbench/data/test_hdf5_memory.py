"""Data files are made in memory: the same bytes as on the disk, and a full disk is an error."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from minari.dataset._storages import hdf5_storage

from envs.registry import make_task
from envs.task import Task
from fmbench.data.hdf5_memory import hdf5_in_memory
from fmbench.data.minari_file import DATA_FILE, write_episodes
from fmbench.errors import RunFailed
from fmbench.harness.rollout import Episode, Trajectory
from tests.fmbench.small_run import files_of


def random_episodes(task: Task, count: int) -> list[Episode]:
    rng = np.random.default_rng(count)

    def episode(seed: int) -> Episode:
        length = int(rng.integers(1, task.horizon + 1))
        commands = rng.uniform(-1, 1, (2, length, task.act_dim)).astype(np.float32)
        observations = rng.normal(size=(length + 1, task.obs_dim)).astype(np.float32)
        rewards = rng.normal(size=length)
        return Episode(seed, length=length, trajectory=Trajectory(observations, *commands, rewards))

    return [episode(seed) for seed in range(count)]


@pytest.mark.parametrize("count", [1, 2, 9, 64])
@pytest.mark.parametrize("name", ["PressEither", "ReachPose", "RelocateBall"])
def test_the_bytes_are_those_of_a_file_made_on_the_disk(
    name: str, count: int, tmp_path: Path
) -> None:
    task = make_task(name)
    episodes = random_episodes(task, count)
    for folder in ("disk", "memory"):
        (tmp_path / folder).mkdir()
    write_episodes(tmp_path / "disk", task, episodes)
    with hdf5_in_memory():
        write_episodes(tmp_path / "memory", task, episodes)
    assert files_of(tmp_path / "memory") == files_of(tmp_path / "disk")


def test_a_disk_without_space_is_one_line_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    task = make_task("PressEither")
    monkeypatch.setattr(os, "fsync", fail)
    with (
        pytest.raises(RunFailed, match=f"{DATA_FILE} could not be written: No space"),
        hdf5_in_memory(),
    ):
        write_episodes(tmp_path, task, random_episodes(task, 3))
    assert not (tmp_path / DATA_FILE).exists()


def test_minari_makes_files_on_the_disk_again_afterwards() -> None:
    library = hdf5_storage.h5py

    def interrupted() -> None:
        with hdf5_in_memory():
            assert hdf5_storage.h5py is not library
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert hdf5_storage.h5py is library
