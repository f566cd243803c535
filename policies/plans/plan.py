"""What a plan is: the network's output at a position of a schedule of known times.

Only normalisations return tensors of their own, because torch's write nowhere else.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from policies.backbones.context import ContextEmbedding
from policies.backbones.time_gate import GATE_GAIN, TIME_DIM, TimeGate
from policies.plans.layers import Affine, Layer, matmul_layout, of_type, transposed


class Plan(ABC):
    """A copy of a network for a schedule; its output equals the network's to rounding.

    Args:
        gate: The network's gate.
        time_features: ``(K, TIME_DIM)``.
        shape: Of the output, ``(batch, pred_horizon, outputs)``.
    """

    def __init__(self, gate: TimeGate, time_features: Tensor, shape: tuple[int, int, int]) -> None:
        self._gates = GATE_GAIN * gate(time_features)
        self._has_skip = gate.out_features > 0
        self._outputs = time_features.new_empty(len(time_features), *shape)

    @abstractmethod
    def set_condition(self, condition: Tensor) -> None:
        """Compute what depends on the observations of a decision, ``(B, condition_dim)``."""

    @abstractmethod
    def evaluate(self, index: int, noisy_actions: Tensor) -> Tensor:
        """Return the network's output at the time of `index`.

        Args:
            index: Position in the schedule.
            noisy_actions: ``(B, pred_horizon, act_dim)``.

        Returns:
            ``(B, pred_horizon, outputs)``, a buffer of this index: valid until its next evaluation.
        """

    def _finish(self, index: int, chunk: Tensor, noisy_actions: Tensor) -> Tensor:
        """Add the skip to what the layers gave, like `TimeGate.add_skip`."""
        output = self._outputs[index]
        if not self._has_skip:
            return output.copy_(chunk)
        return torch.addcmul(chunk, self._gates[index], noisy_actions, out=output)


class ContextTable:
    """What modulates the blocks, for all times of a schedule: a few products per decision.

    Args:
        embed: The network's embedding of time and condition.
        layers: The layers that read the context.
        time_features: ``(K, TIME_DIM)``.
        batch: Rows of the condition.

    Attributes:
        rows: Rows of what the layers give: `batch`, or 1 if the condition does not modulate.
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
        self._entries = [each.split(sizes, dim=-1) for each in self._table]
        if not embed.modulating_dim:
            self._fill(self._first)

    def halves(self, layer: int) -> list[Affine]:
        """Return both halves of what `layer` gives at each time, ``(rows, out / 2)`` each."""
        return [tuple(entry[layer].chunk(2, dim=-1)) for entry in self._entries]

    def set_condition(self, condition: Tensor) -> None:
        """Compute the table for `condition` ``(batch, condition_dim)``."""
        if len(self._condition_weight):
            self._fill(self._first + condition @ self._condition_weight)

    def _fill(self, first: Tensor) -> None:
        weight, bias = self._second
        hidden = F.silu(torch.addmm(bias, F.silu(first).flatten(0, 1), weight))
        torch.addmm(self._bias, hidden, self._weight, out=self._table.flatten(0, 1))
