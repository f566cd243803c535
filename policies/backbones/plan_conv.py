"""A convolution over time in a planned network."""

import torch
from torch import Tensor

from policies.backbones.plan_layers import PlannedLinear, as_read
from policies.backbones.unet import TimeConv

BY_ACTION_BATCH = 32
"""Fewest chunks for which a GPU multiplies action by action."""


def is_faster_by_action(device: torch.device, batch: int) -> bool:
    """Return whether a product for each action is faster than one of copied neighbours."""
    return device.type == "cuda" and batch >= BY_ACTION_BATCH


class PlannedConv:
    """A convolution over time as products, its input between zeros that stay.

    An action and its two neighbours lie beside one another in memory, but the triples of a chunk
    overlap, which no single product reads. So either they are copied apart, or there is a product
    for each action, whose rows are the chunks.

    Args:
        conv: The convolution.
        batch: Chunks.
        length: Actions.
        by_action: Whether there is a product for each action.

    Attributes:
        input: ``(batch, length, channels_in)``, to be written before a call.
        centre: The same as rows, after a call; not by action.
    """

    def __init__(self, conv: TimeConv, batch: int, length: int, by_action: bool) -> None:
        size, wide = conv.in_features // 3, conv.in_features
        padded = conv.weight.new_zeros(batch, length + 2, size)
        self.input = padded[:, 1:-1]
        row = padded.stride(0)
        self._by_action = by_action
        self._product = PlannedLinear(conv, (batch, length))
        self._output = self._product.destination.place
        if by_action:
            self._neighbours = padded.as_strided((length, batch, wide), (size, row, 1))
            self._weight = as_read(conv.weight.t()).expand(length, -1, -1)
            self._output_by_action = self._output.transpose(0, 1)
            return
        self._neighbours = padded.as_strided((batch, length, wide), (row, size, 1))
        self._columns = conv.weight.new_empty(self._neighbours.shape)
        self._rows = self._columns.flatten(0, 1)
        self.centre = self._rows[:, size : 2 * size]

    def __call__(self) -> Tensor:
        """Convolve `input`, to ``(batch, length, channels_out)``."""
        if self._by_action:
            torch.bmm(self._neighbours, self._weight, out=self._output_by_action)
            return self._output
        self._columns.copy_(self._neighbours)
        return self._product(self._rows)
