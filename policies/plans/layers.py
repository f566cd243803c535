"""The layers of a planned network: weights as products read them, outputs in kept buffers."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, nn

Layer: TypeAlias = tuple[Tensor, Tensor]
"""Weight and bias."""
Affine: TypeAlias = tuple[Tensor, Tensor]
"""Gain and offset."""

ModuleT = TypeVar("ModuleT", bound=nn.Module)
_SILU_OUT = torch.ops.aten.silu.out


class InputLayer:
    """The first layer of a network whose tokens are actions, with the condition's part computed.

    Args:
        layer: From an action, and what joins it, to a token.
        act_dim: Numbers in one action.
        shape: Of the tokens, ``(B, T, width)``.
        offset: Added to every chunk of tokens, ``(T, width)``.

    Attributes:
        buffer: Where the tokens go.
    """

    def __init__(
        self, layer: nn.Linear, act_dim: int, shape: tuple[int, ...], offset: Tensor | None = None
    ) -> None:
        self._weight = matmul_layout(layer.weight[:, :act_dim].t())
        self._joined_weight = layer.weight[:, act_dim:].t()
        self._offset = (layer.bias if offset is None else layer.bias + offset).expand(shape[1:])
        self._constant = self._offset.repeat(shape[0], 1, 1)
        self._added = self._constant.flatten(0, 1)
        if offset is None and not len(self._joined_weight):
            self._added = layer.bias
        self.buffer = OutputBuffer(torch.empty_like(self._constant))

    def set_condition(self, condition: Tensor) -> None:
        """Compute what the observations of a decision add, ``(B, condition_dim)``."""
        if len(self._joined_weight):
            joined = condition @ self._joined_weight
            torch.add(joined[:, None, :], self._offset, out=self._constant)

    def __call__(self, actions: Tensor) -> Tensor:
        """Map ``(B, T, act_dim)`` to ``(B, T, width)``, a buffer."""
        rows = actions.flatten(0, 1)
        torch.addmm(self._added, rows, self._weight, out=self.buffer.rows)
        return self.buffer.write()


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


class FixedLayerNorm:
    """Layer normalisation by its own gain and offset, without a module's cost of a call.

    Args:
        norm: The normalisation.
    """

    def __init__(self, norm: nn.LayerNorm) -> None:
        self._arguments = norm.normalized_shape, norm.weight, norm.bias, norm.eps

    def __call__(self, hidden: Tensor) -> Tensor:
        """Normalise ``(..., width)``."""
        return torch.layer_norm(hidden, *self._arguments)


class PlannedLinear:
    """A linear layer that writes into a buffer.

    Args:
        layer: The layer.
        shape: Of the output, without its last dimension.

    Attributes:
        buffer: Where the output goes, ``(*shape, out)``.
    """

    def __init__(self, layer: nn.Linear, shape: tuple[int, ...]) -> None:
        self._weight, self._bias = matmul_layout(layer.weight.t()), layer.bias
        self.buffer = OutputBuffer(self._weight.new_empty(*shape, layer.out_features))

    def __call__(self, rows: Tensor) -> Tensor:
        """Map ``(n, in)`` to the output, whose shape has n rows too."""
        if self._bias is None:
            torch.mm(rows, self._weight, out=self.buffer.rows)
        else:
            torch.addmm(self._bias, rows, self._weight, out=self.buffer.rows)
        return self.buffer.write()


class OutputBuffer:
    """Where a product writes its rows: its own buffer, or another that it is redirected to.

    Args:
        buffer: ``(B, ..., out)``.

    Attributes:
        rows: ``(n, out)``, where the product writes.
        view: ``(B, ..., out)``, where the next layer reads.
    """

    def __init__(self, buffer: Tensor) -> None:
        self.view, self.rows = buffer, buffer.view(-1, buffer.shape[-1])
        self._copied: Tensor | None = None

    def redirect(self, view: Tensor) -> None:
        """Write into `view` instead, which has the same elements in the same order.

        A product writes them there itself if its rows are evenly spaced, as those of one chunk
        are. Between several chunks there may be a gap; then they are copied.
        """
        width = self.rows.shape[1]
        if view.is_contiguous() or (len(view) == 1 and view.shape[-1] == width):
            self.rows = view.view(-1, width)
        else:
            self._copied = self.rows.view(view.shape)
        self.view = view

    def write(self) -> Tensor:
        """Return `view`, once the rows are in it."""
        if self._copied is not None:
            self.view.copy_(self._copied)
        return self.view


def silu_into(inputs: Tensor, out: Tensor) -> None:
    """Write ``silu(inputs)`` into `out`."""
    _SILU_OUT(inputs, out=out)


def of_type(modules: Iterable[nn.Module], kind: type[ModuleT]) -> list[ModuleT]:
    """Return the modules of a kind, in their order."""
    return [module for module in modules if isinstance(module, kind)]


def transposed(layer: nn.Linear) -> Layer:
    """Return the weight ``(in, out)`` in the order that a product reads it, and the bias."""
    return matmul_layout(layer.weight.t()), layer.bias


def matmul_layout(weight: Tensor) -> Tensor:
    """Lay a transposed weight ``(in, out)`` out as products read it fastest.

    On a processor that is row by row. A GPU's matrix units read it as a linear layer keeps it.
    """
    return weight if weight.is_cuda else weight.contiguous()


def add_one_to_gain(weight: Tensor, bias: Tensor) -> Layer:
    """Return a layer of gains around 0 and offsets, as one of gains around 1 and offsets."""
    bias = bias.clone()
    bias[: len(bias) // 2] += 1
    return weight, bias
