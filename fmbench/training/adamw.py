"""AdamW without torch's compiler."""

import inspect
from collections.abc import Callable
from typing import Any

import torch

_MARKED = torch.optim.AdamW


class PlainAdamW(_MARKED):
    """torch's AdamW, which does not import `torch._dynamo`.

    torch marks the methods of optimizers as not to be compiled, and imports its compiler for the
    mark: 1 to 2 s of every run. Nothing in fmbench compiles an optimizer, so these are the methods
    below their marks. They compute the same bytes.
    """

    add_param_group = inspect.unwrap(_MARKED.add_param_group)
    state_dict = inspect.unwrap(_MARKED.state_dict)
    load_state_dict = inspect.unwrap(_MARKED.load_state_dict)
    zero_grad = inspect.unwrap(_MARKED.zero_grad)
    _step = inspect.unwrap(_MARKED.step)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one step; see `torch.optim.AdamW.step`."""
        return self._step(closure)
