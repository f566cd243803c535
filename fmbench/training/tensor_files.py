"""Tensors in safetensors files, compared with what is expected before torch sees them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from fmbench.errors import FmbenchError
from fmbench.storage.files import write_new

DTYPES = {
    torch.float32: "F32",
    torch.float64: "F64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
LENGTH_BYTES = 8
MAX_HEADER_BYTES = 100 * 2**20


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a new file, completely to disk; tensors may share memory.

    Raises:
        RunFailed: The disk is full.
    """
    on_cpu = {
        name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()
    }
    write_new(path, save(on_cpu))


def read_tensors(path: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Read the tensors that have the expected names, types and shapes.

    Args:
        path: The file.
        expected: Name to a tensor of the same type and shape, whose values are not read; one
            without elements stands for every shape of its rank.

    Raises:
        FmbenchError: The file is damaged or holds anything else, or a number is not finite.
    """
    header = _read_header(path)
    names = set(header)
    if difference := sorted(names ^ set(expected)):
        kind = "unknown" if difference[0] in names else "missing"
        raise _misfit(path, f"{difference[0]} is {kind}")
    for name, tensor in expected.items():
        dtype, shape = header[name].get("dtype"), header[name].get("shape")
        if dtype != DTYPES[tensor.dtype]:
            raise _misfit(path, f"{name} has type {dtype}, not {DTYPES[tensor.dtype]}")
        if not _fits(shape, tensor):
            raise _misfit(path, f"{name} has shape {shape}, not {list(tensor.shape)}")
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise FmbenchError(f"{path} is not a safetensors file: {error}") from error
    if bad := first_not_finite(tensors):
        raise FmbenchError(f"{path} contains NaN or infinity in {bad}; train again")
    return tensors


def first_not_finite(tensors: Mapping[str, Tensor]) -> str:
    """Return the name of the first tensor with NaN or infinity, or ""."""
    bad = (name for name, value in tensors.items() if not bool(value.isfinite().all()))
    return next(bad, "")


def _fits(shape: object, tensor: Tensor) -> bool:
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        return False
    if not tensor.numel() and tensor.ndim:
        return len(shape) == tensor.ndim
    return shape == list(tensor.shape)


def _misfit(path: Path, problem: str) -> FmbenchError:
    return FmbenchError(f"{path} does not fit its configuration: {problem}")


def _read_header(path: Path) -> dict[str, dict[str, Any]]:
    """Return name to type, shape and place of each tensor, from the start of the file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(LENGTH_BYTES), "little")
            if not 0 < length <= min(size - LENGTH_BYTES, MAX_HEADER_BYTES):
                raise ValueError(f"its header would have {length} bytes, the file has {size}")
            header = json.loads(file.read(length))
    except FileNotFoundError:
        raise FmbenchError(f"{path} does not exist") from None
    except (ValueError, RecursionError) as error:
        raise FmbenchError(f"{path} is not a safetensors file: {error}") from error
    if not isinstance(header, dict) or not all(isinstance(v, dict) for v in header.values()):
        raise FmbenchError(f"{path} is not a safetensors file: its header is no table of tensors")
    return header
