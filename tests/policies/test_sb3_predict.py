"""Actions under Stable-Baselines3's `evaluate_policy` equal those of any other rollout."""

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv

from policies import ChunkActor, ChunkPolicy, ChunkPolicyConfig
from policies.sb3_predict import SB3Predictor


class Drift(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """The observation follows the action; an episode lasts `length` steps."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (4,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (4,), np.float32)

    def __init__(self, length: int, log: list[NDArray[np.float32]]) -> None:
        self.length, self.log = length, log

    def reset(self, **_: Any) -> tuple[NDArray[np.float32], dict[str, Any]]:
        self.steps, self.x = 0, np.full(4, self.length / 10, np.float32)
        return self.x.copy(), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        self.log.append(action.copy())
        self.steps += 1
        self.x = self.x + 0.1 * action
        return self.x.copy(), 1.0, self.steps == self.length, False, {}


def make_actor() -> ChunkActor:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        policy = ChunkPolicy(ChunkPolicyConfig(4, 4, 3, 7, width=32))
        for parameter in policy.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    return ChunkActor(policy, 3, 5, "euler", 2)


def rollout(length: int, seed: int) -> NDArray[np.float32]:
    """Roll the same episode out: pad with the first observation, decide every 5 steps."""
    actor = make_actor()
    log: list[NDArray[np.float32]] = []
    env = Drift(length, log)
    history = [env.reset()[0]] * 3
    actor.reset(np.array([0]), np.array([seed]))
    while True:
        chunk = actor.act(np.array([0]), np.stack(history[-3:])[None]).actions[0]
        for action in chunk:
            observation, _, done, _, _ = env.step(action)
            history.append(observation)
            if done:
                return np.array(log)


def test_evaluate_policy_gives_the_episodes_of_any_other_rollout() -> None:
    logs: list[list[NDArray[np.float32]]] = [[], [], []]
    lengths = (12, 3, 8)  # environments finish at different times, and continue uncounted
    envs = DummyVecEnv(
        [lambda n=n, log=log: Drift(n, log) for n, log in zip(lengths, logs, strict=True)]
    )
    predictor = SB3Predictor(make_actor(), episode_seeds=[50, 60, 70])
    rewards, steps = evaluate_policy(
        predictor, envs, n_eval_episodes=3, return_episode_rewards=True, warn=False
    )
    assert sorted(steps) == sorted(rewards) == [3, 8, 12]
    for length, seed, log in zip(lengths, (50, 60, 70), logs, strict=True):
        assert np.array_equal(np.array(log[:length]), rollout(length, seed))


def test_later_episodes_take_the_next_seeds() -> None:
    log: list[NDArray[np.float32]] = []
    predictor = SB3Predictor(make_actor(), episode_seeds=iter([50, 60]))
    evaluate_policy(predictor, DummyVecEnv([lambda: Drift(8, log)]), 2, warn=False)
    assert np.array_equal(np.array(log), np.concatenate([rollout(8, 50), rollout(8, 60)]))


def test_a_single_observation_gives_a_single_action() -> None:
    predictor = SB3Predictor(make_actor(), [5])
    action, state = predictor.predict(np.ones(4, np.float32))
    batch, _ = SB3Predictor(make_actor(), [5]).predict(np.ones((1, 4), np.float32))
    assert action.shape == (4,)
    assert np.array_equal(action, batch[0])
    assert predictor.predict(np.ones(4, np.float32), state)[0].shape == (4,)


def test_too_few_seeds_are_rejected() -> None:
    with pytest.raises(ValueError, match="ran out at environment 2; give at least one seed"):
        SB3Predictor(make_actor(), [1, 2]).predict(np.zeros((3, 4), np.float32))
