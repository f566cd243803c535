"""Loading of LeRobot's policies with LeRobot itself."""

import contextlib
import importlib
import importlib.metadata
import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from fmbench.errors import FmbenchError
from fmbench.lerobot_policy.checkpoint import LeRobotCheckpoint

TESTED = ("0.4.4", "0.6.1")
"""Versions of LeRobot with which CI loads and compares policies."""
PACKAGES = ("lerobot", "diffusers")
"""What decides the actions of its policies besides torch."""


@dataclass(frozen=True)
class LoadedPolicy:
    """A policy of LeRobot with its own processors.

    Attributes:
        policy: The policy, in evaluation mode on its device.
        normalise: Its pre-processor, from a batch of observations by name to what it observes.
        denormalise: Its post-processor of actions, `(n, act_dim)`.
        device: Its device.
    """

    policy: Any
    normalise: Callable[[dict[str, Any]], dict[str, Any]]
    denormalise: Callable[[Tensor], Tensor]
    device: torch.device

    @property
    def config(self) -> Any:
        """Its configuration, an object of LeRobot."""
        return self.policy.config

    @property
    def parameters(self) -> int:
        """The number of its parameters."""
        module: nn.Module = self.policy
        return sum(parameter.numel() for parameter in module.parameters())


def check_lerobot() -> None:
    """Check that LeRobot is installed, without importing it.

    Raises:
        FmbenchError: It is not; the message says where its commands are.
    """
    if find_spec("lerobot") is None:
        raise FmbenchError(
            "--lerobot needs the package lerobot; docs/lerobot.md has the commands that install it "
            "beside this torch, which its own requirements would replace"
        )


def lerobot_versions() -> dict[str, str]:
    """Return the versions of LeRobot and of what decides its policies' actions."""
    versions = {}
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def load_lerobot(checkpoint: LeRobotCheckpoint, device: str) -> LoadedPolicy:
    """Load a policy with LeRobot's own code: no file is unpickled, nothing is downloaded.

    Args:
        checkpoint: A checked checkpoint.
        device: Where it acts.

    Raises:
        FmbenchError: LeRobot cannot be imported, does not know the policy, or cannot read its
            files; the message has its reason.
    """
    check_lerobot()
    with _quiet():
        factory, configs = _import(checkpoint)
        try:
            config = configs.PreTrainedConfig.from_pretrained(str(checkpoint.folder))
            config.device = device
            kind = factory.get_policy_class(checkpoint.kind)
            policy = kind.from_pretrained(str(checkpoint.folder), config=config, strict=True)
            moved = {"device_processor": {"device": device}}
            pre, post = factory.make_pre_post_processors(
                config,
                pretrained_path=str(checkpoint.folder),
                preprocessor_overrides=moved,
            )
        except Exception as error:  # whatever LeRobot raises about files of another version
            raise FmbenchError(
                f"LeRobot {lerobot_versions()['lerobot']} cannot load {checkpoint.folder}, a "
                f"policy of type {checkpoint.kind}: {_reason(error)}; tested are LeRobot "
                f"{' and '.join(TESTED)}"
            ) from error
    policy.eval()
    return LoadedPolicy(policy, pre, post, torch.device(device))


def _import(checkpoint: LeRobotCheckpoint) -> tuple[Any, Any]:
    """Import the parts of LeRobot that load policies; it then knows the types of policies."""
    try:
        factory = importlib.import_module("lerobot.policies.factory")
        configs = importlib.import_module("lerobot.configs.policies")
    except Exception as error:  # e.g. RuntimeError of a torchvision that does not fit torch
        raise FmbenchError(
            f"LeRobot cannot be imported here: {_reason(error)}; docs/lerobot.md has the commands "
            "that install what it needs"
        ) from error
    known = sorted(configs.PreTrainedConfig.get_known_choices())
    if checkpoint.kind not in known:
        raise FmbenchError(
            f"{checkpoint.folder} is a policy of type {checkpoint.kind!r}; LeRobot "
            f"{lerobot_versions()['lerobot']} knows {', '.join(known)}"
        )
    return factory, configs


def _reason(error: BaseException) -> str:
    """Return the first line of an error, with its type."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]


@contextlib.contextmanager
def _quiet() -> Any:
    """Keep LeRobot from printing and logging while it loads."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
