"""Counting of the evaluations of a network of LeRobot."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn

NETWORKS = {"act": "model", "diffusion": "diffusion.unet"}
"""Type of a policy to the network whose evaluations count."""


class NetworkCalls:
    """Counts how often the network of a policy is evaluated.

    Args:
        policy: The policy.
        kind: Its type. If it is none of `NETWORKS`, each call of a module counts that no other
            module of the policy has called.
    """

    def __init__(self, policy: nn.Module, kind: str) -> None:
        parts = [part for part in policy.modules() if part is not policy]
        self.networks = [policy.get_submodule(NETWORKS[kind])] if kind in NETWORKS else parts
        self.count = self._depth = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count from 0 what is evaluated inside."""
        self.count = self._depth = 0
        with ExitStack() as hooks:
            for network in self.networks:
                before = network.register_forward_pre_hook(self._enter)
                after = network.register_forward_hook(self._leave, always_call=True)
                hooks.callback(before.remove)
                hooks.callback(after.remove)
            yield

    def _enter(self, *_: Any) -> None:
        self.count += self._depth == 0
        self._depth += 1

    def _leave(self, *_: Any) -> None:
        self._depth -= 1
