"""A policy with one sampler as a program of `torch.export`, in the bytes of a `.pt2` file."""

import copy
import io
from collections.abc import Mapping

import torch

from fmbench.portable.tracing import EXAMPLE_ROWS, trace
from policies.chunk_function import ChunkFunction


def torch_bytes(function: ChunkFunction, texts: Mapping[str, str], name: str) -> bytes:
    """Return the bytes of a `.pt2` file, the same ones for the same policy.

    Args:
        function: The policy with its sampler.
        texts: Further files in it, by name; see `torch.export.load(..., extra_files=...)`.
        name: What it is, for messages.

    Raises:
        FmbenchError: It cannot be traced.
    """
    frozen = copy.deepcopy(function).requires_grad_(requires_grad=False)  # it only acts
    program = trace(frozen, function.example(EXAMPLE_ROWS), name)
    buffer = io.BytesIO()  # to a path torch would write its name into the file
    torch.export.save(program, buffer, extra_files=dict(texts))
    return buffer.getvalue()
