"""Draw runs with disturbances: what each policy keeps over all of their tasks, and on each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from fmbench.report.caveat_column import write_with_caveats
from fmbench.report.combined import Combined
from fmbench.report.comparable import read_alike
from fmbench.report.disturbances.of_runs import disturbances_of_runs
from fmbench.report.disturbances.retention import RetentionRow
from fmbench.report.disturbances.retention_figure import render_retention
from fmbench.report.disturbances.retention_text import NOTES, RATE_MARK, retention_markdown
from fmbench.report.disturbances.rows import (
    EXPERT,
    LEAST_PLAIN,
    DisturbanceRow,
)
from fmbench.report.disturbances.text import UNRANKED
from fmbench.report.grid.headline import CAVEAT, Headline
from fmbench.report.looks import Looks
from fmbench.report.may_differ import RETENTION as MAY_DIFFER
from fmbench.report.rendering import write_figure
from fmbench.report.results import Results
from fmbench.report.verdicts import MARGIN
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.rows import key_of

FIGURE = "retention"


def draw_retention_of_runs(
    runs: Sequence[Path],
    out: Path,
    warn: Callable[[str], None] = lambda line: None,
    margin: float = MARGIN,
    formats: Sequence[str] = ("png",),
) -> list[Path]:
    """Write `retention.csv` and `.md`, `disturbances.csv` and the figure `retention`.

    Args:
        runs: Folders of runs with disturbances, which differ in their tasks.
        out: Output folder.
        warn: Called with each caveat of what is drawn.
        margin: Largest difference of success rates that does not matter, in (0, 1).
        formats: Formats of the figure.

    Returns:
        The paths written.

    Raises:
        FmbenchError: A folder is not a run, or two runs cannot be compared.
    """
    all_results = read_alike(runs, MAY_DIFFER, "task", "task", margin)
    combined = Combined(all_results, lambda run: "with disturbances", _key)
    looks = Looks(*(run.run for run in all_results))
    rows, kept = disturbances_of_runs(all_results)
    paths = [out / name for name in (RetentionRow.file_name, DisturbanceRow.file_name)]
    is_broken = [row.retention is None and row.plain_rate >= LEAST_PLAIN for row in kept]
    write_with_caveats(paths[0], kept, ["broken" * each for each in is_broken], RetentionRow)
    of_tasks = [combined.row_caveats.get(key_of(row)[:-1], "") for row in rows]
    write_with_caveats(paths[1], rows, of_tasks, DisturbanceRow)
    tasks = list(dict.fromkeys(row.task for row in rows))
    paths.append(out / "retention.md")
    write_bytes_atomic(paths[-1], retention_markdown(kept, tasks, combined, looks).encode())
    is_smoke = any(run.is_smoke for run in all_results)
    render = partial(render_retention, kept, combined, looks, is_smoke)
    paths += write_figure(out / FIGURE, formats, render if kept else None)
    combined.warn(warn)
    return paths


def retention_headline(title: str, rows: Sequence[Mapping[str, str]], looks: Looks) -> Headline:
    """Return the table of a section: retention of each policy with every disturbance.

    Args:
        title: The section's title.
        rows: The rows that the drawing has written: column to text.
        looks: Labels and order of its policies.
    """
    policies = sorted({row["policy"] for row in rows}, key=lambda p: (p == EXPERT, looks.order(p)))
    texts = {(row["perturb"], row["policy"]): _text(row) for row in rows}
    lines = {row["perturb"]: _line_names(row) for row in rows}
    cells = [
        (lines[perturb], tuple(texts.get((perturb, policy), "") for policy in policies))
        for perturb in lines
    ]
    labels = tuple(map(looks.label, policies))
    meaning = " ".join(NOTES)
    return Headline(title, ("Disturbance", "Tasks"), labels, tuple(cells), meaning)


def _line_names(row: Mapping[str, str]) -> tuple[str, str]:
    ranks, tasks, left_out = row["ranks"] == "true", row["tasks"], int(row["broken_tasks"])
    name = row["perturb"] if ranks else f"{row['perturb']} {UNRANKED}"
    return name, f"{tasks} of {int(tasks) + left_out}" if ranks and left_out else tasks


def _text(row: Mapping[str, str]) -> str:
    """Return retention with its interval, or the rate."""
    if not row["retention"]:
        caveat = CAVEAT if row.get("caveat") else ""
        return f"{float(row['disturbed_rate']):.2f}{RATE_MARK}{caveat}"
    retention, low, high = (float(row[name]) for name in ("retention", "low", "high"))
    return f"{retention:.2f} ({low:.2f}–{high:.2f})"


def _key(run: Results, row: Any) -> tuple[object, ...] | None:
    """Return the key of a row of a run's summary: task, policy, sampler and steps."""
    del run
    return (row.task, row.policy, row.sampler, row.steps)
