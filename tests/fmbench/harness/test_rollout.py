"""Rows depend only on the policy and the episode seed; failures are counted, never dropped."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from envs.experts.command_noise import CommandNoise
from envs.registry import make_expert, make_task
from envs.scene import CONTROL_PERIOD_S
from envs.tasks.press_either import START_POSTURE_RAD
from envs.world import World
from fmbench.harness.open_loop import Playback, RandomPolicy
from fmbench.harness.rollout import Episode, Policy, rollout
from fmbench.harness.seeds import (
    DEMONSTRATION,
    RANGE_SIZE,
    SECOND_TEST,
    TEST,
    TEST_BLOCKS,
    TUNING,
    VALIDATION,
    episode_seeds,
)
from policies import ChunkActor, ChunkPolicy, ChunkPolicyConfig
from tests.thorough import thoroughly

SEEDS = episode_seeds(TEST, 14)


def make_actor(
    world: World, objective: str, sampler: str, steps: int, width: int = 16
) -> ChunkActor:
    """A tiny policy with random weights and actions close to those of a resting hand."""
    config = ChunkPolicyConfig(
        world.task.obs_dim, world.task.act_dim, 2, 6, objective, width=width, depth=1
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        policy = ChunkPolicy(config)
        for parameter in policy.parameters():
            torch.nn.init.normal_(parameter, std=0.02)
    start = world.task.action(np.clip(START_POSTURE_RAD, world.task.hand.low, world.task.hand.high))
    policy.action_normalizer.fit(np.stack([start - 0.03, start + 0.03]))
    return ChunkActor(policy, 2, 4, sampler, steps)


POLICIES: dict[str, Callable[[World], Policy]] = {
    "expert": make_expert,
    "random": RandomPolicy,
    "bc": lambda world: make_actor(world, "bc", "direct", 1),
    "flow": lambda world: make_actor(world, "flow", "euler", 3),
    "wide flow": lambda world: make_actor(world, "flow", "euler", 2, width=256),
    "diffusion": lambda world: make_actor(world, "diffusion", "ddim", 4),
}


def run(task: str, policy: str, sims: int, threads: int, seeds: np.ndarray) -> list[Episode]:
    world = World(make_task(task), sims, threads)
    return rollout(world, POLICIES[policy](world), seeds, keep_trajectories=True)


def assert_same(first: list[Episode], second: list[Episode]) -> None:
    """Compare every number exactly."""
    for one, other in zip(first, second, strict=True):
        assert replace(one, trajectory=None) == replace(other, trajectory=None)
        assert one.trajectory is not None
        assert other.trajectory is not None
        for name, values in vars(one.trajectory).items():
            again = getattr(other.trajectory, name)
            assert (values.dtype, values.shape) == (again.dtype, again.shape)
            assert values.tobytes() == again.tobytes()


@pytest.mark.parametrize("policy", ["expert", "random", "flow", "diffusion"])
@pytest.mark.parametrize("task", thoroughly(["PressEither", "ReachPose"], always=["PressEither"]))
def test_rows_are_equal_for_any_number_of_simulations_and_threads(task: str, policy: str) -> None:
    seeds = SEEDS[:9]
    reference = run(task, policy, 20, 1, seeds)
    assert [episode.episode_seed for episode in reference] == seeds.tolist()
    for sims, threads in ((1, 1), (4, 2), (100, 2)):
        assert_same(run(task, policy, sims, threads, seeds), reference)
    assert_same(run(task, policy, 4, 1, seeds[::-1]), reference[::-1])


def test_rows_are_equal_in_a_batch_of_a_hundred_and_on_two_torch_threads() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        hundred = run("PressEither", "wide flow", 100, 2, episode_seeds(TEST, 100))
    finally:
        torch.set_num_threads(before)
    assert_same(run("PressEither", "wide flow", 7, 1, SEEDS), hundred[: len(SEEDS)])
    assert not any(episode.error for episode in hundred)


@pytest.mark.parametrize(
    ("policy", "nfe"), [("expert", 0), ("random", 0), ("bc", 1), ("flow", 3), ("diffusion", 4)]
)
def test_nfe_is_that_of_the_sampler(policy: str, nfe: int) -> None:
    for episode in run("PressEither", policy, 2, 1, SEEDS[:3]):
        assert episode.nfe == nfe
        assert episode.decisions == -(-episode.length // (1 if nfe == 0 else 4))


class Stub:
    """Actions that encode the decision and the position in the chunk; logs its windows."""

    def __init__(self, act_dim: int, obs_horizon: int, exec_horizon: int) -> None:
        self.act_dim, self.obs_horizon, self.exec_horizon = act_dim, obs_horizon, exec_horizon
        self.seeds: dict[int, int] = {}
        self.windows: dict[int, list[np.ndarray]] = {}

    def reset(self, rows: np.ndarray, episode_seeds: np.ndarray) -> None:
        for row, seed in zip(rows.tolist(), episode_seeds.tolist(), strict=True):
            self.seeds[row], self.windows[seed] = seed, []

    def act(self, rows: np.ndarray, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chunks = []
        for row, window in zip(rows.tolist(), observations, strict=True):
            log = self.windows[self.seeds[row]]
            chunks.append(self.chunk(len(log)))
            log.append(window.copy())
        return np.stack(chunks), np.full(len(rows), 2)

    def chunk(self, decision: int) -> np.ndarray:
        values = 0.001 * (10 * decision + np.arange(self.exec_horizon) + 1)
        return np.repeat(values[:, None], self.act_dim, axis=1).astype(np.float32)


@pytest.mark.parametrize("exec_horizon", [8, 3, 1])
def test_receding_horizon_follows_the_documented_timeline(exec_horizon: int) -> None:
    world = World(make_task("ReachPose"), 2, 1, horizon=20)
    stub = Stub(world.task.act_dim, 3, exec_horizon)
    episodes = rollout(world, stub, SEEDS[:5], keep_trajectories=True)
    for episode in episodes:
        seen, trajectory = stub.windows[episode.episode_seed], episode.trajectory
        assert trajectory is not None
        assert len(trajectory.observations) == episode.length + 1
        assert len(seen) == episode.decisions == -(-episode.length // exec_horizon)
        for decision, window in enumerate(seen):
            step = decision * exec_horizon
            rows = np.maximum(np.arange(step - 2, step + 1), 0)
            assert np.array_equal(window, trajectory.observations[rows])
        expected = np.concatenate([stub.chunk(decision) for decision in range(len(seen))])
        assert np.array_equal(trajectory.actions, expected[: episode.length])
        assert np.array_equal(trajectory.executed, trajectory.actions)
        assert episode.episode_return == pytest.approx(trajectory.rewards.sum())
        assert episode.nfe == 2.0


def test_success_time_and_mode_are_those_of_the_expert() -> None:
    world = World(make_task("PressEither"), len(SEEDS), 1)
    expert = make_expert(world)
    ended: list[int] = []
    episodes = rollout(
        world, expert, SEEDS, on_episode=lambda episode: ended.append(episode.episode_seed)
    )
    assert sorted(ended) == SEEDS.tolist()
    assert {episode.mode for episode in episodes} == {"index", "middle"}
    for row, episode in enumerate(episodes):
        assert episode.success
        assert episode.success_any
        assert episode.success_end
        assert episode.progress == 1.0
        assert episode.mode == world.task.modes[expert.mode[row]]
        assert episode.time_to_success_s == pytest.approx(episode.length * CONTROL_PERIOD_S)


class Square(Stub):
    """Actions quadratic in the control step, far from the target pose."""

    def chunk(self, decision: int) -> np.ndarray:
        return np.full((1, self.act_dim), -0.001 * decision**2, np.float32)


def test_smoothness_is_the_second_difference_of_commands() -> None:
    world = World(make_task("ReachPose"), 2, 1, horizon=20)
    for episode in rollout(world, Square(world.task.act_dim, 1, 1), SEEDS[:3]):
        assert episode.action_smoothness == pytest.approx(0.002, rel=1e-4)
        assert (episode.success, episode.time_to_success_s, episode.length) == (False, None, 20)


def test_playback_repeats_disturbed_episodes_bit_for_bit() -> None:
    world = World(make_task("ReachPose"), 4, 1)
    episodes = rollout(
        world,
        make_expert(world),
        SEEDS[:6],
        disturbance=CommandNoise(world),
        keep_trajectories=True,
    )
    recordings = {
        episode.episode_seed: episode.trajectory.executed
        for episode in episodes
        if episode.trajectory is not None
    }
    again = rollout(world, Playback(world, recordings), SEEDS[:6], keep_trajectories=True)
    for episode, replay in zip(episodes, again, strict=True):
        assert episode.trajectory is not None
        assert replay.trajectory is not None
        assert not np.array_equal(episode.trajectory.actions, episode.trajectory.executed)
        assert np.array_equal(episode.trajectory.observations, replay.trajectory.observations)
        assert episode.episode_return == replay.episode_return


FAILING_SEED = int(SEEDS[1])


class FailingPolicy(Stub):
    """Fails at decision 1 of one episode."""

    def __init__(self, act_dim: int, how: str) -> None:
        super().__init__(act_dim, 2, 4)
        self.how = how

    def act(self, rows: np.ndarray, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        actions, nfe = super().act(rows, observations)
        for k, row in enumerate(rows.tolist()):
            if self.seeds[row] == FAILING_SEED and len(self.windows[FAILING_SEED]) == 2:
                if self.how == "raise":
                    raise ZeroDivisionError("out of luck")
                if self.how == "shape":
                    return actions[:, :-1], nfe
                actions[k, 1, 0] = {"nan": np.nan, "infinity": np.inf}[self.how]
        return actions, nfe


@pytest.mark.parametrize(
    ("how", "sims", "message"),
    [
        ("raise", 1, "ZeroDivisionError: out of luck"),
        ("shape", 1, r"returned actions (1, 3, 14), not (1, 4, 14)"),
        ("nan", 1, "the policy returned NaN or infinity"),
        ("nan", 3, "the policy returned NaN or infinity"),
        ("infinity", 3, "the policy returned NaN or infinity"),
    ],
)
def test_failing_policy_is_a_counted_failure_and_others_continue(
    how: str, sims: int, message: str
) -> None:
    world = World(make_task("ReachPose"), sims, 1, horizon=20)
    act_dim = world.task.act_dim
    expected = rollout(world, Stub(act_dim, 2, 4), SEEDS[:5], keep_trajectories=True)
    episodes = rollout(world, FailingPolicy(act_dim, how), SEEDS[:5], keep_trajectories=True)
    failed = episodes.pop(1)
    assert_same(episodes, expected[:1] + expected[2:])
    assert failed.episode_seed == FAILING_SEED
    assert message in failed.error
    assert (failed.success, failed.length, failed.progress) == (False, 4, 0.0)


@pytest.mark.parametrize("how", ["raise", "shape"])
def test_failing_call_fails_all_rows_of_the_call(how: str) -> None:
    world = World(make_task("ReachPose"), 3, 1, horizon=20)
    expected = rollout(world, Stub(world.task.act_dim, 2, 4), SEEDS[:5], keep_trajectories=True)
    episodes = rollout(
        world, FailingPolicy(world.task.act_dim, how), SEEDS[:5], keep_trajectories=True
    )
    assert all(episode.error and not episode.success for episode in episodes[:3])
    assert_same(episodes[3:], expected[3:])


class Divergence:
    """Makes the simulation of one episode diverge at control step 3."""

    def __init__(self, world: World) -> None:
        self.world = world

    def reset(self, rows: np.ndarray, episode_seeds: np.ndarray) -> None: ...

    def disturb(self, rows: np.ndarray, steps: np.ndarray, actions: np.ndarray) -> np.ndarray:
        row = rows[(self.world.episode_seeds[rows] == FAILING_SEED) & (steps == 3)]
        self.world.batch.bind("qvel")[row] = 1e9
        return actions


def test_diverging_simulation_is_a_counted_failure_and_others_continue() -> None:
    world = World(make_task("ReachPose"), 3, 2, horizon=20)
    stub = Stub(world.task.act_dim, 1, 4)
    expected = rollout(world, stub, SEEDS[:5], keep_trajectories=True)
    assert not any(episode.sim_unstable for episode in expected)
    episodes = rollout(
        world, stub, SEEDS[:5], disturbance=Divergence(world), keep_trajectories=True
    )
    failed = episodes.pop(1)
    assert_same(episodes, expected[:1] + expected[2:])
    assert failed.sim_unstable
    assert not failed.success
    assert (failed.error, failed.length, failed.progress, failed.mode) == ("", 4, 0.0, "")


def test_the_horizon_of_the_world_is_used() -> None:
    task = make_task("ReachPose")
    for horizon in (5, task.horizon + 5):
        world = World(task, 2, 1, horizon=horizon)
        noise = CommandNoise(world)
        episodes = rollout(
            world, RandomPolicy(world), SEEDS[:3], disturbance=noise, keep_trajectories=True
        )
        assert [episode.length for episode in episodes] == [horizon] * 3


@pytest.mark.parametrize("name", ["ReachPose", "PressEither", "TurnDial"])
def test_every_start_of_the_second_block_differs_from_all_of_the_first(name: str) -> None:
    world = World(make_task(name), 200)
    seeds = [episode_seeds(block, 100) for block in (TEST, SECOND_TEST)]
    world.reset(world.all_rows, np.concatenate(seeds))
    starts = world.observe(world.all_rows)
    assert len(np.unique(starts, axis=0)) == 200


def test_repeated_seeds_are_rejected_and_no_seeds_give_no_rows() -> None:
    world = World(make_task("ReachPose"), 2, 1)
    with pytest.raises(ValueError, match=r"Episode seeds repeat; each episode is counted once\."):
        rollout(world, RandomPolicy(world), np.array([1, 2, 1]))
    assert rollout(world, RandomPolicy(world), np.array([])) == []


def test_seed_ranges_do_not_overlap() -> None:
    assert episode_seeds(TEST, 3).tolist() == [3_000_000, 3_000_001, 3_000_002]
    assert episode_seeds(SECOND_TEST, 3).tolist() == [4_000_000, 4_000_001, 4_000_002]
    assert {1: TEST, 2: SECOND_TEST} == TEST_BLOCKS
    ranges = [TUNING, DEMONSTRATION, VALIDATION, TEST, SECOND_TEST]
    assert sorted(ranges) == ranges
    for first, following in itertools.pairwise(ranges):
        assert episode_seeds(first, RANGE_SIZE)[-1] < following
    for count in (0, 1_000_001):
        with pytest.raises(ValueError, match="give 1 to 1000000"):
            episode_seeds(TEST, count)
