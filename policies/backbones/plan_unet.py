"""The U-Net over time, planned."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from policies.backbones.plan import (
    Affine,
    ContextTable,
    InputLayer,
    Layer,
    Plan,
    PlannedLayerNorm,
    PlannedLinear,
    around_one,
    of_type,
    silu_into,
)
from policies.backbones.unet import FilmBlock, Stage, TimeConv, UNet


class UNetPlan(Plan):
    """FiLM is the affine of a normalisation that is there anyway: see `Plan`.

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
        layers = self._film_layers(network)
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
        self._output_norm = network.output_norm
        self._output = PlannedLinear(network.output, (batch, length))

    @staticmethod
    def _film_layers(network: UNet) -> list[Layer]:
        """Return the part of each block in the layer of all films, its gains around 1."""
        weights = torch.split(network.films.weight, network.film_sizes)
        biases = torch.split(network.films.bias, network.film_sizes)
        return [around_one(weight, bias) for weight, bias in zip(weights, biases, strict=True)]

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
        normed = F.silu(self._output_norm(hidden), inplace=True)
        chunk = self._output(normed.flatten(0, 1))[:, : noisy_actions.shape[1]]
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
        self._first_norm = PlannedLayerNorm(block.first_norm, film, per_token=True)
        self._second_norm = block.second_norm
        self.input, self._inner = self._first.input, self._second.input
        self._shortcut, self._passed = None, self.input
        if isinstance(block.shortcut, nn.Linear):
            self._shortcut = PlannedLinear(block.shortcut, (batch, length))
            self._passed = self._shortcut.output

    def write_to(self, target: Tensor) -> None:
        """Say where the output goes, ``(batch, length, channels_out)``."""
        self._target = target

    def __call__(self, index: int) -> None:
        """Write the output for what `input` holds."""
        silu_into(self._first_norm(index, self._first()), self._inner)
        change = F.silu(self._second_norm(self._second()), inplace=True)
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

    def __call__(self) -> Tensor:
        """Convolve `input`, to ``(batch, length, channels_out)``."""
        self._columns.copy_(self._neighbours)
        return self._product(self._rows)
