"""The table of backbones: networks that map a noisy chunk, a time and a condition to a chunk.

To add one, write its module and enter its class here. A width means something else in each;
`policies.backbones.sizes` knows widths that hold about as many parameters.
"""

from collections.abc import Callable
from dataclasses import replace

from torch import nn

from policies.backbones.dit import DiT
from policies.backbones.mlp import ResidualMLP
from policies.backbones.shape import NetworkShape
from policies.backbones.unet import UNet
from policies.registry import lookup, unknown_name

BACKBONES: dict[str, Callable[[NetworkShape], nn.Module]] = {
    "mlp": ResidualMLP,
    "dit": DiT,
    "unet": UNet,
}


CONDITIONINGS = ("film", "concat")
"""Observations modulate every block (FiLM, adaLN), or are concatenated to the inputs."""
DEFAULT_CONDITIONING = {"mlp": "concat", "dit": "film", "unet": "film"}
"""What each backbone is usually given."""


def make_backbone(name: str, shape: NetworkShape) -> nn.Module:
    """Build the backbone called `name`.

    Args:
        name: A key of `BACKBONES`.
        shape: Of the network; an empty conditioning is the backbone's of `DEFAULT_CONDITIONING`.

    Returns:
        A module with ``forward(noisy_actions (B, pred_horizon, act_dim), time (B,) or (B, 2),
        condition (B, condition_dim)) -> (B, pred_horizon, outputs)``.

    Raises:
        ValueError: The name or the conditioning is unknown.
    """
    conditioning = resolve_conditioning(name, shape.conditioning)
    return BACKBONES[name](replace(shape, conditioning=conditioning))


def resolve_conditioning(backbone: str, conditioning: str) -> str:
    """Return how observations reach a backbone.

    Args:
        backbone: A key of `BACKBONES`.
        conditioning: One of `CONDITIONINGS`; empty is the backbone's of `DEFAULT_CONDITIONING`.

    Raises:
        ValueError: The backbone or the conditioning is unknown.
    """
    lookup("backbone", backbone, BACKBONES)
    conditioning = conditioning or DEFAULT_CONDITIONING[backbone]
    if conditioning not in CONDITIONINGS:
        raise unknown_name("conditioning", conditioning, CONDITIONINGS)
    return conditioning
