"""Run experts in tests, and move free bodies."""

from functools import cache

import numpy as np

from envs.experts.put_down import PutDownPhase
from envs.registry import make_expert, make_task
from envs.task import Task
from envs.world import STATE_STAGE, World


@cache
def demonstration(name: str, seed: int) -> np.ndarray:
    """Return the expert's actions in one complete episode, (steps, act_dim)."""
    world, actions = begin(make_task(name), seed), []
    expert, row = make_expert(world), world.all_rows
    expert.reset(row, np.array([seed]))
    is_over = False
    while not is_over:
        actions.append(expert.act(row, world.observe(row)[:, None])[0][0, 0])
        outcome = world.step(row, actions[-1][None])
        is_over = bool(outcome.terminated[0] or outcome.truncated[0])
    return np.stack(actions)


def phases_when_moved(world: World, address: int, offset: np.ndarray) -> tuple[list[int], bool]:
    """Run one expert episode, moving a free body by `offset` [m] in the fifth step of its retreat.

    Returns:
        The phase of every step, and whether the episode succeeded.
    """
    expert, rows, phases = make_expert(world), world.all_rows, []
    expert.reset(rows, world.episode_seeds)
    is_over = False
    while not is_over:
        actions, _ = expert.act(rows, world.observe(rows))
        outcome = world.step(rows, actions[:, 0])
        is_over = bool(outcome.terminated[0] or outcome.truncated[0])
        phases.append(int(expert.phase[0]))
        if phases.count(PutDownPhase.RETREAT) == 5 and PutDownPhase.RETREAT not in phases[:-5]:
            put(world, address, world.view(rows).qpos[0, address : address + 3] + offset)
    return phases, bool(outcome.success[0])


def begin(task: Task, seed: int = 3) -> World:
    """Return a world of one row after a reset."""
    world = World(task, 1, 1)
    world.reset(world.all_rows, np.array([seed]))
    return world


def put(world: World, address: int, position: np.ndarray) -> None:
    """Move the free body whose joint is at `address` to `position`, (3,) [m]."""
    world.batch.bind("qpos")[0, address : address + 3] = position
    world.batch.forward(ids=world.all_rows, stage=STATE_STAGE)
