"""The floor of every encoder: nothing is seen, the agent's own numbers remain."""

from torch import Tensor

from policies.encoders.base import FrozenEncoder
from policies.encoders.feature_head import FeatureHead
from policies.encoders.shape import EncoderOptions, PictureShape


class BlindEncoder(FrozenEncoder):
    """One number that is always 0.

    Args:
        shape: The shape of the pictures.
    """

    def __init__(self, shape: PictureShape) -> None:
        super().__init__(shape, 1, FeatureHead(1, 1, None))

    def compute(self, pictures: Tensor) -> Tensor:
        """Map pictures to a zero each; see `FrozenEncoder`."""
        return pictures.new_zeros((len(pictures), 1)).float()


def build(shape: PictureShape, options: EncoderOptions) -> BlindEncoder:
    """Build the encoder `blind`; it reads no option."""
    del options
    return BlindEncoder(shape)
