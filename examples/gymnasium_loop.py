"""Step the tasks as Gymnasium environments: one at a time, then many in one batch.

    python examples/gymnasium_loop.py --task LiftCube --agent expert --episodes 8

prints the success of each episode. An episode is a function of the task, its version and the
episode's seed, so the batch must reach exactly what the single environment reached.

The scripted expert reads the state of the simulation, which no observation contains. Its commands
are therefore recorded by the harness and replayed here.
"""

import argparse
import sys
from collections.abc import Sequence

import gymnasium
import numpy as np

import fmbench  # noqa: F401  registers the ids
from envs.registry import check_extra, check_task_name, make_expert, make_task, task_id
from envs.task import BoolArray, FloatArray, IntArray
from envs.world import World
from fmbench.cli.exit_codes import run_command_line
from fmbench.cli.flags import add_debug
from fmbench.cli.parser import Parser
from fmbench.errors import FmbenchError, unknown
from fmbench.harness.rollout import rollout
from fmbench.harness.seeds import VALIDATION, episode_seeds

AGENTS = ("expert", "random")


def commands(task: str, agent: str, seeds: IntArray) -> FloatArray:
    """Return the actions of every episode, (episodes, horizon, act_dim) in [-1, 1].

    Args:
        task: Name of a task.
        agent: One of `AGENTS`.
        seeds: Episode seeds, (episodes,).
    """
    shape = (make_task(task).horizon, make_task(task).act_dim)
    if agent == "random":
        return np.stack([np.random.default_rng(seed).uniform(-1, 1, shape) for seed in seeds])
    world = World(make_task(task), num_sims=len(seeds))
    actions = np.zeros((len(seeds), *shape))
    episodes = rollout(world, make_expert(world), seeds, keep_trajectories=True)
    for row, episode in enumerate(episodes):
        assert episode.trajectory is not None
        actions[row, : episode.length] = episode.trajectory.actions
    return actions


def run_single(task: str, seeds: IntArray, actions: FloatArray) -> BoolArray:
    """Run the episodes one after the other; return the success of each, (episodes,)."""
    env = gymnasium.make(task_id(task))
    success = np.zeros(len(seeds), dtype=np.bool_)
    for row, seed in enumerate(seeds.tolist()):
        env.reset(seed=seed)
        steps, is_over = 0, False
        while not is_over:
            _, _, terminated, truncated, info = env.step(actions[row, steps])
            steps, is_over = steps + 1, terminated or truncated
        success[row] = info["success"]
        outcome = "success" if success[row] else "failure"
        print(f"episode seed {seed}: {outcome} after {steps} steps")
    env.close()
    return success


def run_batch(task: str, seeds: IntArray, actions: FloatArray) -> BoolArray:
    """Run all episodes as one batch; return the success of each, (episodes,)."""
    envs = gymnasium.make_vec(task_id(task), num_envs=len(seeds))
    envs.reset(seed=seeds.tolist())
    success, running = np.zeros(len(seeds), dtype=np.bool_), np.ones(len(seeds), dtype=np.bool_)
    for step in range(actions.shape[1]):
        _, _, terminated, truncated, infos = envs.step(actions[:, step])
        success[running] = infos["success"][running]
        # An ended row begins its next episode at the following step; that one is not counted.
        running &= ~(terminated | truncated)
        if not running.any():
            break
    envs.close()
    return success


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = Parser("python examples/gymnasium_loop.py", "Step a task's Gymnasium environments.")
    parser.add_argument("--task", default="LiftCube", help="a task (default: %(default)s)")
    parser.add_argument("--agent", default="expert", help="expert or random (default: %(default)s)")
    parser.add_argument("--episodes", type=int, default=8, help="default: %(default)s")
    add_debug(parser)
    given = parser.parse_args(arguments)
    return run_command_line(lambda: run(given), given.debug)


def run(given: argparse.Namespace) -> int:
    """Run the episodes both ways and compare them."""
    check_task_name(given.task)
    check_extra(given.task)
    if given.agent not in AGENTS:
        raise unknown("agent", given.agent, AGENTS)
    seeds = episode_seeds(VALIDATION, given.episodes)
    actions = commands(given.task, given.agent, seeds)
    single, batch = run_single(given.task, seeds, actions), run_batch(given.task, seeds, actions)
    rates = f"{single.sum()}/{len(seeds)} one at a time, {batch.sum()}/{len(seeds)} in one batch"
    print(f"{given.agent} on {task_id(given.task)}: {rates}")
    if not np.array_equal(single, batch):
        raise FmbenchError("the batch differs from the single environment")
    return 0


if __name__ == "__main__":
    sys.exit(main())
