"""Time rollouts with delayed decisions, and guided chunks against plain ones."""

from functools import partial

import numpy as np
import torch

from envs.registry import make_task
from envs.world import World
from fmbench.config import RunConfig
from fmbench.harness.chunks import Delay
from fmbench.harness.rollout import rollout
from fmbench.harness.seeds import VALIDATION, episode_seeds
from policies import ChunkActor, ChunkPolicy, ChunkPolicyConfig
from policies.actor import INFERENCE_ROWS
from policies.latency import measure_latency
from tests.benchmarks.interleaved import Duration, in_turn, ratio, timed
from tests.benchmarks.report import Row

TASK, EPISODES, ROUNDS, CALLS = "ReachPose", 64, 9, 40
CONFIG = RunConfig()
HARNESS_LIMIT, GUIDED_LIMIT = 1.05, 2.2
STEPS = 10


def measure() -> list[Row]:
    """Return ratios of a delayed to a plain rollout, and of guided to plain chunks."""
    return [_harness(), *_guided("mlp"), *_guided("unet", False), *_guided("dit", False)]


def _policy(objective: str, backbone: str = "mlp") -> ChunkPolicy:
    task = make_task(TASK)
    torch.manual_seed(0)
    policy = ChunkPolicy(
        ChunkPolicyConfig(task.obs_dim, task.act_dim, objective=objective, backbone=backbone)
    )
    policy.action_normalizer.fit(np.outer([-0.02, 0.02], np.ones(task.act_dim)))
    return policy.eval()


def _actor(
    objective: str, execution: str, delay: int, length: int, backbone: str = "mlp"
) -> ChunkActor:
    sampler, steps = ("euler", STEPS) if objective == "flow" else (None, None)
    return ChunkActor(
        *(_policy(objective, backbone), CONFIG.obs_horizon, CONFIG.exec_horizon, sampler, steps),
        chunk_length=length,
        execution=execution,
        delay=delay,
    )


def _harness() -> Row:
    """Compare rollouts of an untrained policy, whose episodes all last until the end."""
    world, seeds = World(make_task(TASK), EPISODES, 1), episode_seeds(VALIDATION, EPISODES)
    actors = {delay: _actor("bc", "hold", delay, 8 if not delay else 13) for delay in (0, 4)}

    def run(delay: int) -> None:
        chosen = Delay(delay, actors[delay].chunk_length)
        rollout(world, actors[delay], seeds, delay=chosen)

    times = in_turn({str(delay): timed(partial(run, delay)) for delay in actors}, ROUNDS)
    return Row(
        f"a rollout with a delay of 4 steps over one without, bc on {TASK}",
        ratio(times["4"].wall, times["0"].wall),
        cpu=ratio(times["4"].cpu, times["0"].cpu),
        limit=HARNESS_LIMIT,
    )


def _guided(backbone: str, is_alone: bool = True) -> list[Row]:
    """Compare chunks that continue others with plain ones, in an evaluation's batch and alone."""
    executions = ("hold", "rtc", "rtc_identity")
    actors = {name: _actor("flow", name, 4, 13, backbone) for name in executions}
    agent_dim, rows = make_task(TASK).obs_dim, np.arange(INFERENCE_ROWS)
    windows = np.random.default_rng(0).standard_normal(
        (INFERENCE_ROWS, CONFIG.obs_horizon, agent_dim), dtype=np.float32
    )

    def alone(name: str) -> Duration:
        median = float(np.median(measure_latency(actors[name], agent_dim, CALLS, 5)))
        return Duration(median, median)

    def batch(name: str) -> None:
        for _ in range(3):
            actors[name].act(rows, windows)

    for name in executions:
        actors[name].reset(rows, rows)
    sizes = {}
    if is_alone:
        sizes[1] = in_turn({name: partial(alone, name) for name in executions}, ROUNDS)
    many = in_turn({name: timed(partial(batch, name)) for name in executions}, ROUNDS)
    return [
        Row(
            f"{name} over hold, flow with {STEPS} steps, {backbone}, batch {size}",
            ratio(times[name].wall, times["hold"].wall),
            limit=GUIDED_LIMIT,
        )
        for size, times in {**sizes, INFERENCE_ROWS: many}.items()
        for name in executions[1:]
    ]
