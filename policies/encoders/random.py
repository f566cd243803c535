"""The control of every frozen encoder: grid features of an untrained network."""

import torch

from policies.encoders.base import channels_last
from policies.encoders.grid import GridEncoder
from policies.encoders.resnet18 import STRIDE, ResNet18
from policies.encoders.shape import EncoderOptions, PictureShape
from policies.registry import load


def build(shape: PictureShape, options: EncoderOptions) -> GridEncoder:
    """Build the encoder `random`: the same weights for the same seed, on any machine.

    Raises:
        ValueError: The pictures are too small, or the network needs an extra that is missing.
    """
    shape.need_at_least(STRIDE, "random")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        if options.like == "resnet18":
            network: torch.nn.Module = channels_last(ResNet18())
        else:
            network = load("policies.encoders.yolo_network:untrained", "yolo")()
    return GridEncoder(shape, network, options)
