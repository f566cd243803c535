"""Train PPO in your own stable-baselines3 code and score it in the harness of all policies.

    python examples/train_sb3.py --task ReachPose --steps 10000

takes under a minute on two cores, and is far too little to solve a task. What is needed for a fair
comparison (one budget, exact resume, several seeds, rows beside those of other policies) is in
`python -m fmbench.rl`; this file shows the two pieces that your own code needs: environments that
are one batch, `make_sb3_envs`, and the adapter to the harness, `SB3Agent`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecMonitor

import fmbench  # noqa: F401  registers the ids
from envs.registry import check_extra, check_task_name, make_task, task_id
from envs.world import World
from fmbench.cli.exit_codes import run_command_line
from fmbench.cli.flags import add_debug
from fmbench.cli.folders import check_out
from fmbench.cli.parser import Parser
from fmbench.errors import FmbenchError
from fmbench.harness.open_loop import RandomPolicy
from fmbench.harness.rollout import Policy, rollout
from fmbench.harness.seeds import TEST, episode_seeds
from fmbench.report.statistics import wilson_interval
from fmbench.rl.vec_env import make_sb3_envs
from fmbench.sb3_agent import SB3Agent

NUM_ENVS = 4


def train(task: str, steps: int, train_seed: int) -> PPO:
    """Return an agent trained for at least `steps` environment steps."""
    envs = VecMonitor(make_sb3_envs(task_id(task), NUM_ENVS))
    agent = PPO("MlpPolicy", envs, n_steps=128, batch_size=128, seed=train_seed, device="cpu")
    envs.seed(2**32 + train_seed)  # of no list of the benchmark, whatever the seed of the training
    agent.learn(steps)
    envs.close()
    return agent


def score(name: str, policy: Policy, world: World, count: int) -> str:
    """Roll a policy out on the first `count` test episodes and describe what it reached."""
    episodes = rollout(world, policy, episode_seeds(TEST, count))
    successes = sum(episode.success for episode in episodes)
    low, high = wilson_interval(successes, count)
    progress = np.mean([episode.progress for episode in episodes])
    episode_return = np.mean([episode.episode_return for episode in episodes])
    return (
        f"{name:<8} success {successes}/{count} (95 %: {low:.3f}-{high:.3f}), "
        f"mean progress {progress:.3f}, mean return {episode_return:.2f}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = Parser("python examples/train_sb3.py", "Train PPO on a task and score it.")
    add = parser.add_argument
    add("--task", default="ReachPose", help="a task (default: %(default)s)")
    add("--steps", type=int, default=10_000, help="environment steps (default: %(default)s)")
    add("--train-seed", type=int, default=0, help="seed of the training (default: %(default)s)")
    add("--episodes", type=int, default=20, help="test episodes (default: %(default)s)")
    add("--out", type=Path, metavar="DIR", help="also save the agent there, as ppo.zip")
    add_debug(parser)
    given = parser.parse_args(arguments)
    return run_command_line(lambda: run(given), given.debug)


def run(given: argparse.Namespace) -> int:
    """Train the agent and compare it with random actions."""
    check_task_name(given.task)
    check_extra(given.task)
    if given.steps < 1:
        raise FmbenchError(f"--steps is {given.steps}; give a whole number from 1")
    if given.out is not None:
        check_out(given.out)
    world = World(make_task(given.task), num_sims=len(episode_seeds(TEST, given.episodes)))
    torch.set_num_threads(1)  # a network this small gains nothing from a second thread
    agent = train(given.task, given.steps, given.train_seed)
    print(f"{task_id(given.task)}, {agent.num_timesteps} steps of PPO")
    print(score("random", RandomPolicy(world), world, given.episodes))
    print(score("PPO", SB3Agent(agent), world, given.episodes))
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        agent.save(given.out / "ppo.zip")
        print(given.out / "ppo.zip")
    return 0


if __name__ == "__main__":
    sys.exit(main())
