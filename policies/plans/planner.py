"""Creation and caching of plans, and the choice between a network and its plan."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import torch
from torch import Tensor, nn

from policies.backbones.dit import DiT
from policies.backbones.mlp import ResidualMLP
from policies.backbones.unet import UNet
from policies.guidance import PullBack, linearise
from policies.objectives.base import Network, Noise
from policies.plans.dit import DiTPlan
from policies.plans.mlp import MlpPlan
from policies.plans.plan import Plan
from policies.plans.unet import UNetPlan

PLANS: dict[type[nn.Module], Callable[..., Plan]] = {
    ResidualMLP: MlpPlan,
    DiT: DiTPlan,
    UNet: UNetPlan,
}
"""The plan of each backbone; networks of other classes have no plan."""
KEPT_PLANS = 4
"""Number of cached plans; the oldest is dropped first."""

Sampling: TypeAlias = Callable[[Network, Tensor, Noise], Tensor]
"""`(network, condition, noise) -> chunk`: a sampler with its steps."""


class Planner:
    """Creates and caches the plans of one network, each for a sampler and a batch size.

    A new sampler is run once on zeros, with a `TimeRecorder` in place of the network, to find its
    times. They need not be declared, so that objectives outside the suite get plans too. A sampler
    whose times depend on the chunks has no plan. Plans are dropped when a parameter has changed,
    in place or by replacement. A copy starts without plans.
    """

    def __init__(self) -> None:
        self._plans: dict[tuple[object, ...], Plan | None] = {}
        self._times: dict[tuple[object, ...], list[Tensor]] = {}
        self._weights: list[tuple[int, int]] | None = None
        self._network: nn.Module | None = None
        self._tables: list[dict[str, nn.Parameter | None]] = []

    def __reduce__(self) -> tuple[type["Planner"], tuple[()]]:
        return Planner, ()

    def prepare(
        self,
        network: nn.Module,
        condition: Tensor,
        key: tuple[object, ...],
        sampling: Sampling,
        chunk_shape: tuple[int, int],
    ) -> Network:
        """Return the network to call in the next decision.

        Args:
            network: The network.
            condition: `(B, C)`, the encoded observations of the decision.
            key: Identifies the sampling.
            sampling: Runs the sampler.
            chunk_shape: `(pred_horizon, act_dim)`.

        Returns:
            The planned network, or the network itself if it has no plan or if
            `torch.inference_mode` is not enabled.
        """
        if not torch.is_inference_mode_enabled():
            return network
        if type(network) not in PLANS or not self._follow(network):
            return network
        key = (*key, len(condition), condition.dtype, condition.device)
        if key not in self._plans:
            self._plans[key] = self._make(key, network, condition, sampling, chunk_shape)
            for oldest in list(self._plans)[:-KEPT_PLANS]:
                del self._plans[oldest], self._times[oldest]
        plan = self._plans[key]
        if plan is None:
            return network
        return PlannedNetwork(network, plan, self._times[key], condition)

    def _follow(self, network: nn.Module) -> bool:
        """Drop the plans of earlier weights; return whether changes of weights can be detected.

        `Module._parameters` and `Tensor._version` are private to torch (checked with 2.13.0). They
        reveal replaced parameters and in-place writes without walking over the modules at every
        decision. If torch changes either of them, the tests of changed weights fail.
        """
        if network is not self._network:
            self._network = network
            self._tables = [module._parameters for module in network.modules()]
        parameters = [p for table in self._tables for p in table.values() if p is not None]
        if any(parameter.is_inference() for parameter in parameters):
            return False
        weights = [(parameter.data_ptr(), parameter._version) for parameter in parameters]
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
        """Record the times of a sampling and make its plan, unless they depend on the chunks."""
        recorder = TimeRecorder(network)
        try:
            sampling(recorder, condition[:1], lambda: condition.new_zeros(1, *chunk_shape))
        except TimesDependOnChunksError:
            recorder.times.clear()
        rows = len(condition)
        self._times[key] = [time.repeat(rows, *[1] * (time.ndim - 1)) for time in recorder.times]
        if not recorder.times:
            return None
        return PLANS[type(network)](network, torch.cat(recorder.times), rows, chunk_shape)


class TimesDependOnChunksError(Exception):
    """A sampler evaluates the network for some rows only, so its times depend on the chunks."""


class TimeRecorder:
    """Stand-in for a network that records the times of its evaluations.

    Args:
        network: The network; evaluated once, for the output that is returned by every call.

    Attributes:
        times: The recorded times, `(1,)` or `(1, 2)` each.
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
        """Record the time and return the output of the first call."""
        if active is not None:
            raise TimesDependOnChunksError
        self.times.append(time)
        if self._output is None:
            self._output = self._network(noisy_actions, time, condition)
        return self._output


class PlannedNetwork:
    """A network that evaluates its plan while it is called as planned, and itself otherwise.

    On a CUDA device the times are not compared, because that would wait for the device; a sampler
    uses the same times in every decision.

    Args:
        network: The network.
        plan: Its plan; it is set to the condition when it is first used.
        times: The planned times, `(B,)` or `(B, 2)` each.
        condition: The condition `(B, C)`.
    """

    def __init__(
        self, network: nn.Module, plan: Plan, times: list[Tensor], condition: Tensor
    ) -> None:
        self._network, self._plan, self._condition = network, plan, condition
        self._times, self._index = times, 0
        self._is_set = False
        self._weights: list[nn.Parameter] | None = None

    def __call__(self, noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """Evaluate the network once; see `policies.objectives.base.Network`."""
        index = self._next(time, condition)
        if index is not None:
            self._set()
            return self._plan.evaluate(index, noisy_actions)
        output: Tensor = self._network(noisy_actions, time, condition)
        return output

    def linearise(
        self, noisy_actions: Tensor, time: Tensor, condition: Tensor
    ) -> tuple[Tensor, PullBack]:
        """Return the output and its product with the Jacobian; see `Linearised`."""
        index = self._next(time, condition)
        if index is not None and self._plan.linearises:
            self._set()
            return self._plan.linearise(index, noisy_actions)
        if self._weights is None:
            self._weights = [w for w in self._network.parameters() if w.requires_grad]
        with _frozen(self._weights):
            return linearise(self._network, noisy_actions, time, condition)

    def _set(self) -> None:
        """Set the plan to the condition, once."""
        if not self._is_set:
            self._plan.set_condition(self._condition)
            self._is_set = True

    def _next(self, time: Tensor, condition: Tensor) -> int | None:
        """Return the place of this call in the plan; None if it is called otherwise."""
        index = self._index
        self._index += 1
        is_planned = (
            index < len(self._times)
            and condition is self._condition
            and (time.is_cuda or torch.equal(time, self._times[index]))
        )
        return index if is_planned else None


@contextmanager
def _frozen(weights: Sequence[nn.Parameter]) -> Iterator[None]:
    """Let weights need no gradient for a while: what only depends on them has no graph then."""
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)
