"""A residual multilayer perceptron over the flattened action chunk."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from policies.backbones.context import ContextEmbedding, PlainContext
from policies.backbones.joined_linear import JoinedLinear
from policies.backbones.modulated_norm import ModulatedNorm
from policies.backbones.shape import NetworkShape
from policies.backbones.time_gate import TIME_DIM, TimeGate
from policies.backbones.zeroed import zeroed
from policies.embeddings import SinusoidalTimeEmbedding


class ScaledNorm(nn.Module):
    """Layer normalisation with a time-dependent gain; initially a plain normalisation.

    Args:
        width: Size of the normalised dimension.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.gain = zeroed(nn.Linear(TIME_DIM, width))

    def forward(self, hidden: Tensor, time_features: Tensor) -> Tensor:
        """Normalise `hidden` `(B, width)` at the time of `time_features` `(B, TIME_DIM)`."""
        normed: Tensor = self.norm(hidden)
        return torch.addcmul(normed, normed, self.gain(time_features))


class ResidualBlock(nn.Module):
    """Block `hidden + linear(silu(linear([norm(hidden), joined])))`; initially the identity.

    The joined vector enters every block unchanged, so that no layer has to carry a precise
    observation past the noise.

    Args:
        width: Width of the hidden layers.
        norm: Normalisation of the hidden layer, given its modulation.
        joined_dim: Length of the vector that joins the normalised hidden layer.
    """

    def __init__(self, width: int, norm: nn.Module, joined_dim: int) -> None:
        super().__init__()
        self.norm = norm
        self.inner = JoinedLinear(width + joined_dim, width)
        self.outer = zeroed(nn.Linear(width, width))

    def forward(self, hidden: Tensor, modulation: Tensor, joined: Tensor) -> Tensor:
        """Map `hidden` `(B, width)` to the same shape."""
        inner = self.inner(self.norm(hidden, modulation), joined)
        change: Tensor = self.outer(F.silu(inner))
        return hidden + change


class ResidualMLP(nn.Module):
    """Residual MLP with a time-gated skip: `gate(time) * noisy_actions + mlp(...)`.

    With "concat", observations and time join the inputs of every block, and the time scales its
    normalisation; with "film", both modulate the normalisation and nothing joins the inputs. The
    initial output is 0.

    Args:
        shape: Its width is the width of the hidden layers, its depth the number of blocks.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        width, film = shape.width, shape.conditioning == "film"
        make_norm = ModulatedNorm if film else ScaledNorm
        self.embed_time = SinusoidalTimeEmbedding(TIME_DIM)
        self.context = (
            ContextEmbedding(shape.condition_dim, width)
            if film
            else PlainContext(shape.condition_dim)
        )
        joined_dim = self.context.joined_dim
        self.input = JoinedLinear(shape.pred_horizon * shape.act_dim + joined_dim, width)
        self.blocks = nn.ModuleList(
            ResidualBlock(width, make_norm(width), joined_dim) for _ in range(shape.depth)
        )
        self.output_norm = make_norm(width)
        self.output = zeroed(nn.Linear(width, shape.pred_horizon * shape.output_dim))
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
        modulation, joined = self.context(time_features, condition)
        output = self.trunk(noisy_actions.flatten(1), modulation, joined)
        chunk = output.reshape(*noisy_actions.shape[:2], -1)
        return self.gate.add_skip(chunk, noisy_actions, time_features)

    def trunk(self, chunk: Tensor, modulation: Tensor, joined: Tensor) -> Tensor:
        """Apply the layers between the inputs and the skip; training may replace this method.

        Args:
            chunk: The noisy actions, `(B, pred_horizon * act_dim)`.
            modulation: What modulates the normalisations, `(B, n)`.
            joined: What joins the inputs of every block, `(B, joined_dim)`.

        Returns:
            `(B, pred_horizon * outputs)`.
        """
        hidden: Tensor = self.input(chunk, joined)
        for block in self.blocks:
            hidden = block(hidden, modulation, joined)
        output: Tensor = self.output(self.output_norm(hidden, modulation))
        return output
