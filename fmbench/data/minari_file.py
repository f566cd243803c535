"""Episodes as a Minari dataset in an fmbench folder: its files written, its metadata checked."""

import json
import reprlib
from pathlib import Path

import minari
import numpy as np
from gymnasium.envs.registration import EnvSpec
from minari.data_collector.episode_buffer import EpisodeBuffer
from minari.dataset.minari_storage import MinariStorage

from envs.gym.protocol import make_spaces
from envs.task import Task
from fmbench.errors import FmbenchError
from fmbench.harness.rollout import Episode
from fmbench.storage.files import read_json

DATA = "data"
DATA_FILE = f"{DATA}/main_data.hdf5"
METADATA_FILE = f"{DATA}/metadata.json"
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


def check_metadata(folder: Path, task: Task, episodes: int, steps: int) -> None:
    """Check what Minari reads beside the data: their sizes, and the environment to recover.

    Raises:
        FmbenchError: It does not fit the data, or names another environment than the task's.
    """
    path = folder / METADATA_FILE
    found = read_json(path)
    try:
        spec = json.loads(found["env_spec"])
        found["env_spec"] = (spec["entry_point"], spec["kwargs"])
    except (KeyError, TypeError, ValueError, RecursionError):
        found["env_spec"] = None
    expected = {
        "data_format": "hdf5",
        "total_episodes": episodes,
        "total_steps": steps,
        "env_spec": (ENTRY_POINT, {"env_id": task.id}),
    }
    for name, value in expected.items():
        if (given := found.get(name)) != value or isinstance(given, bool):
            raise FmbenchError(
                f"{path}: {name} is {reprlib.repr(given)}; these demonstrations have "
                f"{value}; delete {folder}"
            )


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
