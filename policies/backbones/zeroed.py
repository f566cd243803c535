"""Zero initialisation of layers, so that a network starts as a simpler one."""

from typing import TypeVar

from torch import nn

LinearT = TypeVar("LinearT", bound=nn.Linear)


def zeroed(linear: LinearT) -> LinearT:
    """Set a layer's weight and bias to zero and return it."""
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear
