"""Players in disturbed worlds know the policy's scale and the expert's time."""

from dataclasses import replace

import numpy as np
import pytest

from envs.perturb.world import PerturbedWorld
from envs.registry import make_expert, make_task
from envs.world import World
from fmbench.config import RunConfig
from fmbench.evaluation.cells import EXPERT, Cell
from fmbench.evaluation.perturbed import (
    TIMED_EPISODES,
    about_policy,
    median_expert_steps,
    perturbed_player,
)
from fmbench.harness.rollout import rollout
from fmbench.harness.seeds import TEST, VALIDATION, episode_seeds
from fmbench.training.state import build_policy
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig

TASK = "PressEither"
CONFIG = RunConfig(task=(TASK,), pred_horizon=7, exec_horizon=5, width=16, depth=1)
CELL = Cell(TASK, "bc", "direct", 1, 0)


@pytest.fixture(scope="module")
def policy() -> ChunkPolicy:
    """A policy whose first observed value never changed in its demonstrations."""
    task = make_task(TASK)
    made = build_policy(
        ChunkPolicyConfig(task.obs_dim, task.act_dim, 2, 7, "bc", width=16, depth=1), 0
    )
    rng = np.random.default_rng(0)
    observations = rng.normal(3.0, 0.5, (500, task.obs_dim))
    observations[:, 0] = 0.25
    made.fit_normalizers(observations, rng.uniform(-1, 1, (500, task.act_dim)))
    return made.eval()


def test_noise_has_the_scale_of_the_policys_normaliser(policy: ChunkPolicy) -> None:
    about = about_policy(TASK, policy)
    assert about.scale[0] == 0.0
    np.testing.assert_allclose(about.scale[1:], 0.5, rtol=0.2)
    np.testing.assert_allclose(about.mean[1:], 3.0, rtol=0.05)
    assert about.mean[0] == 0.25
    cell = replace(CELL, perturb="obs-noise=0.1")
    world, actor, _ = perturbed_player(cell, CONFIG, policy, None, 2)
    plain = World(world.task, 2, 1)
    for each in (world, plain):
        each.reset(each.all_rows, np.array([TEST, TEST + 1]))
    noise = world.observe(world.all_rows) - plain.observe(plain.all_rows)
    assert (noise[:, 0] == 0.0).all()
    assert 0.01 < np.abs(noise[:, 1:]).mean() < 0.1
    assert (actor.obs_horizon, actor.exec_horizon) == (2, 5)


def test_the_experts_time_is_the_median_of_validation_episodes() -> None:
    world = World(make_task(TASK), TIMED_EPISODES)
    episodes = rollout(world, make_expert(world), episode_seeds(VALIDATION, TIMED_EPISODES))
    lengths = [episode.length for episode in episodes if episode.success]
    assert len(lengths) > TIMED_EPISODES // 2
    assert median_expert_steps(TASK) == int(np.median(lengths))
    assert about_policy(TASK, None).expert_steps() == median_expert_steps(TASK)


def test_the_expert_acts_in_the_disturbed_world_itself() -> None:
    world, expert, _ = perturbed_player(Cell(TASK, EXPERT, perturb="mass=2"), CONFIG, None, None, 3)
    assert isinstance(world, PerturbedWorld)
    assert expert.world is world  # type: ignore[attr-defined]
    assert all(e.success for e in rollout(world, expert, episode_seeds(TEST, 3)))
