"""Small policies with random weights, one for every objective and network."""

import torch
from torch import nn

from policies.catalogue import BACKBONES, POLICIES
from policies.chunk_policy import ChunkPolicy
from policies.chunk_policy_config import ChunkPolicyConfig

OBS_DIM, ACT_DIM, PRED_HORIZON = 9, 5, 6
WEIGHT_STD = 0.05
MOST_STEPS = 3
"""Steps of samplers that take any number."""


def small_policy(objective: str, backbone: str = "mlp", **fields: object) -> ChunkPolicy:
    """Return a policy in evaluation mode; no weight is zero, no normaliser the identity."""
    values = {"obs_dim": OBS_DIM, "act_dim": ACT_DIM, "pred_horizon": PRED_HORIZON, **fields}
    config = ChunkPolicyConfig(
        objective=objective,
        backbone=backbone,
        width=16,
        depth=1,
        **values,  # type: ignore[arg-type]
    )
    generator = torch.Generator().manual_seed(0)
    policy = ChunkPolicy(config).eval()
    for parameter in policy.parameters():
        nn.init.normal_(parameter, std=WEIGHT_STD, generator=generator)
    observations = 3 * torch.randn(50, config.agent_dim, generator=generator) + 1
    actions = torch.rand(50, ACT_DIM, generator=generator) * 1.5 - 0.5
    policy.fit_normalizers(observations, actions)
    return policy


def sampler_cases() -> list[tuple[str, str, int]]:
    """Return every objective with a network, with each of its samplers of fixed steps."""
    return [
        (objective, sampler, min(limits.default, max(MOST_STEPS, limits.lowest)))
        for objective, entry in POLICIES.items()
        for sampler, limits in entry.limits.items()
        if entry.trains and not limits.adaptive
    ]


def all_cases() -> list[tuple[str, str, str, int]]:
    """Return the same with every network: objective, backbone, sampler, steps."""
    return [(o, backbone, s, n) for o, s, n in sampler_cases() for backbone in BACKBONES]


def inputs(policy: ChunkPolicy, rows: int, shape: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
    """Return windows, of which some numbers are clipped, and noise if `shape` is not empty."""
    generator = torch.Generator().manual_seed(rows)
    config = policy.config
    window = 8 * torch.randn(rows, config.obs_horizon, config.obs_dim, generator=generator)
    return (window, torch.randn(rows, *shape, generator=generator)) if shape else (window,)
