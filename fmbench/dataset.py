"""Make, store and load demonstrations: expert episodes that replay exactly from their seeds."""

import hashlib
import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from envs.experts.command_noise import CommandNoise
from envs.registry import make_expert, make_task, task_id
from envs.task_hash import task_hash
from envs.world import World
from fmbench.artefacts import publish, staged_folder, verify
from fmbench.errors import FmbenchError, RunFailed
from fmbench.minari_file import DATA_FILE, read_episodes, write_episodes
from fmbench.open_loop import Playback
from fmbench.rollout import Episode, Float32Array, rollout
from fmbench.seeds import DEMONSTRATION, episode_seeds

KIND = "demonstrations"
MAX_SIMS = 256
ATTEMPTS_PER_EPISODE = 3  # an expert that fails more often than this is broken
PACKAGES = ("mujoco", "gymnasium", "numpy")


@dataclass(frozen=True)
class DemonstrationConfig:
    """What demonstrations are asked for.

    Attributes:
        task: Name of the task.
        episodes: Successful episodes to keep.
        noise: Scale of the correlated command noise; 0 for none.
    """

    task: str
    episodes: int = 200
    noise: float = 1.0


@dataclass(frozen=True)
class Demonstrations:
    """Loaded demonstrations: E episodes, their steps laid one after the other.

    Attributes:
        observations: (steps + E, obs_dim) float32; an episode of T steps has T + 1.
        actions: The expert's clean commands, (steps, act_dim) float32.
        executed: The disturbed commands that were executed, (steps, act_dim) float32.
        lengths: Control steps of each episode, (E,).
        sha256: Hash of the data file.
        manifest: What the manifest says.
    """

    observations: Float32Array
    actions: Float32Array
    executed: Float32Array
    lengths: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    sha256: str
    manifest: dict[str, Any]


@dataclass(frozen=True)
class Report:
    """How the making went: attempts, failures of the expert, and the share that replayed."""

    attempted: int
    failed: int
    replayed: int
    kept: int


def dataset_key(config: DemonstrationConfig) -> str:
    """Hash everything that decides the data's bytes."""
    parts = {**asdict(config), "task_hash": task_hash(config.task), "versions": _versions()}
    parts["first_seed"] = DEMONSTRATION
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def dataset_folder(config: DemonstrationConfig, root: Path) -> Path:
    """Return where these demonstrations are stored."""
    version = task_id(config.task).rpartition("-")[2]
    return root / f"{config.task}-{version}-{config.episodes}-{dataset_key(config)[:12]}"


def make_demonstrations(
    config: DemonstrationConfig,
    root: Path,
    on_episode: Callable[[str, int], None] | None = None,
) -> tuple[Path, Report | None]:
    """Make the demonstrations, or find them made.

    Args:
        config: What to make.
        root: Folder of all demonstrations.
        on_episode: Called with "expert" or "replay" and the number of episodes that are done.

    Returns:
        Their folder, and a report if they were made now.
    """
    check_config(config)
    folder = dataset_folder(config, root)
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / f".{folder.name}.lock"):
        if folder.exists():
            verify(folder, KIND)
            return folder, None
        episodes, attempted = _collect(config, on_episode)
        replayed = _replay(config, episodes, on_episode)
        report = Report(attempted, attempted - len(episodes), len(replayed), len(episodes))
        if len(replayed) < len(episodes):
            raise RunFailed(
                f"only {len(replayed)} of {len(episodes)} episodes of {config.task} replay from "
                "their seeds; this simulator is not deterministic here, and nothing was stored"
            )
        _store(config, folder, episodes, report)
    return folder, report


def check_config(config: DemonstrationConfig) -> None:
    """Refuse counts and noise that make no sense, before any work."""
    make_task(config.task)
    episode_seeds(DEMONSTRATION, config.episodes)
    if not (np.isfinite(config.noise) and config.noise >= 0):
        raise FmbenchError(f"--noise is {config.noise}; give a number of at least 0")


def load_demonstrations(folder: Path, task: str) -> Demonstrations:
    """Load demonstrations of the present version of `task`, after verifying every byte.

    Raises:
        FmbenchError: The folder is foreign, damaged, or of another task or version.
    """
    manifest = verify(folder, KIND)
    if manifest.get("task") != task_id(task) or manifest.get("task_hash") != task_hash(task):
        raise FmbenchError(
            f"{folder} holds demonstrations of {manifest.get('task')} as it was when they were "
            f"made; {task_id(task)} is another one now: make new ones with "
            f"python -m fmbench.demonstrations --task {task}"
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


def _collect(
    config: DemonstrationConfig, on_episode: Callable[[str, int], None] | None
) -> tuple[list[Episode], int]:
    """Roll the expert out until enough episodes succeeded; the first seeds that do are kept."""
    task = make_task(config.task)
    world = World(task, min(config.episodes, MAX_SIMS))
    expert, noise = make_expert(world), CommandNoise(world, config.noise)
    kept: list[Episode] = []
    attempted = 0
    while len(kept) < config.episodes:
        missing = config.episodes - len(kept)
        if attempted + missing > ATTEMPTS_PER_EPISODE * config.episodes:
            raise RunFailed(
                f"the expert of {config.task} succeeded {len(kept)} times in {attempted} "
                f"episodes with noise {config.noise}; lower --noise"
            )
        seeds = episode_seeds(DEMONSTRATION, attempted + missing)[attempted:]
        done = len(kept)

        def count(episode: Episode) -> None:
            nonlocal done
            done += episode.success
            if on_episode is not None:
                on_episode("expert", done)

        episodes = rollout(
            world, expert, seeds, disturbance=noise, keep_trajectories=True, on_episode=count
        )
        attempted += missing
        kept += [episode for episode in episodes if episode.success]
    return kept, attempted


def _replay(
    config: DemonstrationConfig,
    episodes: list[Episode],
    on_episode: Callable[[str, int], None] | None,
) -> list[Episode]:
    """Repeat the executed actions open loop; return the episodes whose replay is the same."""
    recordings: dict[int, Float32Array] = {}
    for episode in episodes:
        assert episode.trajectory is not None
        recordings[episode.episode_seed] = episode.trajectory.executed
    # Another number of simulations than before: the replay also shows that it does not matter.
    world = World(make_task(config.task), max(1, min(len(episodes), MAX_SIMS) - 1))
    done = 0

    def count(_: Episode) -> None:
        nonlocal done
        done += 1
        if on_episode is not None:
            on_episode("replay", done)

    replays = rollout(
        world,
        Playback(world, recordings),
        np.array(list(recordings)),
        keep_trajectories=True,
        on_episode=count,
    )
    return [
        episode
        for episode, replay in zip(episodes, replays, strict=True)
        if replay.success
        and replay.trajectory is not None
        and episode.trajectory is not None
        and np.array_equal(replay.trajectory.observations, episode.trajectory.observations)
    ]


def _store(
    config: DemonstrationConfig, folder: Path, episodes: list[Episode], report: Report
) -> None:
    facts = {
        "task": task_id(config.task),
        "task_hash": task_hash(config.task),
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
