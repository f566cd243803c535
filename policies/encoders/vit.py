"""A small vision transformer, one per camera, trained end to end.

Dosovitskiy et al. 2021 (arXiv 2010.11929), section 3.1, with pre-norm blocks and learnt positions.
Pictures are scaled to -1..1; height and width are multiples of the patch, so that every pixel is
seen.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from policies.encoders.base import PictureEncoder
from policies.encoders.heads import FlatHead
from policies.encoders.pixels import signed
from policies.encoders.shape import CHANNELS, EncoderOptions, PictureShape
from policies.registry import load

PATCH = 8
"""Side of a patch [px]."""
WIDTH, DEPTH, HEADS = 192, 6, 3
"""Width of the tokens, blocks, and attention heads."""
MLP_RATIO = 4
"""Hidden width of a token's two layers, as a multiple of `WIDTH`."""
POSITION_STD = 0.02
"""Standard deviation of the initial position embeddings."""
HEAD_CHANNELS = 16
"""Channels of the tokens before they are flattened."""


class Block(nn.Module):
    """Self-attention, then two layers per token, each after a normalisation and beside a skip."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm, self.layers_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.queries_keys_values = nn.Linear(WIDTH, 3 * WIDTH)
        self.output = nn.Linear(WIDTH, WIDTH)
        self.layers = nn.Sequential(
            nn.Linear(WIDTH, MLP_RATIO * WIDTH), nn.GELU(), nn.Linear(MLP_RATIO * WIDTH, WIDTH)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Map `(N, tokens, WIDTH)` to the same shape."""
        heads = self.queries_keys_values(self.attention_norm(tokens)).unflatten(-1, (3, HEADS, -1))
        queries, keys, values = heads.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(queries, keys, values)
        tokens = tokens + self.output(mixed.transpose(1, 2).flatten(2))
        changed: Tensor = tokens + self.layers(self.layers_norm(tokens))
        return changed


class ViT(nn.Module):
    """The transformer of one camera; its output keeps the place of every patch.

    Args:
        height: Rows of a picture, a multiple of `PATCH`.
        width: Columns of a picture, a multiple of `PATCH`.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.rows, self.columns = height // PATCH, width // PATCH
        self.patches = nn.Conv2d(CHANNELS, WIDTH, PATCH, PATCH)
        self.positions = nn.Parameter(POSITION_STD * torch.randn(self.rows * self.columns, WIDTH))
        self.blocks = nn.Sequential(*(Block() for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, pictures: Tensor) -> Tensor:
        """Map pictures `(N, H, W, 3)` uint8 to `(N, WIDTH, H / PATCH, W / PATCH)`."""
        tokens = self.patches(signed(pictures)).flatten(2).transpose(1, 2) + self.positions
        maps: Tensor = self.norm(self.blocks(tokens)).transpose(1, 2)
        return maps.reshape(len(pictures), WIDTH, self.rows, self.columns)


class ViTEncoder(PictureEncoder):
    """One transformer and one flat head per camera.

    Args:
        shape: The shape of the pictures.
        options: Of which `features` is read.

    Raises:
        ValueError: Height or width is no multiple of the patch.
    """

    def __init__(self, shape: PictureShape, options: EncoderOptions) -> None:
        shape.need_multiple(PATCH, "vit")
        super().__init__(shape, shape.cameras * options.features)
        cells = (shape.height // PATCH) * (shape.width // PATCH)
        self.networks = nn.ModuleList(
            nn.Sequential(
                ViT(shape.height, shape.width),
                FlatHead(WIDTH, cells, options.features, HEAD_CHANNELS),
            )
            for _ in range(shape.cameras)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Map pictures to features; see `PictureEncoder`."""
        self.shape.check(pictures)
        parts = [network(pictures[:, camera]) for camera, network in enumerate(self.networks)]
        return torch.cat(parts, dim=1)


def build(shape: PictureShape, options: EncoderOptions) -> PictureEncoder:
    """Build the encoder `vit`: our own, or a timm model where one is named.

    Raises:
        ValueError: The sizes, the weights or the options do not fit.
    """
    if options.weights or options.model:
        encoder: PictureEncoder = load("policies.encoders.timm_vit:build", "vision")(shape, options)
        return encoder
    for name in ("frozen", "grid"):
        if getattr(options, name) != getattr(EncoderOptions(), name):
            raise ValueError(
                f"{name} is {getattr(options, name)!r} without weights; "
                "give the safetensors file of a timm model as weights, too"
            )
    return ViTEncoder(shape, options)
