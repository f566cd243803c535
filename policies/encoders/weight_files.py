"""Safetensors files of weights, compared with what a network expects before it is changed."""

from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

SUFFIX = ".safetensors"
SHOWN = 3
"""Most names in a message."""


def read_metadata(path: str | Path) -> dict[str, str]:
    """Return the metadata of a file.

    Raises:
        ValueError: The file is missing or not a safetensors file.
    """
    _check_file(Path(path))
    try:
        with safe_open(str(path), framework="pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise _no_safetensors(path, error) from error


def read_shapes(path: str | Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of a file.

    Raises:
        ValueError: The file is missing or not a safetensors file.
    """
    _check_file(Path(path))
    try:
        with safe_open(str(path), framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _no_safetensors(path, error) from error


def read_into(path: str | Path, network: nn.Module, what: str) -> None:
    """Set all weights of a network from a file that holds exactly these.

    Args:
        path: The file.
        network: Changed in place; floating-point tensors may have another precision in the file.
        what: What the network is, for the message.

    Raises:
        ValueError: The file is missing, not a safetensors file, or does not fit the network, or a
            number is not finite.
    """
    expected: Mapping[str, Tensor] = network.state_dict()
    shapes = read_shapes(path)
    check_names(path, shapes, expected, what)
    for name, tensor in expected.items():
        if shapes[name] != tuple(tensor.shape):
            raise ValueError(
                f"{path} does not hold the weights of {what}: {name} is {shapes[name]}, "
                f"not {tuple(tensor.shape)}"
            )
    with safe_open(str(path), framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in expected}
    bad = next((name for name, tensor in tensors.items() if not tensor.isfinite().all()), "")
    if bad:
        raise ValueError(f"{path} contains NaN or infinity in {bad}; give finite weights")
    with torch.no_grad():
        for name, tensor in expected.items():
            tensor.copy_(tensors[name])


def check_names(
    path: str | Path,
    given: Collection[str],
    expected: Collection[str],
    what: str,
    allowed: tuple[str, ...] = (),
) -> None:
    """Check that a file has the tensors of a network and no others.

    Args:
        path: The file, for the message.
        given: Names of its tensors.
        expected: Names that the network has.
        what: What the network is, for the message.
        allowed: Names, or parts of names before a dot, that are ignored in the file.

    Raises:
        ValueError: A name is missing or unknown.
    """
    missing = [name for name in expected if name not in set(given)]
    others = [
        name
        for name in given
        if name not in set(expected)
        and not any(name == part or name.startswith(f"{part}.") for part in allowed)
    ]
    for kind, names in (("lacks", missing), ("has besides them", others)):
        if names:
            shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
            raise ValueError(
                f"{path} does not hold the weights of {what}: it {kind} {shown} "
                f"({len(names)} of {len(expected)} tensors); give the file of that network"
            )


def _check_file(path: Path) -> None:
    if path.suffix != SUFFIX:
        raise ValueError(f"the weights are {str(path)!r}; give a file that ends in {SUFFIX}")
    if not path.is_file():
        raise ValueError(f"the weights are {str(path)!r}, which is no file; nothing is downloaded")


def _no_safetensors(path: str | Path, error: Exception) -> ValueError:
    reason = " ".join(str(error).split())
    return ValueError(f"{path} is not a safetensors file: {reason}")
