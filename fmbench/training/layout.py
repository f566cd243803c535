"""The layout of a network's parameters in one row of numbers."""

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

ALIGNMENT = 4
"""Every tensor, and every row of a layer's matrix, starts at a multiple of this many numbers: 16
bytes, as fast kernels require."""


class Layout:
    """Where each of some tensors lies in a row that holds all of them.

    Weight and bias of a linear layer lie side by side in one matrix `[weight, bias, 0]`, so that
    one product with inputs `[x, 1, 0]` is the whole layer.

    Args:
        tensors: Name to a tensor of the same shape, in the order of the row.
        biases: Name of the weight of a linear layer to that of its bias; both are in `tensors`.

    Attributes:
        size: Numbers in a row, gaps included.
    """

    def __init__(self, tensors: Mapping[str, Tensor], biases: Mapping[str, str]) -> None:
        self._biases, hidden = dict(biases), set(biases.values())
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._widths = {name: tensors[name].shape[1] for name in biases}
        self._starts: dict[str, int] = {}
        self.size = 0
        for name, tensor in tensors.items():
            if name in hidden:
                continue
            shape = tuple(tensor.shape)
            if name in biases:
                shape = (shape[0], _aligned(shape[1] + 1))
            self._shapes[name], self._starts[name] = shape, self.size
            self.size += _aligned(math.prod(shape))

    def stored(self, rows: Tensor) -> dict[str, Tensor]:
        """Return what is stored in rows `(n, size)`, as views `(n, ...)` of them.

        Under the name of a linear layer's weight this is its matrix, and its bias has no name.
        """
        views = {}
        for name, shape in self._shapes.items():
            part = rows.narrow(1, self._starts[name], math.prod(shape))
            views[name] = part.view(len(rows), *shape)
        return views

    def views(self, row: Tensor) -> dict[str, Tensor]:
        """Return the tensors that lie in a row `(size,)`, as views of it."""
        views = {}
        for name, (tensor,) in self.stored(row[None]).items():
            if name in self._biases:
                width = self._widths[name]
                views[name], views[self._biases[name]] = tensor[:, :width], tensor[:, width]
            else:
                views[name] = tensor
        return views

    def row(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Return a row `(size,)` of copies of the tensors, with 0 in its gaps."""
        row = next(iter(tensors.values()), torch.empty(0)).new_zeros(self.size)
        for name, view in self.views(row).items():
            view.copy_(tensors[name].detach())
        return row


def biases_of(module: nn.Module, names: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the linear layers whose weight and bias are among some names, weight to bias."""
    return {weight: bias for weight, bias in _layers(module) if {weight, bias} <= names.keys()}


def _layers(module: nn.Module) -> Iterator[tuple[str, str]]:
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear):
            yield f"{name}.weight", f"{name}.bias"


def _aligned(size: int) -> int:
    return size + -size % ALIGNMENT
