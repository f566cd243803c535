"""What the second block of test seeds says: one sentence, and a Markdown file with every cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fmbench.report.blocks.rows import OVERALL, BlockRow, broken_on_a_block
from fmbench.report.counted import counted, spanned
from fmbench.report.looks import Looks
from fmbench.report.markdown import SMOKE
from fmbench.report.markup import escape, markdown_table
from fmbench.report.outcomes import SummaryKey
from fmbench.report.results import Results
from fmbench.report.row_texts import BROKEN, BROKEN_NOTE, sampler_label
from fmbench.report.verdicts import LEVEL

TITLE = "Second block of test seeds"
HEADER = (
    "Task",
    "Policy",
    "Sampler",
    "First block",
    "Second block",
    "Difference [points]",
    "95 % interval",
)
_MOST_NAMED = 6


def overall_row(rows: Sequence[BlockRow]) -> BlockRow | None:
    """Return the row over all cells; None if there is none, as no policy is compared."""
    return next((row for row in rows if _key(row) == OVERALL), None)


def conclusion(rows: Sequence[BlockRow], looks: Looks, margin: float) -> str:
    """Say in words what the difference over all cells is, and in which cells there is one.

    Args:
        rows: All rows.
        looks: Names of the policies.
        margin: Largest difference of success rates that does not matter, in (0, 1).
    """
    overall = overall_row(rows)
    cells = [row for row in rows if row.p_holm is not None]
    if overall is None or overall.low is None or overall.high is None:
        return "No policy can be compared on the two blocks."
    low, high = overall.low, overall.high
    tasks = len({row.task for row in cells})
    words = (
        f"From the first block of test seeds to the second, success rates change by "
        f"{_signed(overall.difference)} points (95 % interval {_signed(low)} to {_signed(high)}), "
        f"the mean over {counted(len(cells), 'cell')} of {counted(tasks, 'task')}"
    )
    if high < 0:
        words += (
            ": they are lower, by more than the choice of starts explains. The first block "
            "flatters these policies, as if they had been fitted to it"
        )
    elif low > 0:
        words += ": they are higher, so nothing indicates that they were fitted to the first block"
    else:
        words += (
            ": no difference is shown. If the first block flatters these policies, then by at "
            f"most {_points(-low)} points"
        )
    if -margin < low and high < margin:
        words += f", within the margin of {100 * margin:g} points"
    return f"{words}. {_of_cells(cells, looks)}"


def blocks_markdown(
    rows: Sequence[BlockRow],
    pairs: Sequence[tuple[Results, Results]],
    looks: Looks,
    caveats: Sequence[str],
    margin: float,
) -> str:
    """Return the file.

    Args:
        rows: All rows.
        pairs: Each run, and its evaluation on the second block.
        looks: Names of the policies.
        caveats: What a reader must know beside the numbers.
        margin: Largest difference of success rates that does not matter, in (0, 1).
    """
    blocks = [f"# {TITLE}"]
    if any(first.is_smoke for first, _ in pairs):
        blocks.append(f"> # ⚠ {SMOKE}")
    blocks += [f"> **Warning.** {escape(line)}" for line in caveats]
    blocks.append(escape(conclusion(rows, looks, margin)))
    broken = broken_on_a_block(pairs)
    blocks.append(markdown_table(HEADER, [texts(row, looks, broken) for row in rows]))
    lines = list(_notes(*pairs[0]))
    if broken:
        lines.append(f"{BROKEN}: {BROKEN_NOTE}")
    blocks.append("\n".join(f"- {line}" for line in lines))
    return "\n\n".join(blocks) + "\n"


def texts(row: BlockRow, looks: Looks, broken: frozenset[SummaryKey]) -> list[str]:
    """Return the cells of `HEADER` for one row."""
    mark = f" {BROKEN}" if _key(row) in broken else ""
    has_interval = row.low is not None and row.high is not None
    return [
        row.task,
        f"{looks.label(row.policy)}{mark}",
        sampler_label(row.sampler, row.steps),
        f"{row.first:.3f}",
        f"{row.second:.3f}",
        _signed(row.difference),
        f"{_signed(row.low)} to {_signed(row.high)}" if has_interval else "–",
    ]


def _of_cells(cells: Sequence[BlockRow], looks: Looks) -> str:
    """Say in which cells the blocks differ after Holm's adjustment."""
    differ = [row for row in cells if row.p_holm is not None and row.p_holm < LEVEL]
    basis = f"after Holm's adjustment over {counted(len(cells), 'cell')}"
    if not differ:
        return f"No single cell differs {basis}."
    differ.sort(key=lambda row: -abs(row.difference))
    named = "; ".join(
        f"{looks.label(row.policy)}, {sampler_label(row.sampler, row.steps)} on {row.task} "
        f"({_signed(row.difference)})"
        for row in differ[:_MOST_NAMED]
    )
    more = len(differ) - _MOST_NAMED
    return (
        f"{counted(len(differ), 'cell')} differ{'s' if len(differ) == 1 else ''} {basis}: {named}"
        f"{f'; and {more} more' if more > 0 else ''}."
    )


def _notes(first: Results, second: Results) -> Iterator[str]:
    """Yield what the numbers mean."""
    ranges = (
        spanned(run.episodes["episode_seed"].min(), run.episodes["episode_seed"].max())
        for run in (first, second)
    )
    yield (
        "The same checkpoints, samplers and steps on two blocks of episode seeds: "
        f"{' and '.join(ranges)}. The second is used once, for a release."
    )
    yield (
        "Difference: second block minus first. The starts are the sample: the same training seeds"
        " meet both blocks, so what they have in common cancels, and starts that are hard for all"
        " of them are not counted as several. Interval: Clopper-Pearson on the effective number of"
        " episodes of each block, squared and added. `all`: mean over the cells of trained"
        " policies; the cells of a task meet the same starts and count as one, tasks are fixed and"
        " independent. More: docs/statistics.md."
    )
    yield (
        "expert and random were never fitted to a block: their difference is that of the starts."
        " They are not part of the mean."
    )


def _key(row: BlockRow) -> SummaryKey:
    return SummaryKey(row.task, row.policy, row.sampler, row.steps)


def _points(share: float) -> str:
    """Format a difference of rates in percentage points, without the sign of a zero."""
    return f"{round(100 * share, 1) + 0.0:.1f}"


def _signed(share: float | None) -> str:
    """Format a difference of rates in percentage points, with its sign."""
    if share is None:
        return "–"
    text = _points(share)
    return text.replace("-", "−") if share < 0 else f"+{text}" if float(text) else text
