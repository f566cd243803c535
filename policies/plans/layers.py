"""Layers of planned networks: weights in matmul layout, outputs in preallocated buffers."""

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
    """The first layer of a network over action tokens, with the condition's part precomputed.

    Args:
        layer: Maps an action, with the joined condition, to a token.
        act_dim: Numbers in one action.
        shape: Shape of the tokens, `(B, T, width)`.
        offset: Added to the tokens of every chunk, `(T, width)`.

    Attributes:
        buffer: The buffer of the tokens.
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
        """Compute the contribution of a decision's condition `(B, condition_dim)`."""
        if len(self._joined_weight):
            joined = condition @ self._joined_weight
            torch.add(joined[:, None, :], self._offset, out=self._constant)

    def __call__(self, actions: Tensor) -> Tensor:
        """Map `(B, T, act_dim)` to the buffer `(B, T, width)`."""
        rows = actions.flatten(0, 1)
        torch.addmm(self._added, rows, self._weight, out=self.buffer.rows)
        return self.buffer.write()


class PlannedLayerNorm:
    """Layer normalisation with a gain and an offset for each time.

    Args:
        norm: The normalisation.
        affines: Gain and offset at each time, `(rows, width)`; one row is shared by the batch.
        per_token: Whether inputs are `(rows, tokens, width)`.
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

    def affine(self, index: int) -> Affine:
        """Return gain and offset at the time of `index`, `(width,)` if the batch shares them."""
        return self._affines[index]

    def __call__(self, index: int, hidden: Tensor) -> Tensor:
        """Normalise `hidden` `(rows, ..., width)` at the time of `index`."""
        gain, offset = self._affines[index]
        if self._shared:
            return torch.layer_norm(hidden, self._shape, gain, offset, self._eps)
        normed = torch.layer_norm(hidden, self._shape, eps=self._eps)
        return torch.addcmul(offset, normed, gain, out=normed)


class FixedLayerNorm:
    """Layer normalisation with its own gain and offset, without the call overhead of a module.

    Args:
        norm: The normalisation.
    """

    def __init__(self, norm: nn.LayerNorm) -> None:
        self._arguments = norm.normalized_shape, norm.weight, norm.bias, norm.eps

    def __call__(self, hidden: Tensor) -> Tensor:
        """Normalise `(..., width)`."""
        return torch.layer_norm(hidden, *self._arguments)


class PlannedLinear:
    """A linear layer that writes into a buffer.

    Args:
        layer: The layer.
        shape: Shape of the output without its last dimension.

    Attributes:
        buffer: The buffer of the output, `(*shape, out)`.
    """

    def __init__(self, layer: nn.Linear, shape: tuple[int, ...]) -> None:
        self._weight, self._bias = matmul_layout(layer.weight.t()), layer.bias
        self.buffer = OutputBuffer(self._weight.new_empty(*shape, layer.out_features))

    def __call__(self, rows: Tensor) -> Tensor:
        """Map `(n, in)` to the output `(*shape, out)`, which has n rows."""
        if self._bias is None:
            torch.mm(rows, self._weight, out=self.buffer.rows)
        else:
            torch.addmm(self._bias, rows, self._weight, out=self.buffer.rows)
        return self.buffer.write()


class OutputBuffer:
    """The output buffer of a product: its own, or a view that it is redirected to.

    Args:
        buffer: `(B, ..., out)`.

    Attributes:
        rows: `(n, out)`, written by the product.
        view: `(B, ..., out)`, read by the next layer.
    """

    def __init__(self, buffer: Tensor) -> None:
        self.view, self.rows = buffer, buffer.view(-1, buffer.shape[-1])
        self._copied: Tensor | None = None

    def redirect(self, view: Tensor) -> None:
        """Write into `view` instead, which has the same elements in the same order.

        The product writes there directly if the rows of `view` are evenly spaced, as for a single
        chunk. If there are gaps between chunks, the rows are copied.
        """
        width = self.rows.shape[1]
        if view.is_contiguous() or (len(view) == 1 and view.shape[-1] == width):
            self.rows = view.view(-1, width)
        else:
            self._copied = self.rows.view(view.shape)
        self.view = view

    def write(self) -> Tensor:
        """Copy the rows to `view` if necessary, and return it."""
        if self._copied is not None:
            self.view.copy_(self._copied)
        return self.view


def silu_into(inputs: Tensor, out: Tensor) -> None:
    """Write `silu(inputs)` into `out`."""
    _SILU_OUT(inputs, out=out)


def of_type(modules: Iterable[nn.Module], kind: type[ModuleT]) -> list[ModuleT]:
    """Return the modules of a type, in their order."""
    return [module for module in modules if isinstance(module, kind)]


def transposed(layer: nn.Linear) -> Layer:
    """Return the weight `(in, out)` in matmul layout, and the bias."""
    return matmul_layout(layer.weight.t()), layer.bias


def matmul_layout(weight: Tensor) -> Tensor:
    """Return a transposed weight `(in, out)` in the layout that products read fastest.

    On a CPU this is row-major; on a GPU it is the layout of the linear layer.
    """
    return weight if weight.is_cuda else weight.contiguous()


def add_one_to_gain(weight: Tensor, bias: Tensor) -> Layer:
    """Add 1 to the gains of a layer whose outputs are gains around 0, then offsets."""
    bias = bias.clone()
    bias[: len(bias) // 2] += 1
    return weight, bias
