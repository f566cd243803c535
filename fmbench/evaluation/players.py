"""Players: a world and the policy that acts in it, with pictures where the policy sees."""

import os
from typing import NamedTuple

import numpy as np

from envs.contact_forces import sensing
from envs.registry import make_expert, make_task
from envs.task import IntArray, Task
from envs.world import World
from fmbench.config import RunConfig
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.outside import OutsideCheckpoint
from fmbench.harness.chunks import Delay
from fmbench.harness.rollout import Float32Array, Policy
from fmbench.harness.watched_world import Watch, WatchedWorld
from fmbench.sight.eyes import Eyes, SeeingPolicy
from fmbench.sight.opening import Sight
from policies.actor import ChunkActor
from policies.chunk_policy import ChunkPolicy


class Player(NamedTuple):
    """A world, the policy that acts in it, and the delay of its decisions."""

    world: World
    policy: Policy
    delay: Delay = Delay()


def processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def delay_of_cell(cell: Cell, config: RunConfig) -> Delay:
    """Return the delay of a trained policy's decisions, of chunks that reach their successors."""
    delay = Delay(cell.delay)
    reach = delay.interval(config.exec_horizon) + cell.delay + 1
    return delay._replace(chunk_length=min(config.pred_horizon, reach))


def make_actor(policy: ChunkPolicy, cell: Cell, config: RunConfig) -> ChunkActor:
    """Return the actor of a trained policy with the sampler, steps and setting of a cell."""
    return ChunkActor(
        policy,
        config.obs_horizon,
        config.exec_horizon,
        cell.sampler,
        cell.steps,
        config.device,
        sampling_seed=cell.train_seed,
        chunk_length=delay_of_cell(cell, config).chunk_length,
        execution=cell.execution,
        delay=cell.delay,
    )


def policy_player(
    policy: ChunkPolicy,
    cell: Cell,
    config: RunConfig,
    sight: Sight | None,
    num_sims: int,
    watch: Watch | None = None,
) -> Player:
    """Return the player of a trained policy.

    Args:
        policy: The policy.
        cell: Its task, and its sampler and steps.
        config: The run.
        sight: What the policy sees with; None if it observes the state.
        num_sims: Number of simulations.
        watch: Called at every observation.
    """
    actor, delay = make_actor(policy, cell, config), delay_of_cell(cell, config)
    if sight is None:
        return Player(make_world(make_task(cell.task), num_sims, watch), actor, delay)
    seeing = SeeingPolicy(actor, sight.eyes, sight.task.agent_columns)
    return Player(_seen_world(sight.task, num_sims, seeing, watch), seeing, delay)


def outside_player(
    policy: OutsideCheckpoint, task: Task, num_sims: int, watch: Watch | None = None
) -> Player:
    """Return the player of a policy from outside.

    Args:
        policy: The policy.
        task: The task.
        num_sims: Number of simulations.
        watch: Called at every observation.
    """
    if policy.sight is None:
        world = make_world(task, num_sims, watch)
        return Player(world, policy.make_in(world) if policy.make_in else policy.make())
    everything = np.ones(task.obs_dim, dtype=bool)
    seeing = SeeingPolicy(policy.make(), Eyes(policy.sight.renderer, None), everything)
    return Player(_seen_world(task, num_sims, seeing, watch), seeing)


def _seen_world(task: Task, num_sims: int, seeing: SeeingPolicy, watch: Watch | None) -> World:
    """Return a world whose states a policy sees."""

    def both(world: World, rows: IntArray, observations: Float32Array) -> None:
        seeing.watch(world, rows, observations)
        if watch is not None:
            watch(world, rows, observations)

    return WatchedWorld(sensing(task), num_sims, both)


def expert_player(task: str, num_sims: int = 1, watch: Watch | None = None) -> Player:
    """Return the player of a task's expert."""
    world = make_world(make_task(task), num_sims, watch)
    return Player(world, make_expert(world))


def make_world(task: Task, num_sims: int, watch: Watch | None = None) -> World:
    """Return a world in which contact forces are measured.

    Args:
        task: The task.
        num_sims: Number of simulations.
        watch: Called at every observation, if it is given.
    """
    if watch is None:
        return World(sensing(task), num_sims, processors())
    return WatchedWorld(sensing(task), num_sims, watch)
