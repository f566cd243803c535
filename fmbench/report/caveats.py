"""Caveats: what a reader must know beside the numbers, one line each, from rows alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from fmbench.report.outcomes import CELL, Outcomes, SummaryKey
from fmbench.report.row_texts import sampler_label
from fmbench.storage.provenance import versions_of

_MAX_ERROR_CHARACTERS = 100


def version_lines(origins: pd.DataFrame) -> list[str]:
    """Return a line about the versions that the rows were made with, if there are several.

    Code is the same where `code_hash` is; where it is not recorded, where `commit` is. The line
    names only what differs.

    Args:
        origins: Frame of `OriginRow`, of one run or of several.
    """
    made = origins[["code_hash", "commit", "versions"]].drop_duplicates()
    hashed = made[made["code_hash"] != ""]
    hash_of_commit = dict(zip(hashed["commit"], hashed["code_hash"], strict=True))
    code = {
        str(code_hash or hash_of_commit.get(commit, commit)): str(commit)
        for code_hash, commit in zip(made["code_hash"], made["commit"], strict=True)
    }
    parts = []
    if len(code) > 1:
        by_hash = len(set(code.values())) < len(code)
        names = f"hashes {_listed(code)}" if by_hash else f"commits {_listed(code.values())}"
        parts.append(f"{len(code)} versions of the code: {names}")
    versions: dict[str, dict[str, None]] = {}
    for text in made["versions"]:
        for name, version in versions_of(text).items():
            versions.setdefault(name, {})[version] = None
    parts += [f"{name} {_listed(known)}" for name, known in versions.items() if len(known) > 1]
    return [f"made with {'; '.join(parts)}"] if parts else []


def error_lines(episodes: pd.DataFrame, name: Callable[[str], str]) -> list[str]:
    """Return a line for every policy on every task with episodes that did not end by themselves.

    Args:
        episodes: Frame of `EpisodeRow`.
        name: Returns the name of a policy in the line.
    """
    lines = []
    ended = (episodes["error"] != "") | episodes["sim_unstable"].astype(bool)
    if not ended.any():
        return []
    for (task, policy), rows in episodes.groupby(["task", "policy"], sort=False):
        failed = rows["error"] != ""
        unstable = rows["sim_unstable"].astype(bool) & ~failed
        for kind, ended in (("broken", failed), ("unstable", unstable)):
            if not ended.any():
                continue
            reason = "because the simulation diverged"
            if kind == "broken":
                reason = f"by an error ({_most_frequent(rows.loc[ended, 'error'])})"
            count, samplers = _count(rows, ended)
            lines.append(
                f"{kind}: {count} episodes of {name(str(policy))}{samplers} on {task} "
                f"ended {reason}"
            )
    return lines


def broken_cells(outcomes: Outcomes) -> frozenset[SummaryKey]:
    """Return the cells whose rate says nothing about the policy.

    These are the cells with a training seed all of whose episodes ended by an error or by an
    unstable simulation. No verdict is based on them.
    """
    by_seed = outcomes.by_seed
    cells = by_seed.loc[by_seed["ended"] == by_seed["episodes"], CELL].drop_duplicates()
    return frozenset(SummaryKey(*cell) for cell in cells.itertuples(index=False))


def _count(rows: pd.DataFrame, chosen: pd.Series[bool]) -> tuple[str, str]:
    """Return "n of all", over the samplers concerned, and their names unless it is all of them."""
    concerned = rows.loc[chosen, ["sampler", "steps"]].drop_duplicates()
    configurations = rows[["sampler", "steps"]].drop_duplicates()
    if len(concerned) == len(configurations):
        return f"{chosen.sum()} of {len(rows)}", ""
    names = ", ".join(
        sampler_label(str(sampler), int(steps))
        for sampler, steps in concerned.itertuples(index=False)
    )
    of_them = rows.merge(concerned, on=["sampler", "steps"])
    return f"{chosen.sum()} of {len(of_them)}", f" ({names})"


def _most_frequent(errors: pd.Series[str]) -> str:
    """Return the most frequent text, shortened; of equally frequent ones the first."""
    counts = errors.value_counts(sort=False)
    text = str(counts.idxmax())
    if len(text) > _MAX_ERROR_CHARACTERS:
        text = f"{text[: _MAX_ERROR_CHARACTERS - 1]}…"
    return text if len(counts) == 1 else f"most often: {text}"


def _listed(names: Iterable[str]) -> str:
    """List distinct names in order; an empty one is unknown."""
    return ", ".join(name or "unknown" for name in sorted(set(names)))
