"""The U-Net over time, planned."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from policies.backbones.plan import (
    Affine,
    ContextTable,
    InputLayer,
    Plan,
    PlannedLinear,
    around_one,
    of_type,
    silu_into,
)
from policies.backbones.unet import FilmBlock, Stage, TimeConv, TimeGroupNorm, UNet


class UNetPlan(Plan):
    """FiLM is the affine of a group normalisation that is there anyway: see `Plan`.

    Args:
        network: The network.
        times: ``(K,)`` or ``(K, 2)``.
        batch: Rows of every evaluation.
        chunk_shape: ``(pred_horizon, act_dim)``.
    """

    def __init__(
        self, network: UNet, times: Tensor, batch: int, chunk_shape: tuple[int, int]
    ) -> None:
        time_features: Tensor = network.embed_time(times)
        horizon, act_dim = chunk_shape
        length, outputs = horizon + network.padding, network.output.out_features
        super().__init__(network.gate, time_features, (batch, horizon, outputs))
        blocks = of_type(network.modules(), FilmBlock)
        layers = [around_one(block.film) for block in blocks]
        self._table = ContextTable(network.embed_context, layers, time_features, batch)
        films = {block: self._table.halves(layer) for layer, block in enumerate(blocks)}
        self._actions = time_features.new_zeros(batch, length, act_dim)
        self._entrance = self._actions[:, :horizon]
        offset = time_features.new_zeros(length, network.input.out_features)
        self._input = InputLayer(network.input, act_dim, offset, batch)
        self._down: list[tuple[PlannedStage, Tensor, PlannedLinear]] = []
        down, up = of_type(network.down, Stage), of_type(network.up, Stage)
        merges, splits = of_type(network.merges, nn.Linear), of_type(network.splits, nn.Linear)
        for stage, merge in zip(down, merges, strict=True):
            planned, length = PlannedStage(stage, films, batch, length), length // 2
            pairs = planned.output.view(batch * length, -1)
            self._down.append((planned, pairs, PlannedLinear(merge, (batch, length))))
        self._middle = PlannedStage(network.middle, films, batch, length)
        self._up: list[tuple[PlannedLinear, PlannedStage]] = []
        for stage, split in zip(up, splits, strict=True):
            before, length = PlannedLinear(split, (batch, length)), 2 * length
            self._up.append((before, PlannedStage(stage, films, batch, length, inputs=2)))
        self._output_norm = PlannedGroupNorm(network.output_norm)
        self._output = PlannedLinear(network.output, (batch, length))
        self._normed = time_features.new_empty(batch, length, network.input.out_features)
        self._normed_channels = channels(self._normed)

    def bind(self, condition: Tensor) -> None:
        """Compute what depends on the observations; see `Plan.bind`."""
        self._table.bind(condition)
        self._input.bind(condition)

    def evaluate(self, index: int, noisy_actions: Tensor) -> Tensor:
        """Return the output at a time of the schedule; see `Plan.evaluate`."""
        self._entrance.copy_(noisy_actions)
        hidden = self._input(self._actions)
        for stage, pairs, merge in self._down:
            stage(index, hidden)
            hidden = merge(pairs)
        hidden = self._middle(index, hidden)
        for (split, stage), (kept, *_) in zip(self._up, reversed(self._down), strict=True):
            hidden = stage(index, split(hidden.flatten(0, 1)), kept.output)
        silu_into(self._output_norm(index, channels(hidden)), self._normed_channels)
        chunk = self._output(self._normed.flatten(0, 1))[:, : noisy_actions.shape[1]]
        return self._finish(index, chunk, noisy_actions)


class PlannedStage:
    """Blocks at one resolution, each writing into the next one's input.

    Args:
        stage: The stage.
        films: Gain and offset of each block at each time.
        batch: Chunks.
        length: Actions at this resolution.
        inputs: Tensors whose channels make up the input.

    Attributes:
        output: ``(batch, length, channels)``, what the last block wrote.
    """

    def __init__(
        self,
        stage: Stage,
        films: dict[FilmBlock, list[Affine]],
        batch: int,
        length: int,
        inputs: int = 1,
    ) -> None:
        blocks = of_type(stage, FilmBlock)
        self._blocks = [PlannedFilmBlock(each, films[each], batch, length) for each in blocks]
        self._entrances = self._blocks[0].input.chunk(inputs, dim=-1)
        self.output: Tensor = self._blocks[0].input.new_empty(
            batch, length, blocks[-1].second.out_features
        )
        targets = [*(block.input for block in self._blocks[1:]), self.output]
        for block, target in zip(self._blocks, targets, strict=True):
            block.write_to(target)

    def __call__(self, index: int, *inputs: Tensor) -> Tensor:
        """Map ``(batch, length, channels)`` to `output`."""
        for entrance, each in zip(self._entrances, inputs, strict=True):
            entrance.copy_(each.view(entrance.shape))
        for block in self._blocks:
            block(index)
        return self.output


class PlannedFilmBlock:
    """One block, from its input to what `write_to` was given.

    Args:
        block: The block.
        film: Gain and offset at each time.
        batch: Chunks.
        length: Actions.

    Attributes:
        input: ``(batch, length, channels_in)``, to be written before a call.
    """

    def __init__(self, block: FilmBlock, film: Sequence[Affine], batch: int, length: int) -> None:
        self._first = PlannedConv(block.first, batch, length)
        self._second = PlannedConv(block.second, batch, length)
        self._first_norm = PlannedGroupNorm(block.first_norm, film)
        self._second_norm = PlannedGroupNorm(block.second_norm)
        self.input, self._inner = self._first.input, channels(self._second.input)
        self._shortcut, self._passed = None, channels(self.input)
        if isinstance(block.shortcut, nn.Linear):
            self._shortcut = PlannedLinear(block.shortcut, (batch, length))
            self._passed = channels(self._shortcut.output)

    def write_to(self, target: Tensor) -> None:
        """Say where the output goes, ``(batch, length, channels_out)``."""
        self._target = channels(target)

    def __call__(self, index: int) -> None:
        """Write the output for what `input` holds."""
        silu_into(self._first_norm(index, self._first()), self._inner)
        change = F.silu(self._second_norm(index, self._second()), inplace=True)
        if self._shortcut is not None:
            self._shortcut(self._first.centre)
        torch.add(change, self._passed, out=self._target)


class PlannedConv:
    """A convolution over time as one product, its input between zeros that stay.

    Args:
        conv: The convolution.
        batch: Chunks.
        length: Actions.

    Attributes:
        input: ``(batch, length, channels_in)``, to be written before a call.
        centre: The same as rows, after a call.
    """

    def __init__(self, conv: TimeConv, batch: int, length: int) -> None:
        size = conv.in_features // 3
        padded = conv.weight.new_zeros(batch, length + 2, size)
        self.input = padded[:, 1:-1]
        strides = (padded.stride(0), size, 1)  # three neighbours lie beside one another in memory
        self._neighbours = padded.as_strided((batch, length, 3 * size), strides)
        self._columns = conv.weight.new_empty(self._neighbours.shape)
        self._rows = self._columns.flatten(0, 1)
        self.centre = self._rows[:, size : 2 * size]
        self._product = PlannedLinear(conv, (batch, length))
        self._output = channels(self._product.output)

    def __call__(self) -> Tensor:
        """Convolve `input`, to ``(batch, channels_out, 1, length)``."""
        self._columns.copy_(self._neighbours)
        self._product(self._rows)
        return self._output


class PlannedGroupNorm:
    """Group normalisation with its own affine, or with that of FiLM.

    Args:
        norm: The normalisation.
        film: Gain and offset at each time, ``(rows, channels)``; None is the norm's own.
    """

    def __init__(self, norm: TimeGroupNorm, film: Sequence[Affine] | None = None) -> None:
        self._groups, self._eps = norm.norm.num_groups, norm.norm.eps
        self._own = norm.norm.weight, norm.norm.bias
        self._shared = film is not None and len(film[0][0]) == 1
        place = 0 if self._shared else (..., None, None)
        self._film = film and [(gain[place], offset[place]) for gain, offset in film]

    def __call__(self, index: int, hidden: Tensor) -> Tensor:
        """Normalise ``(batch, channels, 1, length)``."""
        if self._film is None:
            return torch.group_norm(hidden, self._groups, *self._own, self._eps)
        gain, offset = self._film[index]
        if self._shared:
            return torch.group_norm(hidden, self._groups, gain, offset, self._eps)
        normed = torch.group_norm(hidden, self._groups, eps=self._eps)
        return torch.addcmul(offset, normed, gain, out=normed)


def channels(hidden: Tensor) -> Tensor:
    """View ``(batch, length, channels)`` as ``(batch, channels, 1, length)``, for torch."""
    return hidden.transpose(1, 2)[:, :, None, :]
