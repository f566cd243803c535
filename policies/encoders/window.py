"""The encoder of numbers: from a normalised window of observations to one condition vector."""

from torch import Tensor, nn


class WindowEncoder(nn.Module):
    """Flatten the window: a low-dimensional state reaches the backbone without loss.

    An encoder is any module with a `condition_dim` and this `forward`, for example one that embeds
    images.

    Args:
        obs_horizon: Control steps in the window.
        obs_dim: Numbers in one observation.

    Attributes:
        condition_dim: Length of the condition, `obs_horizon * obs_dim`.
    """

    def __init__(self, obs_horizon: int, obs_dim: int) -> None:
        super().__init__()
        self.condition_dim = obs_horizon * obs_dim

    def forward(self, observations: Tensor) -> Tensor:
        """Map normalised observations `(B, obs_horizon, obs_dim)` to `(B, condition_dim)`."""
        return observations.flatten(1)
