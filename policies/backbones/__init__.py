"""The table of backbones: networks that map a noisy chunk, a time and a condition to a chunk.

To add one, write its module and enter its class here. A width means something else in each: at
depth 3, widths of 256 (mlp), 120 (dit) and 128 (unet) hold about as many parameters.
"""

from collections.abc import Callable

from torch import nn

from policies.backbones.dit import DiT
from policies.backbones.mlp import ResidualMLP
from policies.backbones.unet import UNet
from policies.registry import lookup

BACKBONES: dict[str, Callable[..., nn.Module]] = {
    "mlp": ResidualMLP,
    "dit": DiT,
    "unet": UNet,
}


def make_backbone(
    name: str, act_dim: int, pred_horizon: int, condition_dim: int, width: int, depth: int
) -> nn.Module:
    """Build the backbone called `name`.

    Args:
        name: A key of `BACKBONES`.
        act_dim: Numbers in one action.
        pred_horizon: Actions in a chunk.
        condition_dim: Length of the condition vector.
        width: Width of the hidden layers.
        depth: Number of blocks.

    Returns:
        A module with ``forward(noisy_actions (B, pred_horizon, act_dim), time (B,), condition
        (B, condition_dim)) -> (B, pred_horizon, act_dim)``.

    Raises:
        ValueError: The name is unknown.
    """
    build = lookup("backbone", name, BACKBONES)
    return build(
        act_dim=act_dim,
        pred_horizon=pred_horizon,
        condition_dim=condition_dim,
        width=width,
        depth=depth,
    )
