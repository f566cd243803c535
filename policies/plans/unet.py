"""Plan of the U-Net over time."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from policies.backbones.unet import FilmBlock, Stage, UNet
from policies.plans.conv import GatheringConv, PlannedConv, with_shortcut
from policies.plans.layers import (
    Affine,
    FixedLayerNorm,
    InputLayer,
    Layer,
    PlannedLayerNorm,
    PlannedLinear,
    add_one_to_gain,
    of_type,
    silu_into,
)
from policies.plans.plan import ContextTable, Plan

MANY_CHUNKS = 2
"""Smallest batch size for which a plan on a GPU gathers neighbours by index."""


def is_for_many(device: torch.device, batch: int) -> bool:
    """Return whether to use fewer, larger operations, as small ones leave a GPU partly idle."""
    return device.type == "cuda" and batch >= MANY_CHUNKS


class UNetPlan(Plan):
    """Plan in which FiLM is the gain and offset of an existing normalisation; see `Plan`.

    Every layer writes into the buffer that the next one reads, so that little is copied.

    | layer | writes into | read by |
    |---|---|---|
    | input | the input of the first down stage | that stage |
    | down stage | the second input of the up stage of its length | merge, up stage |
    | merge | the input of the next down stage, the last one that of the middle | that stage |
    | middle, up stage | its own output | the next split, the last one the output layer |
    | split | the first input of its up stage | that stage |

    If both inputs of an up stage are adjacent in memory, the second one has gaps that a stage
    cannot skip when writing; it is then copied.

    Args:
        network: The network.
        times: `(K,)` or `(K, 2)`.
        batch: Batch size of every evaluation.
        chunk_shape: `(pred_horizon, act_dim)`.
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
        self._chunk = self._output.buffer.view[:, :horizon]
        self._down: list[tuple[PlannedStage, Tensor, PlannedLinear]] = []
        self._up: list[tuple[Tensor, PlannedLinear, Tensor, Tensor, PlannedStage]] = []
        skips = self._plan_down(network, films, batch, length)
        self._last = self._plan_up(network, skips)

    def _plan_down(
        self, network: UNet, films: dict[FilmBlock, list[Affine]], batch: int, length: int
    ) -> list[tuple[Tensor, "PlannedStage"]]:
        """Plan the down path and the middle stage.

        Returns:
            For each length, longest first: the output of its down stage, and the up stage whose
            second input it is.
        """
        down, up = of_type(network.down, Stage), of_type(network.up, Stage)
        merges = of_type(network.merges, nn.Linear)
        previous, skips = self._input.buffer, []
        for stage, opposite, merge in zip(down, reversed(up), merges, strict=True):
            down_stage = PlannedStage(stage, films, batch, length)
            up_stage = PlannedStage(opposite, films, batch, length, parts=2)
            previous.redirect(*down_stage.inputs)
            if up_stage.inputs[1].is_contiguous():
                down_stage.write_to(up_stage.inputs[1])
            skips.append((down_stage.output, up_stage))
            length //= 2
            merged = PlannedLinear(merge, (batch, length))
            self._down.append((down_stage, down_stage.output.view(batch * length, -1), merged))
            previous = merged.buffer
        self._middle = PlannedStage(network.middle, films, batch, length)
        previous.redirect(*self._middle.inputs)
        return skips

    def _plan_up(self, network: UNet, skips: list[tuple[Tensor, "PlannedStage"]]) -> Tensor:
        """Plan the up path from the result of `_plan_down`; return the rows of its last output."""
        below = self._middle.output
        splits = of_type(network.splits, nn.Linear)
        for layer, (skip, stage) in zip(splits, reversed(skips), strict=True):
            split = PlannedLinear(layer, below.shape[:2])
            first, second = stage.inputs
            split.buffer.redirect(first)
            self._up.append((below.flatten(0, 1), split, skip, second, stage))
            below = stage.output
        return below.flatten(0, 1)

    @staticmethod
    def _film_layers(network: UNet) -> list[Layer]:
        """Return the part of each block in the layer of all films, with gains around 1."""
        weights = torch.split(network.films.weight, network.film_sizes)
        biases = torch.split(network.films.bias, network.film_sizes)
        return [add_one_to_gain(weight, bias) for weight, bias in zip(weights, biases, strict=True)]

    def set_condition(self, condition: Tensor) -> None:
        """Compute what depends on the observations; see `Plan.set_condition`."""
        self._table.set_condition(condition)
        self._input.set_condition(condition)

    def evaluate(self, index: int, noisy_actions: Tensor) -> Tensor:
        """Return the output at a time of the schedule; see `Plan.evaluate`."""
        self._input(self._pad(noisy_actions))
        for stage, pairs, merge in self._down:
            stage(index)
            merge(pairs)
        self._middle(index)
        for below, split, skip, second_input, stage in self._up:
            split(below)
            if skip is not second_input:
                second_input.copy_(skip)
            stage(index)
        self._output(F.silu(self._output_norm(self._last), inplace=True))
        return self._finish(index, self._chunk, noisy_actions)

    def _pad(self, noisy_actions: Tensor) -> Tensor:
        """Return the chunks with the zero padding that the resolutions require."""
        if self._padded is None:
            return noisy_actions
        self._padded[:, : noisy_actions.shape[1]].copy_(noisy_actions)
        return self._padded


