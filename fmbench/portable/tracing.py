"""Traces of modules by `torch.export`, for any number of rows and without paths in them."""

import warnings

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from fmbench.errors import FmbenchError

BATCH = "batch"
"""Name of the first dimension of every input and of the output."""
EXAMPLE_ROWS = 2
"""Rows of example arguments: torch would take a single row for a fixed size."""
PLACES = ("stack_trace", "nn_module_stack", "source_fn_stack", "from_node", "torch_fn")
"""What torch notes of every operation about the code that did it, with the paths of its files."""


def trace(module: nn.Module, example: tuple[Tensor, ...], name: str) -> ExportedProgram:
    """Trace a module.

    Args:
        module: The module; its operations depend on no value of its arguments.
        example: Arguments with at least 2 rows each.
        name: What it is, for the message.

    Returns:
        The program, which accepts any number of rows, the same in all arguments.

    Raises:
        FmbenchError: It has no such program.
    """
    rows = Dim(BATCH, min=1)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about itself
            shapes = tuple({0: rows} for _ in example)
            program = torch.export.export(module, example, dynamic_shapes=shapes, strict=False)
    except Exception as error:  # torch has no base class of them
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise FmbenchError(
            f"{name} cannot be traced for any number of rows: {reason} (code of your own may not "
            "call len() on a tensor, x.shape[0] is its rows, nor decide by the numbers in it)"
        ) from error
    for node in program.graph.nodes:
        for place in PLACES:
            node.meta.pop(place, None)
    return program
