"""Which action of which chunk is executed: successive chunks, each available after a delay.

A decision sees the observation at its start. Its chunk is available `delay` control steps later,
and the actions for those steps are skipped. Meanwhile the previous chunk goes on, and after its
last action the command is held. The next decision begins `exec_horizon` steps after this one, or
when this one's chunk arrives, whichever is later. With an `exec_horizon` of 4 and a delay of 2, the
chunk and the index of the executed actions are

    control step    0     1     2   3   4   5   6   7   8   9
    decision        0                   1               2
    executed      start start  0:2 0:3 0:4 0:5 1:2 1:3 1:4 1:5

where `start` holds the joints as they are (a cold start). Without delay this is the receding
horizon of `fmbench.harness.rollout`.

Sources: Black, Galliker & Levine 2025 (arXiv 2506.07339), section 3, for delays up to
`exec_horizon`; beyond that the schedule is our own.
"""

from typing import NamedTuple

import numpy as np

from envs.task import BoolArray, FloatArray, IntArray

Float32Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


class Delay(NamedTuple):
    """The delay of a policy's decisions.

    Attributes:
        steps: Control steps from an observation to the first action decided from it, at least 0.
        chunk_length: Actions of each chunk that the policy returns; None for its `exec_horizon`.
    """

    steps: int = 0
    chunk_length: int | None = None

    def interval(self, exec_horizon: int) -> int:
        """Return the control steps from one decision to the next."""
        return max(exec_horizon, self.steps)


class Chunks:
    """The current and the next chunk of every row.

    Args:
        rows: Number of rows.
        exec_horizon: Actions executed per decision, if its chunk arrives in time.
        delay: The delay.
        act_dim: Numbers in one action.

    Attributes:
        length: Actions in a chunk.
    """

    def __init__(self, rows: int, exec_horizon: int, delay: Delay, act_dim: int) -> None:
        self.length = exec_horizon if delay.chunk_length is None else delay.chunk_length
        if self.length < exec_horizon:
            raise ValueError(
                f"chunk_length is {self.length}; give at least {exec_horizon}, the exec_horizon"
            )
        self._delay, self._interval = delay.steps, delay.interval(exec_horizon)
        shape = (rows, self.length, act_dim)
        self._current: Float32Array = np.zeros(shape, np.float32)
        self._next: Float32Array = np.zeros(shape, np.float32)
        self._place: IntArray = np.zeros(rows, dtype=np.int64)  # of the next action in `_current`
        self._since: IntArray = np.zeros(rows, dtype=np.int64)  # steps since the last decision
        self._is_coming: BoolArray = np.zeros(rows, dtype=np.bool_)
        self._has_chunk: BoolArray = np.zeros(rows, dtype=np.bool_)
        self._jumps: FloatArray = np.zeros((rows, 2))  # sum and number

    def begin(self, rows: IntArray, start: np.ndarray) -> None:
        """Begin an episode in `rows`, (n,), with the commands `start`, (n, act_dim)."""
        self._current[rows] = start[:, None]
        self._place[rows] = self.length
        self._since[rows] = self._interval
        self._is_coming[rows] = self._has_chunk[rows] = False
        self._jumps[rows] = 0.0

    def due(self, rows: IntArray) -> IntArray:
        """Return those of `rows` whose next decision begins now; chunks that are due arrive."""
        self._arrive(rows)
        due: IntArray = rows[self._since[rows] >= self._interval]
        return due

    def decide(self, rows: IntArray, chunks: Float32Array) -> None:
        """Store the chunks `(n, length, act_dim)` of decisions that begin now in `rows`, (n,)."""
        self._next[rows] = chunks
        self._since[rows] = 0
        self._is_coming[rows] = True
        self._arrive(rows)

    def advance(self, rows: IntArray) -> Float32Array:
        """Return the commands `(n, act_dim)` of this control step, and go on to the next."""
        actions = self._current[rows, np.minimum(self._place[rows], self.length - 1)]
        self._place[rows] += 1
        self._since[rows] += 1
        return actions

    def boundary_jump(self, row: int) -> float | None:
        """Return the mean distance between two chunks where the later one took over.

        It is that of their actions for the same control step, all numbers of an action together
        (the 2-norm), actions in [-1, 1]; None if no chunk reached its successor.
        """
        total, count = self._jumps[row].tolist()
        return total / count if count else None

    def _arrive(self, rows: IntArray) -> None:
        """Let the chunks that are due in `rows` take over."""
        rows = rows[self._is_coming[rows] & (self._since[rows] == self._delay)]
        if not len(rows):
            return
        reach = rows[self._has_chunk[rows] & (self._place[rows] < self.length)]
        if self._delay < self.length and len(reach):
            before = self._current[reach, self._place[reach]].astype(np.float64)
            jumps = np.linalg.norm(self._next[reach, self._delay] - before, axis=1)
            self._jumps[reach] += np.stack([jumps, np.ones_like(jumps)], axis=1)
        self._current[rows] = self._next[rows]
        self._place[rows] = self._delay
        self._is_coming[rows] = False
        self._has_chunk[rows] = True
