"""How a grid is done; none of it decides a number."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class GridOptions:
    """How a grid is done; none of it decides a number.

    Attributes:
        command: The command line.
        only: Sections to do; all if empty.
        shard: Which shard of how many, from 1; None for all of it.
        merge: Folders with jobs of the same grid, e.g. of its shards.
        slots: The environment of each process; none where jobs cannot be done, but merged.
        plugins: Command line of the plug-ins.
        accept_changes: Whether to go on with other code than that of finished jobs.
        keeps_rows_only: Whether to remove checkpoints of finished jobs.
        address: That of a cluster of Ray, see `fmbench.runs.grid.on_ray`; None for processes here.
    """

    command: str = ""
    only: tuple[str, ...] = ()
    shard: tuple[int, int] | None = None
    merge: tuple[Path, ...] = ()
    slots: Sequence[Mapping[str, str]] = ({},)
    plugins: tuple[str, ...] = ()
    accept_changes: bool = False
    keeps_rows_only: bool = False
    address: str | None = None
