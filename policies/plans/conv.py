"""Planned convolutions over time: gather the neighbours of every action, then one product."""

import torch
from torch import Tensor, nn

from policies.plans.layers import PlannedLinear


class PlannedConv:
    """A convolution over time as one product, with its input in a zero-padded buffer.

    Args:
        layer: Maps three neighbouring actions to one.
        batch: Number of chunks.
        length: Number of actions.
        parts: Number of tensors whose channels make up the input.

    Attributes:
        inputs: Buffers for these tensors, written before a call, `(batch, length, channels)` each.
        centre: The input as rows, valid after a call.
    """

    inputs: tuple[Tensor, ...]

    def __init__(self, layer: nn.Linear, batch: int, length: int, parts: int = 1) -> None:
        self._shape, self._parts = (batch, length, layer.in_features // 3), parts
        size = self._shape[2]
        self._columns = layer.weight.new_empty(batch, length, 3 * size)
        self._rows = self._columns.flatten(0, 1)
        self.centre = self._rows[:, size : 2 * size]
        self._product = PlannedLinear(layer, (batch, length))
        self._prepare()

    def _prepare(self) -> None:
        """Allocate the inputs and what `_gather` reads."""
        batch, length, size = self._shape
        padded = self._columns.new_zeros(batch, length + 2, size)
        self.inputs = padded[:, 1:-1].chunk(self._parts, dim=-1)
        strides = (padded.stride(0), size, 1)  # three neighbours are adjacent in memory
        self._neighbours = padded.as_strided(self._columns.shape, strides)

    def _gather(self) -> None:
        """Copy the neighbours of every action into one row."""
        self._columns.copy_(self._neighbours)

    def __call__(self) -> Tensor:
        """Convolve the contents of `inputs`, to `(batch, length, channels_out)`."""
        self._gather()
        return self._product(self._rows)


class GatheringConv(PlannedConv):
    """A convolution with contiguous inputs, which a GPU writes faster than padded ones.

    All actions, and a row of zeros for neighbours beyond the ends of a chunk, are gathered by
    index.
    """

    def _prepare(self) -> None:
        batch, length, size = self._shape
        width = size // self._parts
        self._source = self._columns.new_zeros(self._parts * batch * length + 1, width)
        self.inputs = self._source[:-1].view(self._parts, batch, length, width).unbind()
        self._index = neighbours(self._parts, batch, length).to(self._columns.device)
        self._gathered = self._columns.view(-1, width)

    def _gather(self) -> None:
        torch.index_select(self._source, 0, self._index, out=self._gathered)


def neighbours(parts: int, batch: int, length: int) -> Tensor:
    """Return the indices that gather the rows of a convolution's product.

    Returns:
        `(batch * length * 3 * parts,)`, indices into rows `(parts, batch, length)` and, beyond the
        ends of a chunk, into the row of zeros after them.
    """
    rows = torch.arange(parts * batch * length).view(parts, batch, length)
    ends = rows.new_full((parts, batch, 1), rows.numel())
    padded = torch.cat((ends, rows, ends), dim=2)
    return padded.unfold(2, 3, 1).permute(1, 2, 3, 0).flatten()


def with_shortcut(conv: nn.Linear, shortcut: nn.Linear) -> nn.Linear:
    """Return one layer of three neighbours that computes a convolution and its parallel shortcut.

    Returns:
        The layer; the first half of its outputs is the convolution, the second half the shortcut.
    """
    out, size = shortcut.weight.shape
    joined = nn.Linear(conv.in_features, 2 * out, device=conv.weight.device)
    weight, bias = conv.weight.new_zeros(joined.weight.shape), conv.weight.new_zeros(2 * out)
    weight[:out], weight[out:, size : 2 * size] = conv.weight, shortcut.weight
    bias[out:] = shortcut.bias
    joined.weight, joined.bias = nn.Parameter(weight), nn.Parameter(bias)
    return joined
