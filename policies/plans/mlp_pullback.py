"""Evaluations of a planned MLP whose intermediate values are kept, for its vector-Jacobian product.

Written out, because autograd takes many times as long for a network of this size: both passes
together have about twice the operations of a planned evaluation.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from policies.guidance import PullBack
from policies.plans.layers import Affine, Layer

_LAYER_NORM_BACKWARD = torch.ops.aten.native_layer_norm_backward
_SILU_BACKWARD = torch.ops.aten.silu_backward


class Block(NamedTuple):
    """One block: normalisation, first layer without what joins it, second layer."""

    affine: Affine
    constant: Tensor
    inner: Tensor
    outer: Layer


class Kept(NamedTuple):
    """What the backward pass of one normalisation needs."""

    inputs: Tensor
    mean: Tensor
    deviation: Tensor


class MlpAt(NamedTuple):
    """The layers of an MLP at one time of a schedule; products are `rows @ weight`.

    Attributes:
        constant: Contribution of everything but the noisy chunk to the first layer.
        input: Weight of the first layer.
        blocks: The blocks.
        output_affine: Gain and offset of the last normalisation.
        output: The last layer.
        gate: Factor of the noisy chunk in the output, `(1, 1, act_dim)`; None without a skip.
        eps: Of all normalisations.
    """

    constant: Tensor
    input: Tensor
    blocks: list[Block]
    output_affine: Affine
    output: Layer
    gate: Tensor | None
    eps: float


def linearise_mlp(layers: MlpAt, noisy_actions: Tensor) -> tuple[Tensor, PullBack]:
    """Return the output `(B, Tp, outputs)` and its product with the Jacobian."""
    hidden = torch.addmm(layers.constant, noisy_actions.flatten(1), layers.input)
    kept: list[tuple[Kept, Tensor]] = []
    for block in layers.blocks:
        normed, values = _normalise(hidden, block.affine, layers.eps)
        inner = torch.addmm(block.constant, normed, block.inner)
        kept.append((values, inner))
        weight, bias = block.outer
        hidden = torch.addmm(hidden, F.silu(inner), weight).add_(bias)
    normed, last = _normalise(hidden, layers.output_affine, layers.eps)
    weight, bias = layers.output
    output = torch.addmm(bias, normed, weight).view(*noisy_actions.shape[:2], -1)
    if layers.gate is not None:
        output = torch.addcmul(output, layers.gate, noisy_actions)
    return output, partial(_pull_back, layers, kept, last)


def _normalise(hidden: Tensor, affine: Affine, eps: float) -> tuple[Tensor, Kept]:
    gain, offset = affine
    shape = hidden.shape[1:]
    if gain.ndim == 1:
        normed, mean, deviation = torch.native_layer_norm(hidden, shape, gain, offset, eps)
        return normed, Kept(hidden, mean, deviation)
    normed, mean, deviation = torch.native_layer_norm(hidden, shape, None, None, eps)
    return torch.addcmul(offset, normed, gain), Kept(hidden, mean, deviation)


def _pull_back(
    layers: MlpAt, kept: list[tuple[Kept, Tensor]], last: Kept, gradient: Tensor
) -> Tensor:
    """Return the gradient of the noisy chunk, like `gradient`."""
    hidden = _unnormalise(gradient.flatten(1) @ layers.output[0].t(), last, layers.output_affine)
    for block, (values, inner) in zip(reversed(layers.blocks), reversed(kept), strict=True):
        of_inner = _SILU_BACKWARD(hidden @ block.outer[0].t(), inner)
        hidden = hidden + _unnormalise(of_inner @ block.inner.t(), values, block.affine)
    pulled = (hidden @ layers.input.t()).view(*gradient.shape[:2], -1)
    return pulled if layers.gate is None else torch.addcmul(pulled, layers.gate, gradient)


def _unnormalise(gradient: Tensor, kept: Kept, affine: Affine) -> Tensor:
    """Return the gradient of the inputs of a normalisation."""
    gain = affine[0]
    shared = gain if gain.ndim == 1 else None
    if shared is None:
        gradient = gradient * gain
    inputs: Tensor = _LAYER_NORM_BACKWARD(
        *(gradient, kept.inputs, kept.inputs.shape[1:], kept.mean, kept.deviation),
        *(shared, shared, [True, False, False]),
    )[0]
    return inputs
