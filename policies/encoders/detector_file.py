"""Files of trained detectors: safetensors with one manifest of what was trained.

The manifest is one metadata key, because several would be written in random order.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from policies.encoders.weight_files import read_metadata
from policies.registry import lookup

KEY = "detector"
"""The metadata key of the manifest."""
ARCHITECTURES = tuple(f"yolo12{scale}" for scale in "nsmlx")
"""Networks that a file may hold, the default first."""


@dataclass(frozen=True)
class Manifest:
    """What a detector is.

    Attributes:
        classes: Names of what it detects, in the order of its outputs.
        architecture: One of `ARCHITECTURES`.
        made_with: How it was trained, in JSON values, for the reader.

    Raises:
        ValueError: A value is not accepted.
    """

    classes: tuple[str, ...]
    architecture: str = ARCHITECTURES[0]
    made_with: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lookup("architecture of a detector", self.architecture, dict.fromkeys(ARCHITECTURES))
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes are {self.classes!r}; give one or more different names")


def detector_bytes(manifest: Manifest, tensors: Mapping[str, Tensor]) -> bytes:
    """Return the bytes of a file.

    Args:
        manifest: What the detector is.
        tensors: The state of the whole network, as `policies.encoders.yolo_network` names it.
    """
    values = {
        "architecture": manifest.architecture,
        "classes": list(manifest.classes),
        "made_with": dict(manifest.made_with),
    }
    on_cpu = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    content: bytes = save(on_cpu, {KEY: json.dumps(values, sort_keys=True)})
    return content


def read_manifest(path: str | Path) -> Manifest:
    """Return the manifest of a file.

    Raises:
        ValueError: The file is missing, not a safetensors file, or has no valid manifest.
    """
    metadata = read_metadata(path)
    if KEY not in metadata:
        raise ValueError(
            f"{path} has no manifest of a detector; give a file that the detector command wrote"
        )
    try:
        values = json.loads(metadata[KEY])
        classes, architecture = values["classes"], values["architecture"]
        made_with = values.get("made_with", {})
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise TypeError("classes is no list of names")
        if not isinstance(architecture, str) or not isinstance(made_with, dict):
            raise TypeError("architecture is no name or made_with is no table")
        return Manifest(tuple(classes), architecture, made_with)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"the manifest of {path} is not accepted: {reason}") from error
