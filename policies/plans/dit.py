"""Plan of the diffusion transformer."""

import math

import torch
from torch import Tensor, nn

from policies.backbones.dit import DiT, DiTBlock, SelfAttention
from policies.plans.layers import (
    InputLayer,
    PlannedLayerNorm,
    PlannedLinear,
    add_one_to_gain,
    matmul_layout,
    of_type,
)
from policies.plans.plan import ContextTable, Plan


class DiTPlan(Plan):
    """Plan that computes the modulation of all blocks at all times in one product; see `Plan`.

    Args:
        network: The network.
        times: `(K,)` or `(K, 2)`.
        batch: Batch size of every evaluation.
        chunk_shape: `(pred_horizon, act_dim)`.
    """

    def __init__(
        self, network: DiT, times: Tensor, batch: int, chunk_shape: tuple[int, int]
    ) -> None:
        time_features: Tensor = network.embed_time(times)
        horizon, act_dim = chunk_shape
        super().__init__(network.gate, time_features, (batch, horizon, network.output.out_features))
        blocks = of_type(network.blocks, DiTBlock)
        last = network.output_norm.modulation
        layers = [add_one_to_gain(last.weight, last.bias)]
        for block in blocks:
            for norm in (block.attention_norm, block.layers_norm):
                layers.append(add_one_to_gain(norm.modulation.weight, norm.modulation.bias))
            layers.append((block.gates.weight, block.gates.bias))
        self._table = ContextTable(network.embed_context, layers, time_features, batch)
        shape = (batch, *network.positions.shape)
        self._input = InputLayer(network.input, act_dim, shape, network.positions)
        self._blocks = [
            PlannedBlock(block, self._table, 1 + 3 * k, shape) for k, block in enumerate(blocks)
        ]
        self._output_norm = PlannedLayerNorm(
            network.output_norm.norm, self._table.halves(0), per_token=True
        )
        self._output = PlannedLinear(network.output, shape[:2])

    def set_condition(self, condition: Tensor) -> None:
        """Compute what depends on the observations; see `Plan.set_condition`."""
        self._table.set_condition(condition)
        self._input.set_condition(condition)

    def evaluate(self, index: int, noisy_actions: Tensor) -> Tensor:
        """Return the output at a time of the schedule; see `Plan.evaluate`."""
        tokens = self._input(noisy_actions)
        for block in self._blocks:
            block(index, tokens)
        chunk = self._output(self._output_norm(index, tokens).flatten(0, 1))
        return self._finish(index, chunk, noisy_actions)


class PlannedBlock:
    """One block, applied in place to the tokens.

    Args:
        block: The block.
        table: The modulations of all blocks.
        layer: Index in the table of its first layer of three: two normalisations, and the gates.
        shape: Shape of the tokens, `(batch, Tp, width)`.
    """

    def __init__(
        self, block: DiTBlock, table: ContextTable, layer: int, shape: tuple[int, ...]
    ) -> None:
        self._attention_norm, self._layers_norm = (
            PlannedLayerNorm(norm.norm, table.halves(layer + k), per_token=True)
            for k, norm in enumerate((block.attention_norm, block.layers_norm))
        )
        self._gates = [
            (attention[:, None], layers[:, None]) for attention, layers in table.halves(layer + 2)
        ]
        first, second = of_type(block.layers, nn.Linear)
        self._first, self._second = (PlannedLinear(linear, shape[:2]) for linear in (first, second))
        self._attention = PlannedAttention(block.attention, shape)

    def __call__(self, index: int, tokens: Tensor) -> None:
        """Change `tokens` `(batch, Tp, width)`."""
        attention_gate, layers_gate = self._gates[index]
        change = self._attention(self._attention_norm(index, tokens))
        tokens.addcmul_(attention_gate, change)
        inner = self._first(self._layers_norm(index, tokens).flatten(0, 1))
        torch.ops.aten.gelu_(inner, approximate="tanh")
        tokens.addcmul_(layers_gate, self._second(inner.flatten(0, 1)))


class PlannedAttention:
    """Attention in preallocated buffers, with the scale of the scores in the queries' weight.

    Args:
        attention: The attention.
        shape: Shape of the tokens, `(batch, Tp, width)`.
    """

    def __init__(self, attention: SelfAttention, shape: tuple[int, ...]) -> None:
        batch, horizon, width = shape
        heads = attention.heads
        dim = width // heads
        weight = attention.queries_keys_values.weight.t()
        divisors = weight.new_ones(3 * width)
        divisors[:width] = math.sqrt(dim)  # out of place: the weight is the network's own
        self._weight = matmul_layout(weight / divisors)
        self._output = PlannedLinear(attention.output, (batch, horizon))
        self._joint = weight.new_empty(batch * horizon, 3 * width)
        self._split = self._joint.view(batch, horizon, 3, heads, dim).permute(2, 0, 3, 1, 4)
        self._heads = weight.new_empty(self._split.shape)
        self._queries, keys, self._values = self._heads.flatten(1, 2)
        self._keys = keys.transpose(1, 2)
        self._scores = weight.new_empty(batch * heads, horizon, horizon)
        self._mixed = torch.empty_like(self._queries)
        self._merged = weight.new_empty(batch * horizon, width)
        self._mixed_tokens = self._mixed.view(batch, heads, horizon, dim).transpose(1, 2)
        self._merged_heads = self._merged.view(batch, horizon, heads, dim)

    def __call__(self, tokens: Tensor) -> Tensor:
        """Map `tokens` `(batch, Tp, width)` to a buffer of the same shape."""
        torch.mm(tokens.flatten(0, 1), self._weight, out=self._joint)
        self._heads.copy_(self._split)
        torch.bmm(self._queries, self._keys, out=self._scores)
        torch.softmax(self._scores, -1, out=self._scores)
        torch.bmm(self._scores, self._values, out=self._mixed)
        self._merged_heads.copy_(self._mixed_tokens)
        return self._output(self._merged)
