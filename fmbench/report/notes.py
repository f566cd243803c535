"""Notes below the summary of a run, which explain its numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from fmbench.report.bridge_rates import bridge_note
from fmbench.report.comparisons import NO_DIFFERENCE
from fmbench.report.markup import escape
from fmbench.report.observed import observation_note
from fmbench.report.results import Results
from fmbench.report.row_texts import BROKEN, BROKEN_NOTE, INCOMPLETE
from fmbench.report.training_cost import NOTE as COST_NOTE
from fmbench.storage.provenance import versions_of
from fmbench.storage.rows import CellRow


def notes(results: Results, marks: Collection[str]) -> Iterator[str]:
    """Yield the notes that explain the numbers.

    Args:
        results: The run.
        marks: The marks of `fmbench.report.row_texts` in its tables.
    """
    episodes = results.episodes
    train_seeds = sorted({int(seed) for seed in episodes["train_seed"] if seed >= 0})
    counts = episodes.groupby(list(CellRow.key)).size()
    n = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    first, last = episodes["episode_seed"].min(), episodes["episode_seed"].max()
    yield (
        f"Each policy and sampler was evaluated on n = {n} episodes per training seed, with episode"
        f" seeds {first} to {last}, the same for every policy. Episodes that diverge or raise an"
        " error count as failures."
    )
    seeds_note = ". With one training seed, the results describe single checkpoints, not methods"
    yield (
        f"Training seeds: {', '.join(map(str, train_seeds)) or 'none, nothing was trained'}"
        f"{seeds_note if len(train_seeds) == 1 else ''}."
    )
    yield "Evaluated weights: the last EMA checkpoint, never the best one."
    yield (
        "Success: the condition holds for the task's number of consecutive control steps. At any"
        " step, at last step: fraction of episodes in which it is met at one control step or more,"
        " and at the last one. Modes: number of episodes per mode, on tasks with several modes."
    )
    if (results.summary["nfe_p5"] != results.summary["nfe_p95"]).any():
        yield (
            "NFE: mean over decisions. Where a sampler chooses its own steps, the brackets give the"
            " 5th to 95th percentile over episodes, each the mean over its decisions."
        )
    kinds = set(results.summary["interval"])
    if "Wilson 95 %" in kinds:
        yield "Interval for one trained policy: Wilson 95 %, over its episodes."
    if "t over seeds 95 %" in kinds:
        yield (
            "Interval for several training seeds: 95 % t interval of the mean of the seed means."
            " Their standard deviation is taken to be at least one episode (1/n). Episodes are"
            " never pooled over seeds."
        )
    if not results.comparisons.empty:
        yield (
            "Comparisons use headline samplers and common episode seeds. P-values are Holm-adjusted"
            f" over all {len(results.comparisons)} comparisons of the run. `A ahead of B` means"
            " that A has the higher success rate and the adjusted p is below 0.05. Otherwise there"
            f" is {NO_DIFFERENCE}, which does not show that the policies are equal. The 95 %"
            " interval of a difference (bootstrap over episodes, or t over training seeds) is not"
            " adjusted; the verdict follows the test."
        )
    if results.diagnostics["chunk_distance"].notna().any():
        samples, windows = (results.diagnostics[name].max() for name in ("samples", "windows"))
        yield (
            "Distance: root mean square between a sampled chunk and the expert's, over actions"
            f" normalised to -1 to 1; mean of {samples} samples at each of {windows} windows of"
            " held-out expert episodes. On tasks with several modes only the nearest sample is"
            " informative, because a sample of another valid mode is far from the expert's chunk."
            " Straightness: mean squared deviation of the path from noise to chunk from constant"
            " velocity, divided by its squared length."
        )
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
    if INCOMPLETE in marks:
        yield f"{INCOMPLETE}: a training seed lacks episodes that other rows of the task have."
    if BROKEN in marks:
        yield f"{BROKEN}: {BROKEN_NOTE}"
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
