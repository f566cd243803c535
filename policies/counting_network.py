"""Wrappers for a policy's network: a counter of evaluations, and a placeholder for none."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from policies.objectives.base import Network


class CountingNetwork:
    """A network that counts its evaluations: NFE is measured, not declared by a sampler.

    Evaluations of the full batch are counted on the host. Those of some rows are summed on the
    device of the rows, so that counting never waits for a device.

    Args:
        network: The network to call.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._full_batch = 0
        self._rows: Tensor | None = None

    def __call__(
        self,
        noisy_actions: Tensor,
        time: Tensor,
        condition: Tensor,
        active: Tensor | None = None,
    ) -> Tensor:
        """Evaluate the network once.

        Args:
            noisy_actions: `(B, Tp, act_dim)`.
            time: `(B,)` or `(B, 2)`.
            condition: `(B, C)`.
            active: `(B,)` bool, the rows to count; the others only fill the batch. None is every
                row.
        """
        if active is None:
            self._full_batch += 1
        else:
            rows = active.to(torch.int64)
            self._rows = rows if self._rows is None else self._rows + rows
        return self._network(noisy_actions, time, condition)

    def nfe(self, batch: int) -> NDArray[np.int64]:
        """Return the evaluations so far of each of `batch` rows, `(batch,)`."""
        counts = np.full(batch, self._full_batch, dtype=np.int64)
        return counts if self._rows is None else counts + self._rows.cpu().numpy()


class NoNetwork(nn.Module):
    """Placeholder for the network of an objective that trains none."""

    def forward(self, noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """Raise `RuntimeError`: there is nothing to evaluate."""
        raise RuntimeError("This policy has no network to evaluate.")