class PlannedStage:
    """Blocks at one resolution, each of which writes into the input of the next.

    Args:
        stage: The stage.
        films: Gain and offset of each block at each time.
        batch: Number of chunks.
        length: Number of actions at this resolution.
        parts: Number of tensors whose channels make up the input.

    Attributes:
        inputs: Buffers for these tensors, written before a call, `(batch, length, channels)` each.
        output: `(batch, length, channels)`, written by the last block.
    """

    def __init__(
        self,
        stage: Stage,
        films: dict[FilmBlock, list[Affine]],
        batch: int,
        length: int,
        parts: int = 1,
    ) -> None:
        blocks = of_type(stage, FilmBlock)
        self._blocks = [
            PlannedFilmBlock(block, films[block], batch, length, parts if k == 0 else 1)
            for k, block in enumerate(blocks)
        ]
        self.inputs = self._blocks[0].inputs
        for block, following in itertools.pairwise(self._blocks):
            block.write_to(*following.inputs)
        channels = blocks[-1].second.out_features
        self.write_to(self.inputs[0].new_empty(batch, length, channels))

    def write_to(self, output: Tensor) -> None:
        """Set the buffer of the output, `(batch, length, channels)`."""
        self.output = output
        self._blocks[-1].write_to(output)

    def __call__(self, index: int) -> None:
        """Compute `output` from `inputs`."""
        for block in self._blocks:
            block(index)


class PlannedFilmBlock:
    """One block, which writes into the buffer set by `write_to`.

    Args:
        block: The block.
        film: Gain and offset at each time.
        batch: Number of chunks.
        length: Number of actions.
        parts: Number of tensors whose channels make up the input.

    Attributes:
        inputs: Buffers for these tensors, written before a call, `(batch, length, channels)` each.
    """

    def __init__(
        self, block: FilmBlock, film: Sequence[Affine], batch: int, length: int, parts: int
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
            self._first = GatheringConv(layer, batch, length, parts)
        else:
            self._first = PlannedConv(block.first, batch, length, parts)
            if shortcut is not None:
                self._shortcut = PlannedLinear(shortcut, (batch, length))
        self.inputs, (self._inner,) = self._first.inputs, self._second.inputs

    def write_to(self, target: Tensor) -> None:
        """Set the buffer of the output, `(batch, length, channels_out)`."""
        self._target = target

    def __call__(self, index: int) -> None:
        """Compute the output from `inputs`."""
        first, passed = self._first(), self.inputs[0]
        if self._joined:
            first, passed = first.chunk(2, dim=-1)
        silu_into(self._first_norm(index, first), self._inner)
        change = F.silu(self._second_norm(self._second()), inplace=True)
        if self._shortcut is not None:
            passed = self._shortcut(self._first.centre)
        torch.add(change, passed, out=self._target)
