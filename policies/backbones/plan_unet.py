"""The U-Net over time, planned."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from policies.backbones.plan import ContextTable, Plan
from policies.backbones.plan_conv import GatheringConv, PlannedConv, with_shortcut
from policies.backbones.plan_layers import (
    Affine,
    FixedLayerNorm,
    InputLayer,
    Layer,
    PlannedLayerNorm,
    PlannedLinear,
    around_one,
    of_type,
    silu_into,
)
from policies.backbones.unet import FilmBlock, Stage, UNet

MANY_CHUNKS = 2
"""Fewest chunks that a GPU plans with gathered neighbours."""


def is_for_many(device: torch.device, batch: int) -> bool:
    """Return whether to trade arithmetic for fewer operations: small ones leave a GPU half idle."""
    return device.type == "cuda" and batch >= MANY_CHUNKS


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
        self._padded = time_features.new_zeros(batch, length, act_dim) if network.padding else None
        width = network.input.out_features
        self._input = InputLayer(network.input, act_dim, (batch, length, width))
        self._output_norm = FixedLayerNorm(network.output_norm)
        self._output = PlannedLinear(network.output, (batch, length))
        self._chunk = self._output.destination.place[:, :horizon]
        self._down: list[tuple[PlannedStage, Tensor, PlannedLinear]] = []
        self._up: list[tuple[Tensor, PlannedLinear, Tensor, Tensor, PlannedStage]] = []
        destination, kept = self._input.destination, []
        down, up = of_type(network.down, Stage), of_type(network.up, Stage)
        merges, splits = of_type(network.merges, nn.Linear), of_type(network.splits, nn.Linear)
        for stage, opposite, merge in zip(down, reversed(up), merges, strict=True):
            planned = PlannedStage(stage, films, batch, length)
            other = PlannedStage(opposite, films, batch, length, inputs=2)
            destination.lead_to(*planned.entrances)
            if other.entrances[1].is_contiguous():
                planned.write_to(other.entrances[1])
            kept.append((planned.output, other))
            length //= 2
            merged = PlannedLinear(merge, (batch, length))
            destination = merged.destination
            self._down.append((planned, planned.output.view(batch * length, -1), merged))
        self._middle = PlannedStage(network.middle, films, batch, length)
        destination.lead_to(*self._middle.entrances)
        below = self._middle.output.flatten(0, 1)
        for split, (output, planned) in zip(splits, reversed(kept), strict=True):
            before = PlannedLinear(split, (batch, length))
            first, second = planned.entrances
            before.destination.lead_to(first)
            self._up.append((below, before, output, second, planned))
            below, length = planned.output.flatten(0, 1), 2 * length
        self._last = below

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
        self._input(self._pad(noisy_actions))
        for stage, pairs, merge in self._down:
            stage(index)
            merge(pairs)
        self._middle(index)
        for below, split, kept, entrance, stage in self._up:
            split(below)
            if kept is not entrance:
                entrance.copy_(kept)
            stage(index)
        self._output(F.silu(self._output_norm(self._last), inplace=True))
        return self._finish(index, self._chunk, noisy_actions)

    def _pad(self, noisy_actions: Tensor) -> Tensor:
        """Return the chunks with the zeros that the resolutions need."""
        if self._padded is None:
            return noisy_actions
        self._padded[:, : noisy_actions.shape[1]].copy_(noisy_actions)
        return self._padded


class PlannedStage:
    """Blocks at one resolution, each writing into the next one's input.

    Args:
        stage: The stage.
        films: Gain and offset of each block at each time.
        batch: Chunks.
        length: Actions at this resolution.
        inputs: Tensors whose channels make up the input.

    Attributes:
        entrances: Where the inputs are to be written, ``(batch, length, channels)`` each.
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
        self._blocks = [
            PlannedFilmBlock(block, films[block], batch, length, inputs if k == 0 else 1)
            for k, block in enumerate(blocks)
        ]
        self.entrances = self._blocks[0].entrances
        for block, following in itertools.pairwise(self._blocks):
            block.write_to(*following.entrances)
        channels = blocks[-1].second.out_features
        self.write_to(self.entrances[0].new_empty(batch, length, channels))

    def write_to(self, output: Tensor) -> None:
        """Say where the output goes, ``(batch, length, channels)``."""
        self.output = output
        self._blocks[-1].write_to(output)

    def __call__(self, index: int) -> None:
        """Write `output` for what the entrances hold."""
        for block in self._blocks:
            block(index)


class PlannedFilmBlock:
    """One block, from its input to what `write_to` was given.

    Args:
        block: The block.
        film: Gain and offset at each time.
        batch: Chunks.
        length: Actions.
        inputs: Tensors whose channels make up the input.

    Attributes:
        entrances: Where they are to be written before a call, ``(batch, length, channels)`` each.
    """

    def __init__(
        self, block: FilmBlock, film: Sequence[Affine], batch: int, length: int, inputs: int
    ) -> None:
        shortcut = block.shortcut if isinstance(block.shortcut, nn.Linear) else None
        self._second = PlannedConv(block.second, batch, length)
        self._first_norm = PlannedLayerNorm(block.first_norm, film, per_token=True)
        self._second_norm = FixedLayerNorm(block.second_norm)
        self._shortcut, self._joined = None, False
        self._first: PlannedConv
        if is_for_many(block.first.weight.device, batch):
            self._joined = shortcut is not None
            layer = block.first if shortcut is None else with_shortcut(block.first, shortcut)
            self._first = GatheringConv(layer, batch, length, inputs)
        else:
            self._first = PlannedConv(block.first, batch, length, inputs)
            if shortcut is not None:
                self._shortcut = PlannedLinear(shortcut, (batch, length))
        self.entrances, (self._inner,) = self._first.entrances, self._second.entrances

    def write_to(self, target: Tensor) -> None:
        """Say where the output goes, ``(batch, length, channels_out)``."""
        self._target = target

    def __call__(self, index: int) -> None:
        """Write the output for what `input` holds."""
        first, passed = self._first(), self.entrances[0]
        if self._joined:
            first, passed = first.chunk(2, dim=-1)
        silu_into(self._first_norm(index, first), self._inner)
        change = F.silu(self._second_norm(self._second()), inplace=True)
        if self._shortcut is not None:
            passed = self._shortcut(self._first.centre)
        torch.add(change, passed, out=self._target)
