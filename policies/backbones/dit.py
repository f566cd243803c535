"""A diffusion transformer (DiT): one token per action of the chunk."""

import math

import torch
from torch import Tensor, nn

from policies.backbones.context import ContextEmbedding
from policies.backbones.time_gate import TIME_DIM, TimeGate
from policies.backbones.zeroed import zeroed
from policies.embeddings import SinusoidalTimeEmbedding

HEAD_DIM = 32
"""Width of an attention head, where it divides the network's; otherwise heads are wider."""
MLP_RATIO = 4
"""Hidden width of a token's two layers, in widths of the network."""
POSITION_STD = 0.02
"""Standard deviation of the initial positions."""


class ModulatedNorm(nn.Module):
    """Layer normalisation whose gain and offset come from the context; at first a plain one.

    Args:
        width: Width of the tokens and of the context.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = zeroed(nn.Linear(width, 2 * width))

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Normalise `tokens` ``(B, Tp, width)`` given `context` ``(B, width)``."""
        gain, offset = self.modulation(context)[:, None, :].chunk(2, dim=-1)
        normed: Tensor = self.norm(tokens)
        return torch.addcmul(normed + offset, normed, gain)


class SelfAttention(nn.Module):
    """Multi-head attention of every action to every action of its chunk.

    Vaswani et al. 2017 (arXiv 1706.03762), section 3.2, as plain products of matrices: torch's fused
    attention has no forward-mode derivative, which objectives over average velocities need.

    Args:
        width: Width of the tokens; heads are `HEAD_DIM` wide where it is a multiple of that.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = math.gcd(width, max(1, width // HEAD_DIM))
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map `tokens` ``(B, Tp, width)`` to the same shape."""
        heads = self.queries_keys_values(tokens).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = heads.permute(2, 0, 3, 1, 4)  # each (B, heads, Tp, width / heads)
        # Vaswani et al. 2017, eq. 1
        scores = queries @ keys.transpose(2, 3) / math.sqrt(queries.shape[-1])
        mixed = scores.softmax(dim=-1) @ values
        output: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return output


class DiTBlock(nn.Module):
    """Attention, then two layers per token, each behind a gate; at first the identity.

    Peebles & Xie 2023 (arXiv 2212.09748), section 3.2, "adaLN-Zero": gain, offset and gate of both
    halves are linear in the context, and begin at zero.

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
        """Map `tokens` ``(B, Tp, width)`` to the same shape, given `context` ``(B, width)``."""
        attention_gate, layers_gate = self.gates(context)[:, None, :].chunk(2, dim=-1)
        change = self.attention(self.attention_norm(tokens, context))
        tokens = torch.addcmul(tokens, attention_gate, change)
        change = self.layers(self.layers_norm(tokens, context))
        return torch.addcmul(tokens, layers_gate, change)


class DiT(nn.Module):
    """Transformer over the chunk's actions with a time-gated skip; the output starts at 0.

    Time and condition reach the tokens only as the modulation of every block (adaLN-Zero); the
    tokens are the noisy actions, at learnt positions.

    Args:
        act_dim: Numbers in one action.
        pred_horizon: Actions in a chunk.
        condition_dim: Length of the condition vector.
        width: Width of the tokens.
        depth: Number of blocks.
        conditioning: How observations reach the tokens.
        outputs: Numbers per action in the output; None is `act_dim`.
    """

    def __init__(
        self,
        act_dim: int,
        pred_horizon: int,
        condition_dim: int,
        width: int = 256,
        depth: int = 3,
        conditioning: str = "film",
        outputs: int | None = None,
    ) -> None:
        super().__init__()
        outputs = act_dim if outputs is None else outputs
        self.embed_time = SinusoidalTimeEmbedding(TIME_DIM)
        self.embed_context = ContextEmbedding(condition_dim, width)
        self.input = nn.Linear(act_dim, width)
        self.positions = nn.Parameter(POSITION_STD * torch.randn(pred_horizon, width))
        self.blocks = nn.ModuleList(DiTBlock(width) for _ in range(depth))
        self.output_norm = ModulatedNorm(width)
        self.output = zeroed(nn.Linear(width, outputs))
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
        context: Tensor = self.embed_context(time_features, condition)
        tokens: Tensor = self.input(noisy_actions) + self.positions
        for block in self.blocks:
            tokens = block(tokens, context)
        output: Tensor = self.output(self.output_norm(tokens, context))
        return self.gate.add_skip(output, noisy_actions, time_features)
