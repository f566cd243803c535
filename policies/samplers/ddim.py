"""DDIM: a deterministic diffusion sampler for any number of steps."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from policies.schedules import predicted_sample, prediction_coefficients


def trailing_timesteps(training_steps: int, steps: int) -> tuple[int, ...]:
    """Return `steps` evenly spaced diffusion steps, from `training_steps - 1` (pure noise) down.

    "Trailing" in table 2 of Lin et al. 2023 (arXiv 2305.08891): a sampler with few steps must start
    where the network was trained on pure noise. The usual "leading" spacing starts a 1-step sampler
    at k = 0, where the network was trained on almost clean data.

    Raises:
        ValueError: `steps` is not in 1 .. `training_steps`.
    """
    if not 1 <= steps <= training_steps:
        raise ValueError(f"steps is {steps}; give 1 to {training_steps}")
    return tuple(round(training_steps - i * training_steps / steps) - 1 for i in range(steps))


class DdimCoefficients(NamedTuple):
    """Coefficients of one reverse step."""

    sample_x: float
    sample_output: float
    next_sample: float
    next_x: float
    next_output: float


class Ddim:
    """DDIM: reverse diffusion without noise (Song et al. 2021, arXiv 2010.02502, eta = 0).

    From step k to the next visited step k', with the predicted chunk and noise at k (eq. 12),

        x_k' = sqrt(alphas_cumprod[k']) * sample + sqrt(1 - alphas_cumprod[k']) * epsilon.

    As in Diffusion Policy, only the predicted chunk is clipped, not the predicted noise. A step is
    four tensor operations.

    Args:
        alphas_cumprod: `(K,)` in float64, decreasing.
        prediction: What the network predicts, one of `DIFFUSION_PREDICTIONS`.
        steps: 1 to K.
        clip_sample: Clip the predicted chunk to [-1, 1] before each step.

    Attributes:
        timesteps: The diffusion steps `k` visited, from K - 1 down.
    """

    def __init__(
        self, alphas_cumprod: Tensor, prediction: str, steps: int, clip_sample: bool = True
    ) -> None:
        self.timesteps = trailing_timesteps(len(alphas_cumprod), steps)
        self.clip_sample = clip_sample
        powers: list[float] = alphas_cumprod[list(self.timesteps)].tolist()
        self._table = [
            _coefficients(prediction, power, power_next)
            for power, power_next in zip(powers, [*powers[1:], 1.0], strict=True)
        ]

    def step(self, index: int, output: Tensor, x_t: Tensor) -> Tensor:
        """Take one reverse step.

        Args:
            index: Position in `timesteps`.
            output: The network's output `(B, pred_horizon, act_dim)` at `timesteps[index]`.
            x_t: The current point, like `output`.

        Returns:
            The next point, like `output`.
        """
        c = self._table[index]
        sample = predicted_sample(c, output, x_t, self.clip_sample)
        if not c.next_x and not c.next_output:  # the last step returns the predicted chunk
            return sample
        # Song et al. 2021 (arXiv 2010.02502), eq. 12 with sigma = 0
        direction = torch.add(c.next_output * output, x_t, alpha=c.next_x)
        return torch.add(direction, sample, alpha=c.next_sample)

    def run(self, predict: Callable[[Tensor, int], Tensor], noise: Callable[[], Tensor]) -> Tensor:
        """Sample: draw noise once, then step through `timesteps`.

        Args:
            predict: `(x_t, k) -> output`, called once per step.
            noise: Returns a fresh standard normal `(B, pred_horizon, act_dim)`; called once.

        Returns:
            The sampled chunk, like the noise.
        """
        x_t = noise()
        for index, k in enumerate(self.timesteps):
            x_t = self.step(index, predict(x_t, k), x_t)
        return x_t


def _coefficients(prediction: str, power: float, power_next: float) -> DdimCoefficients:
    """Return the coefficients of the step from signal power `power` to `power_next` (1 = data)."""
    c = prediction_coefficients(prediction, math.sqrt(power), math.sqrt(1 - power))
    sigma_next = math.sqrt(1 - power_next)
    return DdimCoefficients(
        c.sample_x,
        c.sample_output,
        next_sample=math.sqrt(power_next),
        # eq. 12: "direction pointing to x_{k-1}" is sigma_next * epsilon
        next_x=sigma_next * c.epsilon_x,
        next_output=sigma_next * c.epsilon_output,
    )
