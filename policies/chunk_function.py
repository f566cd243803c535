"""A policy with one sampler as a function of tensors, to be traced and exported."""

import torch
from torch import Tensor, nn

from policies.chunk_policy import ChunkPolicy
from policies.counting_network import CountingNetwork
from policies.objectives.base import Network


class ChunkFunction(nn.Module):
    """Maps a window of observations and noise to a chunk of actions, as `ChunkPolicy.sample` does.

    All noise is an argument, and sampler and steps are fixed, so that the function can be traced:
    its operations depend on no value of its arguments.

    Args:
        policy: The policy, in evaluation mode.
        sampler: One of the objective's samplers; None is its default.
        steps: Steps of the sampler; None is its default.
        network: Is called in place of the policy's network; None for that itself.

    Attributes:
        sampler: The sampler's full name.
        steps: Its steps.
        draws: How often a chunk draws noise: 0, 1, or once for every step.
        nfe: Network evaluations of a chunk, counted at the network.

    Raises:
        ValueError: The policy cannot be traced, or the sampler is unknown or cannot take that many
            steps; the message gives the reason.
    """

    def __init__(
        self,
        policy: ChunkPolicy,
        sampler: str | None = None,
        steps: int | None = None,
        network: Network | None = None,
    ) -> None:
        super().__init__()
        objective, name = policy.objective, policy.config.objective
        self.policy = policy
        self.sampler, self.steps = objective.resolve_sampler(sampler, steps)
        if policy.config.seen_dim:
            raise ValueError(
                f"this {name} sees pictures; a function of tensors can be made of policies that "
                "observe the state"
            )
        if not objective.trains:
            raise ValueError(
                f"{name} has no network: it searches its demonstrations anew for every window, as "
                "far as rounding requires"
            )
        limits = objective.limits
        if limits[objective.parse_sampler(self.sampler).name].adaptive:
            fixed = ", ".join(other for other, limit in limits.items() if not limit.adaptive)
            raise ValueError(
                f"{self.sampler} chooses its steps anew for every chunk; give a sampler with a "
                f"fixed number of steps: {fixed}"
            )
        self._in_place = network
        self.draws, self.nfe = self._count()

    @property
    def _network(self) -> Network:
        return self.policy.network if self._in_place is None else self._in_place

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one row; () if there is none.

        `(pred_horizon, act_dim)` if noise is drawn once, else `(draws, pred_horizon, act_dim)`.
        """
        shape = self.policy.objective.chunk_shape
        return shape if self.draws == 1 else (self.draws, *shape) if self.draws else ()

    def example(self, rows: int) -> tuple[Tensor, ...]:
        """Return arguments of `rows` rows, all zeros."""
        config = self.policy.config
        window = torch.zeros(rows, config.obs_horizon, config.obs_dim)
        return (window, torch.zeros(rows, *self.noise_shape)) if self.draws else (window,)

    def network_example(self, rows: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return arguments of the network of `rows` rows, all zeros, as the sampler gives them."""
        found: list[Tensor] = []

        def keep(noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
            found[:] = (noisy_actions, time, condition)
            return self._network(noisy_actions, time, condition)

        ChunkFunction(self.policy, self.sampler, self.steps, keep)
        noisy_actions, time, condition = (value.repeat_interleave(rows, 0) for value in found)
        return torch.zeros_like(noisy_actions), torch.zeros_like(time), condition

    def forward(self, observations: Tensor, noise: Tensor | None = None) -> Tensor:
        """Sample one chunk per window of observations.

        Args:
            observations: `(B, obs_horizon, obs_dim)`, the current one last.
            noise: Standard normal `(B, *noise_shape)`, in the order in which the sampler draws it;
                None where the policy draws none.

        Returns:
            Actions `(B, pred_horizon, act_dim)` within [-1, 1].
        """
        drawn: tuple[Tensor, ...] = ()
        if noise is not None:
            drawn = (noise,) if self.draws == 1 else noise.unbind(1)
        draws = iter(drawn)
        policy = self.policy
        condition = policy.encode(observations)
        chunk = policy.objective.sample(
            self._network, condition, lambda: next(draws), self.sampler, self.steps
        )
        return policy.actions_of(chunk)

    def _count(self) -> tuple[int, int]:
        """Sample a chunk of zeros; return how often it drew noise and evaluated the network."""
        policy, draws = self.policy, 0
        network = CountingNetwork(self._network)
        condition = torch.zeros(1, policy.condition_dim)

        def noise() -> Tensor:
            nonlocal draws
            draws += 1
            return torch.zeros(1, *policy.objective.chunk_shape)

        with torch.no_grad():
            policy.objective.sample(network, condition, noise, self.sampler, self.steps)
        return draws, int(network.nfe(1)[0])
