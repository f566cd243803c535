"""Base class of plans, and their table of modulations.

All layers write into preallocated buffers, except for normalisations, because torch's do not
support an output argument.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from policies.backbones.context import ContextEmbedding
from policies.backbones.time_gate import GATE_GAIN, TIME_DIM, TimeGate
from policies.guidance import PullBack
from policies.plans.layers import Affine, Layer, matmul_layout, of_type, transposed


class Plan(ABC):
    """A network for a schedule of known times; its output equals the network's up to rounding.

    Args:
        gate: The network's gate.
        time_features: `(K, TIME_DIM)`.
        shape: Shape of the output, `(batch, pred_horizon, outputs)`.
    """

    linearises: ClassVar[bool] = False
    """Whether it has `linearise`."""

    def __init__(self, gate: TimeGate, time_features: Tensor, shape: tuple[int, int, int]) -> None:
        self._gates = GATE_GAIN * gate(time_features)
        self._has_skip = gate.out_features > 0
        self._outputs = time_features.new_empty(len(time_features), *shape)

    @abstractmethod
    def set_condition(self, condition: Tensor) -> None:
        """Compute everything that depends on the condition `(B, condition_dim)` of a decision."""

    @abstractmethod
    def evaluate(self, index: int, noisy_actions: Tensor) -> Tensor:
        """Return the network's output at the time of `index`.

        Args:
            index: Position in the schedule.
            noisy_actions: `(B, pred_horizon, act_dim)`.

        Returns:
            `(B, pred_horizon, outputs)`, the buffer of this index, valid until its next evaluation.
        """

    def linearise(self, index: int, noisy_actions: Tensor) -> tuple[Tensor, PullBack]:
        """Return the output and its product with the Jacobian, if the plan `linearises`.

        Both are valid until the next evaluation of this index.
        """
        raise NotImplementedError

    def _finish(self, index: int, chunk: Tensor, noisy_actions: Tensor) -> Tensor:
        """Add the skip to the output of the layers; see `TimeGate.add_skip`."""
        output = self._outputs[index]
        if not self._has_skip:
            return output.copy_(chunk)
        return torch.addcmul(chunk, self._gates[index], noisy_actions, out=output)


class ContextTable:
    """The modulation of all blocks at all times of a schedule, in a few products per decision.

    Args:
        embed: The network's embedding of time and condition.
        layers: The layers whose input is the context.
        time_features: `(K, TIME_DIM)`.
        batch: Batch size of the condition.

    Attributes:
        rows: Rows of the outputs of the layers: `batch`, or 1 if the condition does not modulate.
    """

    def __init__(
        self, embed: ContextEmbedding, layers: Sequence[Layer], time_features: Tensor, batch: int
    ) -> None:
        first, second = of_type(embed.layers, nn.Linear)
        weight = first.weight.t()
        self._first = torch.addmm(first.bias, time_features, weight[:TIME_DIM])[:, None, :]
        self._condition_weight = weight[TIME_DIM:].contiguous()
        self._second = transposed(second)
        self._weight = matmul_layout(torch.cat([weight for weight, _ in layers]).t())
        self._bias = torch.cat([bias for _, bias in layers])
        self.rows = batch if embed.modulating_dim else 1
        self._table = time_features.new_empty(len(time_features), self.rows, len(self._bias))
        sizes = [len(bias) for _, bias in layers]
        self._entries = [at_time.split(sizes, dim=-1) for at_time in self._table]
        if not embed.modulating_dim:
            self._fill(self._first)

    def halves(self, layer: int) -> list[Affine]:
        """Return both halves of the output of `layer` at each time, `(rows, out / 2)` each."""
        return [tuple(entry[layer].chunk(2, dim=-1)) for entry in self._entries]

    def set_condition(self, condition: Tensor) -> None:
        """Compute the table for `condition` `(batch, condition_dim)`."""
        if len(self._condition_weight):
            self._fill(self._first + condition @ self._condition_weight)

    def _fill(self, first: Tensor) -> None:
        weight, bias = self._second
        hidden = F.silu(torch.addmm(bias, F.silu(first).flatten(0, 1), weight))
        torch.addmm(self._bias, hidden, self._weight, out=self._table.flatten(0, 1))
