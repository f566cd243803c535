"""How wide and how deep a network of a given size is, alike in parameters for every backbone."""

from functools import cache

import torch

from policies.backbones import BACKBONES, CONDITIONINGS, make_backbone
from policies.registry import lookup

SIZES: dict[str, tuple[int, int]] = {"small": (256, 3), "base": (512, 4)}
"""Width and depth of the concatenating MLP, whose number of parameters all others match."""
UNET_DEPTH = 1
"""Blocks of the U-Net at each resolution and side, at every size; see `UNet`."""
WIDTH_STEPS = {"small": 4, "base": 8}
"""Widths are multiples of this: fine enough for 5 % of the parameters, and fast on a GPU."""


def network_size(
    backbone: str,
    size: str,
    conditioning: str,
    act_dim: int,
    pred_horizon: int,
    condition_dim: int,
) -> tuple[int, int]:
    """Return width and depth of a backbone of a size.

    Args:
        backbone: A key of `policies.backbones.BACKBONES`.
        size: A key of `SIZES`.
        conditioning: One of `policies.backbones.CONDITIONINGS`.
        act_dim: Numbers in one action.
        pred_horizon: Actions in a chunk.
        condition_dim: Length of the condition vector.

    Returns:
        The width whose number of parameters is nearest to that of the MLP of this size, and the
        depth.

    Raises:
        ValueError: A name is unknown.
    """
    width, depth = lookup("size", size, SIZES)
    lookup("backbone", backbone, BACKBONES)
    lookup("conditioning", conditioning, dict.fromkeys(CONDITIONINGS))
    if (backbone, conditioning) == ("mlp", "concat"):
        return width, depth
    dims = (act_dim, pred_horizon, condition_dim)
    target = count_parameters("mlp", *dims, width, depth, "concat")
    depth = UNET_DEPTH if backbone == "unet" else depth
    step = WIDTH_STEPS[size]
    low, high = step, 2 * step
    while count_parameters(backbone, *dims, high, depth, conditioning) < target:
        low, high = high, 2 * high
    while high - low > step:
        middle = (low + high) // (2 * step) * step
        if count_parameters(backbone, *dims, middle, depth, conditioning) < target:
            low = middle
        else:
            high = middle

    def distance(width: int) -> int:
        return abs(count_parameters(backbone, *dims, width, depth, conditioning) - target)

    return min(low, high, key=distance), depth


@cache
def count_parameters(
    backbone: str,
    act_dim: int,
    pred_horizon: int,
    condition_dim: int,
    width: int,
    depth: int,
    conditioning: str,
) -> int:
    """Return the parameters of a backbone without making their values; see `make_backbone`."""
    with torch.device("meta"):  # draws nothing from torch's global generator
        network = make_backbone(
            backbone, act_dim, pred_horizon, condition_dim, width, depth, conditioning
        )
    return sum(parameter.numel() for parameter in network.parameters())
