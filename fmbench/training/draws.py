"""Random numbers of a loss, drawn for several trainings from the generator of each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

Function = Callable[..., Any]


@dataclass(frozen=True)
class Draw:
    """One call that draws random numbers, such as `torch.randn`, without its generator.

    Attributes:
        function: What is called.
        arguments: Its arguments by position.
        options: Its other arguments.
        result: A result; only its shape, type and device are used.
    """

    function: Function
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    result: Tensor

    def room(self, places: int) -> Tensor:
        """Return room for the numbers of several trainings, `(places, ...)`."""
        return torch.empty(
            (places, *self.result.shape), dtype=self.result.dtype, device=self.result.device
        )

    def into(self, room: Tensor, generator: torch.Generator) -> None:
        """Draw into a tensor like `result`."""
        self.function(*self.arguments, **self.options, generator=generator, out=room)


class Recording(TorchFunctionMode):
    """A context in which every call that draws with a generator is recorded.

    Attributes:
        draws: The calls so far, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.draws: list[Draw] = []

    def __torch_function__(
        self,
        func: Function,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Make a call, and record it if it draws."""
        result = func(*args, **(kwargs or {}))
        if "generator" in (kwargs or {}):
            self.draws.append(Draw(func, args, _without_generator(kwargs), result))
        return result


class Playing(TorchFunctionMode):
    """A context in which the recorded calls return numbers that were drawn before.

    Args:
        draws: The recorded calls.
        numbers: What each of them returns.
    """

    def __init__(self, draws: Sequence[Draw], numbers: Sequence[Tensor]) -> None:
        super().__init__()
        self._rest: Iterator[tuple[Draw | None, Tensor | None]] = itertools.chain(
            zip(draws, numbers, strict=True), itertools.repeat((None, None))
        )

    def __torch_function__(
        self,
        func: Function,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Make a call, or return the numbers drawn for it.

        Raises:
            RuntimeError: It draws, but is not the recorded call.
        """
        if "generator" not in (kwargs or {}):
            return func(*args, **(kwargs or {}))
        draw, numbers = next(self._rest)
        call = (func, args, _without_generator(kwargs))
        if draw is None or call != (draw.function, draw.arguments, draw.options):
            raise RuntimeError(f"{func} draws other numbers than at the start of the training")
        return numbers


def _without_generator(options: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (options or {}).items() if name != "generator"}
