"""Compare environments of stable-baselines3, stepped as one batch and as processes."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import gymnasium
import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecMonitor

import fmbench  # noqa: F401  registers the ids
from envs.registry import goal_id, make_task
from fmbench.rl.vec_env import make_sb3_envs
from tests.benchmarks.interleaved import Duration, Stopwatch, Timed, in_turn, ratio, spread
from tests.benchmarks.report import Row, describe_machine, run_alone

TASK, COUNT, STEPS, ROUNDS = "LiftCube", 8, 150, 7
LEAST = 2.5
PACKAGES = ("mujoco", "numpy", "gymnasium", "stable-baselines3")


def make_single() -> gymnasium.Env:
    """Return one environment, as stable-baselines3's `make_vec_env` does in each process."""
    return Monitor(gymnasium.make(goal_id(TASK)))


def measure() -> Iterator[Row]:
    """Yield the steps per second of each kind, and their ratios; all do the same episodes."""
    rng = np.random.default_rng(0)
    shape = (STEPS, COUNT, make_task(TASK).act_dim)
    actions = rng.uniform(-1.0, 1.0, shape).astype(np.float32)
    kinds: dict[str, VecEnv] = {
        "SB3VecEnv": VecMonitor(make_sb3_envs(goal_id(TASK), COUNT)),
        "SubprocVecEnv": SubprocVecEnv([make_single] * COUNT),
        "DummyVecEnv": DummyVecEnv([make_single] * COUNT),
    }
    expected = _loop(kinds["SB3VecEnv"], actions)()
    loops = {name: _checked(envs, _loop(envs, actions), expected) for name, envs in kinds.items()}
    times = in_turn(loops, ROUNDS)
    for envs in kinds.values():
        envs.close()
    steps = STEPS * COUNT
    for name in kinds:
        yield Row(f"{name}, {COUNT} environments", spread(steps / times[name].wall), 0, "steps/s")
    ours = times["SB3VecEnv"]
    for name, least in (("SubprocVecEnv", LEAST), ("DummyVecEnv", None)):
        what = f"SB3VecEnv over {name}, steps/s; and processor time of {name} over SB3VecEnv"
        cpu = ratio(times[name].cpu, ours.cpu)
        yield Row(what, ratio(times[name].wall, ours.wall), cpu=cpu, least=least)


def _loop(envs: VecEnv, actions: np.ndarray) -> Callable[[], float]:
    """Return a function that steps all environments, and returns the sum of rewards and goals."""

    def run() -> float:
        envs.seed(7)
        observations = envs.reset()
        total = 0.0
        for each in actions:
            observations, rewards, _, _ = envs.step(each)
            total += float(np.sum(rewards)) + float(np.sum(observations["achieved_goal"][:, 2]))
        return total

    return run


def _checked(envs: VecEnv, loop: Callable[[], float], expected: float) -> Timed:
    """Time a loop, and check that it did the same episodes as the others."""

    def run() -> Duration:
        before = _processes_s(envs)
        with Stopwatch() as watch:
            total = loop()
        if abs(total - expected) > 1e-3:
            raise RuntimeError("the environments did different episodes")
        return watch.duration + Duration(0.0, _processes_s(envs) - before)

    return run


def _processes_s(envs: VecEnv) -> float:
    """Return the processor time of the processes of environments, if they have some [s] (Linux)."""
    ticks = 0
    for process in getattr(envs, "processes", []):
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def machine(load: float) -> str:
    """Return the machine, and what was done."""
    return f"{describe_machine(load, PACKAGES)} {STEPS} control steps with random actions a round."


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    title = f"Environments for stable-baselines3: {TASK}Goal"
    sys.exit(run_alone("vec_envs", title, measure, machine))
