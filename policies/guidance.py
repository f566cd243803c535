"""Guidance of a denoising network towards a chunk, by which inference-time chunking inpaints."""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

import torch
from torch import Tensor

from policies.objectives.base import Denoiser, Network

MAX_WEIGHT = 5.0
"""The largest guidance weight, beta; the value of Black et al."""
PullBack: TypeAlias = Callable[[Tensor], Tensor]
"""Maps a gradient of the output, `(B, Tp, outputs)`, to that of the noisy chunk."""


class Linearised(Protocol):
    """A network that gives its vector-Jacobian products itself."""

    def linearise(
        self, noisy_actions: Tensor, time: Tensor, condition: Tensor
    ) -> tuple[Tensor, PullBack]:
        """Return the network's output and its product with the Jacobian, valid until it is called.

        Args:
            noisy_actions: `(B, Tp, act_dim)`.
            time: `(B,)`.
            condition: `(B, C)`.
        """


class Coefficients(NamedTuple):
    """Numbers of one time, or tensors `(B, 1, 1)` for rows with different times.

    Attributes:
        of_output: The clean chunk is `of_output output + of_noisy noisy_actions`.
        of_noisy: See `of_output`.
        pull: Factor from `(ds / dx)^T [W (Y - s)]`, or the bracket alone, to the output's change.
    """

    of_output: float | Tensor
    of_noisy: float | Tensor
    pull: float | Tensor


class GuidedNetwork:
    """A network whose predicted clean chunk is pulled towards a target.

    Pseudo-inverse guidance (Pokle et al. 2024, arXiv 2310.04432) as in real-time chunking (Black,
    Galliker & Levine 2025, arXiv 2506.07339, eqs. 2 to 4). With the clean chunk s predicted at x_t,
    the target Y and weights W, at the flow time t (0 noise, 1 data), the velocity gains

        min(beta, (1 - t) / (t r^2)) g,   g = (ds / dx_t)^T [W (Y - s)],
        r^2 = (1 - t)^2 / (t^2 + (1 - t)^2),

    which is the same as the clean chunk gaining (1 - t) times that. A diffusion with
    `x_k = a chunk + b noise` is at the flow time t = a / (a + b) with x_t = x_k / (a + b), so that
    its g is (a + b) (ds / dx_k)^T [W (Y - s)]: the same guidance by a change of variables. Where
    the network predicts the noise, s is clipped to [-1, 1] in the bracket: at the first steps it is
    the network's error divided by a, and would throw the noise far out.

    Args:
        network: The network.
        denoiser: The objective that trained it.
        target: Y, `(B, pred_horizon, act_dim)`, normalised.
        weights: W, `(B, pred_horizon, 1)`, in [0, 1]; where a chunk's weights are zero, it is not
            changed.
        exact: Whether g has the Jacobian of the network, at the cost of one backward pass; if not,
            the identity in its place, as LeRobot 0.6.1 has it.
        known: Coefficients of times that were met before, to which others are added.
    """

    def __init__(
        self,
        network: Network,
        denoiser: Denoiser,
        target: Tensor,
        weights: Tensor,
        exact: bool,
        known: dict[float, Coefficients] | None = None,
    ) -> None:
        self._network, self._denoiser, self._exact = network, denoiser, exact
        self._weights, self._weighted_target = weights, weights * target
        self._known = {} if known is None else known
        self._clips = denoiser.prediction == "epsilon"

    def __call__(
        self,
        noisy_actions: Tensor,
        time: Tensor,
        condition: Tensor,
        active: Tensor | None = None,
    ) -> Tensor:
        """Evaluate the network and guide its output; see `Network`."""
        of_output, of_noisy, pull = self._coefficients(time, active is None)
        if self._exact:
            output, pull_back = linearise(self._network, noisy_actions, time, condition)
        else:
            output = self._network(noisy_actions, time, condition)
        is_clean = isinstance(of_output, float) and (of_output, of_noisy) == (1.0, 0.0)
        clean = output if is_clean else of_output * output + of_noisy * noisy_actions
        seen = clean.clamp(-1.0, 1.0) if self._clips else clean
        gradient = torch.addcmul(self._weighted_target, self._weights, seen, value=-1.0)
        if self._exact:
            pulled = pull_back(gradient)
            gradient = pulled if is_clean else of_output * pulled + of_noisy * gradient
        return output + pull * gradient

    def _coefficients(self, time: Tensor, is_one_time: bool) -> Coefficients:
        """Return the coefficients of the rows' times, which a sampler with fixed steps shares."""
        if not is_one_time:
            return self._at(time)
        key = float(time[0])
        if key not in self._known:
            self._known[key] = Coefficients(*map(float, self._at(time[:1].double())))
        return self._known[key]

    def _at(self, time: Tensor) -> Coefficients:
        """Return the coefficients at times `(n,)`, each `(n, 1, 1)`."""
        learner = self._denoiser
        signal, noise = (level[:, None, None] for level in learner.levels(time))
        one, nothing = torch.ones_like(signal), torch.zeros_like(signal)
        t = signal / (signal + noise)
        # (1 - t) min(beta, (1 - t) / (t r^2)), without dividing by 1 - t
        strength = torch.minimum(
            MAX_WEIGHT * (1.0 - t), (t**2 + (1.0 - t) ** 2) / t.clamp_min(1e-12)
        )
        strength = strength * (signal + noise) if self._exact else strength
        return Coefficients(
            learner.clean_chunk(one, nothing, time),
            learner.clean_chunk(nothing, one, time),
            learner.output_change(strength, time),
        )


def linearise(
    network: Network, noisy_actions: Tensor, time: Tensor, condition: Tensor
) -> tuple[Tensor, PullBack]:
    """Return the output of a network and its product with the Jacobian; see `Linearised`."""
    if hasattr(network, "linearise"):  # `isinstance` of a protocol takes as long as a layer
        linearised: Linearised = network
        return linearised.linearise(noisy_actions, time, condition)
    with torch.inference_mode(mode=False), torch.enable_grad():
        x = noisy_actions.detach().clone().requires_grad_()
        output = network(x, time.clone(), condition.clone())

    def pull_back(gradient: Tensor) -> Tensor:
        with torch.inference_mode(mode=False):
            (pulled,) = torch.autograd.grad(output, x, gradient.clone())
        return pulled

    return output.detach(), pull_back


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
