"""Forward and backward pass of the residual MLP, written out, each in two halves of the rows.

For a network of this size calling an operation costs as much as many an operation itself, and
autograd calls as many again. These are the operations that it would use, on the same numbers, so
that the bytes stay. Their results are stored in the same place at every update.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from policies.backbones.mlp import ResidualBlock, ResidualMLP

_aten = torch.ops.aten


class MlpPasses:
    """Both passes through `ResidualMLP.trunk` for one batch after the other.

    Args:
        network: Its normalisations are `ScaledNorm`.
        rows: Size of a batch.

    Attributes:
        rows: See above.
        halves: Each computes its rows of the output, then of the gradients.
    """

    def __init__(self, network: ResidualMLP, rows: int) -> None:
        self.rows, self._layers, self._norms = rows, layers_of(network), norms_of(network)
        self._gains = [norm.gain for norm in self._norms]
        new = network.output.weight.new_empty
        self._inputs = [new(rows, layer.in_features) for layer in self._layers]
        self._gradients = [new(rows, layer.out_features) for layer in self._layers[:-1]]
        self._of_gains = [new(rows, gain.out_features) for gain in self._gains]
        middle = rows // 2
        self.halves = [self._half(slice(0, middle)), self._half(slice(middle, rows))]

    def begin(self, chunk: Tensor, modulation: Tensor, joined: Tensor) -> Tensor:
        """Begin the forward pass; return the output, which the halves will fill.

        Args:
            chunk: `(rows, pred_horizon * act_dim)`.
            modulation: `(rows, n)`.
            joined: `(rows, joined_dim)`.
        """
        output = chunk.new_empty(self.rows, self._layers[-1].out_features)
        self._modulation = modulation
        layers, gains = ([*map(_affine, each)] for each in (self._layers, self._gains))
        for half in self.halves:
            half.chunk, half.modulation, half.joined, half.output = (
                each[half.part] for each in (chunk, modulation, joined, output)
            )
            half.layers, half.gains = layers, gains
        return output

    def begin_backward(self, gradient: Tensor) -> None:
        """Begin the backward pass with the gradient of the output, `(rows, outputs)`."""
        self._of_output = gradient.contiguous()
        for half in self.halves:
            half.of_output = self._of_output[half.part]

    def products(self) -> Iterator[tuple[nn.Linear, Tensor, Tensor]]:
        """Return each layer with the gradient of its output, and its input; small ones last."""
        yield from zip(self._layers, (*self._gradients, self._of_output), self._inputs, strict=True)
        for gain, gradient in zip(self._gains, self._of_gains, strict=True):
            yield gain, gradient, self._modulation

    def _half(self, part: slice) -> "_Half":
        inputs, gradients, of_gains = (
            [each[part] for each in buffers]
            for buffers in (self._inputs, self._gradients, self._of_gains)
        )
        return _Half(part, [norm.norm.eps for norm in self._norms], inputs, gradients, of_gains)


class _Half:
    """Half of the rows.

    Args:
        part: Which.
        eps: Of the normalisations.
        inputs: Where the inputs of the layers are stored: first one, two of each block, last one.
        gradients: Where the gradients of their outputs are stored, but the last one.
        of_gains: Where the gradients of the normalisations' gains are stored.
    """

    chunk: Tensor
    modulation: Tensor
    joined: Tensor
    output: Tensor
    of_output: Tensor
    layers: list[tuple[Tensor, Tensor]]
    gains: list[tuple[Tensor, Tensor]]

    def __init__(
        self,
        part: slice,
        eps: Sequence[float],
        inputs: Sequence[Tensor],
        gradients: Sequence[Tensor],
        of_gains: Sequence[Tensor],
    ) -> None:
        self.part, self._eps = part, eps
        self._inputs, self._gradients, self._of_gains = inputs, gradients, of_gains
        width = inputs[-1].shape[1]
        self._width = [width]
        self._normed = [*(each[:, :width] for each in inputs[1:-1:2]), inputs[-1]]
        self._joined = [each[:, width:] for each in inputs[1:-1:2]]
        self._hidden = [torch.empty_like(inputs[-1]) for _ in of_gains]
        self._inner = [torch.empty_like(inputs[-1]) for _ in self._joined]
        self._kept: list[tuple[Tensor, ...]] = [()] * len(of_gains)

    def forward(self) -> None:
        """Compute the output, and keep what the backward pass needs."""
        inputs, hidden, joined = self._inputs, self._hidden, self.joined
        torch.cat((self.chunk, joined), dim=-1, out=inputs[0])
        _apply(self.layers[0], inputs[0], hidden[0])
        for k, (inner, place) in enumerate(zip(self._inner, self._joined, strict=True)):
            self._normalise(k)
            place.copy_(joined)
            _apply(self.layers[2 * k + 1], inputs[2 * k + 1], inner)
            _aten.silu.out(inner, out=inputs[2 * k + 2])
            _apply(self.layers[2 * k + 2], inputs[2 * k + 2], hidden[k + 1])
            hidden[k + 1].add_(hidden[k])
        self._normalise(len(self._inner))
        _apply(self.layers[-1], inputs[-1], self.output)

    def backward(self) -> None:
        """Compute the gradients of all layers' outputs."""
        layers, gradients, last = self.layers, self._gradients, len(self._inner)
        change = self._normalise_back(last, self.of_output @ layers[-1][1].t())
        gradients[-1].copy_(change)
        for k in reversed(range(last)):
            of_input, of_inner, of_outer = gradients[2 * k : 2 * k + 3]
            of_activation = of_outer @ layers[2 * k + 2][1].t()
            _aten.silu_backward.grad_input(of_activation, self._inner[k], grad_input=of_inner)
            of_normed = of_inner @ layers[2 * k + 1][1][: self._width[0]].t()
            torch.add(of_outer, self._normalise_back(k, of_normed), out=of_input)

    def _normalise(self, k: int) -> None:
        """Scale and store the normalised `hidden[k]`."""
        bias, weight = self.gains[k]
        gain = torch.addmm(bias, self.modulation, weight)
        normed, *moments = torch.native_layer_norm(
            self._hidden[k], self._width, None, None, self._eps[k]
        )
        torch.addcmul(normed, normed, gain, out=self._normed[k])
        self._kept[k] = gain, normed, *moments

    def _normalise_back(self, k: int, gradient: Tensor) -> Tensor:
        """Return the gradient of `hidden[k]`; store that of the gain."""
        gain, normed, *moments = self._kept[k]
        torch.mul(gradient, normed, out=self._of_gains[k])
        of_normed = (gradient * gain).add_(gradient)
        change: Tensor = _aten.native_layer_norm_backward(
            of_normed, self._hidden[k], self._width, *moments, None, None, (True, False, False)
        )[0]
        return change


def layers_of(network: ResidualMLP) -> list[nn.Linear]:
    """Return the first layer, both of each block, and the last one."""
    blocks = (block for block in network.blocks if isinstance(block, ResidualBlock))
    between = (layer for block in blocks for layer in (block.inner, block.outer))
    return [network.input, *between, network.output]


def norms_of(network: ResidualMLP) -> list[Any]:
    """Return the normalisations of the blocks, and the last one; normally `ScaledNorm`."""
    return [*(block.norm for block in network.blocks), network.output_norm]


def _affine(layer: nn.Linear) -> tuple[Tensor, Tensor]:
    """Return a layer's bias, and its weight `(in_features, out_features)`."""
    return layer.bias, layer.weight.t()


def _apply(affine: tuple[Tensor, Tensor], x: Tensor, output: Tensor) -> None:
    torch.addmm(affine[0], x, affine[1], out=output)
