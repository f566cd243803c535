"""Draw one table and one figure of runs that differ in what policies observe.

Like the tables of one run, these are functions of the runs' rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from fmbench.config.run_config import SEEN_FIELDS
from fmbench.report.caveat_column import write_with_caveats
from fmbench.report.combined import Combined
from fmbench.report.comparable import read_alike
from fmbench.report.looks import Looks
from fmbench.report.observation.figure import render_observations
from fmbench.report.observation.rows import ObservationRow, observation_key, observation_rows
from fmbench.report.observation.text import observation_markdown
from fmbench.report.observed import observation_label
from fmbench.report.rendering import write_figure
from fmbench.report.verdicts import MARGIN
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.rows import key_of

MAY_DIFFER = (
    *SEEN_FIELDS,
    "demos",
    "task",
    "policy",
    "seeds",
    "nfe",
    "preset",
    "device",
    "precision",
)
"""Configuration values that may differ between the runs of one table."""


def draw_observations(
    runs: Sequence[Path],
    out: Path,
    warn: Callable[[str], None] = lambda line: None,
    margin: float = MARGIN,
    formats: Sequence[str] = ("png",),
) -> list[Path]:
    """Write `observations.csv`, `observations.md` and the figure `observations`.

    Args:
        runs: Folders of runs.
        out: Output folder.
        warn: Called with each caveat of what is drawn.
        margin: Largest difference of success rates that does not matter, in (0, 1).
        formats: Formats of the figure.

    Returns:
        The paths written.

    Raises:
        FmbenchError: A folder is not a run, the runs differ in more than `MAY_DIFFER`, or two runs
            have the same policy, task, observation and number of demonstrations.
    """
    results = read_alike(runs, MAY_DIFFER, "demos", "number of demonstrations", margin)
    rows = observation_rows(results)
    combined = Combined(
        results, lambda run: f"from {observation_label(run.run.config)}", observation_key
    )
    caveats = [combined.row_caveats.get(key_of(row), "") for row in rows]
    paths = [out / f"observations.{end}" for end in ("csv", "md")]
    write_with_caveats(paths[0], rows, caveats, ObservationRow)
    write_bytes_atomic(paths[1], observation_markdown(rows, results, combined).encode())
    looks = Looks(*(run.run for run in results))
    render = partial(render_observations, rows, combined, looks)
    paths += write_figure(out / "observations", formats, render)
    combined.warn(warn)
    return paths
