"""Plan of the residual MLP."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from policies.backbones.context import ContextEmbedding
from policies.backbones.mlp import ResidualBlock, ResidualMLP, ScaledNorm
from policies.backbones.modulated_norm import ModulatedNorm
from policies.guidance import PullBack
from policies.plans.layers import (
    Affine,
    Layer,
    PlannedLayerNorm,
    PlannedLinear,
    add_one_to_gain,
    of_type,
    transposed,
)
from policies.plans.mlp_pullback import Block, MlpAt, linearise_mlp
from policies.plans.plan import ContextTable, Plan


class MlpPlan(Plan):
    """Plan in which time and condition enter each layer as a precomputed bias; see `Plan`.

    Args:
        network: The network.
        times: `(K,)` or `(K, 2)`.
        batch: Batch size of every evaluation.
        chunk_shape: `(pred_horizon, act_dim)`.
    """

    linearises: ClassVar[bool] = True

    def __init__(
        self, network: ResidualMLP, times: Tensor, batch: int, chunk_shape: tuple[int, int]
    ) -> None:
        time_features: Tensor = network.embed_time(times)
        horizon = chunk_shape[0]
        outputs = network.output.out_features // horizon
        super().__init__(network.gate, time_features, (batch, horizon, outputs))
        blocks = of_type(network.blocks, ResidualBlock)
        self._constants = InputConstants(network, blocks, time_features, batch)
        self._input = self._constants.weights[0]
        self._table: ContextTable | None = None
        if isinstance(network.context, ContextEmbedding):
            modulated = of_type(network.modules(), ModulatedNorm)
            layers = [
                add_one_to_gain(norm.modulation.weight, norm.modulation.bias) for norm in modulated
            ]
            self._table = ContextTable(network.context, layers, time_features, batch)
            affines = [self._table.halves(layer) for layer in range(len(layers))]
        else:
            scaled = of_type(network.modules(), ScaledNorm)
            affines = [scales(norm, time_features) for norm in scaled]
        norms = of_type(network.modules(), nn.LayerNorm)
        planned = [PlannedLayerNorm(*pair) for pair in zip(norms, affines, strict=True)]
        outer = [transposed(block.outer) for block in blocks]
        self._blocks = list(zip(planned, self._constants.weights[1:], outer, strict=False))
        self._output_norm, self._output = planned[-1], PlannedLinear(network.output, (batch,))
        self._hidden = time_features.new_empty(batch, network.input.out_features)
        self._inner = torch.empty_like(self._hidden)
        self._chunk = self._output.buffer.view.view(batch, horizon, outputs)
        self._eps = norms[0].eps
        self._last: Layer = transposed(network.output)
        self._layers: dict[int, MlpAt] = {}

    def set_condition(self, condition: Tensor) -> None:
        """Compute what depends on the observations; see `Plan.set_condition`."""
        self._constants.set_condition(condition)
        if self._table is not None:
            self._table.set_condition(condition)

    def evaluate(self, index: int, noisy_actions: Tensor) -> Tensor:
        """Return the output at a time of the schedule; see `Plan.evaluate`."""
        constants = self._constants.views[index]
        hidden, inner = self._hidden, self._inner
        torch.addmm(constants[0], noisy_actions.flatten(1), self._input, out=hidden)
        for k, (norm, weight, (outer, bias)) in enumerate(self._blocks, start=1):
            torch.addmm(constants[k], norm(index, hidden), weight, out=inner)
            F.silu(inner, inplace=True)
            hidden.addmm_(inner, outer).add_(bias)
        self._output(self._output_norm(index, hidden))
        return self._finish(index, self._chunk, noisy_actions)

    def linearise(self, index: int, noisy_actions: Tensor) -> tuple[Tensor, PullBack]:
        """Return the output and its product with the Jacobian; see `Plan.linearise`."""
        if index not in self._layers:
            self._layers[index] = self._layers_at(index)
        return linearise_mlp(self._layers[index], noisy_actions)

    def _layers_at(self, index: int) -> MlpAt:
        """Return the layers at a time of the schedule; they follow the condition."""
        constants = self._constants.views[index]
        return MlpAt(
            constants[0],
            self._input,
            [
                Block(norm.affine(index), constant, inner, outer)
                for (norm, inner, outer), constant in zip(self._blocks, constants[1:], strict=True)
            ],
            self._output_norm.affine(index),
            self._last,
            self._gates[index] if self._has_skip else None,
            self._eps,
        )


class InputConstants:
    """Contributions of condition, time and bias to the input layer and every block's first layer.

    Args:
        network: The network.
        blocks: Its blocks.
        time_features: `(K, TIME_DIM)`.
        batch: Batch size of the condition.

    Attributes:
        weights: Weights of the input layer and of each block, without the joined inputs.
        views: `views[index][layer]` is `(batch, width)`, or `(1, width)` without a condition;
            set by `set_condition`.
    """

    def __init__(
        self,
        network: ResidualMLP,
        blocks: list[ResidualBlock],
        time_features: Tensor,
        batch: int,
    ) -> None:
        layers = [network.input, *(block.inner for block in blocks)]
        width, joined_dim = network.input.out_features, network.context.joined_dim
        input_dims = [layer.in_features - joined_dim for layer in layers]
        self.weights = [
            layer.weight.t()[:dim].contiguous()
            for layer, dim in zip(layers, input_dims, strict=True)
        ]
        joined = torch.cat(
            [layer.weight.t()[dim:] for layer, dim in zip(layers, input_dims, strict=True)], dim=1
        )
        condition_dim = max(0, joined_dim - time_features.shape[1])
        self._condition_weight = joined[:condition_dim].contiguous()
        bias = torch.cat([layer.bias for layer in layers])
        of_time = time_features[:, : joined_dim - condition_dim] @ joined[condition_dim:] + bias
        self._of_time = of_time[:, None, :]
        rows = batch if condition_dim else 1
        self._constants = self._of_time.repeat(1, rows, 1)
        self.views = [at_time.split(width, dim=-1) for at_time in self._constants]

    def set_condition(self, condition: Tensor) -> None:
        """Add the contribution of the condition `(batch, condition_dim)`."""
        if len(self._condition_weight):
            torch.add(self._of_time, condition @ self._condition_weight, out=self._constants)


def scales(norm: ScaledNorm, time_features: Tensor) -> list[Affine]:
    """Return gain and offset `(1, width)` at each time of a normalisation without a condition."""
    gains: Tensor = 1 + norm.gain(time_features)
    return [(gain[None], torch.zeros_like(gain)[None]) for gain in gains]
