"""Compare the harness with loops over Gymnasium environments, on the same episodes."""

from collections.abc import Callable

import gymnasium
import numpy as np
from gymnasium.vector import VectorEnv

from envs.episode_streams import episode_generator
from envs.registry import make_task, task_id
from envs.world import World
from fmbench.harness.open_loop import RandomPolicy
from fmbench.harness.rollout import rollout
from fmbench.harness.seeds import TEST, episode_seeds
from tests.benchmarks.interleaved import Timed, in_turn, ratio, timed
from tests.benchmarks.report import Row

TASK, EPISODES, ROUNDS = "LiftCube", 40, 3
WORKERS = (2, 4, 8)  # divisors of EPISODES
SEEDS = episode_seeds(TEST, EPISODES)


def measure() -> list[Row]:
    """Return one row per loop: the ratio of its time to the harness's."""
    task = make_task(TASK)
    shape = (task.horizon, task.act_dim)
    drawn = [episode_generator(task, seed, "random_policy") for seed in SEEDS.tolist()]
    actions = np.stack([rng.uniform(-1.0, 1.0, shape).astype(np.float32) for rng in drawn])
    expected = _harness()
    loops: dict[str, Callable[[], float]] = {
        "one environment, episode by episode": _single(actions)
    }
    vectors = {f"AsyncVectorEnv, {n} workers": _vector(n, "async") for n in WORKERS}
    vectors["make_vec, 40 environments"] = _vector(EPISODES, "vector_entry_point")
    loops |= {name: _lockstep(env, actions) for name, env in vectors.items()}
    alternatives = {name: _checked(loop, expected) for name, loop in loops.items()}
    alternatives["harness"] = _checked(_harness, expected)
    times = in_turn(alternatives, ROUNDS)
    for env in vectors.values():
        env.close()
    harness = times["harness"]
    return [
        Row(
            f"{name}, over the harness",
            ratio(times[name].wall, harness.wall),
            cpu=None if "Async" in name else ratio(times[name].cpu, harness.cpu),
        )
        for name in loops
    ]


def _checked(loop: Callable[[], float], expected: float) -> Timed:
    """Time a loop, and check by the sum of rewards that it ran the harness's episodes."""

    def run() -> None:
        if abs(loop() - expected) > 1e-6 * abs(expected):
            raise RuntimeError("the loops ran different episodes; their ratio is meaningless")

    return timed(run)


def _harness() -> float:
    world = World(make_task(TASK), EPISODES)
    return sum(episode.episode_return for episode in rollout(world, RandomPolicy(world), SEEDS))


def _single(actions: np.ndarray) -> Callable[[], float]:
    env = gymnasium.make(task_id(TASK))

    def run() -> float:
        total = 0.0
        for seed, episode in zip(SEEDS.tolist(), actions, strict=True):
            env.reset(seed=seed)
            for action in episode:
                _, reward, terminated, truncated, _ = env.step(action)
                total += float(reward)
                if terminated or truncated:
                    break
        return total

    return run


def _vector(num_envs: int, mode: str) -> VectorEnv[np.ndarray, np.ndarray, np.ndarray]:
    return gymnasium.make_vec(task_id(TASK), num_envs=num_envs, vectorization_mode=mode)


def _lockstep(
    env: VectorEnv[np.ndarray, np.ndarray, np.ndarray], actions: np.ndarray
) -> Callable[[], float]:
    """Run groups of episodes in lockstep; with random actions all of them last the horizon."""
    n = env.num_envs

    def run() -> float:
        total = 0.0
        for first in range(0, EPISODES, n):
            env.reset(seed=SEEDS[first : first + n].tolist())
            for step in range(actions.shape[1]):
                total += float(env.step(actions[first : first + n, step])[1].sum())
        return total

    return run
