"""The further cells of a trained policy: other executions and delays, some of them measured."""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path

from envs.registry import make_task
from fmbench.config import RunConfig
from fmbench.config.latency import delay_of
from fmbench.errors import FmbenchError
from fmbench.evaluation.acting import Acting
from fmbench.evaluation.cells import Cell, Origin
from fmbench.evaluation.plan import Plan
from fmbench.runs.cell_store import CellStore
from fmbench.storage.rows import CellRow, MeasurementRow
from policies.catalogue import BRIDGED, HOLD, MEASURED, TRAINED
from policies.chunk_policy import ChunkPolicy

Key = tuple[object, ...]


def check_measurable(config: RunConfig, times_decisions: bool) -> None:
    """Check that delays can be measured, if a run asks for some.

    Raises:
        FmbenchError: Decisions are not timed, and no latency is given.
    """
    if MEASURED in config.delay and config.latency_ms is None and not times_decisions:
        raise FmbenchError(
            f"--delay is {MEASURED}, but decisions are not timed here; give --latency-ms, or "
            "leave out --no-latency"
        )


class DelayedCells:
    """The cells in which a run's policies act otherwise than plainly.

    A measured delay follows from the 95th percentile of the latency of the first training seed. It
    is measured once and stored with the cell; all seeds have it. Where decisions are not timed, it
    follows from the latency of the run that measured before.

    Args:
        config: The run.
        plan: Its plan.
        store: Its cells.
        known: Rows of a run that measured before.
    """

    def __init__(
        self,
        config: RunConfig,
        plan: Plan,
        store: CellStore,
        known: Iterable[MeasurementRow] = (),
    ) -> None:
        self._config, self._plan, self._store = config, plan, store
        self._latency: dict[Key, float] = {}
        for row in known:
            self._remember(row)

    def measure(
        self,
        cell: Cell,
        origin: Origin,
        policy: ChunkPolicy,
        checkpoint: Path,
        plain: MeasurementRow,
        decides: bool = True,
    ) -> list[MeasurementRow]:
        """Return the cost of decisions with each execution but the plain one, measured once.

        Args:
            cell: The cell in which the policy acts plainly.
            origin: Its origin.
            policy: Its policy.
            checkpoint: The policy's checkpoint.
            plain: The cost of its decisions.
            decides: Whether the policy decided without errors; if not, it is not timed.
        """
        self._remember(plain)
        if cell.train_seed:
            return []
        executions = dict.fromkeys(way.execution for way in self._plan.acting.get(cell.policy, ()))
        rows = []
        for execution in executions:
            if execution != HOLD:
                other = Acting(0, execution).of(cell, 0)
                row = self._store.measurement(other, origin, policy, checkpoint, decides)
                self._remember(row)
                rows.append(row)
        return rows

    def cells(self, cell: Cell) -> Iterator[Cell]:
        """Yield the further cells of a policy, each once; a delay without latency is left out.

        Args:
            cell: The cell in which the policy acts plainly.
        """
        seen = {_identity(cell)}
        for way in self._plan.acting.get(cell.policy, ()):
            delay = self._measured(cell, way) if way.delay is None else way.delay
            if delay is None or self._is_refused(cell, way, delay):
                continue
            further = way.of(cell, delay)
            if _identity(further) not in seen:
                seen.add(_identity(further))
                yield further

    def _is_refused(self, cell: Cell, way: Acting, delay: int) -> bool:
        """Return whether the previous chunk does not bridge a delay that must be bridged."""
        config = self._config
        most = config.train_delay if way.execution == TRAINED else config.largest_delay
        if way.execution not in BRIDGED or delay <= most:
            return False
        self._store.session.reporter.say(
            f"skipped {way.of(cell, delay).name}: {way.execution} takes a delay of at most {most} "
            f"control steps, the measured one is {delay}"
        )
        return True

    def _measured(self, cell: Cell, way: Acting) -> int | None:
        """Return the delay that follows from the latency; None if a decision was not timed."""
        latency_ms = self._config.latency_ms
        if latency_ms is None:
            latency_ms = self._latency.get(_timed(way.of(cell, 0)))
        if latency_ms is None:
            return None
        return delay_of(latency_ms, make_task(cell.task).control_period_s)

    def _remember(self, row: MeasurementRow) -> None:
        """Remember a latency that was measured, in place of one of an earlier run."""
        is_first = row.train_seed == 0 and not row.delay and not row.perturb
        if is_first and row.latency_ms_p95 is not None:
            self._latency[_timed(row)] = row.latency_ms_p95


def _timed(row: CellRow) -> Key:
    """Return what the latency of a decision belongs to, for all training seeds."""
    return (row.task, row.policy, row.sampler, row.steps, row.execution)


def _identity(cell: Cell) -> Key:
    return tuple(dataclasses.replace(cell, headline=False).cell.values())
