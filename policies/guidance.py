"""Guidance of a denoising network towards a chunk, by which inference-time chunking inpaints."""

import torch
from torch import Tensor

from policies.objectives.base import Denoiser, Network

MAX_WEIGHT = 5.0
"""The largest guidance weight, beta; the value of Black et al."""


class GuidedNetwork:
    """A network whose predicted clean chunk is pulled towards a target.

    Pseudo-inverse guidance (Pokle et al. 2024, arXiv 2310.04432) as in real-time chunking (Black,
    Galliker & Levine 2025, arXiv 2506.07339, eqs. 2 to 4). With the clean chunk s predicted at x_t,
    the target Y and weights W, at the flow time t (0 noise, 1 data), the velocity gains

        min(beta, (1 - t) / (t r^2)) g,   g = (ds / dx_t)^T [W (Y - s)],
        r^2 = (1 - t)^2 / (t^2 + (1 - t)^2),

    which is the same as the clean chunk gaining (1 - t) times that. A diffusion with
    `x_k = a chunk + b noise` is at the flow time t = a / (a + b) with x_t = x_k / (a + b), so that
    its g is (a + b) (ds / dx_k)^T [W (Y - s)]: the same guidance by a change of variables.

    Args:
        network: The network.
        denoiser: The objective that trained it.
        target: Y, `(B, pred_horizon, act_dim)`, normalised.
        weights: W, `(B, pred_horizon, 1)`, in [0, 1]; where a chunk's weights are zero, it is not
            changed.
        exact: Whether g has the Jacobian of the network, at the cost of one backward pass; if not,
            the identity in its place, as LeRobot 0.6.1 has it.
    """

    def __init__(
        self, network: Network, denoiser: Denoiser, target: Tensor, weights: Tensor, exact: bool
    ) -> None:
        self._network, self._denoiser = network, denoiser
        self._target, self._weights, self._exact = target, weights, exact

    def __call__(
        self,
        noisy_actions: Tensor,
        time: Tensor,
        condition: Tensor,
        active: Tensor | None = None,
    ) -> Tensor:
        """Evaluate the network and guide its output; see `Network`."""
        del active
        signal, noise = (level[:, None, None] for level in self._denoiser.levels(time))
        if not self._exact:
            output = self._network(noisy_actions, time, condition)
            clean = self._denoiser.clean_chunk(output, noisy_actions, time)
            gradient = self._weights * (self._target - clean)
        else:
            with torch.enable_grad():
                x = noisy_actions.detach().requires_grad_()
                output = self._network(x, time, condition)
                clean = self._denoiser.clean_chunk(output, x, time)
                error = (self._weights * (self._target - clean)).detach()
                (gradient,) = torch.autograd.grad(clean, x, error)
            output, gradient = output.detach(), (signal + noise) * gradient
        t = signal / (signal + noise)
        # (1 - t) min(beta, (1 - t) / (t r^2)), without dividing by 1 - t
        strength = torch.minimum(
            MAX_WEIGHT * (1.0 - t), (t**2 + (1.0 - t) ** 2) / t.clamp_min(1e-12)
        )
        return output + self._denoiser.output_change(strength * gradient, time)


def soft_weights(pred_horizon: int, interval: int, delay: int) -> Tensor:
    """Return the weights W of the actions of a chunk, `(pred_horizon,)` (Black et al., eq. 5).

    Args:
        pred_horizon: Actions in a chunk, H.
        interval: Control steps between decisions, s: the last s actions are new, and weigh nothing.
        delay: Control steps d until the chunk takes over: the first d actions weigh 1, because
            those of the previous chunk will be executed.

    Raises:
        ValueError: The previous chunk does not reach so far: d > H - s.
    """
    reach = max(0, pred_horizon - interval)
    if delay > reach:
        raise ValueError(
            f"delay is {delay}, but the previous chunk reaches {reach} actions into this one"
        )
    index = torch.arange(pred_horizon, dtype=torch.float64)
    w = 1.0 - (index - delay + 1.0) / (reach - delay + 1.0)
    decaying = w * torch.expm1(w) / torch.expm1(torch.ones((), dtype=torch.float64))
    weights = torch.where(index < delay, 1.0, torch.where(index < reach, decaying, 0.0))
    return weights.float()
