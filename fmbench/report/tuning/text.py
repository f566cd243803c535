"""Markdown table of the best trials of a search."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from fmbench.config import PRESETS, RunConfig
from fmbench.report.counted import counted
from fmbench.report.markdown import SMOKE
from fmbench.report.markup import markdown_table
from fmbench.storage.search import SearchFacts, TrialRow, by_trial, rank, score

BEST = 10
"""Trials in the table of the terminal; the file has all."""
FLAGS = (
    "learning_rate",
    "warmup_updates",
    "weight_decay",
    "ema_decay",
    "width",
    "depth",
    "conditioning",
)
"""Columns of a trial that are flags of a run."""
ALWAYS = ("task", "policy", "preset", "backbone")
OF_SEARCH = (
    *ALWAYS,
    *("size", "seeds", "nfe", "demos", "noise", "updates", "batch_size", "precision", "device"),
)
"""Values that a search shares with a run; those at their default are left out."""
_HEADINGS = ("lr", "warm-up", "decay", "EMA", "width", "depth", "conditioning")


def ranked(rows: Sequence[TrialRow]) -> list[list[TrialRow]]:
    """Return the rows of each trial, the best trial first, the earlier of two that are equal."""
    return sorted(by_trial(rows).values(), key=rank)


def header() -> tuple[str, ...]:
    """Return the headings of the columns of every trial."""
    return ("trial", "success", *_HEADINGS)


def best_rows(rows: Sequence[TrialRow], count: int | None = BEST) -> list[list[str]]:
    """Return the cells of the best trials, without the success by task and policy."""
    return [_cells(own) for own in ranked(rows)[:count]]


def best_command(rows: Sequence[TrialRow], facts: SearchFacts) -> str:
    """Return the command line of a run by the best recipe, on the tasks and data of the search."""
    best, config = ranked(rows)[0][0], facts.config
    preset = str(facts.choice.preset)
    files = dict.fromkeys(plugin.file for plugin in facts.plugins)
    words = [word for file in files for word in ("--plugin", file)]
    for name in OF_SEARCH:
        default = PRESETS.get(preset, {}).get(name, getattr(RunConfig, name))
        value = tuple(config[name]) if isinstance(config[name], list) else config[name]
        if name in ALWAYS or value != default:
            words += _flag(name, config[name])
    words += ["--data", facts.data] if facts.data else []
    for name in FLAGS:
        words += _flag(name, getattr(best, name))
    return f"python -m fmbench.run {shlex.join(words)}"


def outcome(own: Sequence[TrialRow], rows: Sequence[TrialRow]) -> str:
    """Return a line about the trial that is finished, and the best one so far."""
    best = min(by_trial(rows).values(), key=rank)
    failed = next((f" (failed: {row.error})" for row in own if row.error), "")
    return (
        f"trial {own[0].trial}: mean success {score(own):.3f}{failed}, "
        f"best {score(best):.3f} (trial {best[0].trial})"
    )


def failure(rows: Sequence[TrialRow]) -> str:
    """Return a sentence for a search in which every trial failed; empty for others."""
    first = next((row.error for row in ranked(rows)[0] if row.error), "")
    return first and f"Something failed in every trial, in the best one: {first}"


def search_markdown(rows: Sequence[TrialRow], facts: SearchFacts) -> str:
    """Write all trials, the best first, with the success on every task of every policy."""
    pairs = [(row.task, row.policy) for row in rows if row.trial == rows[0].trial]
    body = []
    for own in ranked(rows):
        counts = [f"{row.successes}/{row.episodes}" for row in own]
        errors = "; ".join(dict.fromkeys(row.error for row in own if row.error))
        body.append([*_cells(own), *counts, f"{sum(row.seconds for row in own):.0f}", errors])
    columns = (*header(), *(f"{task} {policy}" for task, policy in pairs), "seconds", "failed with")
    title = f"# Recipes for {facts.choice.backbone}: {len(body)} trials"
    blocks = [title] + ([f"> **{SMOKE}**"] if facts.choice.preset == "smoke" else [])
    if len(facts.made_with) > 1:
        blocks.append("> **Warning.** Made with several versions of the code or of packages.")
    blocks += [f"> **{failure(rows)}**"] if failure(rows) else []
    blocks += [markdown_table(columns, body), f"```sh\n{best_command(rows, facts)}\n```"]
    blocks.append("\n".join(f"- {line}" for line in _notes(facts, ranked(rows)[0])))
    return "\n\n".join(blocks) + "\n"


def _cells(own: Sequence[TrialRow]) -> list[str]:
    values = [_text(getattr(own[0], name)) for name in FLAGS]
    return [str(own[0].trial), f"{score(own):.3f}", *values]


def _notes(facts: SearchFacts, own: Sequence[TrialRow]) -> Iterator[str]:
    """Yield the notes that explain the numbers."""
    config, search = facts.config, facts.search
    count = sum(row.episodes for row in own)
    each = f"{counted(config['episodes'], 'episode')} on validation seeds"
    seeds = config["seeds"]
    of_seeds = f"for {'each of ' * (seeds > 1)}{counted(seeds, 'training seed')}"
    yield (
        f"Success: mean over tasks and policies, each with {each} {of_seeds}. No test "
        "episode is used."
    )
    yield (
        f"By chance alone, two equal trials of {count} episodes with success 0.5 differ by more "
        f"than {1.96 * math.sqrt(0.5 / count):.2f} in 5 % of cases, and by more still if training "
        "seeds differ. The best of many trials looks better than it is: the command above measures "
        "it on test episodes."
    )
    yield (
        f"Every trial: {config['updates']} updates of {config['batch_size']} windows, "
        f"{config['demos']} demonstrations, about the parameters of the MLP of size "
        f"{config['size']}. Trial 0 is the recipe that the search began with."
    )
    ranges = [f"{name.removeprefix('space of ')} {text}" for name, text in search.items()
              if name.startswith("space of ")]  # fmt: skip
    yield (
        f"Suggested by TPE of optuna {search['optuna']}, seed {search['seed']}, "
        f"{search['parallel']} at once. Searched: {'; '.join(ranges)}."
    )


def _flag(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [f"--{name.replace('_', '-')}", *map(_text, values)]


def _text(value: object) -> str:
    """Return a value as it is given on the command line, exactly."""
    short = f"{value:g}" if isinstance(value, float) else ""
    return short if short and float(short) == value else str(value)
