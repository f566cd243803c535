"""Conditioning: how time and observations modulate a network's blocks or join its inputs."""

import torch
from torch import Tensor, nn

from policies.backbones.time_gate import TIME_DIM


class ContextEmbedding(nn.Module):
    """Two layers from the time features, and with "film" the condition, to a context vector.

    The context modulates every block. With "concat" the condition joins the inputs instead.

    Args:
        condition_dim: Length of the condition vector.
        width: Length of the context.
        conditioning: "film" or "concat".

    Attributes:
        joined_dim: Length of the vector that joins the inputs.
        modulating_dim: Length of the part of the condition that enters the context.
    """

    def __init__(self, condition_dim: int, width: int, conditioning: str = "film") -> None:
        super().__init__()
        self.joined_dim = condition_dim if conditioning == "concat" else 0
        self.modulating_dim = condition_dim - self.joined_dim
        self.layers = nn.Sequential(
            nn.Linear(TIME_DIM + self.modulating_dim, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
        )

    def forward(self, time_features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return the context, and the vector that joins the inputs.

        Args:
            time_features: `(B, TIME_DIM)`.
            condition: `(B, condition_dim)`.

        Returns:
            The context `(B, width)` of the blocks, and `(B, joined_dim)` for the inputs.
        """
        modulating = condition[:, : self.modulating_dim]
        joined = condition[:, self.modulating_dim :]
        context: Tensor = self.layers(torch.cat((time_features, modulating), dim=-1))
        return context, joined


class PlainContext(nn.Module):
    """The time features themselves are the context; condition and time join the inputs.

    Args:
        condition_dim: Length of the condition vector.

    Attributes:
        joined_dim: Length of the vector that joins the inputs.
    """

    def __init__(self, condition_dim: int) -> None:
        super().__init__()
        self.joined_dim = condition_dim + TIME_DIM

    def forward(self, time_features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return the context `(B, TIME_DIM)` and the vector for the inputs, `(B, joined_dim)`."""
        return time_features, torch.cat((condition, time_features), dim=-1)


def join_to_each(actions: Tensor, joined: Tensor) -> Tensor:
    """Append `(B, joined_dim)` to every action of `(B, Tp, act_dim)`."""
    repeated = joined[:, None, :].expand(-1, actions.shape[1], -1)
    return torch.cat((actions, repeated), dim=-1)
