"""Notes below the summary of a run, which explain its numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from fmbench.report.bridge_rates import bridge_note
from fmbench.report.counted import spanned
from fmbench.report.design_note import design_note
from fmbench.report.markup import escape
from fmbench.report.observed import observation_note
from fmbench.report.results import Results
from fmbench.report.row_texts import BROKEN, BROKEN_NOTE, DISAGREE, DISAGREE_NOTE, INCOMPLETE
from fmbench.report.summary import OVER_EPISODES, OVER_SEEDS
from fmbench.report.training_cost import NOTE as COST_NOTE
from fmbench.report.verdicts import definitions
from fmbench.storage.provenance import versions_of
from fmbench.storage.run_facts import RunFacts

OVER_SEEDS_NOTE = (
    "Interval for several training seeds: Clopper-Pearson 95 % on the effective number of episodes,"
    " which the spread between the seeds decides; it counts as at least 0.25 of the possible,"
    " sqrt(p (1 - p)), with a weight of 5 degrees of freedom. Episodes are never pooled over seeds."
    " Simulated coverage: results/intervals/coverage.md."
)

MARKS = {
    INCOMPLETE: "a training seed lacks episodes that other rows of the task have.",
    BROKEN: BROKEN_NOTE,
    DISAGREE: DISAGREE_NOTE,
}
"""Marks in the tables, each with its meaning."""


def notes(results: Results, marks: Collection[str]) -> Iterator[str]:
    """Yield the notes that explain the numbers.

    Args:
        results: The run.
        marks: The marks of `fmbench.report.row_texts` in its tables.
    """
    episodes = results.episodes
    train_seeds = sorted({int(seed) for seed in episodes["train_seed"] if seed >= 0})
    counts = results.outcomes.by_seed["episodes"]
    n = spanned(counts.min(), counts.max())
    noun = "episode" if n == "1" else "episodes"
    of_episodes = episodes["episode_seed"]
    seeds = spanned(of_episodes.min(), of_episodes.max(), "episode seed")
    block = "" if results.run.choice.test_block == 1 else " of the second block of test seeds"
    yield (
        f"Each policy and sampler was evaluated on n = {n} {noun}{block} per training seed, with"
        f" {seeds}, the same for every policy. Episodes that diverge or"
        " raise an error count as failures."
    )
    seeds_note = ". With one training seed, the results describe single checkpoints, not methods"
    yield (
        f"Training seeds: {', '.join(map(str, train_seeds)) or 'none, nothing was trained'}"
        f"{seeds_note if len(train_seeds) == 1 else ''}."
    )
    yield _weights_note(results.run)
    yield (
        "Success: the condition holds for the task's number of consecutive control steps. At any"
        " step, at last step: fraction of episodes in which it is met at one control step or more,"
        " and at the last one. Modes: number of episodes per mode, on tasks with several modes."
    )
    yield _nfe_note(results)
    kinds = set(results.summary["interval"])
    if OVER_EPISODES in kinds:
        yield "Interval for one trained policy: Wilson 95 %, over its episodes."
    if OVER_SEEDS in kinds:
        yield OVER_SEEDS_NOTE
    if not results.comparisons.empty:
        yield from _comparison_notes(results)
    if results.diagnostics["chunk_distance"].notna().any():
        yield _distance_note(results)
    if results.measurements["rows_per_update"].notna().any():
        yield COST_NOTE
    if bridges := bridge_note(results.diagnostics):
        yield bridges
    if results.unfinished:
        yield (
            "Unfinished: the tables have the finished cells (policy, sampler, steps and training"
            " seed) of a run that goes on. Policies are compared when it has finished. A policy"
            f" without all of its training seeds is marked {INCOMPLETE}."
        )
    yield from (f"{mark}: {text}" for mark, text in MARKS.items() if mark in marks)
    if observed := observation_note(results.run):
        yield observed
    yield f"Device: {_listed(results.origins['device'])}. Commit: {_commit(results)}."
    if results.run.versions:
        yield f"Versions: {_versions(results)}."
    if results.run.task_hashes and results.run.hash_kind is None:
        yield (
            "Task hashes: of an earlier kind that matches no current hash. The run can be redrawn,"
            " but not resumed, rescored or used as a teacher."
        )


def _weights_note(run: RunFacts) -> str:
    """Say which weights were evaluated."""
    if run.outside is None:
        return "Evaluated weights: the last EMA checkpoint, never the best one."
    facts = ", ".join(f"{name} {escape(_shortened(value))}" for name, value in run.outside.items())
    which = "Which of its weights these are, last, averaged or best, is not known here."
    if "algorithm" in run.outside:  # an agent of fmbench.rl
        which = "Its weights are the last ones, not averaged, and it acts without exploration."
    return (
        "Trained by another library, and evaluated in fmbench's harness on the same episodes: "
        f"{facts}. {which}"
    )


def _shortened(value: object) -> str:
    """Return a value as text, of a hash the first digits."""
    text = str(value)
    return text[:12] if len(text) == 64 else text


def _distance_note(results: Results) -> str:
    """Explain the distances of sampled chunks and the straightness of their paths."""
    samples, windows = (results.diagnostics[name].max() for name in ("samples", "windows"))
    return (
        "Distance: root mean square between a sampled chunk and the expert's, over actions"
        f" normalised to -1 to 1; mean of {samples} samples at each of {windows} windows of"
        " held-out expert episodes. On tasks with several modes only the nearest sample is"
        " informative, because a sample of another valid mode is far from the expert's chunk."
        " Straightness: mean squared deviation of the path from noise to chunk from constant"
        " velocity, divided by its squared length."
    )


def _nfe_note(results: Results) -> str:
    """Explain the number of network evaluations."""
    text = "NFE: network evaluations per decision, counted at the network; mean over decisions."
    if (results.summary["nfe_p5"] != results.summary["nfe_p95"]).any():
        text += (
            " Where a sampler chooses its own steps, the brackets give the 5th to 95th percentile"
            " over episodes, each the mean over its decisions."
        )
    return text


def _comparison_notes(results: Results) -> Iterator[str]:
    """Yield what the verdicts mean, and what the run could have found."""
    table = results.comparisons
    yield (
        "Comparisons use headline samplers and common episode seeds. P-values are Holm-adjusted"
        f" over all {len(table)} comparisons of the run. {definitions(results.margin)}"
    )
    if (table["train_seeds"] == 1).any():
        yield (
            "Interval of a difference with one training seed: Newcombe's for paired episodes"
            " (method 10), no narrower than the shares of episodes that only one policy solved"
            " allow. It describes two checkpoints."
        )
    if (table["train_seeds"] > 1).any():
        yield (
            "Interval of a difference with several training seeds: the intervals of both policies,"
            " squared and added; p is the level at which it excludes 0."
        )
    if table["seeds_to_decide"].notna().any():
        yield (
            "Training seeds that would decide: if rates and their spread between seeds stay as they"
            " are; with one seed the spread is taken to be 0.25 of the possible."
        )
    for seeds, episodes in sorted(set(zip(table["train_seeds"], table["episodes"], strict=True))):
        if seeds:
            yield design_note(int(seeds), int(episodes), len(table))


def _commit(results: Results) -> str:
    """Return the commits of the run and of its rows."""
    commits = dict.fromkeys([results.run.commit, *results.origins["commit"]])
    return ", ".join(escape(commit) for commit in commits if commit) or "unknown"


def _versions(results: Results) -> str:
    """List the versions of the run, and those of its rows where they differ."""
    versions = {name: {version: None} for name, version in results.run.versions.items()}
    for text in dict.fromkeys(results.origins["versions"]):
        for name, version in versions_of(text).items():
            versions.setdefault(name, {})[version] = None
    return ", ".join(escape(f"{name} {' and '.join(v)}") for name, v in versions.items())


def _listed(values: Iterable[str]) -> str:
    """List the distinct values of a column."""
    return ", ".join(escape(value) for value in sorted(set(values)) if value) or "unknown"
