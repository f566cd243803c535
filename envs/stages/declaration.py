"""The declaration of a task's stages and of the objects that its hand carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from envs.task import BoolArray, Task, View

START = "start"
"""What an episode has reached before the first stage."""
T = TypeVar("T", bound=Task)


class Carry(NamedTuple):
    """Where the k objects of n rows are. An object can be neither held nor free.

    Attributes:
        held: Whether the hand carries the object: off its support and at the hand, (n, k).
        free: Whether the object is out of the hand, (n, k).
        placed: Whether the object is at its goal, where it may be let go, (n, k).
    """

    held: BoolArray
    free: BoolArray
    placed: BoolArray


@dataclass(frozen=True)
class Stages(Generic[T]):
    """The stages of a task, in order.

    An episode that has reached a stage has reached all earlier ones, whatever their conditions. The
    last stage is the success of the benchmark: the task's condition, held for its `hold_steps`.

    Attributes:
        names: Their names, one or more, the last for the success.
        reached: Returns for each stage but the last whether its condition holds, each (n,).
        carry: Returns where the objects are; None if the task has nothing that could be dropped.
    """

    names: tuple[str, ...]
    reached: Callable[[T, View], tuple[BoolArray, ...]]
    carry: Callable[[T, View], Carry] | None = None

    def __post_init__(self) -> None:
        names = self.names
        are_texts = all(isinstance(name, str) and name and name.isprintable() for name in names)
        if not names or not are_texts or len({START, *names}) <= len(names):
            raise ValueError(
                f"stages are {names!r}; give one or more different names of printable characters, "
                f"none of them {START!r}"
            )
