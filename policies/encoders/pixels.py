"""From bytes of pictures to the numbers that networks take."""

from torch import Tensor


def signed(pictures: Tensor) -> Tensor:
    """Map pictures `(N, H, W, 3)` uint8 to `(N, 3, H, W)` from -1 to 1, contiguous."""
    return (pictures.permute(0, 3, 1, 2).float() / 127.5 - 1.0).contiguous()


def unit(pictures: Tensor) -> Tensor:
    """Map pictures `(N, H, W, 3)` uint8 to `(N, 3, H, W)` from 0 to 1, contiguous."""
    return (pictures.permute(0, 3, 1, 2).float() / 255.0).contiguous()
