"""What a task reads of its simulations: the physics and the memory of some rows of a world."""

from functools import cached_property

import numpy as np

from envs.arrays import FloatArray, IntArray


class View:
    """Read-only view of the physics and memory of n rows of a world."""

    def __init__(
        self,
        fields: dict[str, FloatArray],
        memory: dict[str, FloatArray],
        step_count: IntArray,
        rows: IntArray,
    ) -> None:
        self._fields, self._memory, self._rows = fields, memory, rows
        self._steps = step_count

    def __len__(self) -> int:
        return len(self._rows)

    @cached_property
    def qpos(self) -> FloatArray:
        """Generalised positions, (n, nq)."""
        return self._fields["qpos"][self._rows]

    @cached_property
    def qvel(self) -> FloatArray:
        """Generalised velocities, (n, nv)."""
        return self._fields["qvel"][self._rows]

    @cached_property
    def step_count(self) -> IntArray:
        """Control steps done in the episode, (n,)."""
        return self._steps[self._rows]

    @cached_property
    def _sites(self) -> FloatArray:
        return self._fields["site_xpos"][self._rows]

    def site_position(self, site: int | np.ndarray) -> FloatArray:
        """World positions of one site, (n, 3), or of k sites, (n, k, 3) [m]."""
        return self._sites[:, site]

    def site_matrix(self, site: int) -> FloatArray:
        """World rotation matrix of a site, (n, 3, 3)."""
        return self._fields["site_xmat"][self._rows][:, site].reshape(-1, 3, 3)

    @cached_property
    def sensors(self) -> FloatArray:
        """Sensor readings, (n, nsensordata); the task's `reads` must contain "sensordata"."""
        return self._fields["sensordata"][self._rows]

    def memory(self, name: str) -> FloatArray:
        """A variable of the episode, defined by its initial state, (n, k)."""
        return self._memory[name][self._rows]
