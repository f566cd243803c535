"""A U-Net over the time axis of the chunk."""

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from policies.backbones.context import ContextEmbedding, join_to_each
from policies.backbones.shape import NetworkShape
from policies.backbones.time_gate import TIME_DIM, TimeGate
from policies.backbones.zeroed import zeroed
from policies.embeddings import SinusoidalTimeEmbedding

LEVELS = 3
"""Number of time resolutions; each has half the length and about twice the channels."""
CHANNEL_STEP = 8
"""Channels are multiples of this, which is fast on matrix units."""


class TimeConv(nn.Linear):
    """Convolution over time with a kernel of 3, as one matrix product on a time-major layout.

    It has no bias, because a normalisation and an offset follow.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(3 * channels_in, channels_out, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map `(B, T, channels_in)` to `(B, T, channels_out)`, with zero padding."""
        padded = F.pad(hidden, (0, 0, 1, 1))
        neighbours = torch.cat((padded[:, :-2], hidden, padded[:, 2:]), dim=-1)
        return super().forward(neighbours)


class FilmBlock(nn.Module):
    """Residual block of two convolutions, modulated by the context between them.

    Chi et al. 2023 (arXiv 2303.04137), section 3.1: observations condition every residual block by
    FiLM (Perez et al. 2018, arXiv 1709.07871, eq. 2), a gain and an offset per channel. Here these
    are the gain and offset of the first normalisation, as in Dhariwal & Nichol 2021 (arXiv
    2105.05233), section 3.1, which is free at inference. Channels are normalised for each action
    separately, as in Liu et al. 2022 (arXiv 2201.03545), section 2.6, not in groups over the chunk.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = TimeConv(channels_in, channels_out)
        self.first_norm = nn.LayerNorm(channels_out, elementwise_affine=False)
        self.second = TimeConv(channels_out, channels_out)
        self.second_norm = nn.LayerNorm(channels_out)
        same = channels_in == channels_out
        self.shortcut = nn.Identity() if same else nn.Linear(channels_in, channels_out)

    @property
    def film_size(self) -> int:
        """Number of gains and offsets that modulate the block."""
        return 2 * self.first.out_features

    def forward(self, hidden: Tensor, film: Tensor) -> Tensor:
        """Map `(B, T, channels_in)` to `(B, T, channels_out)`, `film` `(B, 1, film_size)`."""
        gain, offset = film.chunk(2, dim=-1)
        normed: Tensor = self.first_norm(self.first(hidden))
        # FiLM, eq. 2, around the identity: (1 + gain) * normed + offset
        inner = F.silu(torch.addcmul(normed + offset, normed, gain))
        output: Tensor = F.silu(self.second_norm(self.second(inner))) + self.shortcut(hidden)
        return output


class Stage(nn.ModuleList):
    """Blocks at one resolution.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
        depth: Number of blocks, at least 1.
    """

    def __init__(self, channels_in: int, channels_out: int, depth: int) -> None:
        widths = [channels_in, *[channels_out] * depth]
        super().__init__(FilmBlock(before, after) for before, after in itertools.pairwise(widths))

    def forward(self, hidden: Tensor, films: Iterator[Tensor]) -> Tensor:
        """Map `(B, T, channels_in)` to `(B, T, channels_out)`, with one of `films` per block."""
        for block in self:
            hidden = block(hidden, next(films))
        return hidden


class UNet(nn.Module):
    """1D U-Net over time with a time-gated skip; its initial output is 0.

    The down path merges two neighbouring actions into one, and the up path splits one into two, so
    a chunk is padded with zeros to a multiple of 4. The time modulates every block. With "film" the
    condition does so too; with "concat" it is appended to every noisy action.

    Chi et al. use two blocks at each resolution and side. The networks of
    `policies.backbones.sizes` use one, with more channels: on a GPU, where the cost is the number
    of operations, this trains twice as many samples per second and halves the time of a chunk.

    Args:
        shape: Its width is the number of channels at the lowest resolution; each higher one has
            half as many, rounded to a multiple of `CHANNEL_STEP`. Its depth is the number of blocks
            at each resolution, both on the down path and on the up path.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.padding = -shape.pred_horizon % 2 ** (LEVELS - 1)
        parts = [shape.width / (CHANNEL_STEP * 2**level) for level in reversed(range(LEVELS))]
        channels = [CHANNEL_STEP * max(1, int(size + 0.5)) for size in parts]
        steps, width = list(itertools.pairwise(channels)), channels[-1]
        self.embed_time = SinusoidalTimeEmbedding(TIME_DIM)
        self.embed_context = ContextEmbedding(shape.condition_dim, width, shape.conditioning)
        self.input = nn.Linear(shape.act_dim + self.embed_context.joined_dim, channels[0])
        self.down = nn.ModuleList(Stage(fine, fine, shape.depth) for fine, _ in steps)
        self.merges = nn.ModuleList(nn.Linear(2 * fine, coarse) for fine, coarse in steps)
        self.middle = Stage(width, width, shape.depth)
        steps.reverse()
        self.splits = nn.ModuleList(nn.Linear(coarse, 2 * fine) for fine, coarse in steps)
        self.up = nn.ModuleList(Stage(2 * fine, fine, shape.depth) for fine, _ in steps)
        self.film_sizes = [b.film_size for b in self.modules() if isinstance(b, FilmBlock)]
        self.films = nn.Linear(width, sum(self.film_sizes))
        self.output_norm = nn.LayerNorm(channels[0])
        self.output = zeroed(nn.Linear(channels[0], shape.output_dim))
        self.gate = TimeGate(shape)

    def forward(self, noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """Predict a chunk.

        Args:
            noisy_actions: `(B, pred_horizon, act_dim)`, normalised.
            time: `(B,)` or `(B, 2)` in [0, 1], 0 = noise.
            condition: `(B, condition_dim)`.

        Returns:
            `(B, pred_horizon, outputs)`.
        """
        time_features: Tensor = self.embed_time(time)
        context, joined = self.embed_context(time_features, condition)
        films = iter(self.films(context)[:, None, :].split(self.film_sizes, dim=-1))
        actions = F.pad(noisy_actions, (0, 0, 0, self.padding))
        hidden: Tensor = self.input(join_to_each(actions, joined))
        skips: list[Tensor] = []
        for stage, merge in zip(self.down, self.merges, strict=True):
            hidden = stage(hidden, films)
            skips.append(hidden)
            hidden = merge(hidden.reshape(hidden.shape[0], hidden.shape[1] // 2, -1))
        hidden = self.middle(hidden, films)
        for stage, split in zip(self.up, self.splits, strict=True):
            hidden = split(hidden).reshape(hidden.shape[0], 2 * hidden.shape[1], -1)
            hidden = stage(torch.cat((hidden, skips.pop()), dim=-1), films)
        output: Tensor = self.output(F.silu(self.output_norm(hidden)))
        chunk = output[:, : noisy_actions.shape[1]]
        return self.gate.add_skip(chunk, noisy_actions, time_features)
