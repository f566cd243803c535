"""Observations of a task as LeRobot's policies see them, by the names of the export."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from envs.task import Task
from fmbench.harness.rollout import Float32Array
from fmbench.lerobot import layout
from fmbench.lerobot.columns import Scaling

LEVELS = 255
"""The largest level of a pixel."""


@dataclass(frozen=True)
class Observing:
    """What a policy sees of an observation, and of the pictures behind it.

    Attributes:
        task: The task.
        scaling: The map of the environment state, that of the data set; None if it has none.
        names: The features that the policy observes.
        image_size: Rows and columns of a picture; 0 if it observes none.
    """

    task: Task
    scaling: Scaling | None
    names: Sequence[str]
    image_size: int = 0

    @property
    def pictures(self) -> tuple[str, ...]:
        """The features that are pictures, in the order of the cameras."""
        return tuple(name for name in self.names if name.startswith(layout.IMAGES))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the pictures of one state, `(cameras, size, size, 3)`."""
        return len(self.pictures), self.image_size, self.image_size, 3

    def features(self, observations: Float32Array) -> dict[str, Tensor]:
        """Return each feature, float32: states `(n, k)`, pictures `(n, 3, size, size)` in [0, 1].

        Pictures are converted as by LeRobot's own `preprocess_observation`.

        Args:
            observations: `(n, obs_dim)`, and behind each the pixels of its pictures, from 0 to 255.
        """
        numbers = observations[:, : self.task.obs_dim]
        columns = self.task.agent_columns
        features = {}
        if layout.STATE in self.names:
            features[layout.STATE] = torch.from_numpy(numbers[:, columns])
        if layout.ENVIRONMENT in self.names:
            environment = numbers[:, ~columns]
            scaled = environment if self.scaling is None else self.scaling.apply(environment)
            features[layout.ENVIRONMENT] = torch.from_numpy(scaled)
        if names := self.pictures:
            pixels = observations[:, self.task.obs_dim :].reshape(-1, *self.shape)
            levels = torch.from_numpy(pixels).permute(1, 0, 4, 2, 3).contiguous()
            features |= dict(zip(names, levels / LEVELS, strict=True))
        return features
