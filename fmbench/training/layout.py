"""The layout of a network's parameters in one row of numbers."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

ALIGNMENT = 4
"""Every tensor starts at a multiple of this many numbers: 16 bytes, as fast kernels require."""


class Layout:
    """Where each of some tensors lies in a row that holds all of them.

    Args:
        tensors: Name to a tensor of the same shape, in the order of the row.

    Attributes:
        size: Numbers in a row, gaps included.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.shapes = {name: tensor.shape for name, tensor in tensors.items()}
        self._parts: list[int] = []
        for shape in self.shapes.values():
            size = math.prod(shape)
            self._parts += [size, -size % ALIGNMENT]
        self.size = sum(self._parts)

    def views(self, row: Tensor) -> dict[str, Tensor]:
        """Return the tensors that lie in a row `(size,)`, as views of it."""
        # One split has one operation as its gradient, where a slice per tensor has two each.
        found = iter(torch.split(row, [size for size in self._parts if size]))
        views = {}
        for (name, shape), size, gap in zip(
            self.shapes.items(), self._parts[::2], self._parts[1::2], strict=True
        ):
            views[name] = next(found).view(shape) if size else row.new_empty(shape)
            if gap:
                next(found)
        return views

    def row(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Return a row `(size,)` of copies of the tensors, with 0 in its gaps."""
        parts = []
        for name, gap in zip(self.shapes, self._parts[1::2], strict=True):
            parts += [tensors[name].detach().flatten(), tensors[name].new_zeros(gap)]
        return torch.cat(parts) if parts else torch.empty(0)
