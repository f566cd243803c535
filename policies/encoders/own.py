"""A user's own frozen encoder: features of any function of pictures."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from policies.encoders.base import FrozenEncoder
from policies.encoders.feature_head import FeatureHead
from policies.encoders.shape import EncoderOptions, PictureShape

Features: TypeAlias = Callable[[Tensor], Tensor | NDArray[np.floating]]
"""Maps pictures `(N, cameras, H, W, 3)` uint8 to `(N, k)` finite numbers, each row on its own."""


class CallableEncoder(FrozenEncoder):
    """Features of a function, mapped linearly to `features` numbers in all.

    Args:
        shape: The shape of the pictures.
        function: The function; it is called with a fixed number of rows, on the device of the
            pictures. A module is not registered: its weights are neither trained nor saved.
        options: Of which `features` is read.

    Raises:
        ValueError: The function returns another shape.
    """

    def __init__(
        self,
        shape: PictureShape,
        function: Features,
        options: EncoderOptions = EncoderOptions(),  # noqa: B008, it is frozen
    ) -> None:
        blank = torch.zeros((2, *shape.dims), dtype=torch.uint8)
        with torch.no_grad():
            sizes = tuple(torch.as_tensor(function(blank)).shape)
        if len(sizes) != 2 or sizes[0] != len(blank) or not sizes[1]:
            raise ValueError(
                f"the features of 2 rows of pictures are {sizes}; return (2, k) numbers"
            )
        head = FeatureHead(sizes[1], 1, options.features)
        super().__init__(shape, sizes[1], head)
        place = (getattr(function, name, "") for name in ("__module__", "__qualname__"))
        self.settings["function"] = ":".join(place)
        self._function = (function,)  # in a tuple, so that a module is not registered

    def compute(self, pictures: Tensor) -> Tensor:
        """Map pictures to features; see `FrozenEncoder`."""
        return torch.as_tensor(self._function[0](pictures), device=pictures.device)
