"""DDPM: the ancestral diffusion sampler."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from policies.schedules import predicted_sample, prediction_coefficients


class DdpmCoefficients(NamedTuple):
    """Coefficients of one reverse step."""

    sample_x: float
    sample_output: float
    mean_sample: float
    mean_x: float
    deviation: float


class Ddpm:
    """DDPM: reverse diffusion through all training steps (Ho et al. 2020, algorithm 2).

    Each step draws from the posterior given the predicted chunk (arXiv 2006.11239, eqs. 6 and 7),

        x_{k-1} = mean(sample, x_k) + sqrt(beta_tilde_k) * noise,

    with the smaller of the paper's two variances, `beta_tilde`. A step is four tensor operations.

    Args:
        alphas_cumprod: `(K,)` in float64, decreasing.
        prediction: What the network predicts, one of `DIFFUSION_PREDICTIONS`.
        steps: Must equal K.
        clip_sample: Clip the predicted chunk to [-1, 1] before each step.

    Attributes:
        timesteps: The diffusion steps `k` visited, from K - 1 down to 0.
    """

    def __init__(
        self, alphas_cumprod: Tensor, prediction: str, steps: int, clip_sample: bool = True
    ) -> None:
        if steps != len(alphas_cumprod):
            raise ValueError(
                f"steps is {steps}; DDPM takes exactly the {len(alphas_cumprod)} training steps, "
                "use 'ddim' for fewer"
            )
        self.timesteps = tuple(range(steps - 1, -1, -1))
        self.clip_sample = clip_sample
        powers: list[float] = alphas_cumprod.tolist()
        self._table = [
            _coefficients(prediction, powers[k], powers[k - 1] if k > 0 else 1.0)
            for k in self.timesteps
        ]

    def step(self, index: int, output: Tensor, x_t: Tensor, noise: Tensor | None) -> Tensor:
        """Take one reverse step.

        Args:
            index: Position in `timesteps`.
            output: The network's output `(B, pred_horizon, act_dim)` at `timesteps[index]`.
            x_t: The current point, like `output`.
            noise: Standard normal, like `output`; None at the last step, which adds none.

        Returns:
            The next point, like `output`.
        """
        c = self._table[index]
        sample = predicted_sample(c, output, x_t, self.clip_sample)
        # Ho et al. 2020 (arXiv 2006.11239), eq. 7
        mean = torch.add(c.mean_x * x_t, sample, alpha=c.mean_sample)
        return mean if noise is None else torch.add(mean, noise, alpha=c.deviation)

    def run(self, predict: Callable[[Tensor, int], Tensor], noise: Callable[[], Tensor]) -> Tensor:
        """Sample: draw noise, then step through `timesteps`, with new noise at all but the last.

        Args:
            predict: `(x_t, k) -> output`, called once per step.
            noise: Returns a fresh standard normal `(B, pred_horizon, act_dim)`.

        Returns:
            The sampled chunk, like the noise.
        """
        x_t = noise()
        for index, k in enumerate(self.timesteps):
            x_t = self.step(index, predict(x_t, k), x_t, noise() if k > 0 else None)
        return x_t


def _coefficients(prediction: str, power: float, power_next: float) -> DdpmCoefficients:
    """Return the coefficients of the step from signal power `power` to `power_next` (1 = data)."""
    sample = prediction_coefficients(prediction, math.sqrt(power), math.sqrt(1 - power))
    alpha = power / power_next
    beta = 1 - alpha
    return DdpmCoefficients(
        sample.sample_x,
        sample.sample_output,
        # eq. 7: the posterior mean and variance given the predicted chunk
        mean_sample=math.sqrt(power_next) * beta / (1 - power),
        mean_x=math.sqrt(alpha) * (1 - power_next) / (1 - power),
        deviation=math.sqrt((1 - power_next) / (1 - power) * beta),
    )
