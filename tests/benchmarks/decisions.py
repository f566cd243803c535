"""Time decisions at batch 1 with every sampler, and sampler steps without the network."""

import time

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from torch import Tensor

from envs.registry import make_task
from fmbench.config import RunConfig
from policies import ChunkActor, ChunkPolicy, ChunkPolicyConfig
from policies.catalogue import DIFFUSION_STEPS, POLICIES, SAMPLERS
from policies.latency import measure_latency
from policies.objectives.base import Objective
from policies.threads import one_thread
from tests.benchmarks.interleaved import ratio, spread
from tests.benchmarks.report import Row
from tests.benchmarks.training import random_windows

CONFIG = RunConfig()
ROUNDS, STEPS_PER_ROUND, CALLS = 15, 2000, 100
LIMITS_US = {"euler": 5.0, "ddpm": 20.0, "ddim": 20.0}
SCHEDULERS = {"ddpm": DDPMScheduler, "ddim": DDIMScheduler}
"""Our samplers and the schedulers of diffusers that take the same steps."""
LEAST_RATIO = 5.0
CELLS = [
    (objective, sampler, limits.default)
    for objective in POLICIES
    for sampler, limits in POLICIES[objective].limits.items()
]


def measure() -> list[Row]:
    """Return each sampler's time per step without the network, and percentiles of a decision."""
    with_network = [cell for cell in CELLS if POLICIES[cell[0]].trains]
    per_step: dict[str, list[float]] = {sampler: [] for _, sampler, _ in with_network}
    theirs: dict[str, list[float]] = {sampler: [] for sampler in SCHEDULERS}
    for _ in range(ROUNDS):
        for objective, sampler, steps in with_network:
            built = _policy(objective).objective
            per_step[sampler].append(_step_us(built, sampler, steps))
            if sampler in SCHEDULERS:
                theirs[sampler].append(_scheduler_step_us(built, sampler, steps))
    rows = [
        Row(
            f"{_label(sampler)} outside the network, noise drawn included",
            spread(np.array(values)),
            1,
            "us",
            limit=LIMITS_US.get(sampler),
        )
        for sampler, values in per_step.items()
    ]
    rows += [
        Row(
            f"{sampler} over {SCHEDULERS[sampler].__name__} of diffusers, outside the network",
            ratio(np.array(per_step[sampler]), np.array(values)),
            3,
            limit=1 / LEAST_RATIO,
        )
        for sampler, values in theirs.items()
    ]
    return rows + [row for cell in CELLS for row in _latency(*cell)]


def _label(sampler: str) -> str:
    """Return a sampler's name with the unit of its time."""
    return f"{sampler}, per {'evaluation' if SAMPLERS[sampler].limits.adaptive else 'step'}"


def _policy(objective: str) -> ChunkPolicy:
    task = make_task("LiftCube")
    horizons = (CONFIG.obs_horizon, CONFIG.pred_horizon)
    config = ChunkPolicyConfig(task.obs_dim, task.act_dim, *horizons, objective, width=256, depth=3)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        policy = ChunkPolicy(config).eval()
    if not policy.objective.trains:
        windows = random_windows()
        policy.memorise(
            windows.observations,
            windows.actions,
            windows.observation_index,
            windows.action_index,
        )
    return policy


def _step_us(objective: Objective, sampler: str, steps: int) -> float:
    """Return the time of one step [us] with a network that does nothing.

    For an adaptive sampler, which has no fixed steps, it is the time of one evaluation.
    """
    generator = torch.Generator().manual_seed(0)
    shape = (1, *objective.chunk_shape)
    outputs = objective.outputs_per_action(shape[-1])
    output, condition = torch.zeros((*shape[:2], outputs)), torch.zeros(1, 1)
    evaluations = 0

    def network(noisy_actions: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        del noisy_actions, t, condition
        return output

    def counting(noisy_actions: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        nonlocal evaluations
        evaluations += 1
        return output

    def noise() -> Tensor:
        return torch.randn(shape, generator=generator)

    with one_thread(), torch.inference_mode():
        objective.sample(counting, condition, noise, sampler, steps)
        units = steps or evaluations
        calls = max(1, STEPS_PER_ROUND // units)
        start = time.perf_counter()
        for _ in range(calls):
            objective.sample(network, condition, noise, sampler, steps)
        return 1e6 * (time.perf_counter() - start) / (calls * units)


def _scheduler_step_us(objective: Objective, sampler: str, steps: int) -> float:
    """Return the time of one step [us] of a diffusers scheduler with the same network."""
    scheduler = SCHEDULERS[sampler](
        num_train_timesteps=DIFFUSION_STEPS,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="sample",
        timestep_spacing="trailing",
    )
    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(0)
    shape = (1, *objective.chunk_shape)
    output = torch.zeros(shape)

    def sample() -> None:
        x_t = torch.randn(shape, generator=generator)
        for k in scheduler.timesteps:
            x_t = scheduler.step(output, k, x_t, generator=generator).prev_sample

    calls = max(1, STEPS_PER_ROUND // (4 * steps))
    with one_thread(), torch.inference_mode():
        sample()
        start = time.perf_counter()
        for _ in range(calls):
            sample()
        return 1e6 * (time.perf_counter() - start) / (calls * steps)


def _latency(objective: str, sampler: str, steps: int) -> list[Row]:
    """Return median and 95th percentile of a decision, each with its spread over rounds."""
    policy = _policy(objective)
    actor = ChunkActor(policy, CONFIG.obs_horizon, CONFIG.exec_horizon, sampler, steps)
    rounds = [1e3 * measure_latency(actor, policy.config.obs_dim, CALLS) for _ in range(5)]
    name = f"{objective}, {sampler}, steps: {steps or 'adaptive'}, one decision"
    return [
        Row(f"{name}, {label}", spread(np.array([np.percentile(r, q) for r in rounds])), 2, "ms")
        for label, q in (("median", 50), ("95th percentile", 95))
    ]
