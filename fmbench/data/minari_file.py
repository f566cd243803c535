"""Episodes as Minari HDF5 in an fmbench folder, written, and read without following links."""

from pathlib import Path

import h5py
import minari
import numpy as np
from gymnasium.envs.registration import EnvSpec
from minari.data_collector.episode_buffer import EpisodeBuffer
from minari.dataset.minari_storage import MinariStorage

from envs.gym.protocol import make_spaces
from envs.task import Task
from fmbench.errors import FmbenchError
from fmbench.harness.rollout import Episode

DATA = "data"
DATA_FILE = f"{DATA}/main_data.hdf5"
ENTRY_POINT = "fmbench:make_env"
"""The entry point in stored data; it must exist in every later version."""


def write_episodes(folder: Path, task: Task, episodes: list[Episode]) -> None:
    """Write episodes with their trajectories as the Minari dataset `folder/data`.

    An episode's `actions` are the executed ones; its `infos` hold the `clean_action`s. The dataset
    stores the task's id, from which `recover_environment()` makes the environment.
    """
    observations, actions = make_spaces(task)
    spec = EnvSpec(
        id=f"fmbench:{task.id}",
        entry_point=ENTRY_POINT,
        max_episode_steps=task.horizon,
        kwargs={"env_id": task.id},
    )
    path = folder.resolve() / DATA  # Minari would resolve a relative path inside itself
    storage = MinariStorage.new(path, observations, actions, spec)
    storage.update_metadata(
        {
            "dataset_id": task.id,
            "algorithm_name": "scripted expert",
            "description": task.description,
            "minari_version": minari.__version__,
        }
    )
    storage.update_episodes(_buffer(k, episode) for k, episode in enumerate(episodes))


def read_episodes(folder: Path) -> list[minari.EpisodeData]:
    """Return the episodes of `folder/data` in the order of writing.

    Raises:
        FmbenchError: The file is no HDF5, or part of its data is stored elsewhere.
    """
    check_links(folder / DATA_FILE)
    return list(minari.MinariDataset(folder / DATA).iterate_episodes())


def check_links(path: Path) -> None:
    """Reject a file with data in other files, which the manifest's hashes do not cover."""

    def check(group: h5py.Group) -> None:
        for name in group:
            where = f"{path}: {group.name.rstrip('/')}/{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise FmbenchError(f"{where} is a link; make the demonstrations again")
            item = group[name]
            if isinstance(item, h5py.Group):
                check(item)
            elif isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
                raise FmbenchError(f"{where} is stored elsewhere; make the demonstrations again")

    try:
        with h5py.File(path, "r") as file:
            check(file)
    except OSError as error:
        raise FmbenchError(f"{path} is not an HDF5 file: {error}") from error


def _buffer(index: int, episode: Episode) -> EpisodeBuffer:
    trajectory = episode.trajectory
    assert trajectory is not None
    ends = np.zeros(episode.length, dtype=np.bool_)
    ends[-1] = True
    # Minari stores infos from the reset on: the clean command of step 0 is at index 0.
    return EpisodeBuffer(
        id=index,
        seed=episode.episode_seed,
        observations=trajectory.observations,
        actions=trajectory.executed,
        rewards=trajectory.rewards,
        terminations=ends,
        truncations=np.zeros_like(ends),
        infos={"clean_action": trajectory.actions},
    )
