"""Chooses, at inference, a plan of the network over the network itself."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn

from policies.backbones.dit import DiT
from policies.backbones.mlp import ResidualMLP
from policies.backbones.plan import Plan
from policies.backbones.plan_dit import DiTPlan
from policies.backbones.plan_mlp import MlpPlan
from policies.backbones.plan_unet import UNetPlan
from policies.backbones.unet import UNet
from policies.objectives.base import Network, Noise

PLANS: dict[type[nn.Module], Callable[..., Plan]] = {
    ResidualMLP: MlpPlan,
    DiT: DiTPlan,
    UNet: UNetPlan,
}
"""The plan of each backbone; a network of another class is called as it is."""
KEPT_PLANS = 4
"""Plans kept at a time; the oldest goes first."""

Sampling: TypeAlias = Callable[[Network, Tensor, Noise], Tensor]
"""``(network, condition, noise) -> chunk``: a sampler with its steps."""


class FastNetwork:
    """Makes and keeps plans of one network, each for a sampling and a number of rows.

    A new sampling is rehearsed once, on zeros, to learn its times; one whose times depend on the
    chunks has no plan. Plans are dropped when a parameter has changed, by `torch`'s count of its
    changes in place or by its place in memory. A copy begins with no plans.
    """

    def __init__(self) -> None:
        self._plans: dict[tuple[object, ...], Plan | None] = {}
        self._times: dict[tuple[object, ...], list[Tensor]] = {}
        self._weights: list[tuple[int, int]] | None = None
        self._network: nn.Module | None = None
        self._tables: list[dict[str, nn.Parameter | None]] = []

    def __reduce__(self) -> tuple[type["FastNetwork"], tuple[()]]:
        return FastNetwork, ()

    def prepare(
        self,
        network: nn.Module,
        condition: Tensor,
        key: tuple[object, ...],
        sampling: Sampling,
        chunk_shape: tuple[int, int],
    ) -> Network:
        """Return what to call in the next decision.

        Args:
            network: The network; always the same one.
            condition: ``(B, C)``, the observations of the decision.
            key: Names the sampling.
            sampling: Runs the sampler.
            chunk_shape: ``(pred_horizon, act_dim)``.

        Returns:
            A planned network, or the network itself: outside `torch.inference_mode`, or without a
            plan.
        """
        if not torch.is_inference_mode_enabled():
            return network
        if type(network) not in PLANS or not self._follow(network):
            return network
        key = (*key, len(condition), condition.dtype, condition.device)
        if key not in self._plans:
            self._plans[key] = self._make(key, network, condition, sampling, chunk_shape)
            for old in list(self._plans)[:-KEPT_PLANS]:
                del self._plans[old], self._times[old]
        plan = self._plans[key]
        if plan is None:
            return network
        plan.bind(condition)
        return PlannedNetwork(network, plan, self._times[key], condition)

    def _follow(self, network: nn.Module) -> bool:
        """Drop the plans of other weights; return whether changes of these can be seen."""
        if network is not self._network:
            self._network = network
            self._tables = [module._parameters for module in network.modules()]
        found = [p for table in self._tables for p in table.values() if p is not None]
        if any(parameter.is_inference() for parameter in found):
            return False
        weights = [(parameter.data_ptr(), parameter._version) for parameter in found]
        if weights != self._weights:
            self._weights = weights
            self._plans.clear()
            self._times.clear()
        return True

    def _make(
        self,
        key: tuple[object, ...],
        network: nn.Module,
        condition: Tensor,
        sampling: Sampling,
        chunk_shape: tuple[int, int],
    ) -> Plan | None:
        """Rehearse a sampling and plan it, if its times are its own."""
        rehearsal = Rehearsal(network)
        try:
            sampling(rehearsal, condition[:1], lambda: condition.new_zeros(1, *chunk_shape))
        except TimesDependOnChunksError:
            rehearsal.times.clear()
        rows = len(condition)
        self._times[key] = [time.repeat(rows, *[1] * (time.ndim - 1)) for time in rehearsal.times]
        if not rehearsal.times:
            return None
        return PLANS[type(network)](network, torch.cat(rehearsal.times), rows, chunk_shape)


class TimesDependOnChunksError(Exception):
    """A sampler evaluates the network for some rows only: it goes on by what it has found."""


class Rehearsal:
    """Stands for the network while a sampler's times are noted; says always the same.

    Args:
        network: The network; it is evaluated once.

    Attributes:
        times: The times asked for, ``(1,)`` or ``(1, 2)``.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._output: Tensor | None = None
        self.times: list[Tensor] = []

    def __call__(
        self,
        noisy_actions: Tensor,
        time: Tensor,
        condition: Tensor,
        active: Tensor | None = None,
    ) -> Tensor:
        """Note the time."""
        if active is not None:
            raise TimesDependOnChunksError
        self.times.append(time)
        if self._output is None:
            self._output = self._network(noisy_actions, time, condition)
        return self._output


class PlannedNetwork:
    """Evaluates a plan as long as it is called as planned, and the network otherwise.

    On a CUDA device the times are not compared, which would wait for it: a sampler asks for the
    same times at each call.

    Args:
        network: The network.
        plan: Its plan, bound to `condition`.
        times: The planned times, ``(B,)`` or ``(B, 2)`` each.
        condition: ``(B, C)``.
    """

    def __init__(
        self, network: nn.Module, plan: Plan, times: list[Tensor], condition: Tensor
    ) -> None:
        self._network, self._plan, self._condition = network, plan, condition
        self._times, self._index = times, 0

    def __call__(self, noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """Evaluate the network once; see `policies.objectives.base.Network`."""
        index = self._index
        self._index += 1
        if (
            index < len(self._times)
            and condition is self._condition
            and (time.is_cuda or torch.equal(time, self._times[index]))
        ):
            return self._plan.evaluate(index, noisy_actions)
        output: Tensor = self._network(noisy_actions, time, condition)
        return output
