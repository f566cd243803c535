"""Conversion of a pickled detector of ultralytics: the only place that reads a pickle.

Reading one runs whatever code it holds. This module runs in `fmbench.detection.worker` alone, whose
process ends with the conversion, and only for a file that the user trusts.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fmbench.errors import FmbenchError
from fmbench.storage.files import write_new
from policies.encoders.detector_file import ARCHITECTURES, Manifest, detector_bytes
from policies.encoders.yolo_network import make_detector

KEYS = ("ema", "model")
"""Where ultralytics puts the network in a file, the one that it uses first."""
ACCEPTED = f"give a detector of {', '.join(ARCHITECTURES)} that ultralytics has saved"
MAX_REASON = 200


def convert(job: dict[str, Any], on_progress: Callable[[int], None]) -> dict[str, Any]:
    """Read a pickled detector and write its weights as safetensors.

    Args:
        job: `source`, the file; `made_with` for the manifest; and `target`, the file to write.
        on_progress: Not called.

    Returns:
        The architecture and the names of the classes.

    Raises:
        FmbenchError: The file cannot be read or holds something else.
    """
    del on_progress
    source = job["source"]
    network = _network(source)
    tensors = {name: _full(tensor) for name, tensor in network.state_dict().items()}
    names = getattr(network, "names", None)
    classes = tuple(names.values() if isinstance(names, dict) else names or ())
    layers = getattr(network, "yaml", None)
    named = layers if isinstance(layers, dict) else {}
    architecture = _architecture(tensors, len(classes), named.get("scale"))
    if architecture is None:
        kind = Path(str(named.get("yaml_file") or type(network).__name__)).stem
        raise FmbenchError(f"{source} holds {kind}; {ACCEPTED}")
    try:
        manifest = Manifest(tuple(map(str, classes)), architecture, job["made_with"])
    except ValueError as error:
        raise FmbenchError(f"the names in {source} are not accepted: {error}") from None
    write_new(Path(job["target"]), detector_bytes(manifest, tensors))
    return {"architecture": architecture, "classes": list(manifest.classes)}


def _network(source: str) -> nn.Module:
    """Read the network of a file.

    Raises:
        FmbenchError: The file cannot be read, or holds none.
    """
    try:
        content = torch.load(source, map_location="cpu", weights_only=False)
    except Exception as error:  # a pickle can raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:MAX_REASON]
        raise FmbenchError(f"{source} cannot be read ({reason}); {ACCEPTED}") from error
    if isinstance(content, dict):
        content = next((content[key] for key in KEYS if content.get(key) is not None), content)
    if not isinstance(content, nn.Module):
        raise FmbenchError(f"{source} holds no network but a {type(content).__name__}; {ACCEPTED}")
    return content


def _architecture(tensors: dict[str, Tensor], classes: int, scale: object) -> str | None:
    """Return which of `ARCHITECTURES` has tensors of exactly these names and shapes, or None.

    Args:
        tensors: The state of a network.
        classes: Number of its classes.
        scale: Last letter of the architecture, or None if it is not known.
    """
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    candidates = [name for name in ARCHITECTURES if classes and scale in (None, name[-1])]
    for architecture in candidates:
        expected = make_detector(architecture, classes).state_dict()
        if shapes == {name: tensor.shape for name, tensor in expected.items()}:
            return architecture
    return None


def _full(tensor: Tensor) -> Tensor:
    """Return a tensor in single precision; ultralytics saves half."""
    return tensor.float() if tensor.is_floating_point() else tensor
