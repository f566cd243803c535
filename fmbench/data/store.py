"""Demonstrations on disk: their folder, their key, loading and storing."""

import hashlib
import importlib.metadata
import json
import reprlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from envs.registry import make_task, task_id
from envs.task_hash import HASH_KIND, task_hash
from fmbench.data.hdf5_memory import hdf5_in_memory
from fmbench.data.manifest import DemonstrationFacts
from fmbench.data.minari_file import DATA_FILE, METADATA_FILE, check_metadata, write_episodes
from fmbench.data.schema import StoredEpisode, read_stored_episodes, stored_episodes
from fmbench.errors import FmbenchError
from fmbench.harness.rollout import Episode, Float32Array
from fmbench.harness.seeds import DEMONSTRATION, episode_seeds
from fmbench.storage.artefacts import publish, staged_folder, verify
from fmbench.storage.files import write_new

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


def load_demonstrations(
    folder: Path, task: str, request: DemonstrationConfig | None = None
) -> Demonstrations:
    """Load demonstrations of the present version of `task`, after verifying every byte.

    Args:
        folder: Their folder.
        task: Name of the task.
        request: What they must be; without it any number, noise and versions are accepted.

    Raises:
        FmbenchError: The folder is foreign or damaged, or belongs to another task or version, or
            its hash is of an earlier kind, or its content does not have the schema.
    """
    manifest, facts = _checked_facts(folder, task, request)
    present = make_task(task)
    stored = read_stored_episodes(folder / DATA_FILE, present, facts.episode_seeds, facts.steps)
    return Demonstrations(
        observations=stored.observations,
        actions=stored.actions,
        executed=stored.executed,
        lengths=stored.lengths,
        sha256=facts.sha256[DATA_FILE],
        manifest=manifest,
    )


def stream_demonstrations(
    folder: Path, task: str, request: DemonstrationConfig
) -> tuple[DemonstrationFacts, Callable[[], Iterator[StoredEpisode]]]:
    """Verify demonstrations; return their facts, and what yields them one episode at a time.

    Raises:
        FmbenchError: See `load_demonstrations`. The episodes are checked when they are read.
    """
    _, facts = _checked_facts(folder, task, request)
    file, present = folder / DATA_FILE, make_task(task)
    return facts, lambda: stored_episodes(file, present, facts.episode_seeds, facts.steps)


def _checked_facts(
    folder: Path, task: str, request: DemonstrationConfig | None
) -> tuple[dict[str, Any], DemonstrationFacts]:
    """Return the manifest of demonstrations and the facts in it; see `load_demonstrations`."""
    manifest = verify(folder, KIND)
    remedy = f"make new ones with python -m fmbench.demonstrations --task {task}"
    if manifest.get("hash_kind") != HASH_KIND:
        raise FmbenchError(
            f"{folder} holds a task hash of an earlier kind, which matches no task of this "
            f"fmbench; {remedy}"
        )
    facts = DemonstrationFacts.from_json(manifest, folder)
    if facts.task != task_id(task) or facts.task_hash != task_hash(task):
        raise FmbenchError(
            f"{folder} holds demonstrations of {facts.task} as it was when they were "
            f"made, not of the present {task_id(task)}; {remedy}"
        )
    if request is not None:
        _check_request(request, facts, folder)
    present = make_task(task)
    facts.check(present, folder)
    if set(facts.sha256) != {DATA_FILE, METADATA_FILE}:
        raise FmbenchError(f"{folder} holds other files than demonstrations do; delete it")
    check_metadata(folder, present, facts.episodes, facts.steps)
    return manifest, facts


def verify_demonstrations(config: DemonstrationConfig, folder: Path) -> None:
    """Verify every byte of stored demonstrations, and that they are the requested ones.

    Raises:
        FmbenchError: The folder is foreign or damaged, or holds others.
    """
    _check_request(config, DemonstrationFacts.from_json(verify(folder, KIND), folder), folder)


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
        with hdf5_in_memory():
            write_episodes(staging, make_task(config.task), episodes)
        metadata = staging / METADATA_FILE
        write_new(metadata, metadata.read_bytes())  # again, completely to disk
        publish(staging, folder, KIND, facts)


def _check_request(config: DemonstrationConfig, facts: DemonstrationFacts, folder: Path) -> None:
    """Reject demonstrations that are not those of which the folder has the name."""
    there = (facts.task, facts.episodes, facts.noise, facts.versions)
    if there != (task_id(config.task), config.episodes, config.noise, _versions()):
        raise FmbenchError(
            f"{folder} holds {facts.episodes} episodes of {facts.task} with noise {facts.noise}, "
            f"made with {reprlib.repr(facts.versions)}, which is not what its name says; delete it"
        )


def _versions() -> dict[str, str]:
    return {name: _version(name) for name in PACKAGES}


@cache
def _version(name: str) -> str:
    """Return the installed version of a package, whose description takes a while to read."""
    return importlib.metadata.version(name)
