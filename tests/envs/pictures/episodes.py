"""States of experts' episodes, for pictures of them."""

from functools import cache

import numpy as np

from envs.cameras import MAIN
from envs.pictures.states import PictureStates, joined, picture_states
from envs.registry import make_expert, make_task
from envs.task import Task
from envs.world import World


def camera_names(task: Task) -> tuple[str, ...]:
    """Return the names of all cameras of a task."""
    return MAIN, *task.cameras


def start_states(task: Task, count: int, first_seed: int = 3) -> PictureStates:
    """Return the initial states of episodes."""
    world = World(task, count, 1)
    world.reset(world.all_rows, np.arange(first_seed, first_seed + count))
    return picture_states(world, world.all_rows)


@cache
def episode_states(name: str, seed: int = 3, steps: int = 60) -> PictureStates:
    """Return the states of the first control steps of the expert's episode, the initial one too."""
    return joined(_episode(name, seed, steps)[0])


@cache
def solved_states(name: str, first_seed: int = 3) -> PictureStates:
    """Return the state in which an expert's episode has just succeeded."""
    for seed in range(first_seed, first_seed + 5):
        states, success = _episode(name, seed, 1000)
        if success:
            return states[-1]
    raise AssertionError(f"the expert of {name} failed in every episode")


def _episode(name: str, seed: int, steps: int) -> tuple[list[PictureStates], bool]:
    world = World(make_task(name), 1, 1)
    row, expert = world.all_rows, make_expert(world)
    world.reset(row, np.array([seed]))
    expert.reset(row, np.array([seed]))
    states = [picture_states(world, row)]
    while len(states) <= steps:
        outcome = world.step(row, expert.act(row, world.observe(row)[:, None])[0][:, 0])
        states.append(picture_states(world, row))
        if outcome.terminated[0] or outcome.truncated[0]:
            return states, bool(outcome.success[0])
    return states, False
