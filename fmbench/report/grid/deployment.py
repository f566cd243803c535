"""Draw runs whose delay is the one of their own latency: success against latency on each task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from fmbench.report.caveat_column import write_with_caveats
from fmbench.report.combined import Combined
from fmbench.report.comparable import read_alike, without_repeats
from fmbench.report.delay.deployment import DeploymentRow, deployment_rows
from fmbench.report.delay.deployment_figure import render_deployment
from fmbench.report.grid.headline import CAVEAT, Headline
from fmbench.report.looks import Looks
from fmbench.report.markup import escape, markdown_table
from fmbench.report.may_differ import DEPLOYMENT as MAY_DIFFER
from fmbench.report.rendering import write_figure
from fmbench.report.row_texts import BROKEN, sampler_label
from fmbench.report.verdicts import MARGIN
from fmbench.storage.files import write_bytes_atomic

FIGURE = "deployment"
HEADER = ("Policy", "Sampler", "NFE", "Latency p95 [ms]", "Delay", "Success", "Without delay")
NOTES = (
    "Latency: the 95th percentile of the time of one decision, measured on the first training "
    "seed where the run was done. Delay: the control steps that it takes, rounded up, at least 1; "
    "meanwhile the previous chunk goes on (`hold`).",
    "Success: at this delay. Both rates are of the same checkpoints on the same episodes; in "
    "brackets: 95 % interval over training seeds (Wilson interval for one seed). deployment.csv "
    "has their difference with its interval.",
    "Policies are not compared with one another here: that one interval lies above another is a "
    "hint, not a test.",
)


def draw_deployment_of_runs(
    runs: Sequence[Path],
    out: Path,
    warn: Callable[[str], None] = lambda line: None,
    margin: float = MARGIN,
    formats: Sequence[str] = ("png",),
) -> list[Path]:
    """Write `deployment.csv` and `.md`, and the figure `deployment`.

    Args:
        runs: Folders of runs with measured delays, which differ in tasks.
        out: Output folder.
        warn: Called with each caveat of what is drawn.
        margin: Largest difference of success rates that does not matter, in (0, 1).
        formats: Formats of the figure.

    Returns:
        The paths written.

    Raises:
        FmbenchError: A folder is not a run, or two runs cannot be compared.
    """
    results = read_alike(runs, MAY_DIFFER, "task", "task", margin)
    rows = without_repeats(deployment_rows(results), lambda row: f"{row.policy} on {row.task}")
    combined = Combined(results, lambda run: "at its latency", lambda run, row: None)
    looks = Looks(*(run.run for run in results))
    paths = [out / DeploymentRow.file_name, out / "deployment.md"]
    caveats = ["broken" if row.low is None else "" for row in rows]
    write_with_caveats(paths[0], rows, caveats, DeploymentRow)
    write_bytes_atomic(paths[1], _markdown(rows, combined, looks).encode())
    is_smoke = any(run.is_smoke for run in results)
    figure = partial(render_deployment, rows, combined, looks, is_smoke) if rows else None
    paths += write_figure(out / FIGURE, formats, figure)
    combined.warn(warn)
    return paths


def deployment_headline(title: str, rows: Sequence[Mapping[str, str]], looks: Looks) -> Headline:
    """Return the table of a section: success of each policy and sampler at its own delay.

    Args:
        title: The section's title.
        rows: The rows that the drawing has written: column to text.
        looks: Labels and order of its policies.
    """
    methods = sorted(
        {(row["policy"], row["sampler"], int(row["steps"])) for row in rows},
        key=lambda method: (looks.order(method[0]), method[1:]),
    )
    texts = {(r["task"], (r["policy"], r["sampler"], int(r["steps"]))): _percent(r) for r in rows}
    lines = tuple(
        ((task,), tuple(texts.get((task, method), "") for method in methods))
        for task in dict.fromkeys(row["task"] for row in rows)
    )
    labels = tuple(
        f"{looks.label(policy)} ({sampler_label(sampler, steps)})"
        for policy, sampler, steps in methods
    )
    meaning = (
        "Success in percent at the delay of each policy's own latency, with its 95 % interval; "
        "after @, this delay in control steps."
    )
    return Headline(title, ("Task",), labels, lines, meaning)


def _percent(row: Mapping[str, str]) -> str:
    rate = f"{100 * float(row['success_rate']):.1f}"
    if not row["low"]:
        return f"{rate} @{row['delay']}{CAVEAT}"
    low, high = (100 * float(row[side]) for side in ("low", "high"))
    return f"{rate} ({low:.0f}–{high:.0f}) @{row['delay']}"


def _markdown(rows: Sequence[DeploymentRow], combined: Combined, looks: Looks) -> str:
    blocks = [f"# {combined.title('Success at the latency of each policy')}"]
    blocks += [f"> **Warning.** {escape(line)}" for line in combined.caveats]
    for task in dict.fromkeys(row.task for row in rows):
        of_task = [row for row in rows if row.task == task]
        blocks.append(f"## {escape(task)}")
        blocks.append(f"A control step takes {of_task[0].control_period_ms:g} ms.")
        blocks.append(markdown_table(HEADER, [_line(row, looks) for row in of_task]))
    blocks.append("\n".join(f"- {line}" for line in NOTES))
    return "\n\n".join(blocks) + "\n"


def _line(row: DeploymentRow, looks: Looks) -> list[str]:
    return [
        looks.label(row.policy),
        sampler_label(row.sampler, row.steps),
        f"{row.nfe:.4g}",
        f"{row.latency_ms:.3g}",
        str(row.delay),
        _rate(row.success_rate, row.low, row.high),
        _rate(row.plain_rate, row.plain_low, row.plain_high),
    ]


def _rate(rate: float, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"{rate:.2f} {BROKEN}"
    return f"{rate:.2f} ({low:.2f}–{high:.2f})"
