"""Noise schedules of diffusion, and conversions between prediction types.

Every path is `x_t = alpha * actions + sigma * noise`. Diffusion preserves variance:
`alpha = sqrt(alphas_cumprod[k])`, `sigma = sqrt(1 - alphas_cumprod[k])`, with k = 0 next to the
data. A flow is straight: `alpha = t`, `sigma = 1 - t`, with t = 1 at the data. A network may
predict the clean chunk ("sample"), the noise ("epsilon"), `v` (diffusion) or the velocity (flow);
given `x_t`, each of them determines the others. The ends of a path are the exception: pure noise
does not determine the chunk, and pure data do not determine the noise. There the undetermined
quantity is set to 0, its mean, so that all conversions are finite and consistent.

Scalars of the conversions are floats or tensors that broadcast against `x_t`. Schedules are
computed on the CPU, also while a policy is built without values to count its weights: torch would
load 800 modules to do that for a cumulative product, 1 s.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

import torch
from torch import Tensor

from policies.catalogue import POLICIES
from policies.registry import unknown_name

Scalar: TypeAlias = float | Tensor

MAX_BETA = 0.999
"""Nichol & Dhariwal 2021, section 3.2: betas are clipped to avoid a singularity at pure noise."""
COSINE_OFFSET = 0.008
"""The `s` of equation 17: keeps the betas near the data from being too small."""
DIFFUSION_PREDICTIONS = POLICIES["diffusion"].predictions
LINEAR_BETAS = (1e-4, 0.02)
"""Ho et al. 2020, section 4: first and last beta of their 1,000 steps."""
LINEAR_STEPS = 1000


def cosine_alpha_bar(u: float) -> float:
    """Return the cumulative signal power at `u` in [0, 1], 0 = data, up to a constant factor."""
    # Nichol & Dhariwal 2021 (arXiv 2102.09672), eq. 17: f(u) = cos((u + s) / (1 + s) * pi / 2)^2
    return math.cos((u + COSINE_OFFSET) / (1 + COSINE_OFFSET) * math.pi / 2) ** 2


def cosine_betas(steps: int) -> Tensor:
    """Return the betas `(steps,)` of the cosine schedule in float64, for k = 0 .. steps - 1."""
    if steps < 1:
        raise ValueError(f"steps is {steps}; a noise schedule has at least 1 step")
    # eq. 17: beta_k = 1 - alpha_bar(k) / alpha_bar(k - 1), clipped.
    betas = [
        min(1 - cosine_alpha_bar((k + 1) / steps) / cosine_alpha_bar(k / steps), MAX_BETA)
        for k in range(steps)
    ]
    return torch.tensor(betas, dtype=torch.float64, device="cpu")


def linear_betas(steps: int) -> Tensor:
    """Return the betas `(steps,)` of the linear schedule in float64, for k = 0 .. steps - 1.

    Ho et al. 2020 (arXiv 2006.11239) use 1,000 steps. With fewer steps every beta is scaled up in
    proportion, as in Nichol & Dhariwal's code, so that the last step is still almost pure noise: at
    100 steps 2.0e-5 of the signal power is left, 4.0e-5 in the original.

    Raises:
        ValueError: With so few steps a beta would be 1 or more.
    """
    scale = LINEAR_STEPS / max(steps, 1)
    first, last = (scale * beta for beta in LINEAR_BETAS)
    if steps < 1 or last >= 1:
        least = int(LINEAR_STEPS * LINEAR_BETAS[1]) + 1
        raise ValueError(f"steps is {steps}; a linear schedule has at least {least} steps")
    # Ho et al. 2020, section 4: "linearly from beta_1 to beta_T"
    return torch.linspace(first, last, steps, dtype=torch.float64, device="cpu")


SCHEDULES: dict[str, Callable[[int], Tensor]] = {"cosine": cosine_betas, "linear": linear_betas}
"""Name to a function of the number of steps that returns the betas."""


def alphas_cumprod(betas: Tensor) -> Tensor:
    """Return the signal power after each step, `prod_{j <= k} (1 - beta_j)`, `(steps,)`."""
    return torch.cumprod(1 - betas, dim=0)


def _divide(numerator: Tensor, denominator: Scalar, fallback: Tensor) -> Tensor:
    """Return `numerator / denominator`, and `fallback` where the denominator is 0."""
    if isinstance(denominator, Tensor):
        is_zero = denominator == 0
        return torch.where(is_zero, fallback, numerator / denominator.masked_fill(is_zero, 1.0))
    return numerator / denominator if denominator else fallback


def v_from_sample(sample: Tensor, x_t: Tensor, alpha: Scalar, sigma: Scalar) -> Tensor:
    """Return `v = alpha * epsilon - sigma * sample` (Salimans & Ho 2022, appendix D).

    The path must preserve variance; at pure data, where sigma = 0, the result is 0.
    """
    return _divide(alpha * x_t - sample, sigma, torch.zeros_like(x_t))


def velocity_from_sample(sample: Tensor, x_t: Tensor, t: Scalar) -> Tensor:
    """Return the velocity `actions - noise` of the straight path; `sample` at the data, t = 1."""
    return _divide(sample - x_t, 1 - t, sample)


class PredictionCoefficients(NamedTuple):
    """Coefficients that convert a diffusion network's output to sample and epsilon.

    `sample = sample_x * x_t + sample_output * output`, and likewise for epsilon.
    """

    sample_x: float
    sample_output: float
    epsilon_x: float
    epsilon_output: float


class ToSample(Protocol):
    """Coefficients of the clean chunk, as in `PredictionCoefficients`."""

    @property
    def sample_x(self) -> float:
        """That of `x_t`; 0 if the network predicts the chunk itself, whose coefficient is 1."""

    @property
    def sample_output(self) -> float:
        """That of the network's output."""


def predicted_sample(c: ToSample, output: Tensor, x_t: Tensor, clip: bool) -> Tensor:
    """Return the clean chunk that a network's output at `x_t` predicts.

    Args:
        c: The coefficients at the diffusion step of `x_t`.
        output: The network's output `(B, pred_horizon, act_dim)`.
        x_t: The point, like `output`.
        clip: Whether to clip the chunk to [-1, 1].
    """
    sample = output
    if c.sample_x:
        sample = torch.add(c.sample_output * output, x_t, alpha=c.sample_x)
    return sample.clamp(-1.0, 1.0) if clip else sample


def prediction_coefficients(prediction: str, alpha: float, sigma: float) -> PredictionCoefficients:
    """Return the coefficients at one diffusion step, so that samplers need no branches.

    Args:
        prediction: One of `DIFFUSION_PREDICTIONS`.
        alpha: Signal amplitude, above 0.
        sigma: Noise amplitude, above 0.

    Raises:
        ValueError: `prediction` is unknown.
    """
    if prediction == "sample":
        return PredictionCoefficients(0.0, 1.0, 1 / sigma, -alpha / sigma)
    if prediction == "epsilon":
        return PredictionCoefficients(1 / alpha, -sigma / alpha, 0.0, 1.0)
    if prediction == "v_prediction":
        return PredictionCoefficients(alpha, -sigma, sigma, alpha)
    raise unknown_name("diffusion prediction", prediction, DIFFUSION_PREDICTIONS)
