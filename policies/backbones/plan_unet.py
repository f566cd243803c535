"""The U-Net over time, planned."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from policies.backbones.plan import ContextTable, Plan
from policies.backbones.plan_conv import PlannedConv, is_faster_by_action
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
        offset = time_features.new_zeros(length, network.input.out_features)
        self._input = InputLayer(network.input, act_dim, offset, batch)
        self._down: list[tuple[PlannedStage, Tensor, PlannedLinear]] = []
        destination = self._input.destination
        down, up = of_type(network.down, Stage), of_type(network.up, Stage)
        for stage, merge in zip(down, of_type(network.merges, nn.Linear), strict=True):
            planned, length = PlannedStage(stage, films, batch, length), length // 2
            destination.lead_to(*planned.entrances)
            merged = PlannedLinear(merge, (batch, length))
            destination = merged.destination
            self._down.append((planned, planned.output.view(batch * length, -1), merged))
        self._middle = PlannedStage(network.middle, films, batch, length)
        destination.lead_to(*self._middle.entrances)
        below = self._middle.output.flatten(0, 1)
        self._up: list[tuple[Tensor, PlannedLinear, Tensor, Tensor, PlannedStage]] = []
        kept = [stage.output for stage, *_ in reversed(self._down)]
        splits = of_type(network.splits, nn.Linear)
        for stage, split, old in zip(up, splits, kept, strict=True):
            before, length = PlannedLinear(split, (batch, length)), 2 * length
            planned = PlannedStage(stage, films, batch, length, inputs=2)
            first, second = planned.entrances
            before.destination.lead_to(first)
            self._up.append((below, before, old, second, planned))
            below = planned.output.flatten(0, 1)
        self._output_norm, self._last = FixedLayerNorm(network.output_norm), below
        self._output = PlannedLinear(network.output, (batch, length))
        self._chunk = self._output.destination.place[:, :horizon]

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
        self._blocks = [PlannedFilmBlock(each, films[each], batch, length) for each in blocks]
        self.entrances: Sequence[Tensor] = self._blocks[0].input.chunk(inputs, dim=-1)
        self.output: Tensor = self._blocks[0].input.new_empty(
            batch, length, blocks[-1].second.out_features
        )
        targets = [*(block.input for block in self._blocks[1:]), self.output]
        for block, target in zip(self._blocks, targets, strict=True):
            block.write_to(target)

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

    Attributes:
        input: ``(batch, length, channels_in)``, to be written before a call.
    """

    def __init__(self, block: FilmBlock, film: Sequence[Affine], batch: int, length: int) -> None:
        by_action = is_faster_by_action(block.first.weight.device, batch)
        has_shortcut = isinstance(block.shortcut, nn.Linear)  # which reads the first one's rows
        self._first = PlannedConv(block.first, batch, length, by_action and not has_shortcut)
        self._second = PlannedConv(block.second, batch, length, by_action)
        self._first_norm = PlannedLayerNorm(block.first_norm, film, per_token=True)
        self._second_norm = FixedLayerNorm(block.second_norm)
        self.input, self._inner = self._first.input, self._second.input
        self._shortcut, self._passed = None, self.input
        if isinstance(block.shortcut, nn.Linear):
            self._shortcut = PlannedLinear(block.shortcut, (batch, length))
            self._passed = self._shortcut.destination.place

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
