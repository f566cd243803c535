"""Players in disturbed worlds, with what a disturbance must know of policy and expert."""

from functools import lru_cache

from envs.contact_forces import sensing
from envs.perturb.axis import About
from envs.perturb.world import PerturbedWorld
from envs.registry import make_expert, make_task
from fmbench.config import RunConfig
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.expert_rows import measure_expert
from fmbench.evaluation.players import Player, delay_of_cell, make_actor, processors
from fmbench.sight.eyes import SeeingPolicy
from fmbench.sight.opening import Sight
from policies.chunk_policy import ChunkPolicy

TIMED_EPISODES = 32
"""Validation episodes whose median is the expert's time: a fact of the task alone."""


def perturbed_player(
    cell: Cell, config: RunConfig, policy: ChunkPolicy | None, sight: Sight | None, num_sims: int
) -> Player:
    """Return the player of a trained policy, or of the expert, in a disturbed world.

    Args:
        cell: Its task, disturbance, sampler and steps.
        config: The run.
        policy: The trained policy; None for the expert.
        sight: What the policy sees with; None if it observes the state.
        num_sims: Number of simulations.
    """
    task = sensing(make_task(cell.task) if sight is None else sight.task)
    about = about_policy(cell.task, None if sight else policy)
    if policy is None:
        world = PerturbedWorld(task, num_sims, cell.perturb, about, processors())
        return Player(world, make_expert(world))
    actor, delay = make_actor(policy, cell, config), delay_of_cell(cell, config)
    if sight is None:
        world = PerturbedWorld(task, num_sims, cell.perturb, about, processors())
        return Player(world, actor, delay)
    seeing = SeeingPolicy(actor, sight.eyes, sight.task.agent_columns)
    world = PerturbedWorld(task, num_sims, cell.perturb, about, watch=seeing.watch)
    return Player(world, seeing, delay)


def about_policy(task: str, policy: ChunkPolicy | None) -> About:
    """Return what a disturbance may need to know of a task's expert and of a policy.

    The policy's scale is its normaliser's; the expert, which reads the state, has none.
    """

    def expert_steps() -> int:
        return median_expert_steps(task)

    if policy is None:
        return About(expert_steps=expert_steps)
    normaliser = policy.observation_normalizer
    scale, mean = (each.double().cpu().numpy() for each in (normaliser.scale, normaliser.offset))
    return About(scale, mean, expert_steps)


@lru_cache(maxsize=64)
def median_expert_steps(task: str) -> int:
    """Return the median control steps of the expert's successful validation episodes."""
    median = measure_expert(task, 0.0, TIMED_EPISODES).median_length
    return median or make_task(task).horizon
