"""The table of a matrix of runs, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fmbench.report.comparisons import compare_at_equal_nfe
from fmbench.report.looks import REFERENCES, Looks, backbone_order
from fmbench.report.markdown import markdown_table, sentences
from fmbench.report.matrix.rows import MatrixRow
from fmbench.report.results import Results


def matrix_markdown(rows: Sequence[MatrixRow], runs: Sequence[Results]) -> str:
    """Write success against network evaluations, diagnostics and comparisons of every task.

    Args:
        rows: All rows.
        runs: The runs they come from, for the comparisons.
    """
    looks = Looks(*(results.run for results in runs))
    blocks = ["# Success against network evaluations"]
    for task in dict.fromkeys(row.task for row in rows):
        own = sorted((row for row in rows if row.task == task), key=lambda row: _order(row, looks))
        blocks += [f"## {task}", _success_table(own, looks), _looks_table(own, looks)]
        blocks += [f"### Comparisons on {task}", "\n".join(_comparisons(runs, task, looks))]
    blocks.append("\n".join(f"- {line}" for line in _footer(rows)))
    return "\n\n".join(blocks) + "\n"


def _order(row: MatrixRow, looks: Looks) -> tuple[object, ...]:
    return backbone_order(row.backbone), looks.order(row.policy), row.sampler, row.steps


def _success_table(rows: Sequence[MatrixRow], looks: Looks) -> str:
    """Return one line for each backbone, policy and sampler, one column for each NFE."""
    counts = sorted({round(row.nfe) for row in rows if row.policy not in REFERENCES})
    lines: dict[tuple[str, str, str], dict[int, str]] = {}
    for row in rows:
        line = lines.setdefault((row.backbone, row.policy, row.sampler), {})
        text = f"{row.success_rate:.3f} ({row.low:.2f}–{row.high:.2f})"
        line[round(row.nfe)] = text
    body = []
    for (backbone, policy, sampler), found in lines.items():
        if policy in REFERENCES:
            text = next(iter(found.values()))
            body.append([policy, "–", text, *["" for _ in counts[1:]]])
        else:
            name = f"{looks.label(policy)}, {backbone}"
            body.append([name, sampler, *(found.get(count, "") for count in counts)])
    return markdown_table(("Policy", "Sampler", *(f"NFE {count}" for count in counts)), body)


def _looks_table(rows: Sequence[MatrixRow], looks: Looks) -> str:
    """Return the diagnostics of every policy at its headline sampler."""
    header = (
        "Policy",
        "Sampler",
        "Parameters",
        "Distance to the expert's chunk",
        "nearest of 4",
        "Straightness (0 = straight)",
        "Modes of all episodes",
    )
    body = [
        [
            f"{looks.label(row.policy)}, {row.backbone}",
            f"{row.sampler} {row.steps}",
            f"{row.parameters or 0:,.0f}",
            f"{row.chunk_distance:.3f}",
            f"{row.nearest_chunk_distance:.3f}",
            "–" if row.straightness is None else f"{row.straightness:.3f}",
            row.modes or "–",
        ]
        for row in rows
        if row.chunk_distance is not None
    ]
    return markdown_table(header, body)


def _comparisons(runs: Sequence[Results], task: str, looks: Looks) -> Iterator[str]:
    """Yield what the comparisons of each run say of a task; ties are counted."""
    for results in runs:
        backbone = results.run.config["backbone"]
        found = {
            "headline samplers": results.comparisons,
            "flow by Euler and diffusion by DDIM at equal NFE": compare_at_equal_nfe(
                results.episodes
            ),
        }
        for what, comparisons in found.items():
            own = comparisons[comparisons["task"] == task]
            ties = int((own["verdict"] == "tie").sum())
            if len(own):
                yield f"- {backbone}, {what}: {ties} of {len(own)} pairs tie"
            yield from (f"  - {line}" for line in sentences(own[own["verdict"] != "tie"], looks))


def _footer(rows: Sequence[MatrixRow]) -> Iterator[str]:
    """Yield what a reader must know to trust the numbers."""
    seeds = sorted({row.train_seeds for row in rows if row.backbone})
    episodes = sorted({row.episodes // max(row.train_seeds, 1) for row in rows})
    yield (
        f"Mean over {' or '.join(map(str, seeds))} training seeds of "
        f"{' or '.join(map(str, episodes))} test episodes each; t 95 % over the seeds' means "
        "(Wilson's for one seed, the expert and random actions)."
    )
    yield (
        "NFE: network evaluations per chunk, counted at the network, and rounded where a sampler "
        "chooses its own number. An empty cell was not run."
    )
    yield (
        "Distances are root mean squares over chunks of held-out expert episodes, actions in "
        "-1 to 1. Holm's adjustment is over the comparisons of one run, all tasks together."
    )
