"""How wide and how deep a network of a given size is, alike in parameters for every backbone."""

from policies.registry import lookup

SIZES: dict[str, tuple[int, int]] = {"small": (256, 3), "base": (512, 4)}
"""Width and depth of the residual MLP, whose number of parameters the other backbones match."""
WIDTHS: dict[str, dict[str, int]] = {
    "small": {"dit": 120, "unet": 128},
    "base": {"dit": 216, "unet": 232},
}


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

    Raises:
        ValueError: A name is unknown.
    """
    width, depth = lookup("size", size, SIZES)
    return WIDTHS[size].get(backbone, width), depth
