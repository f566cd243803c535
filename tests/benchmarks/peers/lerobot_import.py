"""Import LeRobot's diffusion policy with the libraries that it runs on, and without the others.

LeRobot's modules import its robots, data sets and every other policy; a diffusion policy over
states runs none of them. So each of `UNUSED` is an empty module while the policy is imported, and
what is measured is LeRobot's own code all the same, beside any version of the others or none.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

import torch

UNUSED = (
    "accelerate",
    "datasets",
    "datasets.utils",
    "datasets.utils.logging",
    "imageio",
    "lerobot.configs.train",
    "lerobot.datasets",
    "lerobot.datasets.utils",
    "lerobot.processor",
)
NEEDED_FIRST = (
    "diffusers.optimization",
    "diffusers.schedulers.scheduling_ddim",
    "diffusers.schedulers.scheduling_ddpm",
)
"""These look for optional packages, and must not find the empty ones."""


class Unused(ModuleType):
    """A module in which every name is an empty class."""

    __path__: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def import_lerobot() -> tuple[Any, Any]:
    """Return LeRobot's modules of the diffusion policy and of the types in its configuration."""
    _import_torchvision()
    for name in NEEDED_FIRST:
        importlib.import_module(name)
    found = importlib.util.find_spec("lerobot")
    if found is None or found.submodule_search_locations is None:
        raise ModuleNotFoundError("lerobot is not installed; see tests/benchmarks/README.md")
    policies = ModuleType("lerobot.policies")  # without its __init__, which imports every policy
    policies.__path__ = [f"{found.submodule_search_locations[0]}/policies"]
    replaced: dict[str, ModuleType] = {name: Unused(name) for name in UNUSED}
    replaced["lerobot.policies"] = policies
    before = {name: sys.modules[name] for name in replaced if name in sys.modules}
    sys.modules.update(replaced)
    try:
        return (
            importlib.import_module("lerobot.policies.diffusion.modeling_diffusion"),
            importlib.import_module("lerobot.configs.types"),
        )
    finally:
        for name in replaced:
            del sys.modules[name]
        sys.modules.update(before)


def _import_torchvision() -> None:
    """Import torchvision, also a CUDA build beside torch for the CPU.

    Such a build has no compiled operators, but looks two of them up when it is imported.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)
        importlib.import_module("torchvision")


_KEPT: list[object] = []
"""A library's definitions go when it does."""
