"""Counting of the evaluations of a network of LeRobot."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

NETWORKS = {"act": "model", "diffusion": "diffusion.unet"}
"""Type of a policy to the network whose evaluations count; of others it is each of their parts."""


class NetworkCalls:
    """Counts how often the network of a policy is evaluated.

    Args:
        policy: The policy.
        kind: Its type. If it is none of `NETWORKS`, the calls of its direct submodules count.
    """

    def __init__(self, policy: nn.Module, kind: str) -> None:
        self.networks = (
            [policy.get_submodule(NETWORKS[kind])] if kind in NETWORKS else [*policy.children()]
        )
        self.count = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count from 0 what is evaluated inside."""
        self.count = 0
        hooks = [network.register_forward_hook(self._add) for network in self.networks]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _add(self, *_: Any) -> None:
        self.count += 1
