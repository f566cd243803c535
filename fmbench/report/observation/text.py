"""Markdown of runs that differ in what policies observe: rates side by side, and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from fmbench.config import STATE
from fmbench.report.combined import Combined
from fmbench.report.counted import counted
from fmbench.report.design_note import design_note
from fmbench.report.leaders import is_ahead
from fmbench.report.looks import Looks
from fmbench.report.markup import escape, markdown_table
from fmbench.report.observation.rows import ObservationRow, Pair, comparisons_of, pairs_of
from fmbench.report.observed import observation_label
from fmbench.report.results import Results
from fmbench.report.sentences import tally, verdict
from fmbench.report.verdicts import EQUIVALENT, definitions
from fmbench.storage.rows import REFERENCES, key_of


def observation_markdown(
    rows: Sequence[ObservationRow], runs: Sequence[Results], combined: Combined
) -> str:
    """Write the success rates of every observation side by side, and what they say.

    Args:
        rows: All rows.
        runs: The runs they come from, for the comparisons.
        combined: Their caveats and the marks of rows.
    """
    looks = Looks(*(results.run for results in runs))
    blocks = [f"# {combined.title('Success rate by what policies observe')}"]
    blocks += [f"> **Warning.** {escape(line)}" for line in combined.caveats]
    for demos in sorted({row.demos for row in rows}, reverse=True):
        of_demos = [row for row in rows if row.demos == demos]
        blocks += [f"## {counted(demos, 'demonstration')}", _table(of_demos, looks, combined)]
    comparisons = comparisons_of(runs)
    largest = max(map(len, comparisons.values()), default=0)
    pairs = pairs_of(comparisons)
    blocks += ["## Does the observation change the ranking?"]
    blocks += ["\n".join(f"- {line}" for line in ranking_sentences(pairs, looks))]
    blocks += ["## Comparisons", "\n".join(_comparisons(comparisons, runs, looks))]
    notes = (*_notes(rows, largest, runs[0].margin), _nfe(runs, looks), *combined.notes())
    blocks.append("\n".join(f"- {line}" for line in notes))
    return "\n\n".join(blocks) + "\n"


def ranking_sentences(pairs: Sequence[Pair], looks: Looks) -> Iterator[str]:
    """Say, for each observation, how often its verdict on a pair is that of the state."""
    observations = dict.fromkeys(name for pair in pairs for name in pair.verdicts)
    others = [name for name in observations if name != STATE]
    shared = {
        name: [pair for pair in pairs if {STATE, name} <= set(pair.verdicts)] for name in others
    }
    if not any(shared.values()):
        yield "No pair of policies was compared both from the state and from pictures."
    for name, compared in shared.items():
        if not compared:
            continue
        signs = [(pair.verdicts[STATE], pair.verdicts[name]) for pair in compared]
        same = sum(a == b != 0 for a, b in signs)
        reversed_ = [pair for pair in compared if pair.verdicts[STATE] * pair.verdicts[name] < 0]
        open_ = sum(a == 0 or b == 0 for a, b in signs)
        text = (
            f"{escape(name)} against {STATE}, {len(compared)} "
            f"pair{'s' if len(compared) > 1 else ''} of policies: the same policy is ahead with "
            f"both in {same}, another one in {len(reversed_)}, and in {open_} none is ahead with "
            "at least one of them"
        )
        named = [f"{looks.label(p.a)} and {looks.label(p.b)} on {p.task}" for p in reversed_]
        yield text + (f" (another one: {escape('; '.join(named))})." if named else ".")


def _table(rows: Sequence[ObservationRow], looks: Looks, combined: Combined) -> str:
    """Return a line per task and observation, with a column per policy."""
    policies = sorted({r.policy for r in rows if r.policy not in REFERENCES}, key=looks.order)
    lines: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        if row.policy in REFERENCES:
            line = lines.setdefault((row.task, row.policy, ""), {})
            line[policies[0] if policies else ""] = _text(row, combined)
        else:
            line = lines.setdefault((row.task, row.observation, row.cameras), {})
            line[row.policy] = _text(row, combined)
    order = list(dict.fromkeys(row.task for row in rows))
    body = [
        [escape(task), escape(observation), escape(cameras), *(t.get(p, "") for p in policies)]
        for (task, observation, cameras), t in sorted(
            lines.items(), key=lambda item: order.index(item[0][0])
        )
    ]
    header = ("Task", "Observation", "Cameras", *(looks.label(policy) for policy in policies))
    return markdown_table(header, body)


def _text(row: ObservationRow, combined: Combined) -> str:
    interval = "" if combined.is_broken(key_of(row)) else f" ({row.low:.2f}–{row.high:.2f})"
    mark = combined.marks.get(key_of(row), "")
    return f"{row.success_rate:.3f}{interval} {mark}".rstrip()


def _comparisons(
    comparisons: Mapping[tuple[str, int], pd.DataFrame], runs: Sequence[Results], looks: Looks
) -> Iterator[str]:
    """Yield how often each verdict was found with each observation, and who is ahead."""
    for (label, demos), table in comparisons.items():
        where = f"{escape(label)}, {demos} demonstrations"
        yield f"- {where}: {tally(table['verdict'])}"
        for row in table[is_ahead(table) | (table["verdict"] == EQUIVALENT)].itertuples():
            yield f"  - {escape(f'{row.task}: {verdict(row, looks)}')}"
    for results in runs:
        if results.unfinished:
            config = results.run.config
            where = f"{observation_label(config)}, {' '.join(config['task'])}"
            yield (
                f"- {escape(where)}, {config['demos']} demonstrations: policies are compared when "
                "the run has finished"
            )


def _nfe(runs: Sequence[Results], looks: Looks) -> str:
    """State the network evaluations of the headline samplers, counted at the network."""
    summary = pd.concat([run.summary[run.summary["headline"]] for run in runs])
    learned = summary[~summary["policy"].isin(REFERENCES)]
    counts = {policy: rows["nfe"] for policy, rows in learned.groupby("policy")}
    texts = [
        f"{looks.label(str(policy))} {of.min():g}"
        + (f" to {of.max():g}" if of.nunique() > 1 else "")
        for policy, of in sorted(counts.items(), key=lambda item: looks.order(str(item[0])))
    ]
    return f"Network evaluations per decision (NFE): {escape('; '.join(texts))}."


def _notes(rows: Sequence[ObservationRow], comparisons: int, margin: float) -> Iterator[str]:
    """Yield the notes that explain the numbers; `comparisons` is the most of an observation."""
    learned = [row for row in rows if row.observation]
    seeds = sorted({row.train_seeds for row in learned})
    episodes = sorted({row.episodes // max(row.train_seeds, 1) for row in learned})
    yield (
        f"Success rate: mean over {counted(seeds, 'training seed')} with "
        f"{counted(episodes, 'test episode')} each, headline samplers, the last EMA "
        "checkpoint. In brackets: "
        "95 % interval over training seeds (Wilson interval for one seed, the expert and random "
        "actions). All observations have the same demonstrations and the same test episodes."
    )
    yield (
        "Observation: `state`, or the encoder of pictures. Beside pictures a policy observes the "
        "numbers of the state that no picture replaces. The expert and random actions observe "
        "neither; they are in the first column of rates."
    )
    yield (
        "Comparisons, Holm-adjusted over those of an observation with as many demonstrations, on "
        f"all tasks: {definitions(margin)} How the intervals and their coverage were found: "
        "docs/statistics.md."
    )
    designs = {(row.train_seeds, row.episodes // row.train_seeds) for row in learned}
    yield from (design_note(*design, comparisons) for design in sorted(designs))
