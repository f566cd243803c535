"""Model fields of disturbed simulations: the task's values, changed by an axis."""

from operator import attrgetter

import numpy as np
from mujoco.batch import Batch

from envs.arrays import BoolArray, FloatArray, IntArray
from envs.perturb.axis import Axis
from envs.row_models import RowModels
from envs.task import Task


class ChangedModels(RowModels):
    """The varied fields of a batch: those that the task sets and those that an axis changes.

    The constants that depend on them, bounding volumes of geoms included, always follow.

    Args:
        batch: The simulations.
        task: The task.
        axis: The axis.
    """

    def __init__(self, batch: Batch, task: Task, axis: Axis) -> None:
        super().__init__(batch, tuple(dict.fromkeys([*task.model_fields, *axis.model_fields])))
        self._axis = axis
        self._compiled = {name: np.array(attrgetter(name)(task.model)) for name in self.fields}

    def write(self, rows: IntArray, changes: dict[str, tuple[int, FloatArray]]) -> None:
        """Write fields of `rows`; see `RowModels.write`."""
        n = len(rows)
        values = {name: np.stack([own] * n) for name, own in self._compiled.items()}
        for name, (index, given) in changes.items():
            values[name][:, index] = given.reshape(n, *self.fields[name].shape[2:])
        self._axis.change(values)
        is_changed: BoolArray = np.zeros(n, dtype=np.bool_)
        for name, new in values.items():
            field = self.fields[name]
            is_changed |= (field[rows] != new).reshape(n, -1).any(axis=1)
            field[rows] = new
        if is_changed.any():
            self._batch.set_const(ids=np.sort(rows[is_changed]))
