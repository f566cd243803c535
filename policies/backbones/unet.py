"""A U-Net over the time of the chunk, with the observations in every block."""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from policies.backbones.context import ContextEmbedding, join_to_each
from policies.backbones.time_gate import TIME_DIM, TimeGate
from policies.backbones.zeroed import zeroed
from policies.embeddings import SinusoidalTimeEmbedding

LEVELS = 3
"""Resolutions in time; each has half the actions and about twice the channels of the last."""
NORM_GROUPS = 8
"""Groups of channels that are normalised together."""


class TimeConv(nn.Linear):
    """Convolution over time with a kernel of 3, as one matrix product on a time-major layout.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(3 * channels_in, channels_out)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map ``(B, T, channels_in)`` to ``(B, T, channels_out)``; zeros lie beyond the ends."""
        padded = F.pad(hidden, (0, 0, 1, 1))
        neighbours = torch.cat((padded[:, :-2], hidden, padded[:, 2:]), dim=-1)
        return super().forward(neighbours)


class TimeGroupNorm(nn.Module):
    """Group normalisation over time and groups of channels, of a time-major layout.

    Args:
        channels: Number of channels, a multiple of `NORM_GROUPS`.
        affine: Whether each channel has a gain and an offset of its own.
    """

    def __init__(self, channels: int, affine: bool = True) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(NORM_GROUPS, channels, affine=affine)

    def forward(self, hidden: Tensor) -> Tensor:
        """Normalise ``(B, T, channels)``."""
        normed: Tensor = self.norm(hidden.transpose(1, 2))
        return normed.transpose(1, 2)


class FilmBlock(nn.Module):
    """Two convolutions with the context between them, beside a shortcut.

    Chi et al. 2023 (arXiv 2303.04137), section 3.1: the observations condition every convolution
    by FiLM (Perez et al. 2018, arXiv 1709.07871, eq. 2), a gain and an offset per channel. Here
    they are those of the group normalisation, as in Dhariwal & Nichol 2021 (arXiv 2105.05233),
    section 3.1, so that at inference FiLM costs nothing.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
        context_dim: Length of the context.
    """

    def __init__(self, channels_in: int, channels_out: int, context_dim: int) -> None:
        super().__init__()
        self.first = TimeConv(channels_in, channels_out)
        self.first_norm = TimeGroupNorm(channels_out, affine=False)
        self.film = nn.Linear(context_dim, 2 * channels_out)
        self.second = TimeConv(channels_out, channels_out)
        self.second_norm = TimeGroupNorm(channels_out)
        same = channels_in == channels_out
        self.shortcut = nn.Identity() if same else nn.Linear(channels_in, channels_out)

    def forward(self, hidden: Tensor, context: Tensor) -> Tensor:
        """Map ``(B, T, channels_in)`` to ``(B, T, channels_out)``, `context` ``(B, 1, dim)``."""
        gain, offset = self.film(context).chunk(2, dim=-1)
        normed: Tensor = self.first_norm(self.first(hidden))
        # AdaGN, around the identity: (1 + gain) * normed + offset
        inner = F.silu(torch.addcmul(normed + offset, normed, gain))
        output: Tensor = F.silu(self.second_norm(self.second(inner))) + self.shortcut(hidden)
        return output


class Stage(nn.ModuleList):
    """Blocks at one resolution.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
        context_dim: Length of the context.
        depth: Number of blocks, at least 1.
    """

    def __init__(self, channels_in: int, channels_out: int, context_dim: int, depth: int) -> None:
        widths = [channels_in, *[channels_out] * depth]
        super().__init__(
            FilmBlock(before, after, context_dim) for before, after in itertools.pairwise(widths)
        )

    def forward(self, hidden: Tensor, context: Tensor) -> Tensor:
        """Map ``(B, T, channels_in)`` to ``(B, T, channels_out)``."""
        for block in self:
            hidden = block(hidden, context)
        return hidden


class UNet(nn.Module):
    """Time U-Net with a time-gated skip; the output starts at 0.

    Two neighbouring actions become one on the way down and one becomes two on the way up, so a
    chunk is padded with zeros to a multiple of 4 inside. The time modulates every block. So does
    the condition with "film"; with "concat" it is appended to every noisy action.

    Args:
        act_dim: Numbers in one action.
        pred_horizon: Actions in a chunk.
        condition_dim: Length of the condition vector.
        width: Channels at the lowest resolution; each higher one has half as many. All are rounded
            to a multiple of `NORM_GROUPS`.
        depth: Number of blocks at each resolution, on the way down and on the way up.
        conditioning: "film" or "concat".
        outputs: Numbers per action in the output; None is `act_dim`.
    """

    def __init__(
        self,
        act_dim: int,
        pred_horizon: int,
        condition_dim: int,
        width: int,
        depth: int,
        conditioning: str = "film",
        outputs: int | None = None,
    ) -> None:
        super().__init__()
        outputs = act_dim if outputs is None else outputs
        self.padding = -pred_horizon % 2 ** (LEVELS - 1)
        groups = [width / (NORM_GROUPS * 2**level) for level in reversed(range(LEVELS))]
        channels = [NORM_GROUPS * max(1, int(size + 0.5)) for size in groups]
        steps, width = list(itertools.pairwise(channels)), channels[-1]
        self.embed_time = SinusoidalTimeEmbedding(TIME_DIM)
        self.embed_context = ContextEmbedding(condition_dim, width, conditioning)
        self.input = nn.Linear(act_dim + self.embed_context.joined_dim, channels[0])
        self.down = nn.ModuleList(Stage(fine, fine, width, depth) for fine, _ in steps)
        self.merges = nn.ModuleList(nn.Linear(2 * fine, coarse) for fine, coarse in steps)
        self.middle = Stage(width, width, width, depth)
        steps.reverse()
        self.splits = nn.ModuleList(nn.Linear(coarse, 2 * fine) for fine, coarse in steps)
        self.up = nn.ModuleList(Stage(2 * fine, fine, width, depth) for fine, _ in steps)
        self.output_norm = TimeGroupNorm(channels[0])
        self.output = zeroed(nn.Linear(channels[0], outputs))
        self.gate = TimeGate(act_dim, outputs)

    def forward(self, noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """Predict a chunk.

        Args:
            noisy_actions: ``(B, pred_horizon, act_dim)``, normalised.
            time: ``(B,)`` or ``(B, 2)`` in [0, 1], 0 = noise.
            condition: ``(B, condition_dim)``.

        Returns:
            ``(B, pred_horizon, outputs)``.
        """
        time_features: Tensor = self.embed_time(time)
        context, joined = self.embed_context(time_features, condition)
        context = context[:, None, :]
        actions = F.pad(noisy_actions, (0, 0, 0, self.padding))
        hidden: Tensor = self.input(join_to_each(actions, joined))
        kept: list[Tensor] = []
        for stage, merge in zip(self.down, self.merges, strict=True):
            hidden = stage(hidden, context)
            kept.append(hidden)
            hidden = merge(hidden.reshape(len(hidden), hidden.shape[1] // 2, -1))
        hidden = self.middle(hidden, context)
        for stage, split in zip(self.up, self.splits, strict=True):
            hidden = split(hidden).reshape(len(hidden), 2 * hidden.shape[1], -1)
            hidden = stage(torch.cat((hidden, kept.pop()), dim=-1), context)
        output: Tensor = self.output(F.silu(self.output_norm(hidden)))
        chunk = output[:, : noisy_actions.shape[1]]
        return self.gate.add_skip(chunk, noisy_actions, time_features)
