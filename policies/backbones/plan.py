"""A planned network: one whose times are known beforehand, for inference.

A sampler's times do not change from decision to decision. A plan computes what depends on them
once, what depends on the observations once per decision, and leaves the network's few large
products to the loop, with weights in the order that products read them and into buffers that are
kept. Only normalisations still return tensors of their own, because torch's write nowhere else.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from policies.backbones.context import ContextEmbedding
from policies.backbones.time_gate import GATE_GAIN, TIME_DIM, TimeGate

Layer: TypeAlias = tuple[Tensor, Tensor]
"""Weight and bias."""
Affine: TypeAlias = tuple[Tensor, Tensor]
"""Gain and offset."""

ModuleT = TypeVar("ModuleT", bound=nn.Module)
_SILU_OUT = torch.ops.aten.silu.out


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
    def bind(self, condition: Tensor) -> None:
        """Take the observations of the next decision, ``(B, condition_dim)``."""

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
        self._weight = as_read(torch.cat([weight for weight, _ in layers]).t())
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

    def bind(self, condition: Tensor) -> None:
        """Compute the table for `condition` ``(batch, condition_dim)``."""
        if len(self._condition_weight):
            self._fill(self._first + condition @ self._condition_weight)

    def _fill(self, first: Tensor) -> None:
        weight, bias = self._second
        hidden = F.silu(torch.addmm(bias, F.silu(first).flatten(0, 1), weight))
        torch.addmm(self._bias, hidden, self._weight, out=self._table.flatten(0, 1))


class InputLayer:
    """The first layer of a network whose tokens are actions, with the condition's part computed.

    Args:
        layer: From an action, and what joins it, to a token.
        act_dim: Numbers in one action.
        offset: Added to every chunk of tokens, ``(T, width)``.
        batch: Chunks.
    """

    def __init__(self, layer: nn.Linear, act_dim: int, offset: Tensor, batch: int) -> None:
        weight = layer.weight.t()
        self._weight, self._joined_weight = weight[:act_dim].contiguous(), weight[act_dim:]
        self._offset = layer.bias + offset
        self._constant = self._offset.repeat(batch, 1, 1)
        self._tokens = torch.empty_like(self._constant)
        self._rows = self._constant.flatten(0, 1), self._tokens.flatten(0, 1)

    def bind(self, condition: Tensor) -> None:
        """Take the observations of the next decision."""
        if len(self._joined_weight):
            joined = condition @ self._joined_weight
            torch.add(joined[:, None, :], self._offset, out=self._constant)

    def __call__(self, actions: Tensor) -> Tensor:
        """Map ``(B, T, act_dim)`` to ``(B, T, width)``, a buffer."""
        constant, tokens = self._rows
        torch.addmm(constant, actions.flatten(0, 1), self._weight, out=tokens)
        return self._tokens


class PlannedLayerNorm:
    """Layer normalisation by given gains and offsets: its own affine where all rows share them.

    Args:
        norm: The normalisation.
        affines: Gain and offset at each time, ``(rows, width)``.
        per_token: Whether tokens stand between the rows and the width.
    """

    def __init__(
        self, norm: nn.LayerNorm, affines: Sequence[Affine], per_token: bool = False
    ) -> None:
        self._shape, self._eps = norm.normalized_shape, norm.eps
        self._shared = len(affines[0][0]) == 1
        if self._shared:
            affines = [(gain[0], offset[0]) for gain, offset in affines]
        elif per_token:
            affines = [(gain[:, None], offset[:, None]) for gain, offset in affines]
        self._affines = affines

    def __call__(self, index: int, hidden: Tensor) -> Tensor:
        """Normalise `hidden` ``(rows, ..., width)`` at the time of `index`."""
        gain, offset = self._affines[index]
        if self._shared:
            return torch.layer_norm(hidden, self._shape, gain, offset, self._eps)
        normed = torch.layer_norm(hidden, self._shape, eps=self._eps)
        return torch.addcmul(offset, normed, gain, out=normed)


class PlannedLinear:
    """A linear layer that writes into a buffer of its own.

    Args:
        layer: The layer.
        shape: Of the output, without its last dimension.

    Attributes:
        output: ``(*shape, out)``.
    """

    def __init__(self, layer: nn.Linear, shape: tuple[int, ...]) -> None:
        self._weight, self._bias = as_read(layer.weight.t()), layer.bias
        self.output = self._weight.new_empty(*shape, layer.out_features)
        self._rows = self.output.view(-1, layer.out_features)

    def __call__(self, rows: Tensor) -> Tensor:
        """Map ``(n, in)`` to `output`, whose shape has n rows too."""
        if self._bias is None:
            torch.mm(rows, self._weight, out=self._rows)
        else:
            torch.addmm(self._bias, rows, self._weight, out=self._rows)
        return self.output


def silu_into(inputs: Tensor, out: Tensor) -> None:
    """Write ``silu(inputs)`` into `out`."""
    _SILU_OUT(inputs, out=out)


def of_type(modules: Iterable[nn.Module], kind: type[ModuleT]) -> list[ModuleT]:
    """Return the modules of a kind, in their order."""
    return [module for module in modules if isinstance(module, kind)]


def transposed(layer: nn.Linear) -> Layer:
    """Return the weight ``(in, out)`` in the order that a product reads it, and the bias."""
    return as_read(layer.weight.t()), layer.bias


def as_read(weight: Tensor) -> Tensor:
    """Lay a transposed weight ``(in, out)`` out as products read it fastest.

    On a processor that is row by row. A GPU's matrix units read it as a linear layer keeps it.
    """
    return weight if weight.is_cuda else weight.contiguous()


def around_one(weight: Tensor, bias: Tensor) -> Layer:
    """Return a layer of gains around 0 and offsets, as one of gains around 1 and offsets."""
    bias = bias.clone()
    bias[: len(bias) // 2] += 1
    return weight, bias
