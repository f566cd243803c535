"""A user's own frozen encoder: features of any function of pictures."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from policies.encoders.base import EncoderError, FrozenEncoder, PictureEncoder
from policies.encoders.feature_head import FeatureHead
from policies.encoders.shape import EncoderOptions, PictureShape

Features: TypeAlias = Callable[[Tensor], Tensor | NDArray[np.floating]]
"""Maps pictures `(N, cameras, H, W, 3)` uint8 to `(N, k)` finite numbers, each row on its own."""


class CallableEncoder(FrozenEncoder):
    """Features of a function, mapped linearly to `features` numbers in all.

    Args:
        shape: The shape of the pictures.
        function: The function; it is called with a fixed number of rows, on the device of the
            pictures, by one thread. A module is not registered: its weights
            are neither trained nor saved.
        options: Of which `features` is read.

    Raises:
        EncoderError: The function returns another shape, or no numbers.
    """

    threads_safely = False  # a user's function need not be written for threads

    def __init__(
        self,
        shape: PictureShape,
        function: Features,
        options: EncoderOptions = EncoderOptions(),  # noqa: B008, it is frozen
    ) -> None:
        blank = torch.zeros((2, *shape.dims), dtype=torch.uint8)
        with torch.no_grad():
            sizes = tuple(_numbers(function, blank).shape)
        if len(sizes) != 2 or sizes[0] != len(blank) or not sizes[1]:
            raise EncoderError(
                f"the features of 2 rows of pictures are {sizes}; return (2, k) numbers"
            )
        head = FeatureHead(sizes[1], 1, options.features)
        super().__init__(shape, sizes[1], head)
        # Without its module, which is __main__ where the user's file runs as a program.
        self.settings["function"] = getattr(function, "__qualname__", type(function).__qualname__)
        self._function = (function,)  # in a tuple, so that a module is not registered

    def compute(self, pictures: Tensor) -> Tensor:
        """Map pictures to features; see `FrozenEncoder`."""
        return _numbers(self._function[0], pictures)


def built_from(function: Features) -> Callable[[PictureShape, EncoderOptions], PictureEncoder]:
    """Return a function that builds the encoder with the features of a function."""

    def build(shape: PictureShape, options: EncoderOptions) -> CallableEncoder:
        return CallableEncoder(shape, function, options)

    build.__module__ = function.__module__
    build.__qualname__ = getattr(function, "__qualname__", type(function).__qualname__)
    return build


def _numbers(function: Features, pictures: Tensor) -> Tensor:
    """Call a function, and return what it gives as a tensor.

    Raises:
        EncoderError: It gives no numbers.
    """
    given = function(pictures)
    try:
        return torch.as_tensor(given, device=pictures.device)
    except (TypeError, ValueError, RuntimeError):
        raise EncoderError(
            f"the features of pictures are of the type {type(given).__name__}; return a tensor or "
            "an array of numbers"
        ) from None
