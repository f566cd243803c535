"""A diffusion transformer (DiT) with one token per action of the chunk."""

import math

import torch
from torch import Tensor, nn

from policies.backbones.context import ContextEmbedding, join_to_each
from policies.backbones.modulated_norm import ModulatedNorm
from policies.backbones.shape import NetworkShape
from policies.backbones.time_gate import TIME_DIM, TimeGate
from policies.backbones.zeroed import zeroed
from policies.embeddings import SinusoidalTimeEmbedding

HEAD_DIM = 32
"""Target width of an attention head; the nearest divisor of the network's width is used."""
MLP_RATIO = 4
"""Hidden width of a token's two layers, as a multiple of the network's width."""
POSITION_STD = 0.02
"""Standard deviation of the initial position embeddings."""


class SelfAttention(nn.Module):
    """Multi-head self-attention over the actions of a chunk.

    Vaswani et al. 2017 (arXiv 1706.03762), section 3.2, as plain matrix products: torch's fused
    attention has no forward-mode derivative, which objectives over average velocities need.

    Args:
        width: Width of the tokens.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        divisors = [heads for heads in range(1, width + 1) if width % heads == 0]
        self.heads = min(divisors, key=lambda heads: abs(heads * HEAD_DIM - width))
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map `tokens` `(B, Tp, width)` to the same shape."""
        heads = self.queries_keys_values(tokens).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = heads.permute(2, 0, 3, 1, 4)  # each (B, heads, Tp, width / heads)
        # Vaswani et al. 2017, eq. 1
        scores = queries @ keys.transpose(2, 3) / math.sqrt(queries.shape[-1])
        mixed = scores.softmax(dim=-1) @ values
        output: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return output


class DiTBlock(nn.Module):
    """Attention, then two layers per token, each behind a gate; initially the identity.

    Peebles & Xie 2023 (arXiv 2212.09748), section 3.2, "adaLN-Zero": gain, offset and gate of both
    parts are linear in the context, and initially zero.

    Args:
        width: Width of the tokens and of the context.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention_norm, self.layers_norm = ModulatedNorm(width), ModulatedNorm(width)
        self.attention = SelfAttention(width)
        self.layers = nn.Sequential(
            nn.Linear(width, MLP_RATIO * width),
            nn.GELU(approximate="tanh"),
            nn.Linear(MLP_RATIO * width, width),
        )
        self.gates = zeroed(nn.Linear(width, 2 * width))

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Map `tokens` `(B, Tp, width)` to the same shape, given `context` `(B, 1, width)`."""
        attention_gate, layers_gate = self.gates(context).chunk(2, dim=-1)
        change = self.attention(self.attention_norm(tokens, context))
        tokens = torch.addcmul(tokens, attention_gate, change)
        change = self.layers(self.layers_norm(tokens, context))
        return torch.addcmul(tokens, layers_gate, change)


class DiT(nn.Module):
    """Transformer over the actions of a chunk with a time-gated skip; its initial output is 0.

    The tokens are the noisy actions with learnt position embeddings. The time modulates every block
    (adaLN-Zero). With "film" the condition does so too; with "concat" it is appended to every noisy
    action.

    Args:
        shape: Its width is the width of the tokens, its depth the number of blocks.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        width = shape.width
        self.embed_time = SinusoidalTimeEmbedding(TIME_DIM)
        self.embed_context = ContextEmbedding(shape.condition_dim, width, shape.conditioning)
        self.input = nn.Linear(shape.act_dim + self.embed_context.joined_dim, width)
        self.positions = nn.Parameter(POSITION_STD * torch.randn(shape.pred_horizon, width))
        self.blocks = nn.ModuleList(DiTBlock(width) for _ in range(shape.depth))
        self.output_norm = ModulatedNorm(width)
        self.output = zeroed(nn.Linear(width, shape.output_dim))
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
        context = context[:, None, :]
        tokens: Tensor = self.input(join_to_each(noisy_actions, joined)) + self.positions
        for block in self.blocks:
            tokens = block(tokens, context)
        output: Tensor = self.output(self.output_norm(tokens, context))
        return self.gate.add_skip(output, noisy_actions, time_features)
