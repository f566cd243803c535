"""Notes below the tables of delays and executions, which explain their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fmbench.report.delay.rows import PLAIN_CELL, DelayRow
from fmbench.report.notes import MARKS, OVER_SEEDS_NOTE
from fmbench.report.results import Results
from fmbench.report.row_texts import BROKEN, DISAGREE, INCOMPLETE
from fmbench.report.verdicts import AHEAD, BEHIND, NON_INFERIOR, UNDECIDED, definitions
from policies.catalogue import EXECUTIONS

MEASURED_MARK = "†"


def delay_notes(rows: Sequence[DelayRow], results: Results) -> Iterator[str]:
    """Yield what the numbers mean.

    Args:
        rows: All rows of the tables.
        results: Their run.
    """
    yield (
        "Delay: control steps from an observation to the first action decided from it. Meanwhile"
        " the previous chunk goes on, and the actions of the new one for these steps are skipped."
        " Delay 0 with `hold` is the plain cell of summary.md."
    )
    yield (
        "Cold start: until the first chunk of an episode arrives, the hand holds its start command."
        " The time limit of an episode does not change, so a delay costs a perfect policy these"
        " steps, too."
    )
    if later := _beyond_the_interval(rows, results):
        yield later
    for name in dict.fromkeys(row.execution for row in rows):
        if name in EXECUTIONS:
            yield f"`{name}`: {EXECUTIONS[name]}."
    yield _latency_note(results)
    yield from _interval_notes(rows)
    if any(row.verdict for row in rows):
        yield from _comparison_notes(rows, results)
    yield (
        "Policies are not compared with one another here, and neither are executions: that one"
        " interval lies above another is a hint, not a test."
    )
    yield (
        "Jump: mean distance (2-norm, actions from -1 to 1) between two successive chunks at the"
        " control step at which the later one takes over. Jerk: mean absolute third difference of"
        " the commands. Both are means over episodes, of which failures may be longer; delays.csv"
        " has their ratios to the plain cell. NFE: network evaluations per decision, counted at the"
        " network."
    )
    if results.unfinished:
        yield "Unfinished: the tables have the finished cells, and nothing is compared."
    yield from (f"{mark}: {MARKS[mark]}" for mark in _marks(rows))


def _beyond_the_interval(rows: Sequence[DelayRow], results: Results) -> str:
    """Say what happens at delays that are longer than a decision's interval, if there are some."""
    horizon = results.run.config.get("exec_horizon")
    if horizon is None or max(row.delay for row in rows) <= int(horizon):
        return ""
    return (
        f"A delay above {horizon}, the executed actions of a chunk, makes decisions rarer: the next"
        " one begins when the previous one has arrived, the rest of the chunk goes on meanwhile,"
        " and after its last action the command is held."
    )


def _latency_note(results: Results) -> str:
    """Say which delay is the one of a latency."""
    given = results.run.config.get("latency_ms")
    source = (
        "the 95th percentile of its latency, measured with its execution on the first training seed"
        if given is None
        else f"the latency of {float(given):g} ms that the run was given"
    )
    text = f"{MEASURED_MARK} and *Delay of it*: {source}, in control steps, rounded up"
    periods = sorted(set((results.run.control_periods or {}).values()))
    if not periods:
        return f"{text}; not known here, because run.json states no control periods."
    listed = " and ".join(f"{1000 * period:g} ms" for period in periods)
    return f"{text} (a control step takes {listed})."


def _interval_notes(rows: Sequence[DelayRow]) -> Iterator[str]:
    """Yield how the intervals in brackets were computed."""
    if any(row.train_seeds == 1 for row in rows):
        yield "Interval for one trained policy, in brackets: Wilson 95 %, over its episodes."
    if any(row.train_seeds > 1 for row in rows):
        yield OVER_SEEDS_NOTE


def _comparison_notes(rows: Sequence[DelayRow], results: Results) -> Iterator[str]:
    """Yield what the words after the intervals mean."""
    compared = [row for row in rows if row.p_holm is not None]
    yield (
        "The word after an interval is the verdict on the cell (A) against the plain cell of the"
        " same checkpoints, sampler and steps (B), on common episodes. P-values are Holm-adjusted"
        f" over all {len(compared)} comparisons of these tables. {definitions(results.margin)}"
        f" `{BEHIND}` is the reverse of `{AHEAD}`, `{PLAIN_CELL} {NON_INFERIOR}` that of"
        f" `{NON_INFERIOR}`: the interval lies below +{100 * results.margin:g} points."
    )
    undecided = sum(row.verdict == UNDECIDED for row in compared)
    yield (
        f"{UNDECIDED}, in {undecided} of the {len(compared)} comparisons: the delay or execution"
        " may matter or not. delays.csv has every difference with its interval."
    )
    if any(row.train_seeds == 1 for row in compared):
        yield (
            "Difference with one training seed: Newcombe's interval for paired episodes and the"
            " exact McNemar test. It describes one checkpoint."
        )
    if any(row.train_seeds > 1 for row in compared):
        yield (
            "Difference with several training seeds: over the seeds' changes. Each seed is its own"
            " pair, and only episodes that it solves with one of the two tell something; their"
            " effective number follows from how much the seeds' changes differ. Simulated coverage:"
            " results/intervals/changes.csv."
        )


def _marks(rows: Sequence[DelayRow]) -> Iterator[str]:
    """Yield the marks in the tables."""
    if any(not row.complete for row in rows):
        yield INCOMPLETE
    if any(row.low is None for row in rows):
        yield BROKEN
    if any(row.seeds_disagree and row.low is not None for row in rows):
        yield DISAGREE
