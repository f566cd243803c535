"""Where the numbers come from: code, versions, machines, hashes, seeds, and every warning."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from markupsafe import Markup

from fmbench.report.page.run_differences import run_differences
from fmbench.report.page.runs import NamedRun
from fmbench.report.page.section import PageSection
from fmbench.report.page.shell import environment, source
from fmbench.report.results import Results
from fmbench.report.row_texts import BROKEN, BROKEN_NOTE, DISAGREE, DISAGREE_NOTE, INCOMPLETE
from fmbench.report.sentences import left_out

NAME = "provenance"


@dataclasses.dataclass(frozen=True)
class RunLine:
    """A run in the table.

    Attributes:
        name: Its name.
        state: Whether it has finished.
        tasks: Its tasks.
        policies: Labels of its policies.
        seeds: Training seeds, and the seeds of its test episodes.
        commit: Commits of its code.
        code: Hashes of its code; of earlier runs none.
        device: Where its policies were trained.
        details: Everything else, by name.
    """

    name: str
    state: str
    tasks: str
    policies: str
    seeds: str
    commit: str
    code: str
    device: str
    details: dict[str, str]


def provenance(runs: Sequence[NamedRun], unread: Mapping[str, str] | None = None) -> PageSection:
    """Return the section.

    Args:
        runs: The runs of the page.
        unread: Name of a run that could not be read to why it is left out.
    """
    left_out = [(f"left out: {reason}", [name]) for name, reason in (unread or {}).items()]
    templates = environment()
    html = templates.get_template("provenance.html").render(
        lines=[run_line(run) for run in runs],
        warnings=left_out + warnings_of(runs),
        differences=run_differences(runs),
    )
    style = source(templates, "provenance.css")
    return PageSection(NAME, "Provenance and warnings", Markup(html), style)


def warnings_of(runs: Sequence[NamedRun]) -> list[tuple[str, list[str]]]:
    """Return every warning with the names of the runs that it is about."""
    found: dict[str, list[str]] = {}
    for run in runs:
        for line in dict.fromkeys(_warnings(run.results)):
            found.setdefault(line, []).append(run.name)
    return list(found.items())


def _warnings(results: Results) -> Iterator[str]:
    if results.is_smoke:
        yield "a run of the preset smoke only tests the software: its numbers say nothing"
    if results.unfinished:
        yield f"{results.unfinished}; its policies are not compared"
    yield from (f"left out: {line}" for line in results.left_out)
    yield from results.warnings
    yield from results.caveats
    for task in results.outcomes.tasks:
        yield from left_out(results, task)
    summary = results.summary
    marks = {
        BROKEN: (summary.apply(results.is_broken, axis=1), BROKEN_NOTE),
        INCOMPLETE: (~summary["complete"].astype(bool), "a training seed lacks episodes"),
        DISAGREE: (summary["seeds_disagree"].astype(bool), DISAGREE_NOTE),
    }
    for mark, (is_marked, note) in marks.items():
        if is_marked.any():
            yield f"{is_marked.sum()} of {len(summary)} cells are marked {mark}: {note.rstrip('.')}"
    if results.run.task_hashes and results.run.hash_kind is None:
        yield "task hashes are of an earlier kind, which matches no current hash"


def run_line(run: NamedRun) -> RunLine:
    """Return the line of a run."""
    results = run.results
    facts, origins, episodes = results.run, results.origins, results.episodes
    train = sorted({int(seed) for seed in episodes["train_seed"].unique() if seed >= 0})
    test = f"{episodes['episode_seed'].min()}–{episodes['episode_seed'].max()}"
    policies = facts.choice.policy or episodes["policy"].unique().tolist()
    return RunLine(
        name=run.name,
        state=results.unfinished or "finished",
        tasks=", ".join(results.outcomes.tasks),
        policies=", ".join(map(results.looks.label, policies)),
        seeds=f"training {_ranges(train)}; test episodes {test}",
        commit=_several(origins["commit"]),
        code=_several(origins["code_hash"]),
        device=_several(origins["device"]),
        details={name: text for name, text in _details(results).items() if text},
    )


def _details(results: Results) -> dict[str, str]:
    """Return what is known of a run beyond its line; "" for what is not."""
    facts, origins = results.run, results.origins
    by_task = origins.drop_duplicates("task")
    made = {task: hashes for task, hashes in _by_task(origins, "demonstrations_hash").items()}
    versions = origins.drop_duplicates("task").set_index("task")["task_version"]
    return {
        "Command": facts.command,
        "Preset": facts.preset,
        "Versions": "; ".join(sorted(set(origins["versions"]))),
        "Machine": ", ".join(f"{name} {value}" for name, value in facts.machine.items()),
        "Duration": "" if facts.seconds is None else f"{facts.seconds:,.0f} s (last process)",
        "Configuration": ", ".join(f"{k}={v}" for k, v in facts.config.items()),
        "Configuration hashes": _several(origins["config_hash"]),
        "Tasks": "; ".join(
            f"{task} version {versions[task]}, hash {hashes}"
            for task, hashes in _by_task(by_task, "task_hash").items()
        ),
        "Demonstrations": "; ".join(f"{task} {hashes}" for task, hashes in made.items() if hashes),
        "Expert": "; ".join(
            f"{task}: {each.episodes} stored"
            + ("" if each.attempted is None else f", {each.failed} of {each.attempted} failed")
            for task, each in (facts.demonstrations or {}).items()
        ),
        "Pictures": "; ".join(f"{task}: {sight}" for task, sight in (facts.sights or {}).items()),
        "Teachers": "; ".join(f"{name} {sha}" for name, sha in (facts.teachers or {}).items()),
        "Scored again": ", ".join(f"{k} {v}" for k, v in (facts.rescores or {}).items()),
        "Plug-ins": "; ".join(f"{p.kind} {p.name} ({p.file}, {p.sha256})" for p in facts.plugins),
        "Row files": "; ".join(f"{name} sha256 {sha}" for name, sha in facts.sha256.items()),
    }


def _by_task(origins: pd.DataFrame, column: str) -> dict[str, str]:
    """Return the different values of a column by task."""
    return {str(task): _several(rows[column]) for task, rows in origins.groupby("task", sort=False)}


def _several(values: pd.Series) -> str:
    return ", ".join(sorted({str(value) for value in values} - {""}))


def _ranges(seeds: Sequence[int]) -> str:
    """Return seeds as text, e.g. `0–4`."""
    if not seeds:
        return "none"
    is_range = len(seeds) > 1 and list(seeds) == list(range(seeds[0], seeds[-1] + 1))
    return f"{seeds[0]}–{seeds[-1]}" if is_range else ", ".join(map(str, seeds))
