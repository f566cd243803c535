"""Network sizes with about the same number of parameters for every backbone."""

from dataclasses import replace
from functools import cache

import torch

from policies.backbones import make_backbone, resolve_conditioning
from policies.backbones.shape import NetworkShape
from policies.catalogue import BACKBONES, SIZES
from policies.registry import lookup

WIDTH_STEPS = {"small": 4, "base": 8}
"""Widths are multiples of this: parameters match within 5 %, and products are fast on a GPU."""


def sized(
    shape: NetworkShape, backbone: str, size: str, at_depth: int | None = None
) -> NetworkShape:
    """Set the width and depth of a network shape to those of a size.

    Args:
        shape: Shape whose width and depth are replaced.
        backbone: A key of `policies.catalogue.BACKBONES`.
        size: A key of `policies.catalogue.SIZES`.
        at_depth: The depth whose width is searched; None for that of the backbone at this size.

    Returns:
        The shape whose number of parameters, with chunks as outputs, is nearest to that of the MLP
        of this size.

    Raises:
        ValueError: A name is unknown.
    """
    width, depth = lookup("size", size, SIZES)
    conditioning = resolve_conditioning(backbone, shape.conditioning)
    mlp = replace(shape, width=width, depth=depth, conditioning="concat", outputs=None)
    entry = BACKBONES[backbone]
    if at_depth is None and entry.sizes and conditioning == entry.conditioning:
        width, depth = entry.sizes[size]
        return replace(shape, width=width, depth=depth)
    target, step = count_parameters("mlp", mlp), WIDTH_STEPS[size]
    depth = at_depth or entry.depth or depth

    def parameters(width: int) -> int:
        return count_parameters(
            backbone, replace(mlp, width=width, depth=depth, conditioning=conditioning)
        )

    low, high = step, 2 * step
    while parameters(high) < target:
        low, high = high, 2 * high
    while high - low > step:
        middle = (low + high) // (2 * step) * step
        if parameters(middle) < target:
            low = middle
        else:
            high = middle
    width = min(low, high, key=lambda width: abs(parameters(width) - target))
    return replace(shape, width=width, depth=depth)


@cache
def count_parameters(backbone: str, shape: NetworkShape) -> int:
    """Return the number of parameters of a backbone, without allocating them."""
    with torch.device("meta"):  # draws nothing from torch's global generator
        network = make_backbone(backbone, shape)
    return sum(parameter.numel() for parameter in network.parameters())
