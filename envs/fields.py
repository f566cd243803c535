"""The named parts of an observation, and which of them a picture of the scene replaces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from envs.arrays import BoolArray, FloatArray


@dataclass(frozen=True)
class Field:
    """One named part of an observation.

    Attributes:
        name: The field's name.
        size: Number of values.
        unit: Their unit, `"1"` for none.
        limit: Values are clipped to [-limit, limit], the bounds of the observation space.
        meaning: One phrase: what is measured, and in which frame.
        pictured: Whether a picture of the scene shows it, as of an object or a goal. A policy that
            observes pictures does not observe it.
    """

    name: str
    size: int
    unit: str
    limit: float
    meaning: str
    pictured: bool = False


def pictured(name: str, size: int, unit: str, limit: float, meaning: str) -> Field:
    """Return a field that a picture of the scene replaces: an object, a goal, an offset to one."""
    return Field(name, size, unit, limit, meaning, pictured=True)


def limits_of(fields: Sequence[Field]) -> FloatArray:
    """Return the bound of each observed value, (obs_dim,)."""
    return np.concatenate([np.full(part.size, part.limit) for part in fields])


def agent_columns_of(fields: Sequence[Field]) -> BoolArray:
    """Return which observed values no picture replaces, (obs_dim,)."""
    return np.repeat([not part.pictured for part in fields], [part.size for part in fields])


def check_fields(
    task: str, fields: Sequence[Field], observed: Mapping[str, tuple[int, ...]], rows: int
) -> None:
    """Check that an observation of `rows` rows has exactly the stated fields and sizes.

    Args:
        task: The task's name.
        fields: The stated fields.
        observed: The shape of each observed field.
        rows: Number of rows observed.

    Raises:
        ValueError: It has not; the message states the task, the field and both shapes.
    """
    stated = {part.name: (rows, part.size) for part in fields}
    for name in stated | dict(observed):
        if name not in observed:
            raise ValueError(f"{task}: observe() lacks {name!r}, which fields() states.")
        if name not in stated:
            raise ValueError(f"{task}: fields() lacks {name!r}, which observe() gives.")
        if observed[name] != stated[name]:
            raise ValueError(
                f"{task}: fields() states that {name!r} has the size {stated[name][1]}, "
                f"but for {rows} rows observe() gives {observed[name]}, not {stated[name]}."
            )
