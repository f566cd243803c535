"""Use a trained policy in a loop of your own.

    python -m fmbench.run --policy flow --preset smoke --out runs/smoke
    python examples/use_checkpoint.py runs/smoke --episodes 5

opens the folder of a finished run, verifies and loads one policy, and steps a Gymnasium environment
with it. The episodes are the run's own test episodes, so success, length and return are those that
`episodes.csv` lists for the policy's first sampler.

A policy that sees gets pictures instead of the values that they show, as pixels or as the features
of its frozen encoder, beside the numbers that remain.

Receding horizon: the policy gets the last `obs_horizon` observations, the newest last, and returns
a chunk of `exec_horizon` actions. All of them are executed before it decides again.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import fmbench  # noqa: F401  registers the ids
from envs.registry import task_id
from fmbench.cli.command import run_command
from fmbench.cli.parser import Parser
from fmbench.errors import unknown
from fmbench.evaluation.plan import plan_run
from fmbench.harness.seeds import TEST, episode_seeds
from fmbench.runs.saved_run import open_saved_run
from fmbench.sight.opening import Sight, Sights
from policies import ChunkActor

ROW = np.array([0])
"""The actor's only row; a batch of environments needs one row for each."""


class FlatEnv(gymnasium.ObservationWrapper[Any, Any, Any]):
    """The environment of a task, with observations as numbers that a policy takes."""

    def __init__(self, task: str, sight: Sight | None) -> None:
        self._sight = sight
        looks: dict[str, Any] = {}
        if sight is not None:
            looks = {
                "observation": "pixels",
                "cameras": sight.cameras,
                "image_size": sight.encoder.shape.height,
                "renderer": sight.renderer.name,
            }
        super().__init__(gymnasium.make(task_id(task), **looks))

    def observation(self, observation: Any) -> Any:
        """Return the state; or the numbers beside the pictures, then what is seen in those."""
        if self._sight is None:
            return observation
        names = [f"pixels/{camera}" for camera in self._sight.cameras]
        names = names if len(names) > 1 else ["pixels"]
        pictures = np.stack([observation[name] for name in names])
        return np.concatenate((observation["agent_pos"], self._sight.eyes.read(pictures[None])[0]))


def run_episode(
    env: gymnasium.Env[Any, Any], actor: ChunkActor, episode_seed: int
) -> tuple[bool, int, float]:
    """Run one episode; return its success, its control steps and the sum of its rewards."""
    observation, _ = env.reset(seed=episode_seed)
    actor.reset(ROW, np.array([episode_seed]))
    window = np.stack([observation] * actor.obs_horizon)  # (obs_horizon, obs_dim)
    steps, episode_return = 0, 0.0
    while True:
        decision = actor.act(ROW, window[None])
        for action in decision.actions[0]:  # (exec_horizon, act_dim)
            observation, reward, terminated, truncated, info = env.step(action)
            window = np.concatenate([window[1:], observation[None]])
            steps, episode_return = steps + 1, episode_return + float(reward)
            if terminated or truncated:
                return info["success"], steps, episode_return


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, make_parser, run)


def make_parser() -> Parser:
    """Return the parser of the command line; `--plugin FILE` loads a policy of your own."""
    parser = Parser(
        "python examples/use_checkpoint.py", "Step an environment with a trained policy."
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    parser.add_argument("--task", help="one of the run's tasks (default: its first)")
    parser.add_argument("--policy", help="one of the run's policies (default: its first)")
    parser.add_argument("--train-seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--episodes", type=int, default=5, help="default: %(default)s")
    return parser


def run(given: argparse.Namespace) -> int:
    """Load the policy and run the episodes."""
    saved = open_saved_run(given.run)
    task, policy = given.task or saved.config.task[0], given.policy or saved.config.policy[0]
    if task not in saved.config.task:
        raise unknown(f"task of {given.run}", task, saved.config.task)
    if policy not in saved.config.policy:
        raise unknown(f"policy of {given.run}", policy, saved.config.policy)
    seeds = episode_seeds(TEST, given.episodes)

    saved.check_policy(task, policy, given.train_seed)
    trained, _ = saved.load(task, policy, given.train_seed)
    headline = plan_run(saved.config).cells(task, policy, given.train_seed)[0]
    actor = ChunkActor(
        trained,
        saved.config.obs_horizon,
        saved.config.exec_horizon,
        headline.sampler,  # omit sampler and steps for the policy's defaults
        headline.steps,
        sampling_seed=given.train_seed,
    )
    sights = Sights(saved.config)  # for weights of an encoder: replace(..., encoder_weights=FILE)
    env = FlatEnv(task, sights.of(task))
    successes = 0
    for seed in seeds.tolist():
        success, steps, episode_return = run_episode(env, actor, seed)
        successes += success
        outcome = "success" if success else "failure"
        print(f"episode seed {seed}: {outcome} after {steps} steps, return {episode_return:.3g}")
    env.close()
    sights.close()
    print(f"{policy} on {task_id(task)}: {successes}/{len(seeds)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
