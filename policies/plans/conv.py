"""A convolution over time in a planned network: neighbours side by side, then one product."""

import torch
from torch import Tensor, nn

from policies.plans.layers import PlannedLinear


class PlannedConv:
    """A convolution over time as one product, its input between zeros that stay.

    Args:
        layer: From three neighbouring actions to one.
        batch: Chunks.
        length: Actions.
        parts: Number of tensors whose channels make up the input.

    Attributes:
        inputs: Where those tensors are written before a call, ``(batch, length, channels)`` each.
        centre: The input as rows, after a call.
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
        """Make the inputs and what `_lay_out` reads."""
        batch, length, size = self._shape
        padded = self._columns.new_zeros(batch, length + 2, size)
        self.inputs = padded[:, 1:-1].chunk(self._parts, dim=-1)
        strides = (padded.stride(0), size, 1)  # three neighbours lie beside one another in memory
        self._neighbours = padded.as_strided(self._columns.shape, strides)

    def _lay_out(self) -> None:
        """Write the neighbours side by side into the rows."""
        self._columns.copy_(self._neighbours)

    def __call__(self) -> Tensor:
        """Convolve what the inputs hold, to ``(batch, length, channels_out)``."""
        self._lay_out()
        return self._product(self._rows)


class GatheringConv(PlannedConv):
    """A convolution whose inputs have no gaps: a GPU writes them faster than between zeros.

    All actions, and a row of zeros for the neighbours beyond a chunk's ends, are gathered by their
    indices.
    """

    def _prepare(self) -> None:
        batch, length, size = self._shape
        width = size // self._parts
        self._source = self._columns.new_zeros(self._parts * batch * length + 1, width)
        self.inputs = self._source[:-1].view(self._parts, batch, length, width).unbind()
        self._index = neighbours(self._parts, batch, length).to(self._columns.device)
        self._gathered = self._columns.view(-1, width)

    def _lay_out(self) -> None:
        torch.index_select(self._source, 0, self._index, out=self._gathered)


def neighbours(parts: int, batch: int, length: int) -> Tensor:
    """Return which rows make up those of a convolution's product.

    Returns:
        ``(batch * length * 3 * parts,)``, indices of rows ``(parts, batch, length)`` and, beyond
        a chunk's ends, of the row after them all.
    """
    rows = torch.arange(parts * batch * length).view(parts, batch, length)
    ends = rows.new_full((parts, batch, 1), rows.numel())
    padded = torch.cat((ends, rows, ends), dim=2)
    return padded.unfold(2, 3, 1).permute(1, 2, 3, 0).flatten()


def with_shortcut(conv: nn.Linear, shortcut: nn.Linear) -> nn.Linear:
    """Return one layer of three neighbours for a convolution and for the shortcut beside it.

    Returns:
        Its first half of outputs is the convolution's, its second half the shortcut's.
    """
    out, size = shortcut.weight.shape
    joined = nn.Linear(conv.in_features, 2 * out, device=conv.weight.device)
    weight, bias = conv.weight.new_zeros(joined.weight.shape), conv.weight.new_zeros(2 * out)
    weight[:out], weight[out:, size : 2 * size] = conv.weight, shortcut.weight
    bias[out:] = shortcut.bias
    joined.weight, joined.bias = nn.Parameter(weight), nn.Parameter(bias)
    return joined
