"""Add an encoder of pictures: the mean colour of each tile of a coarse grid.

    python examples/add_encoder.py --policy bc --task PressEither --preset smoke

trains a policy that sees these features beside the joints. It takes the flags of
`python -m fmbench.run`; `--features` is how many numbers the policy gets of them, 128 by default.

Any function of pictures will do, e.g. a network of your own: its features are computed once and
stored, and a linear layer that is trained with the policy maps them to these numbers.
"""

import sys

from torch import Tensor
from torch.nn import functional

from fmbench.plugins import register_encoder
from fmbench.run import main

TILES = 8


def tiles(pictures: Tensor) -> Tensor:
    """Return the mean colours of 8 x 8 tiles, (N, k), of pictures (N, cameras, H, W, 3) uint8."""
    channels = pictures.permute(0, 1, 4, 2, 3).flatten(1, 2).float() / 255
    return functional.adaptive_avg_pool2d(channels, TILES).flatten(1)


register_encoder("tiles", tiles)

if __name__ == "__main__":
    sys.exit(main(["--observation", "features", "--encoder", "tiles", *sys.argv[1:]]))
