"""What a picture depends on, besides the task, its cameras and the renderer."""

from collections import UserDict
from dataclasses import dataclass
from typing import cast

import numpy as np

from envs.arrays import FloatArray, IntArray
from envs.task import Task
from envs.world import World


@dataclass(frozen=True)
class PictureStates:
    """The states of n simulations of one task, as far as a picture shows them.

    Goal markers and the fields of the model that differ between episodes are functions of the
    memory: `Task.mocap` and `Task.model_values`.

    Attributes:
        qpos: Generalised positions, (n, nq).
        memory: The episodes' variables, each (n, k).

    Raises:
        ValueError: A variable has another number of rows than `qpos`; the message states it.
    """

    qpos: FloatArray
    memory: dict[str, FloatArray]

    def __post_init__(self) -> None:
        for name, values in self.memory.items():
            if len(values) != len(self.qpos):
                raise ValueError(
                    f"memory {name!r} has {len(values)} rows and qpos has {len(self.qpos)}; "
                    "give one row for each simulation"
                )

    def __len__(self) -> int:
        return len(self.qpos)

    def rows(self, chosen: IntArray | slice) -> "PictureStates":
        """Return the states of the chosen rows."""
        memory = {name: values[chosen] for name, values in self.memory.items()}
        return PictureStates(self.qpos[chosen], memory)


def picture_states(world: World, rows: IntArray) -> PictureStates:
    """Return copies of the states of `rows` of a world."""
    memory = {name: values[rows] for name, values in world.memory.items()}
    return PictureStates(world.view(rows).qpos, memory)


def shown_memory(task: Task, memory: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Return those of the episodes' variables that a picture of the task depends on."""
    watched = _Watched(memory)
    as_dict = cast(dict[str, FloatArray], watched)
    task.mocap(as_dict)
    task.model_values(as_dict)
    return {name: values for name, values in memory.items() if name in watched.names}


class _Watched(UserDict[str, FloatArray]):
    """Variables that remember which of them were read."""

    def __init__(self, memory: dict[str, FloatArray]) -> None:
        super().__init__(memory)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> FloatArray:
        self.names.add(name)
        return super().__getitem__(name)


def joined(parts: list[PictureStates]) -> PictureStates:
    """Return the states of several groups of simulations, one after the other."""
    names = parts[0].memory
    memory = {name: np.concatenate([part.memory[name] for part in parts]) for name in names}
    return PictureStates(np.concatenate([part.qpos for part in parts]), memory)
