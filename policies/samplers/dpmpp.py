"""DPM-Solver++(2M): a deterministic second-order diffusion sampler, one evaluation per step."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from policies.samplers.ddim import trailing_timesteps
from policies.schedules import predicted_sample, prediction_coefficients


class DpmppCoefficients(NamedTuple):
    """Coefficients of one reverse step."""

    sample_x: float
    sample_output: float
    next_x: float
    next_sample: float
    extrapolation: float


class Dpmpp2M:
    """DPM-Solver++(2M), a second-order multistep solver (Lu et al. 2022, arXiv 2211.01095).

    With `lambda = log(alpha / sigma)`, `h` its increase over the step and `r` the ratio of the
    previous increase to `h`, a step is (algorithm 2)

        D = (1 + 1 / 2r) * sample - 1 / 2r * previous sample,
        x' = sigma' / sigma * x - alpha' * (exp(-h) - 1) * D.

    The first step has no previous sample, and the last one, where sigma' = 0, returns the predicted
    chunk. Both are of first order.

    Args:
        alphas_cumprod: `(K,)` in float64, decreasing.
        prediction: What the network predicts, one of `DIFFUSION_PREDICTIONS`.
        steps: 1 to K.
        clip_sample: Clip each predicted chunk to [-1, 1], as in `Ddim`.

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
            _coefficients(prediction, before, power, after)
            for before, power, after in zip(
                [None, *powers[:-1]], powers, [*powers[1:], None], strict=True
            )
        ]

    def sample(self, index: int, output: Tensor, x_t: Tensor) -> Tensor:
        """Return the predicted chunk for the network's output at `timesteps[index]`.

        Args:
            index: Position in `timesteps`.
            output: The network's output `(B, pred_horizon, act_dim)`.
            x_t: The current point, like `output`.
        """
        return predicted_sample(self._table[index], output, x_t, self.clip_sample)

    def step(self, index: int, sample: Tensor, previous: Tensor | None, x_t: Tensor) -> Tensor:
        """Take one reverse step.

        Args:
            index: Position in `timesteps`.
            sample: The predicted chunk, `(B, pred_horizon, act_dim)`.
            previous: The predicted chunk of the previous step; None at the first step.
            x_t: The current point, like `sample`.

        Returns:
            The next point, like `sample`.
        """
        c = self._table[index]
        if previous is not None and c.extrapolation:
            # Lu et al. 2022, algorithm 2: D = (1 + 1 / 2r) sample - 1 / 2r previous
            sample = torch.add(sample, sample - previous, alpha=c.extrapolation)
        if not c.next_x:  # the last step returns the predicted chunk
            return sample
        # algorithm 2: x = sigma' / sigma x - alpha' (e^-h - 1) D
        return torch.add(c.next_sample * sample, x_t, alpha=c.next_x)

    def run(self, predict: Callable[[Tensor, int], Tensor], noise: Callable[[], Tensor]) -> Tensor:
        """Sample: draw noise once, then step through `timesteps`; see `Ddim.run`."""
        x_t, previous = noise(), None
        for index, k in enumerate(self.timesteps):
            sample = self.sample(index, predict(x_t, k), x_t)
            x_t, previous = self.step(index, sample, previous, x_t), sample
        return x_t


def _coefficients(
    prediction: str, before: float | None, power: float, after: float | None
) -> DpmppCoefficients:
    """Return the coefficients of the step from signal power `power` to `after` (None = data)."""
    c = prediction_coefficients(prediction, math.sqrt(power), math.sqrt(1 - power))
    if after is None:
        return DpmppCoefficients(c.sample_x, c.sample_output, 0.0, 1.0, 0.0)
    h = _half_log_ratio(after) - _half_log_ratio(power)
    h_before = 0.0 if before is None else _half_log_ratio(power) - _half_log_ratio(before)
    return DpmppCoefficients(
        c.sample_x,
        c.sample_output,
        next_x=math.sqrt((1 - after) / (1 - power)),
        next_sample=-math.sqrt(after) * math.expm1(-h),
        extrapolation=h / (2 * h_before) if h_before else 0.0,  # 1 / 2r with r = h_before / h
    )


def _half_log_ratio(power: float) -> float:
    """Return lambda = log(alpha / sigma) at a signal power (Lu et al. 2022, section 2.1)."""
    return math.log(power / (1 - power)) / 2
