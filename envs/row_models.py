"""Model fields that differ between the simulations of a batch, with the constants they imply."""

import numpy as np
from mujoco.batch import Batch

from envs.arrays import BoolArray, FloatArray, IntArray


class RowModels:
    """The varied fields of a batch of simulations.

    Args:
        batch: The simulations.
        names: The fields to vary.
        keeps_constants: Whether the constants that depend on them stay as compiled.

    Attributes:
        fields: The values of each field, (nsim, ...).
    """

    def __init__(self, batch: Batch, names: tuple[str, ...], keeps_constants: bool = False) -> None:
        self._batch, self._keeps_constants = batch, keeps_constants
        self.fields: dict[str, FloatArray] = {name: batch.expand(name) for name in names}

    def write(self, rows: IntArray, changes: dict[str, tuple[int, FloatArray]]) -> None:
        """Write fields of `rows`, and compute the constants that depend on them.

        Such constants are the mass matrix of a free body and the bounding volumes of a geom.
        MuJoCo computes them only on request; the state is kept.

        Args:
            rows: The simulations, (n,).
            changes: For each field, an index into it and the rows' values, (n, k).
        """
        is_changed: BoolArray = np.zeros(len(rows), dtype=np.bool_)
        for name, (index, given) in changes.items():
            field = self.fields[name]
            values = given.reshape(len(rows), *field.shape[2:])
            is_changed |= (field[rows, index] != values).reshape(len(rows), -1).any(axis=1)
            field[rows, index] = values
        if is_changed.any() and not self._keeps_constants:
            self._batch.set_const(ids=np.sort(rows[is_changed]))
