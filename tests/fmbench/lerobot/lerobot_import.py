"""Import LeRobot's diffusion policy without the libraries that it does not use.

LeRobot's modules import its robots, data sets and all other policies, none of which a diffusion
policy over states uses. Each of `UNUSED` is therefore replaced by an empty module during the
import. The measured code is still LeRobot's own, with any version of the others or without them.
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
"""These detect optional packages, and must not find the empty ones."""


class Unused(ModuleType):
    """A module in which every name is an empty class."""

    __path__: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def import_lerobot() -> tuple[Any, Any]:
    """Return LeRobot's modules of the diffusion policy and of its configuration types."""
    import_torchvision()
    for name in NEEDED_FIRST:
        importlib.import_module(name)
    spec = importlib.util.find_spec("lerobot")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("lerobot is not installed; see tests/benchmarks/README.md")
    policies = ModuleType("lerobot.policies")  # without its __init__, which imports every policy
    policies.__path__ = [f"{spec.submodule_search_locations[0]}/policies"]
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


def import_torchvision() -> None:
    """Import torchvision, even a CUDA build with torch for the CPU.

    Such a build has no compiled operators, but looks up two of them when it is imported.
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
        _LIBRARIES.append(library)
        importlib.import_module("torchvision")


_LIBRARIES: list[object] = []
"""Keeps the libraries alive, and with them their definitions."""
