"""Time one decision with the plan of a network and with the network itself, at batch 1."""

from functools import partial

import torch
from torch import nn

from envs.registry import make_task
from fmbench.config import RunConfig
from policies import ChunkPolicy, ChunkPolicyConfig
from policies.backbones import BACKBONES, CONDITIONINGS, DEFAULT_CONDITIONING
from policies.backbones.sizes import network_size
from policies.fast_network import FastNetwork
from policies.threads import one_thread
from tests.benchmarks.interleaved import in_turn, ratio, spread, timed
from tests.benchmarks.report import Row

CONFIG, TASK = RunConfig(), make_task("LiftCube")
SAMPLER, STEPS = "euler", 10
ROUNDS, DECISIONS = 31, 20
LIMITS = {"mlp": 0.4, "unet": 0.4}
"""Time of a decision in times of the naive loop's, with the backbone's own conditioning."""


def measure() -> list[Row]:
    """Return both times and their ratio for every backbone and conditioning."""
    with one_thread(), torch.inference_mode():
        return [row for name in BACKBONES for how in CONDITIONINGS for row in _compare(name, how)]


def _policy(backbone: str, conditioning: str) -> ChunkPolicy:
    """Return a policy of the small size, with all of its weights at work."""
    condition_dim = CONFIG.obs_horizon * TASK.obs_dim
    dims = (TASK.act_dim, CONFIG.pred_horizon, condition_dim)
    width, depth = network_size(backbone, "small", conditioning, *dims)
    config = ChunkPolicyConfig(
        TASK.obs_dim,
        TASK.act_dim,
        CONFIG.obs_horizon,
        CONFIG.pred_horizon,
        backbone=backbone,
        width=width,
        depth=depth,
        conditioning=conditioning,
    )
    with torch.inference_mode(False), torch.random.fork_rng():
        torch.manual_seed(0)
        policy = ChunkPolicy(config).eval()
        for parameter in policy.network.parameters():
            nn.init.normal_(parameter, std=0.03)
    return policy


def _compare(backbone: str, conditioning: str) -> list[Row]:
    policy, fast = _policy(backbone, conditioning), FastNetwork()
    shape, generator = policy.objective.chunk_shape, torch.Generator().manual_seed(0)
    condition = torch.randn(1, policy.encoder.condition_dim, generator=generator)
    start = torch.randn(1, *shape, generator=generator)
    sampling = partial(policy.objective.sample, sampler=SAMPLER, steps=STEPS)

    def naive() -> torch.Tensor:
        return sampling(policy.network, condition, lambda: start)

    def planned() -> torch.Tensor:
        network = fast.prepare(policy.network, condition, (), sampling, shape)
        return sampling(network, condition, lambda: start)

    torch.testing.assert_close(planned(), naive(), atol=1e-5, rtol=0)
    alternatives = {"naive loop": naive, "plan": planned}
    times = in_turn(
        {
            name: timed(lambda decide=decide: [decide() for _ in range(DECISIONS)])  # type: ignore[misc]
            for name, decide in alternatives.items()
        },
        ROUNDS,
    )
    own = conditioning == DEFAULT_CONDITIONING[backbone]
    rows = [
        Row(f"{backbone}, {conditioning}, {name}", spread(1e3 * each.wall / DECISIONS), 2, "ms")
        for name, each in times.items()
    ]
    return [
        *rows,
        Row(
            f"{backbone}, {conditioning}, plan over naive loop",
            ratio(times["plan"].wall, times["naive loop"].wall),
            limit=LIMITS.get(backbone) if own else None,
        ),
    ]
