"""Evaluation of a cell: one policy with one sampler on the test episodes of one task."""

from collections.abc import Callable
from pathlib import Path

from envs.registry import TASKS, make_expert, make_task
from envs.task_hash import task_hash
from envs.world import World
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.evaluation.cells import EXPERT, Cell, Origin
from fmbench.evaluation.error_text import error_text
from fmbench.harness.open_loop import RandomPolicy
from fmbench.harness.rollout import MAX_SIMS, Episode, Policy, rollout
from fmbench.harness.seeds import TEST, episode_seeds
from fmbench.storage.episode_files import Episodes
from fmbench.storage.hashes import short_hash
from fmbench.storage.rows import EpisodeRow, OriginRow
from policies.actor import ChunkActor
from policies.chunk_policy import ChunkPolicy


def make_actor(policy: ChunkPolicy, cell: Cell, config: RunConfig) -> ChunkActor:
    """Return the actor of a trained policy with the sampler and steps of a cell."""
    return ChunkActor(
        policy,
        config.obs_horizon,
        config.exec_horizon,
        cell.sampler,
        cell.steps,
        config.device,
        sampling_seed=cell.train_seed,
    )


def evaluate(
    cell: Cell,
    config: RunConfig,
    origin: Origin,
    policy: ChunkPolicy | None,
    on_episode: Callable[[int], None],
) -> Episodes:
    """Run a cell's test episodes; return one row per episode, and one row of their origin.

    Args:
        cell: What to evaluate.
        config: The run.
        origin: The origin of the numbers.
        policy: The trained policy; None for the expert and for random actions.
        on_episode: Called with the number of finished episodes.
    """
    world = World(make_task(cell.task), min(config.episodes, MAX_SIMS))
    actor = _actor(cell, config, policy, world)
    done = 0

    def count(_: Episode) -> None:
        nonlocal done
        done += 1
        on_episode(done)

    episodes = rollout(world, actor, episode_seeds(TEST, config.episodes), on_episode=count)
    return Episodes([_row(episode, cell) for episode in episodes], [_origin_row(cell, origin)])


def check_rows(path: Path, saved: Episodes, cell: Cell, config: RunConfig, origin: Origin) -> None:
    """Check that saved episodes are exactly those of a cell, with the present weights.

    Raises:
        FmbenchError: They are not; the message names the file and what to do.
    """
    seeds = episode_seeds(TEST, config.episodes).tolist()
    episodes = [(row.cell, row.episode_seed) for row in saved.rows]
    origins = [(row.cell, row.weights_hash) for row in saved.origins]
    if episodes != [(cell.cell, seed) for seed in seeds] or origins != [
        (cell.cell, origin.weights)
    ]:
        raise FmbenchError(
            f"{path} does not hold the {len(seeds)} episodes of {cell.name} with the weights of "
            "its checkpoint; delete it, and the same command evaluates again"
        )


def _actor(cell: Cell, config: RunConfig, policy: ChunkPolicy | None, world: World) -> Policy:
    if cell.policy == EXPERT:
        return make_expert(world)
    if policy is None:
        return RandomPolicy(world)
    return make_actor(policy, cell, config)


def _row(episode: Episode, cell: Cell) -> EpisodeRow:
    return EpisodeRow(
        **cell.cell,
        episode_seed=episode.episode_seed,
        success=episode.success,
        success_any=episode.success_any,
        success_end=episode.success_end,
        progress=episode.progress,
        episode_return=episode.episode_return,
        length=episode.length,
        time_to_success_s=episode.time_to_success_s,
        mode=episode.mode,
        decisions=episode.decisions,
        nfe=episode.nfe,
        action_smoothness=episode.action_smoothness,
        sim_unstable=episode.sim_unstable,
        error=error_text(episode.error),
    )


def _origin_row(cell: Cell, origin: Origin) -> OriginRow:
    return OriginRow(
        **cell.cell,
        task_version=TASKS[cell.task].version,
        weights_hash=origin.weights,
        demonstrations_hash=origin.demonstrations,
        task_hash=short_hash(task_hash(cell.task)),
        config_hash=origin.config,
        commit=origin.commit,
        device=origin.device,
        versions=origin.versions,
    )
