"""Evaluate cells: one policy, with one sampler, on one task's test episodes, as rows."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from envs.registry import TASKS, make_expert, make_task
from envs.task_hash import task_hash
from envs.world import World
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.open_loop import RandomPolicy
from fmbench.records import EpisodeRow
from fmbench.rollout import Episode, Policy, rollout
from fmbench.seeds import TEST, episode_seeds
from policies.actor import ChunkActor
from policies.catalogue import POLICIES
from policies.chunk_policy import ChunkPolicy
from policies.latency import measure_latency

MAX_SIMS = 256
EXPERT, RANDOM = "expert", "random"
SLOW_STEPS, SLOW_CALLS, FAST_CALLS = 50, 30, 100  # latency: fewer calls of slow samplers
NO_SEED = -1


@dataclass(frozen=True)
class Cell:
    """What one group of rows evaluates.

    Attributes:
        task: Name of the task.
        policy: `expert`, `random` or an objective.
        sampler: The sampler, "" for none.
        steps: Its steps, 0 for none and where its tolerance decides.
        train_seed: The training seed, -1 for none.
        headline: Whether the policy's first row in a table is this one.
    """

    task: str
    policy: str
    sampler: str = ""
    steps: int = 0
    train_seed: int = NO_SEED
    headline: bool = True

    @property
    def name(self) -> str:
        """A name for files, on every system, and for progress."""
        sampler = f"-{self.sampler.replace(':', '-')}{self.steps or ''}" if self.sampler else ""
        seed = f"-seed{self.train_seed}" if self.train_seed != NO_SEED else ""
        return f"{self.task}-{self.policy}{sampler}{seed}"


@dataclass(frozen=True)
class Origin:
    """Where a cell's numbers come from: the hashes that its rows carry."""

    weights: str = ""
    demonstrations: str = ""
    config: str = ""
    commit: str = ""
    device: str = "cpu"


def plan_cells(config: RunConfig, task: str, policy: str, train_seed: int) -> list[Cell]:
    """Return the samplers and steps that a trained policy is evaluated with, headline first.

    These are the objective's planned samplers. Those that leave the number of steps open take every
    number of `--nfe` that they accept; others take their only one. The headline is the objective's
    default sampler at its most steps; there are no cells if it accepts none of the numbers.
    """
    objective = POLICIES[policy]
    found: list[tuple[str, int]] = []
    for sampler in objective.planned or objective.limits:
        limits = objective.limits[sampler]
        is_open = limits.highest is None or limits.highest > limits.lowest
        counts = map(limits.steps_at, sorted(config.nfe)) if is_open else (limits.default,)
        found += [(sampler, steps) for steps in counts if steps is not None and limits.allow(steps)]
    headline = max((pair for pair in found if pair[0] == objective.default_sampler), default=None)
    if headline is None:
        return []
    found.sort(key=lambda pair: pair != headline)
    return [
        Cell(task, policy, sampler, steps, train_seed, (sampler, steps) == headline)
        for sampler, steps in found
    ]


def make_actor(policy: ChunkPolicy, cell: Cell, config: RunConfig) -> ChunkActor:
    """Return a trained policy's acting side as a cell wants it."""
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
) -> list[EpisodeRow]:
    """Run a cell's test episodes and return one row for each.

    Args:
        cell: What to evaluate.
        config: The run.
        origin: What the rows say of their origin.
        policy: The trained policy, None for the expert and for random actions.
        on_episode: Called with the number of episodes that ended.
    """
    world = World(make_task(cell.task), min(config.episodes, MAX_SIMS))
    actor = _actor(cell, config, policy, world)
    done = 0

    def count(_: Episode) -> None:
        nonlocal done
        done += 1
        on_episode(done)

    episodes = rollout(world, actor, episode_seeds(TEST, config.episodes), on_episode=count)
    return [_row(episode, cell, origin) for episode in episodes]


def check_rows(
    path: Path, rows: list[EpisodeRow], cell: Cell, config: RunConfig, origin: Origin
) -> None:
    """Check that rows found on disk are all of a cell's episodes, by the present weights.

    Raises:
        FmbenchError: Names the file and what to do.
    """
    wanted = [
        (cell.task, cell.policy, cell.sampler, cell.steps, cell.train_seed, seed, origin.weights)
        for seed in episode_seeds(TEST, config.episodes).tolist()
    ]
    found = [
        (r.task, r.policy, r.sampler, r.steps, r.train_seed, r.episode_seed, r.weights_hash)
        for r in rows
    ]
    if found != wanted:
        raise FmbenchError(
            f"{path} does not hold the {len(wanted)} episodes of {cell.name} with the weights of "
            "its checkpoint; delete it, and the same command evaluates again"
        )


def latency_ms(cell: Cell, config: RunConfig, policy: ChunkPolicy) -> tuple[float, float]:
    """Return the median and the 95th percentile of one decision's time at batch 1 [ms]."""
    calls = SLOW_CALLS if cell.steps >= SLOW_STEPS else FAST_CALLS
    actor = make_actor(policy, cell, config)
    times = 1e3 * measure_latency(actor, policy.config.obs_dim, calls, warm_up=max(5, calls // 5))
    return float(np.percentile(times, 50)), float(np.percentile(times, 95))


def _actor(cell: Cell, config: RunConfig, policy: ChunkPolicy | None, world: World) -> Policy:
    if cell.policy == EXPERT:
        return make_expert(world)
    if policy is None:
        return RandomPolicy(world)
    return make_actor(policy, cell, config)


def _row(episode: Episode, cell: Cell, origin: Origin) -> EpisodeRow:
    return EpisodeRow(
        task=cell.task,
        task_version=TASKS[cell.task].version,
        policy=cell.policy,
        sampler=cell.sampler,
        steps=cell.steps,
        train_seed=cell.train_seed,
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
        error=episode.error,
        weights_hash=origin.weights,
        demonstrations_hash=origin.demonstrations,
        task_hash=task_hash(cell.task)[:16],
        config_hash=origin.config,
        commit=origin.commit,
        device=origin.device,
    )
