"""Where the gradients of a stack are stored, and the inputs of its layers' matrices."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

KEPT = 4
"""Inputs that are kept, the latest, for layers that have the same: those of observations, time and
context. More would hold those of all layers, also of networks without a gradient."""


class Gradients:
    """Where the gradients of what a stack trains are stored.

    Args:
        trained: Name to what is trained in all places, `(places, ...)`; leaves of autograd.
        rows: Name to where its gradient is stored, alike.
    """

    def __init__(self, trained: Mapping[str, Tensor], rows: Mapping[str, Tensor]) -> None:
        self._trained = {name: leaf for name, leaf in trained.items() if leaf.numel()}
        self._rows = {self._trained[name].data_ptr(): rows[name] for name in self._trained}
        self._done: set[int] = set()
        self._tails: dict[tuple[object, ...], Tensor] = {}
        self._widened: dict[tuple[object, ...], tuple[Tensor, Tensor]] = {}

    def begin(self) -> None:
        """Forget the gradients and inputs of the last update."""
        self._done.clear()
        self._widened.clear()
        for leaf in self._trained.values():
            leaf.grad = None

    def add_product(self, weight: Tensor, gradient: Tensor, inputs: Tensor) -> None:
        """Add `gradient.mT @ inputs` to the gradient of a matrix."""
        key = weight.data_ptr()
        row, product = self._rows[key], gradient.mT
        if key in self._done:
            row += product @ inputs
        elif gradient.dtype == row.dtype:
            torch.bmm(product, inputs, out=row)
        else:
            row.copy_(product @ inputs)
        self._done.add(key)

    def finish(self) -> None:
        """Store the gradients that autograd has found itself.

        Raises:
            RuntimeError: Something has no gradient.
        """
        for name, leaf in self._trained.items():
            key = leaf.data_ptr()
            if leaf.grad is not None and key in self._done:
                self._rows[key] += leaf.grad
            elif leaf.grad is not None:
                self._rows[key].copy_(leaf.grad)
            elif key not in self._done:
                raise RuntimeError(f"{name} has no gradient")
            leaf.grad = None
        self._widened.clear()

    def widened(self, parts: Sequence[Tensor], columns: int) -> Tensor:
        """Return the inputs of a matrix, `[parts, 1, 0]` `(places, rows, columns)`.

        Several layers may have the same last part, such as observations or features of the time.
        """
        *others, last = parts
        missing = columns - sum(part.shape[-1] for part in parts)
        if missing:
            key = (missing, last.data_ptr(), last.shape, last.stride(), last._version)
            if key not in self._widened:  # the part is kept: its memory stays its own
                self._widened[key] = last, self.join([last], columns=last.shape[-1] + missing)
            last = self._widened[key][1]
            if len(self._widened) > KEPT:
                del self._widened[next(iter(self._widened))]
        return torch.cat([*others, last], dim=-1) if others else last

    def join(self, parts: Sequence[Tensor], columns: int, first: float = 1.0) -> Tensor:
        """Return parts `(..., rows, n)` and a tail side by side, `(..., rows, columns)`.

        The tail is a column of the first number, and then of 0.
        """
        missing = columns - sum(part.shape[-1] for part in parts)
        if missing:
            parts = [*parts, self._tail(parts[0], missing, first)]
        return torch.cat(list(parts), dim=-1) if len(parts) > 1 else parts[0]

    def _tail(self, like: Tensor, columns: int, first: float) -> Tensor:
        shape = (*like.shape[:-1], columns)
        key = (shape, first, like.dtype)
        if key not in self._tails:
            tail = torch.zeros(shape, dtype=like.dtype, device=like.device)
            tail[..., 0] = first
            self._tails[key] = tail
        return self._tails[key]
