"""Trainings of agents end with the same bytes, however often they were interrupted."""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO, SAC

from fmbench.cli.session import Session
from fmbench.errors import FmbenchError, RunFailed
from fmbench.rl.checkpoints import ACTING, REPLAY, TRAINING, LogPoint, save_training
from fmbench.rl.loading import acting_parameters, load_agent
from fmbench.rl.state import begin as begin_episodes
from fmbench.rl.training import train
from tests.fmbench.rl.small_training import REQUESTS, begin, go_on, small_recipes

FILES = {"ppo": [ACTING, TRAINING], "sac_her": [ACTING, TRAINING, REPLAY]}
every_algorithm = pytest.mark.parametrize("name", list(REQUESTS))


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    torch.set_num_threads(1)
    with small_recipes():
        yield


@every_algorithm
def test_interrupted_trainings_end_with_the_same_bytes(name: str, tmp_path: Path) -> None:
    request, once, twice = REQUESTS[name], tmp_path / "once", tmp_path / "twice"
    go_on(request, once, stop_at=160)
    go_on(request, twice, stop_at=80)
    np.random.default_rng()
    np.random.seed(7)  # noqa: NPY002, what another process would have there
    torch.manual_seed(7)
    training = go_on(request, twice, stop_at=160)
    assert training.agent._n_updates > 0
    assert {path.name for path in once.iterdir()} == {*FILES[name], "state.json", "manifest.json"}
    for file in FILES[name]:
        assert (once / file).read_bytes() == (twice / file).read_bytes(), file
    ended = go_on(request, twice)
    whole = go_on(request, tmp_path / "whole")
    assert ended.log == whole.log
    assert [point.steps for point in whole.log] == [40, 80, 120, 160, 200]
    files = [(folder / ACTING).read_bytes() for folder in (tmp_path / "whole", twice)]
    assert files[0] == files[1]
    assert not (twice / TRAINING).exists()  # nothing continues from there


@pytest.mark.thorough
def test_a_killed_process_loses_what_follows_the_last_checkpoint(tmp_path: Path) -> None:
    request, folder = REQUESTS["sac_her"], tmp_path / "killed"

    def kill(point: LogPoint) -> None:
        if point.steps == 160:
            raise RuntimeError("killed")

    go_on(request, folder, stop_at=120)
    with pytest.raises(RuntimeError, match="killed"):
        train(begin(request, folder), folder, Session(), kill, checkpoint_s=0.0)
    again = begin(request, folder)
    assert again.agent.num_timesteps == 158
    go_on(request, folder)
    go_on(request, tmp_path / "whole")
    assert (folder / ACTING).read_bytes() == (tmp_path / "whole" / ACTING).read_bytes()


def test_a_training_whose_time_is_up_ends_after_its_rollout(tmp_path: Path) -> None:
    request, folder = REQUESTS["ppo"], tmp_path / "limited"
    training = begin(request, folder)
    training.limit_s = 1e-9
    train(training, folder, Session())
    assert training.is_complete
    assert training.agent.num_timesteps == 0
    again = begin(request, folder)  # without the limit
    assert again.is_complete
    train(again, folder, Session())
    assert again.agent.num_timesteps == 0


def test_a_limit_that_is_over_when_a_training_is_resumed_ends_it(tmp_path: Path) -> None:
    request, folder = REQUESTS["ppo"], tmp_path / "limited"
    go_on(request, folder, stop_at=80)
    training = begin(request, folder)
    training.limit_s = training.seconds / 2
    train(training, folder, Session())
    assert not (folder / TRAINING).exists()  # nothing continues from there
    ended = begin(request, folder)
    assert ended.has_ended
    assert ended.agent.num_timesteps == 80
    assert [point.steps for point in ended.log] == [40, 80]


@every_algorithm
def test_a_seed_decides_the_weights_and_the_episodes(name: str, tmp_path: Path) -> None:
    request = REQUESTS[name]
    others = [dataclasses.replace(request, train_seed=seed) for seed in (3, 3_000_000)]
    weights, seeds = [], []
    for k, each in enumerate((request, *others)):
        training = begin(each, tmp_path / "none")
        begin_episodes(training.agent)
        save_training(tmp_path / str(k), training)
        weights.append((tmp_path / str(k) / ACTING).read_bytes())
        infos = training.agent.get_env().unwrapped.reset_infos
        seeds.append([info["episode_seed"] for info in infos])
    assert weights[0] == weights[1] != weights[2]
    assert seeds[0] == seeds[1] != seeds[2]
    assert np.min(seeds) >= 2**32  # none is in a list of the benchmark


@every_algorithm
def test_a_budget_is_never_exceeded(name: str) -> None:
    for steps in (2, 7, 41, 199, 100_003):
        request = dataclasses.replace(REQUESTS[name], steps=steps)
        assert steps - request.num_envs * 2_600 < request.done_after <= steps
        assert request.done_after % (request.rollout * request.num_envs) == 0
    default = dataclasses.replace(REQUESTS[name], steps=300_000, num_envs=8)
    assert default.done_after == 300_000


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    request, folder = REQUESTS["ppo"], tmp_path / "bad"
    go_on(request, folder, stop_at=80)
    kept = (folder / ACTING).read_bytes()
    training = begin(request, folder)
    with torch.no_grad():
        training.agent.policy.action_net.weight[0, 0] = float("nan")
    with pytest.raises(RunFailed, match=r"by step 80: weights\.action_net\.weight contains NaN"):
        save_training(folder, training)
    assert (folder / ACTING).read_bytes() == kept


def test_a_checkpoint_of_another_training_is_refused_in_a_line(tmp_path: Path) -> None:
    request, folder = REQUESTS["ppo"], tmp_path / "one"
    go_on(request, folder, stop_at=80)
    with pytest.raises(FmbenchError, match=r"other settings \(steps: 200 there, 400 now\)"):
        begin(dataclasses.replace(request, steps=400), folder)
    with pytest.raises(FmbenchError, match='algorithm: "ppo" there, "sac_her" now'):
        begin(REQUESTS["sac_her"], folder)
    state = folder / TRAINING
    state.write_bytes(state.read_bytes()[:-1] + b"x")
    with pytest.raises(FmbenchError, match=r"training\.safetensors was changed after"):
        begin(request, folder)


@pytest.mark.parametrize(("name", "kind"), [("ppo", PPO), ("sac_her", SAC)])
def test_a_trained_agent_is_loaded(name: str, kind: type, tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    trained = go_on(REQUESTS[name], folder)
    agent = load_agent(folder)
    assert isinstance(agent, kind)
    for (key, one), two in zip(
        trained.agent.policy.state_dict().items(), agent.policy.state_dict().values(), strict=True
    ):
        assert torch.equal(one, two), key
    normal, other = agent.get_vec_normalize_env(), trained.agent.get_vec_normalize_env()
    raw = other.get_original_obs()
    one, two = normal.normalize_obs(raw), other.normalize_obs(raw)
    actions = [a.predict(o, deterministic=True)[0] for a, o in ((agent, one), (trained.agent, two))]
    assert np.array_equal(*actions)
    width, actions_of_task = 8, 14
    seen = {"ppo": 73, "sac_her": 43 + 30}[name]
    heads = {"ppo": 1, "sac_her": 2}[name]  # the mean; and in SAC the spread, a number in PPO
    expected = (seen + 1) * width + heads * (width + 1) * actions_of_task
    expected += actions_of_task if name == "ppo" else 0
    assert acting_parameters(agent) == expected
    shutil.rmtree(folder)
    with pytest.raises(FmbenchError, match=r"holds no manifest\.json"):
        load_agent(folder)
