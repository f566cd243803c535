"""Draw runs that differ in anything: a line, and a place in the figure, for each setting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from fmbench.report.caveat_column import write_with_caveats
from fmbench.report.combined import Combined
from fmbench.report.comparable import without_repeats
from fmbench.report.design_note import design_note
from fmbench.report.grid.setting_row import SettingRow
from fmbench.report.grid.settings_figure import render_settings
from fmbench.report.looks import Looks
from fmbench.report.markup import escape, markdown_table
from fmbench.report.rendering import write_figure
from fmbench.report.results import Results, read_results
from fmbench.report.sentences import sentences, tally
from fmbench.report.summary import shared_values
from fmbench.report.verdicts import MARGIN, UNDECIDED, definitions
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.rows import REFERENCES, key_of

DEFAULT = "default"
"""The setting of a run that is named after its task alone."""


def draw_settings(
    runs: Sequence[Path],
    out: Path,
    warn: Callable[[str], None] = lambda line: None,
    margin: float = MARGIN,
    formats: Sequence[str] = ("png",),
) -> list[Path]:
    """Write `settings.csv`, `settings.md` and the figure `settings`.

    Args:
        runs: Folders of runs of one task each, named TASK or TASK-SETTING.
        out: Output folder.
        warn: Called with each caveat of what is drawn.
        margin: Largest difference of success rates that does not matter, in (0, 1).
        formats: Formats of the figure.

    Returns:
        The paths written.

    Raises:
        FmbenchError: A folder is not a run.
    """
    results = [read_results(path, margin) for path in runs]
    settings = {id(run): setting_of(path, run) for path, run in zip(runs, results, strict=True)}

    def key(run: Results, row: Any) -> tuple[object, ...] | None:
        return key_of(_row(settings[id(run)], row._asdict())) if row.headline else None

    rows = without_repeats(
        (
            _row(settings[id(run)], row)
            for run in results
            for row in run.summary[run.summary["headline"]].to_dict("records")
        ),
        lambda row: f"{row.policy} on {row.task} by {row.setting}",
    )
    combined = Combined(results, lambda run: f"by {settings[id(run)]}", key)
    looks = Looks(*(run.run for run in results))
    paths = [out / SettingRow.file_name, out / "settings.md"]
    caveats = [combined.row_caveats.get(key_of(row), "") for row in rows]
    write_with_caveats(paths[0], rows, caveats, SettingRow)
    by_name = {f"{_task(run)}, {settings[id(run)]}": run for run in results}
    write_bytes_atomic(paths[1], _markdown(rows, by_name, combined, looks).encode())
    paths += write_figure(
        out / "settings", formats, partial(render_settings, rows, combined, looks)
    )
    combined.warn(warn)
    return paths


def setting_of(folder: Path, results: Results) -> str:
    """Return the setting of a run from the name of its folder."""
    return folder.name.removeprefix(_task(results)).removeprefix("-") or DEFAULT


def _task(results: Results) -> str:
    return str(results.summary["task"].iloc[0])


def _row(setting: str, row: dict[Any, Any]) -> SettingRow:
    name = "" if row["policy"] in REFERENCES else setting
    return SettingRow(setting=name, **shared_values(row, SettingRow))


def _markdown(
    rows: Sequence[SettingRow], runs: Mapping[str, Results], combined: Combined, looks: Looks
) -> str:
    """Write the success rates of every setting below each other, and the comparisons in each."""
    blocks = [f"# {combined.title('Success rate by setting')}"]
    blocks += [f"> **Warning.** {escape(line)}" for line in combined.caveats]
    blocks.append(_table(rows, combined, looks))
    if lines := list(_comparisons(runs, looks)):
        blocks += ["## Comparisons", "\n".join(lines)]
    first = next(iter(runs.values()))
    largest = max(len(run.comparisons) for run in runs.values())
    designs = {(r.train_seeds, r.episodes // r.train_seeds) for r in rows if r.setting}
    notes = [
        "In brackets: 95 % interval over training seeds (Wilson interval for one seed, the expert "
        "and random actions). Each policy has its default sampler with its largest number of "
        "steps.",
        f"Comparisons, Holm-adjusted over those of a line: {definitions(first.margin)}",
        *(design_note(*design, largest) for design in sorted(designs)),
        *combined.notes(),
    ]
    blocks.append("\n".join(f"- {line}" for line in notes))
    return "\n\n".join(blocks) + "\n"


def _table(rows: Sequence[SettingRow], combined: Combined, looks: Looks) -> str:
    policies = sorted({row.policy for row in rows if row.setting}, key=looks.order)
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        interval = "" if combined.is_broken(key_of(row)) else f" ({row.low:.2f}–{row.high:.2f})"
        text = f"{row.success_rate:.3f}{interval} {combined.marks.get(key_of(row), '')}".rstrip()
        lines.setdefault((row.task, row.setting or row.policy), {})[row.policy] = text
    body = []
    for (task, name), texts in lines.items():
        if name in REFERENCES:
            body.append([task, name, texts[name], *["" for _ in policies[1:]]])
        else:
            body.append([task, name, *(texts.get(policy, "") for policy in policies)])
    return markdown_table(("Task", "Setting", *map(looks.label, policies)), body)


def _comparisons(runs: Mapping[str, Results], looks: Looks) -> Iterator[str]:
    """Yield the verdicts of each run: their numbers, and those that are not undecided."""
    for name, run in runs.items():
        if len(run.comparisons):
            yield f"- {name}: {tally(run.comparisons['verdict'])}"
            decided = run.comparisons[run.comparisons["verdict"] != UNDECIDED]
            yield from (f"  - {line}" for line in sentences(decided, looks))
