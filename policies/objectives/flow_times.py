"""Distributions of the flow time t in training."""

from collections.abc import Callable

import torch
from torch import Tensor

from policies.registry import lookup

LATEST_BETA_TIME = 0.999
"""The `s` of pi0: the latest time in training; the last step of a sampler starts before it."""
BETA_EXPONENT = 1.5
"""The `a` of pi0's `Beta(a, 1)`."""

Draw = Callable[[Tensor, torch.Generator], Tensor]


def draw_times(sampling: str, actions: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one time per chunk, without waiting for a device.

    Args:
        sampling: A key of `TIME_SAMPLINGS`.
        actions: Chunks `(B, pred_horizon, act_dim)`; only their number, dtype and device are used.
        generator: The only source of randomness, on any device.

    Returns:
        `(B,)` in [0, 1], 0 = noise.

    Raises:
        ValueError: The sampling is unknown.
    """
    return lookup("time_sampling", sampling, TIME_SAMPLINGS)(actions, generator).to(actions.device)


def _uniform(actions: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(
        len(actions), dtype=actions.dtype, generator=generator, device=generator.device
    )


def _logit_normal(actions: Tensor, generator: torch.Generator) -> Tensor:
    normal = torch.randn(
        len(actions), dtype=actions.dtype, generator=generator, device=generator.device
    )
    # Esser et al. 2024 (arXiv 2403.03206), eq. 19 with m = 0, s = 1: logit(t) is standard normal
    return normal.sigmoid()


def _beta(actions: Tensor, generator: torch.Generator) -> Tensor:
    # Black et al. 2024 (arXiv 2410.24164), appendix B: (s - t) / s ~ Beta(1.5, 1), t = 0 noise
    # as here. Beta(a, 1) has the distribution function x^a, hence x = u^(1/a).
    x = _uniform(actions, generator) ** (1 / BETA_EXPONENT)
    return LATEST_BETA_TIME * (1 - x)


TIME_SAMPLINGS: dict[str, Draw] = {
    "uniform": _uniform,
    "logit_normal": _logit_normal,
    "beta": _beta,
}
