"""A residual multilayer perceptron over the flattened action chunk."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from policies.backbones.time_gate import TIME_DIM, TimeGate
from policies.backbones.zeroed import zeroed
from policies.embeddings import SinusoidalTimeEmbedding


class ScaledNorm(nn.Module):
    """Layer normalisation whose gain is a function of time; at first a plain normalisation.

    Args:
        width: Size of the normalised dimension.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.gain = zeroed(nn.Linear(TIME_DIM, width))

    def forward(self, hidden: Tensor, time_features: Tensor) -> Tensor:
        """Normalise `hidden` ``(B, width)`` at the time of `time_features` ``(B, TIME_DIM)``."""
        normed: Tensor = self.norm(hidden)
        return torch.addcmul(normed, normed, self.gain(time_features))


class ResidualBlock(nn.Module):
    """Pre-norm block ``hidden + linear(silu(linear([norm(hidden), context])))``; at first identity.

    The context (observations and time) enters every block as it is, so that no layer has to carry a
    precise observation past the noise.

    Args:
        width: Width of the hidden layers.
        context_dim: Length of the context.
    """

    def __init__(self, width: int, context_dim: int) -> None:
        super().__init__()
        self.norm = ScaledNorm(width)
        self.inner = nn.Linear(width + context_dim, width)
        self.outer = zeroed(nn.Linear(width, width))

    def forward(self, hidden: Tensor, time_features: Tensor, context: Tensor) -> Tensor:
        """Map `hidden` ``(B, width)`` to the same shape."""
        inputs = torch.cat((self.norm(hidden, time_features), context), dim=-1)
        change: Tensor = self.outer(F.silu(self.inner(inputs)))
        return hidden + change


class ResidualMLP(nn.Module):
    """Residual MLP with a time-gated skip: ``gate(time) * noisy_actions + mlp(...)``.

    The output starts at 0.

    Args:
        act_dim: Numbers in one action.
        pred_horizon: Actions in a chunk.
        condition_dim: Length of the condition vector.
        width: Width of the hidden layers.
        depth: Number of residual blocks.
        conditioning: How observations reach the blocks.
        outputs: Numbers per action in the output; None is `act_dim`.
    """

    def __init__(
        self,
        act_dim: int,
        pred_horizon: int,
        condition_dim: int,
        width: int = 256,
        depth: int = 3,
        conditioning: str = "concat",
        outputs: int | None = None,
    ) -> None:
        super().__init__()
        outputs = act_dim if outputs is None else outputs
        chunk_dim, context_dim = pred_horizon * act_dim, condition_dim + TIME_DIM
        self.embed_time = SinusoidalTimeEmbedding(TIME_DIM)
        self.input = nn.Linear(chunk_dim + context_dim, width)
        self.blocks = nn.ModuleList(ResidualBlock(width, context_dim) for _ in range(depth))
        self.output_norm = ScaledNorm(width)
        self.output = zeroed(nn.Linear(width, pred_horizon * outputs))
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
        context = torch.cat((condition, time_features), dim=-1)
        hidden: Tensor = self.input(torch.cat((noisy_actions.flatten(1), context), dim=-1))
        for block in self.blocks:
            hidden = block(hidden, time_features, context)
        output: Tensor = self.output(self.output_norm(hidden, time_features))
        chunk = output.reshape(*noisy_actions.shape[:2], -1)
        return self.gate.add_skip(chunk, noisy_actions, time_features)
