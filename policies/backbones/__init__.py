"""The table of backbones: networks that map a noisy chunk, a time and a condition to a chunk.

To add one, write its module and enter its class here. A width means something else in each;
`policies.backbones.sizes` knows widths that hold about as many parameters.
"""

from collections.abc import Callable

from torch import nn

from policies.backbones.dit import DiT
from policies.backbones.mlp import ResidualMLP
from policies.backbones.unet import UNet
from policies.registry import lookup, unknown_name

BACKBONES: dict[str, Callable[..., nn.Module]] = {
    "mlp": ResidualMLP,
    "dit": DiT,
    "unet": UNet,
}


CONDITIONINGS = ("film", "concat")
"""Observations modulate every block (FiLM, adaLN), or are concatenated to the inputs."""
DEFAULT_CONDITIONING = {"mlp": "concat", "dit": "film", "unet": "film"}
"""What each backbone is usually given."""


def make_backbone(
    name: str,
    act_dim: int,
    pred_horizon: int,
    condition_dim: int,
    width: int,
    depth: int,
    conditioning: str | None = None,
    outputs: int | None = None,
) -> nn.Module:
    """Build the backbone called `name`.

    Args:
        name: A key of `BACKBONES`.
        act_dim: Numbers in one action.
        pred_horizon: Actions in a chunk.
        condition_dim: Length of the condition vector.
        width: Width of the hidden layers.
        depth: Number of blocks.
        conditioning: One of `CONDITIONINGS`; None is the backbone's own of `DEFAULT_CONDITIONING`.
        outputs: Numbers per action in the output; None is `act_dim`.

    Returns:
        A module with ``forward(noisy_actions (B, pred_horizon, act_dim), time (B,) or (B, 2),
        condition (B, condition_dim)) -> (B, pred_horizon, outputs)``.

    Raises:
        ValueError: The name is unknown.
    """
    build = lookup("backbone", name, BACKBONES)
    conditioning = DEFAULT_CONDITIONING[name] if conditioning is None else conditioning
    if conditioning not in CONDITIONINGS:
        raise unknown_name("conditioning", conditioning, CONDITIONINGS)
    return build(
        act_dim=act_dim,
        pred_horizon=pred_horizon,
        condition_dim=condition_dim,
        width=width,
        depth=depth,
        conditioning=conditioning,
        outputs=outputs,
    )
