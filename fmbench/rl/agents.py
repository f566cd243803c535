"""Agents of stable-baselines3 for a task, with the recipe of their algorithm."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, TypeAlias

from gymnasium.vector import AutoresetMode
from stable_baselines3 import PPO, SAC, HerReplayBuffer
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecEnv, VecMonitor

from envs.gym.goal_vector_env import HandGoalVectorEnv
from envs.gym.protocol import DRAWN_SEEDS
from envs.gym.vector_env import HandVectorEnv
from envs.registry import TASKS
from fmbench.rl.endings import ContinuedReturns, LastingFailures
from fmbench.rl.normalise import GoalNormalize
from fmbench.rl.recipes import ALGORITHMS, Algorithm
from fmbench.rl.vec_env import SB3VecEnv

Agent: TypeAlias = PPO | SAC
SAME_STEP = AutoresetMode.SAME_STEP
GOALS_OF_HER = "future"
FROM_DEMOS = "-demos"
"""Ends the name of a policy that has learnt from demonstrations, too."""


@dataclass(frozen=True)
class TrainingRequest:
    """What decides a training, bit for bit on one machine's processor.

    Attributes:
        algorithm: Name of the algorithm.
        task: Name of the task.
        steps: Most environment steps, of all environments together.
        num_envs: Environments that are stepped together.
        train_seed: Seed of weights, exploration and episodes.
        demonstrations: Hash of the demonstrations in the replay buffer; "" for none.
        device: The device of the networks.
    """

    algorithm: str
    task: str
    steps: int
    num_envs: int
    train_seed: int
    demonstrations: str = ""
    device: str = "cpu"

    @property
    def kind(self) -> Algorithm:
        """The algorithm."""
        return ALGORITHMS[self.algorithm]

    @property
    def policy(self) -> str:
        """Name of its policy, in rows and in folders."""
        return self.kind.policy + FROM_DEMOS * bool(self.demonstrations)

    @property
    def rollout(self) -> int:
        """Control steps of every environment between two trainings of the networks."""
        if self.kind.needs_goal:
            return 1
        per_env = self.steps // self.num_envs
        rollouts = -(-per_env // max(1, int(self.kind.recipe["rollout_steps"]) // self.num_envs))
        return per_env // rollouts

    @property
    def done_after(self) -> int:
        """Environment steps that are done: the most that are whole rollouts."""
        size = self.rollout * self.num_envs
        return self.steps // size * size


def make_envs(request: TrainingRequest) -> VecEnv:
    """Return the environments of a training: normalised observations, and statistics of episodes.

    Their first episodes, too, have seeds that no list of the benchmark contains.
    """
    kind = HandGoalVectorEnv if request.kind.needs_goal else HandVectorEnv
    made: VecEnv = SB3VecEnv(kind(request.task, request.num_envs, autoreset_mode=SAME_STEP))
    recipe = request.kind.recipe
    if request.kind.needs_goal:
        envs = VecMonitor(LastingFailures(made, float(recipe["gamma"])))
    else:
        envs = VecMonitor(ContinuedReturns(made))
    return GoalNormalize(
        envs,
        norm_reward=not request.kind.needs_goal,
        clip_obs=recipe["clip_observations"],
        gamma=recipe["gamma"],
    )


def make_agent(request: TrainingRequest, buffer_rows: int = 0) -> Agent:
    """Return an untrained agent with its environments.

    stable-baselines3 draws from the global generators of numpy and torch, which this seeds.

    Args:
        request: What it is trained for.
        buffer_rows: Rows of the replay buffer for demonstrations, besides those of the training.
    """
    envs = make_envs(request)
    recipe = dict(request.kind.recipe)
    shared: dict[str, Any] = {
        "learning_rate": recipe["learning_rate"],
        "gamma": recipe["gamma"],
        "seed": request.train_seed,
        "device": request.device,
    }
    layers = [recipe["width"]] * int(recipe["depth"])
    if request.kind.needs_goal:
        agent: Agent = _make_sac(request, envs, shared, layers, buffer_rows)
    else:
        agent = _make_ppo(request, envs, shared, layers)
    agent.set_logger(Logger(folder=None, output_formats=[]))
    # Building the agent has seeded them with the training seed, which may be a test seed.
    envs.seed(DRAWN_SEEDS[0] + request.train_seed * request.num_envs)
    return agent


def _make_sac(
    request: TrainingRequest,
    envs: VecEnv,
    shared: dict[str, Any],
    layers: list[Any],
    buffer_rows: int,
) -> SAC:
    recipe = request.kind.recipe
    per_env = request.done_after // request.num_envs
    horizon = TASKS[request.task].horizon
    return SAC(
        "MultiInputPolicy",
        envs,
        **shared,
        buffer_size=(per_env + buffer_rows) * request.num_envs,
        batch_size=recipe["batch_size"],
        tau=recipe["tau"],
        # Goals are relabelled within complete episodes: the first ones have ended by then.
        learning_starts=max(int(recipe["learning_starts"]), horizon * request.num_envs),
        train_freq=1,
        gradient_steps=max(1, round(float(recipe["updates_per_step"]) * request.num_envs)),
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={
            "n_sampled_goal": recipe["relabelled_goals"],
            "goal_selection_strategy": GOALS_OF_HER,
        },
        policy_kwargs={"net_arch": layers},
    )


def _make_ppo(
    request: TrainingRequest, envs: VecEnv, shared: dict[str, Any], layers: list[Any]
) -> PPO:
    recipe = request.kind.recipe
    with warnings.catch_warnings():
        # The last batch of a rollout may be smaller; networks this small may be on a GPU.
        warnings.simplefilter("ignore", UserWarning)
        return PPO(
            "MlpPolicy",
            envs,
            **shared,
            n_steps=request.rollout,
            batch_size=min(int(recipe["batch_size"]), request.rollout * request.num_envs),
            n_epochs=recipe["epochs"],
            gae_lambda=recipe["gae_lambda"],
            clip_range=recipe["clip_range"],
            ent_coef=recipe["entropy_coefficient"],
            policy_kwargs={"net_arch": layers, "log_std_init": recipe["log_std"]},
        )
