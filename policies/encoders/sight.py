"""The encoder of an observation with pictures: the agent's numbers, then what the policy sees."""

import torch
from torch import Tensor, nn

from policies.encoders.shape import PictureShape


class SightEncoder(nn.Module):
    """Map a window of observations, each of which ends with pictures or stored features.

    Args:
        obs_horizon: Control steps in the window.
        agent_dim: Numbers of one observation before what is seen.
        eyes: Maps what is seen at n control steps to `(n, eyes.feature_dim)`: a `PictureEncoder`
            takes pictures, a `FeatureHead` stored features.
        shape: The shape of the pictures; None if features are seen.

    Attributes:
        condition_dim: Length of the condition, `obs_horizon * (agent_dim + eyes.feature_dim)`.
    """

    def __init__(
        self, obs_horizon: int, agent_dim: int, eyes: nn.Module, shape: PictureShape | None
    ) -> None:
        super().__init__()
        self.eyes, self._shape = eyes, shape
        self.condition_dim = obs_horizon * (agent_dim + int(eyes.feature_dim))  # type: ignore[arg-type]

    def forward(self, agent: Tensor, seen: Tensor) -> Tensor:
        """Map a batch of windows to its conditions.

        Args:
            agent: Normalised numbers, `(B, obs_horizon, agent_dim)`.
            seen: `(B, obs_horizon, seen_dim)`: stored features, or the flattened pixels of all
                cameras as whole numbers from 0 to 255.

        Returns:
            `(B, condition_dim)`.
        """
        steps = seen.flatten(0, 1)
        if self._shape is not None:
            steps = steps.to(torch.uint8).reshape(-1, *self._shape.dims)
        features: Tensor = self.eyes(steps)
        return torch.cat((agent.flatten(1), features.reshape(len(agent), -1)), dim=1)
