"""Agreement of stable-baselines3's `evaluate_policy` with the harness, episode by episode."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

import fmbench  # noqa: F401  registers the ids
from envs.registry import make_task
from envs.world import World
from fmbench.data.make import make_demonstrations
from fmbench.data.store import DemonstrationConfig, load_demonstrations
from fmbench.harness.rollout import Episode, rollout
from fmbench.sb3_agent import SB3Agent
from fmbench.training.loop import train
from fmbench.training.state import TrainConfig, start_training
from fmbench.training.windows import Windows, make_windows
from policies import ChunkActor, ChunkPolicyConfig
from policies.sb3_predict import SB3Predictor

TASK, ID = "ReachPose", "fmbench/ReachPose-v1"
TRAIN = TrainConfig(200, 64, learning_rate=3e-3, warmup_updates=10, ema_decay=0.98)


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Windows:
    root = tmp_path_factory.mktemp("reach_pose")
    folder, _ = make_demonstrations(DemonstrationConfig(TASK, 3), root)
    return make_windows(load_demonstrations(folder, TASK), 2, 8)


def make_actor(objective: str, windows: Windows) -> ChunkActor:
    """Train enough to succeed from demonstrated initial states and fail from others."""
    dims = windows.observations.shape[1], windows.actions.shape[1]
    config = ChunkPolicyConfig(*dims, 2, 8, objective, width=64, depth=2)
    state = start_training(config, TRAIN, windows, 0)
    train(state, TRAIN, windows)
    return ChunkActor(state.ema.policy, 2, 3, steps=2 if objective == "flow" else 1)


def make_envs(count: int) -> DummyVecEnv:
    return DummyVecEnv([lambda: Monitor(gymnasium.make(ID))] * count)


def evaluate(model: Any, envs: DummyVecEnv, episodes: int) -> list[dict[str, Any]]:
    """Return the last info of each episode that `evaluate_policy` counted."""
    infos: list[dict[str, Any]] = []

    def collect(local: dict[str, Any], _: dict[str, Any]) -> None:
        if local["done"]:
            infos.append(local["info"])

    returns, lengths = evaluate_policy(
        model, envs, episodes, callback=collect, return_episode_rewards=True
    )
    assert returns == [info["episode"]["r"] for info in infos]
    assert lengths == [info["episode"]["l"] for info in infos]
    return infos


def assert_agree(infos: list[dict[str, Any]], episodes: list[Episode]) -> None:
    """Compare success, length and return; Monitor rounds returns to six decimals."""
    info_by_seed = {info["episode_seed"]: info for info in infos}
    assert set(info_by_seed) == {episode.episode_seed for episode in episodes}
    for episode in episodes:
        info = info_by_seed[episode.episode_seed]
        assert info["is_success"] == episode.success
        assert info["episode"]["l"] == episode.length
        assert info["episode"]["r"] == pytest.approx(episode.episode_return, abs=1e-6)


@pytest.mark.parametrize("objective", ["bc", "flow"])
def test_chunk_policy_scores_the_same_in_both(objective: str, windows: Windows) -> None:
    actor = make_actor(objective, windows)
    seeds = [1_000_000, 3_000_000, 1_000_001, 3_000_001, 1_000_002]
    envs = make_envs(len(seeds))
    envs.set_options([{"episode_seed": seed} for seed in seeds])
    infos = evaluate(SB3Predictor(actor, seeds), envs, len(seeds))
    episodes = rollout(World(make_task(TASK), 3, 2), actor, np.array(seeds))
    assert_agree(infos, episodes)
    assert {episode.success for episode in episodes} == {True, False}


def test_later_episodes_of_one_environment_agree_too(windows: Windows) -> None:
    probe = gymnasium.make(ID)
    seeds = [probe.reset(seed=seed)[1]["episode_seed"] for seed in (7, None, None)]
    actor, envs = make_actor("flow", windows), make_envs(1)
    envs.seed(7)
    infos = evaluate(SB3Predictor(actor, seeds), envs, 3)
    assert [info["episode_seed"] for info in infos] == seeds
    assert_agree(infos, rollout(World(make_task(TASK), 2, 1), actor, np.array(seeds)))


def test_ppo_agent_scores_the_same_in_both() -> None:
    model = PPO("MlpPolicy", ID, n_steps=8, batch_size=8, device="cpu")
    seeds = [3_000_005, 3_000_006, 3_000_007]
    envs = make_envs(3)
    envs.set_options([{"episode_seed": seed} for seed in seeds])
    infos = evaluate(model, envs, 3)
    episodes = rollout(World(make_task(TASK), 3, 1), SB3Agent(model), np.array(seeds))
    assert_agree(infos, episodes)
    for episode in episodes:
        assert (episode.error, episode.nfe, episode.decisions) == ("", 1.0, episode.length)
