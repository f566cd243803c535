"""Draw runs with delays: success by delay on each of their tasks, and over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from fmbench.report.caveat_column import write_with_caveats
from fmbench.report.combined import Combined
from fmbench.report.comparable import read_alike
from fmbench.report.counted import counted
from fmbench.report.delay.figure import render_delays
from fmbench.report.delay.over_tasks import DelayOverTasksRow, over_tasks
from fmbench.report.delay.rows import DelayRow
from fmbench.report.delay.stated import stated_rows
from fmbench.report.delay.text import by_task, delay_caveats
from fmbench.report.grid.headline import CAVEAT, Headline
from fmbench.report.looks import Looks
from fmbench.report.markup import escape, markdown_table
from fmbench.report.may_differ import DELAY as MAY_DIFFER
from fmbench.report.rendering import write_figure
from fmbench.report.row_texts import BROKEN, sampler_label
from fmbench.report.verdicts import MARGIN
from fmbench.storage.files import write_bytes_atomic
from policies.catalogue import EXECUTIONS

FIGURE, TEXT = "delay", "delays.md"
NAMES = ("Execution", "Policy", "Sampler")
NOTES = (
    "Delay: control steps from an observation to the first action decided from it; meanwhile the "
    "previous chunk goes on.",
    "In brackets: 95 % interval over training seeds (Wilson interval for one seed); over all tasks "
    "with the tasks as strata and the training seeds of each as the sample.",
    "An execution is that of the run that states it: policies of a run with --train-delay have "
    "been trained otherwise than those of the others.",
    "Policies and executions are not compared here; delays.csv has the difference of each cell to "
    "its own checkpoints without delay.",
)


def draw_delays_of_runs(
    runs: Sequence[Path],
    out: Path,
    warn: Callable[[str], None] = lambda line: None,
    margin: float = MARGIN,
    formats: Sequence[str] = ("png",),
) -> list[Path]:
    """Write `delays.csv` and `.md`, `delays_over_tasks.csv` and the figure `delay`.

    Args:
        runs: Folders of runs with delays, which differ in tasks, or in executions.
        out: Output folder.
        warn: Called with each caveat of what is drawn.
        margin: Largest difference of success rates that does not matter, in (0, 1).
        formats: Formats of the figure.

    Returns:
        The paths written.

    Raises:
        FmbenchError: A folder is not a run, or two runs have the same cell.
    """
    results = read_alike(runs, MAY_DIFFER, "task", "task", margin)
    rows = stated_rows(results)
    combined = Combined(results, lambda run: "with delays", lambda run, row: None)
    looks = Looks(*(run.run for run in results))
    means = over_tasks(rows)
    paths = [out / name for name in (DelayRow.file_name, DelayOverTasksRow.file_name)]
    write_with_caveats(paths[0], rows, [_caveat(row) for row in rows], DelayRow)
    write_with_caveats(paths[1], means, [_caveat(row) for row in means], DelayOverTasksRow)
    caveats = [*combined.caveats, *(line for run in results for line in delay_caveats(run))]
    paths.append(out / TEXT)
    text = _markdown(rows, means, list(dict.fromkeys(caveats)), combined, looks)
    write_bytes_atomic(paths[-1], text.encode())
    figure = partial(render_delays, rows, results, combined, looks) if rows else None
    paths += write_figure(out / FIGURE, formats, figure)
    for line in dict.fromkeys(caveats):
        warn(line)
    return paths


def delay_headline(title: str, rows: Sequence[Mapping[str, str]], looks: Looks) -> Headline:
    """Return the table of a section: mean success of each headline by execution and delay.

    Args:
        title: The section's title.
        rows: The rows that the drawing has written, over all tasks: column to text.
        looks: Labels and order of its policies.
    """
    rows = [row for row in rows if row["headline"] == "true"]
    policies = sorted({row["policy"] for row in rows}, key=looks.order)
    names = [*EXECUTIONS, *(row["execution"] for row in rows)]
    lines = sorted(
        {(row["execution"], int(row["delay"])) for row in rows},
        key=lambda line: (names.index(line[0]), line[1]),
    )
    texts = {(r["execution"], int(r["delay"]), r["policy"]): _percent(r) for r in rows}
    cells = [
        ((execution, str(delay)), tuple(texts.get((execution, delay, p), "") for p in policies))
        for execution, delay in lines
    ]
    tasks = rows[0]["tasks"] if rows else "0"
    of_tasks = "" if tasks == "1" else f", the mean over {tasks} tasks"
    meaning = f"Success in percent{of_tasks}, with its 95 % interval."
    labels = tuple(map(looks.label, policies))
    return Headline(title, ("Execution", "Delay"), labels, tuple(cells), meaning)


def _percent(row: Mapping[str, str]) -> str:
    rate = f"{100 * float(row['success_rate']):.1f}"
    if not row["low"]:
        return f"{rate}{CAVEAT}"
    return f"{rate} ({100 * float(row['low']):.0f}–{100 * float(row['high']):.0f})"


def _caveat(row: DelayRow | DelayOverTasksRow) -> str:
    return "broken" if row.low is None else ""


def _markdown(
    rows: Sequence[DelayRow],
    means: Sequence[DelayOverTasksRow],
    caveats: Sequence[str],
    combined: Combined,
    looks: Looks,
) -> str:
    """Write the means over all tasks, then each task."""
    blocks = [f"# {combined.title('Success by delay and execution')}"]
    blocks += [f"> **Warning.** {escape(line)}" for line in caveats]
    if means:
        blocks += [f"## Over {counted(means[0].tasks, 'task')}", _table(means, looks)]
    for task, of_task in by_task(rows):
        blocks += [f"## {escape(task)}", _table(of_task, looks)]
    present = list(dict.fromkeys(row.execution for row in rows))
    notes = [*NOTES, *(f"`{name}`: {EXECUTIONS[name]}." for name in EXECUTIONS if name in present)]
    blocks.append("\n".join(f"- {line}" for line in notes))
    return "\n\n".join(blocks) + "\n"


def _table(rows: Sequence[DelayRow] | Sequence[DelayOverTasksRow], looks: Looks) -> str:
    """Return a line for each execution, policy and sampler, a column for each delay."""
    delays = sorted({row.delay for row in rows})
    lines: dict[tuple[str, ...], dict[int, str]] = {}
    for row in rows:
        name = (row.execution, looks.label(row.policy), sampler_label(row.sampler, row.steps))
        lines.setdefault(name, {})[row.delay] = _text(row)
    return markdown_table(
        (*NAMES, *(f"Delay {delay}" for delay in delays)), list(_body(lines, delays))
    )


def _body(
    lines: Mapping[tuple[str, ...], Mapping[int, str]], delays: Sequence[int]
) -> Iterator[list[str]]:
    order = [*EXECUTIONS, *(name[0] for name in lines)]
    for name in sorted(lines, key=lambda name: order.index(name[0])):
        yield [*name, *(lines[name].get(delay, "–") for delay in delays)]


def _text(row: DelayRow | DelayOverTasksRow) -> str:
    if row.low is None or row.high is None:
        return f"{row.success_rate:.2f} {BROKEN}"
    return f"{row.success_rate:.2f} ({row.low:.2f}–{row.high:.2f})"
