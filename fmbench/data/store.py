"""Demonstrations on disk: their folder, their key, loading and storing."""

import hashlib
import importlib.metadata
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from envs.registry import make_task, task_id
from envs.task_hash import HASH_KIND, task_hash
from fmbench.data.minari_file import DATA_FILE, read_episodes, write_episodes
from fmbench.errors import FmbenchError
from fmbench.harness.rollout import Episode, Float32Array
from fmbench.harness.seeds import DEMONSTRATION, episode_seeds
from fmbench.storage.artefacts import publish, staged_folder, verify

KIND = "demonstrations"
PACKAGES = ("mujoco", "gymnasium", "numpy", "minari", "h5py")
DECIDING = (
    "envs.experts.command_noise:CommandNoise",
    "fmbench.data.make:collect",
    "fmbench.data.minari_file:write_episodes",
)
"""Code, as "module:name", that determines the data besides task, expert and engine."""


@dataclass(frozen=True)
class DemonstrationConfig:
    """The requested demonstrations.

    Attributes:
        task: Name of the task.
        episodes: Number of successful episodes to keep.
        noise: Scale of the correlated command noise; 0 for none.
    """

    task: str
    episodes: int = 200
    noise: float = 1.0


@dataclass(frozen=True)
class Demonstrations:
    """Loaded demonstrations: E episodes, concatenated along their steps.

    Attributes:
        observations: `(steps + E, obs_dim)` float32; an episode of T steps has T + 1.
        actions: The expert's clean commands, `(steps, act_dim)` float32.
        executed: The disturbed commands that were executed, `(steps, act_dim)` float32.
        lengths: Control steps of each episode, `(E,)`.
        sha256: Hash of the data file.
        manifest: Content of the manifest.
    """

    observations: Float32Array
    actions: Float32Array
    executed: Float32Array
    lengths: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    sha256: str
    manifest: dict[str, Any]


@dataclass(frozen=True)
class Report:
    """Numbers of attempted, failed, exactly replayed and kept episodes."""

    attempted: int
    failed: int
    replayed: int
    kept: int


def dataset_key(config: DemonstrationConfig) -> str:
    """Hash everything that determines the data's bytes.

    That is the request, the code of task, expert, command noise, harness and file format, the
    seeds, and the versions of the packages that simulate and write.
    """
    parts = {**asdict(config), "code": task_hash(config.task, *DECIDING), "versions": _versions()}
    parts["first_seed"] = DEMONSTRATION
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def dataset_folder(config: DemonstrationConfig, root: Path) -> Path:
    """Return the folder in which these demonstrations are stored."""
    version = task_id(config.task).rpartition("-")[2]
    return root / f"{config.task}-{version}-{config.episodes}-{dataset_key(config)[:12]}"


def check_config(config: DemonstrationConfig) -> None:
    """Check task, number of episodes and noise, before any work."""
    make_task(config.task)
    episode_seeds(DEMONSTRATION, config.episodes)
    if not (np.isfinite(config.noise) and config.noise >= 0):
        raise FmbenchError(f"--noise is {config.noise}; give a number of at least 0")


def load_demonstrations(folder: Path, task: str) -> Demonstrations:
    """Load demonstrations of the present version of `task`, after verifying every byte.

    Raises:
        FmbenchError: The folder is foreign or damaged, or belongs to another task or version, or
            its hash is of an earlier kind.
    """
    manifest = verify(folder, KIND)
    remedy = f"make new ones with python -m fmbench.demonstrations --task {task}"
    if manifest.get("hash_kind") != HASH_KIND:
        raise FmbenchError(
            f"{folder} holds a task hash of an earlier kind, which matches no task of this "
            f"fmbench; {remedy}"
        )
    if manifest.get("task") != task_id(task) or manifest.get("task_hash") != task_hash(task):
        raise FmbenchError(
            f"{folder} holds demonstrations of {manifest.get('task')} as it was when they were "
            f"made, not of the present {task_id(task)}; {remedy}"
        )
    episodes = read_episodes(folder)
    if len(episodes) != manifest["episodes"]:
        raise FmbenchError(f"{folder} holds {len(episodes)} episodes, not {manifest['episodes']}")
    return Demonstrations(
        observations=np.concatenate([episode.observations for episode in episodes]),
        actions=np.concatenate([episode.infos["clean_action"] for episode in episodes]),
        executed=np.concatenate([episode.actions for episode in episodes]),
        lengths=np.array([len(episode.actions) for episode in episodes], dtype=np.int64),
        sha256=str(manifest["sha256"][DATA_FILE]),
        manifest=manifest,
    )


def store_demonstrations(
    config: DemonstrationConfig, folder: Path, episodes: list[Episode], report: Report
) -> None:
    """Write episodes with their trajectories, and a manifest, as one published folder."""
    facts = {
        "task": task_id(config.task),
        "task_hash": task_hash(config.task),
        "hash_kind": HASH_KIND,
        "episodes": config.episodes,
        "noise": config.noise,
        "steps": sum(episode.length for episode in episodes),
        "attempted": report.attempted,
        "failed": report.failed,
        "versions": _versions(),
        "episode_seeds": [episode.episode_seed for episode in episodes],
        "modes": [episode.mode for episode in episodes],
    }
    with staged_folder(folder) as staging:
        write_episodes(staging, make_task(config.task), episodes)
        publish(staging, folder, KIND, facts)


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in PACKAGES}
