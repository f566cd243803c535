"""Observations of a task as LeRobot's policies see them, by the names of the export."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from envs.task import Task
from fmbench.harness.rollout import Float32Array
from fmbench.lerobot import layout
from fmbench.lerobot.columns import Scaling


@dataclass(frozen=True)
class Observing:
    """What a policy sees of an observation.

    Attributes:
        task: The task.
        scaling: The map of the environment state, that of the data set; None if it has none.
        names: The features that the policy observes.
    """

    task: Task
    scaling: Scaling | None
    names: Sequence[str]

    def features(self, observations: Float32Array) -> dict[str, Tensor]:
        """Return observations `(n, obs_dim)`, each feature `(n, k)` float32."""
        columns = self.task.agent_columns
        features = {}
        if layout.STATE in self.names:
            features[layout.STATE] = torch.from_numpy(observations[:, columns])
        if layout.ENVIRONMENT in self.names:
            environment = observations[:, ~columns]
            scaled = environment if self.scaling is None else self.scaling.apply(environment)
            features[layout.ENVIRONMENT] = torch.from_numpy(scaled)
        return features
