"""Collection of demonstrations: expert episodes that replay exactly from their seeds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from envs.experts.command_noise import CommandNoise
from envs.registry import make_expert, make_task
from envs.world import World
from fmbench.data.store import (
    DemonstrationConfig,
    Report,
    check_config,
    dataset_folder,
    store_demonstrations,
    verify_demonstrations,
)
from fmbench.errors import RunFailed
from fmbench.harness.open_loop import Playback
from fmbench.harness.rollout import MAX_SIMS, Disturbance, Episode, Float32Array, Policy, rollout
from fmbench.harness.seeds import DEMONSTRATION, episode_seeds
from fmbench.storage.disk import needs_space
from fmbench.storage.leftovers import recover_target
from fmbench.storage.locks import Waiting, lock_beside, locked

ATTEMPTS_PER_EPISODE = 3  # an expert that fails more often than this is broken


def make_demonstrations(
    config: DemonstrationConfig,
    root: Path,
    on_episode: Callable[[str, int], None] | None = None,
    waiting: Waiting | None = None,
) -> tuple[Path, Report | None]:
    """Make demonstrations, or verify existing ones, of which nothing is written.

    Args:
        config: The requested demonstrations.
        root: Folder of all demonstrations; it may be read-only if it holds these.
        on_episode: Called with "expert" or "replay" and the number of finished episodes.
        waiting: How to wait while another process makes them; silently by default.

    Returns:
        Their folder, and a report if they were made by this call.
    """
    check_config(config)
    folder = dataset_folder(config, root)
    if folder.exists():
        verify_demonstrations(config, folder)
        return folder, None
    with needs_space(root, 0):
        root.mkdir(parents=True, exist_ok=True)
    waiting = waiting or Waiting(say=lambda line: None, stop_here=lambda: None)
    with locked(lock_beside(folder), str(folder), "making demonstrations", waiting=waiting):
        if folder.exists():  # made by another process meanwhile
            verify_demonstrations(config, folder)
            return folder, None
        recover_target(folder)
        episodes, attempted = _collect(config, on_episode)
        replayed = _replay(config, episodes, on_episode)
        report = Report(attempted, attempted - len(episodes), len(replayed), len(episodes))
        if len(replayed) < len(episodes):
            raise RunFailed(
                f"only {len(replayed)} of {len(episodes)} episodes of {config.task} replay from "
                "their seeds; the simulator is not deterministic here, nothing was stored"
            )
        store_demonstrations(config, folder, episodes, report)
    return folder, report


def collect(
    world: World,
    expert: Policy,
    disturbance: Disturbance,
    count: int,
    on_episode: Callable[[int], None],
) -> tuple[list[Episode], int]:
    """Roll out an expert until enough episodes succeed or too many were attempted.

    The episodes of the first seeds that succeed are kept.

    Args:
        world: The simulations.
        expert: The expert.
        disturbance: Disturbs the commands of the expert.
        count: Episodes to keep.
        on_episode: Called with the number of successful episodes.

    Returns:
        The episodes with their trajectories, fewer than `count` if the expert fails too often,
        and the number of attempts.
    """
    demos: list[Episode] = []
    attempted = 0
    while (missing := count - len(demos)) and attempted + missing <= ATTEMPTS_PER_EPISODE * count:
        seeds = episode_seeds(DEMONSTRATION, attempted + missing)[attempted:]
        done = len(demos)

        def note(episode: Episode) -> None:
            nonlocal done
            done += episode.success
            on_episode(done)

        episodes = rollout(
            world, expert, seeds, disturbance=disturbance, keep_trajectories=True, on_episode=note
        )
        attempted += missing
        demos += [episode for episode in episodes if episode.success]
    return demos, attempted


def _collect(
    config: DemonstrationConfig, on_episode: Callable[[str, int], None] | None
) -> tuple[list[Episode], int]:
    """Collect a task's demonstrations.

    Returns:
        The episodes, and the number of attempts.

    Raises:
        RunFailed: The expert fails too often.
    """
    world = World(make_task(config.task), min(config.episodes, MAX_SIMS))

    def note(done: int) -> None:
        if on_episode is not None:
            on_episode("expert", done)

    noise = CommandNoise(world, config.noise)
    demos, attempted = collect(world, make_expert(world), noise, config.episodes, note)
    if len(demos) < config.episodes:
        raise RunFailed(
            f"the expert of {config.task} succeeded {len(demos)} times in {attempted} "
            f"episodes with noise {config.noise}; lower --noise"
        )
    return demos, attempted


def _replay(
    config: DemonstrationConfig,
    episodes: list[Episode],
    on_episode: Callable[[str, int], None] | None,
) -> list[Episode]:
    """Replay the executed actions open loop; return the episodes whose replay is identical."""
    recordings: dict[int, Float32Array] = {}
    for episode in episodes:
        assert episode.trajectory is not None
        recordings[episode.episode_seed] = episode.trajectory.executed
    # With another number of simulations, to show also that the number does not matter.
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
