"""Check that runs may be combined in one table, and that no two rows of it are about the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fmbench.config import ADDED, FLAGS, RECIPE_FIELDS
from fmbench.config.flag import ACTING
from fmbench.errors import FmbenchError
from fmbench.report.results import Results, read_results
from fmbench.report.verdicts import MARGIN
from fmbench.storage.rows import REFERENCES, R, key_of

OF_ACTING = frozenset(name for name, flag in FLAGS.items() if flag.group == ACTING)
"""Configuration values that may always differ: no plain row depends on them."""

EPISODES = ("episodes", "test_block")
"""What a policy from outside must have in common with a run beside which it stands."""


def read_alike(
    runs: Sequence[Path],
    may_differ: Sequence[str],
    value: str,
    what: str,
    margin: float = MARGIN,
    takes_outside: bool = False,
    only: Mapping[Path, Sequence[str]] | None = None,
) -> list[Results]:
    """Read the runs of one table, which must be alike; see `check_alike`.

    Args:
        runs: Their folders.
        may_differ: As there, like `value` and `what`.
        value: The value that the table compares.
        what: The same in words.
        margin: Largest difference of success rates that does not matter, in (0, 1).
        takes_outside: Whether policies from outside may be among them, of which only the test
            episodes must be alike.
        only: Folder of a run to those of its policies that are read; all where there is none.

    Raises:
        FmbenchError: A folder is not a run, or two runs cannot be compared.
    """
    chosen = only or {}
    by_path = {path: read_results(path, margin, policies=chosen.get(path, ())) for path in runs}
    own = {path: run for path, run in by_path.items() if run.run.outside is None}
    if outside := [path for path in by_path if path not in own]:
        if not takes_outside:
            raise FmbenchError(
                f"{outside[0]} is a policy from outside; python -m fmbench.matrix and "
                "python -m fmbench.report compare it with runs"
            )
        _check_outside(by_path, outside)
        if own:
            check_alike(own, may_differ, value, what)
        return list(by_path.values())
    check_alike(by_path, may_differ, value, what)
    return list(by_path.values())


def check_alike(
    results_by_path: dict[Path, Results], may_differ: Sequence[str], value: str, what: str
) -> None:
    """Reject runs whose configurations differ too much for one table.

    Runs of one backbone must have one recipe; each backbone may have its own.

    Args:
        results_by_path: The runs.
        may_differ: Configuration values that may differ between the runs.
        value: The value that the table compares; every run must have it.
        what: The same in words, for the message.

    Raises:
        FmbenchError: A run lacks `value`, two runs differ in more than `may_differ` or in the
            version of a task, or no run has evaluated a policy.
    """
    configs: dict[Path, Mapping[str, Any]] = {}
    for path, results in results_by_path.items():
        config = results.run.config
        if config.get(value) is None:
            raise FmbenchError(f"{path} has no {what} in run.json; give the folder of a run")
        configs[path] = config
    first, *others = configs
    for path in others:
        config = configs[path]
        alike = next(p for p in configs if configs[p].get("backbone") == config.get("backbone"))
        mismatches = _mismatches(configs, first, path, {*may_differ, *RECIPE_FIELDS})
        mismatches += _mismatches(configs, alike, path, may_differ)
        if mismatches := sorted(set(mismatches)):
            raise FmbenchError(
                f"{'; '.join(mismatches)}; runs in one table may differ only in "
                f"{', '.join(may_differ)}"
            )
    _check_tasks(results_by_path)
    if "observation" not in may_differ:
        _check_alike_by_task(
            {path: r.run.sights or {} for path, r in results_by_path.items()},
            dict.fromkeys(results_by_path, ""),
            "is seen by",
            "the same pictures of a task",
        )
    evaluated = {policy for run in results_by_path.values() for policy in run.summary["policy"]}
    if evaluated <= set(REFERENCES):
        names = ", ".join(map(str, results_by_path))
        raise FmbenchError(f"{names}: no policy was evaluated; give runs that have evaluated one")


def _check_tasks(results_by_path: Mapping[Path, Results]) -> None:
    """Reject runs with different versions of a task."""
    _check_alike_by_task(
        {path: r.run.task_hashes for path, r in results_by_path.items()},
        {path: str(r.run.hash_kind) for path, r in results_by_path.items()},
        "has hash",
        "the same version of a task",
    )


def _check_outside(by_path: Mapping[Path, Results], outside: Sequence[Path]) -> None:
    """Reject runs that have other test episodes or tasks than those of policies from outside."""
    configs = {path: {**ADDED, **results.run.config} for path, results in by_path.items()}
    for path, other in itertools.product(outside, configs):
        for name in EPISODES:
            if (a := configs[path].get(name)) != (b := configs[other].get(name)):
                raise FmbenchError(
                    f"{name} is {a} in {path} and {b} in {other}; runs in one table need the same "
                    "test episodes"
                )
    _check_tasks(by_path)


def values_to_share(config: Mapping[str, Any], may_differ: Collection[str]) -> dict[str, Any]:
    """Return the values of a configuration that all runs of one table must have.

    Args:
        config: The configuration.
        may_differ: Names of values that may differ between the runs.
    """
    left_out = {*may_differ, *OF_ACTING}
    return {name: value for name, value in {**ADDED, **config}.items() if name not in left_out}


def without_repeats(rows: Iterable[R], what: Callable[[R], str]) -> list[R]:
    """Return the rows of several runs, equal ones of the expert and of random actions once.

    Args:
        rows: The rows, in order; "policy" is one of their keys.
        what: Returns what a row is about, for the message.

    Raises:
        FmbenchError: Two runs have a row of one policy, or other numbers of expert or random.
    """
    kept: dict[tuple[object, ...], R] = {}
    for row in rows:
        key = key_of(row)
        before = kept.setdefault(key, row)
        is_reference = key[row.key.index("policy")] in REFERENCES
        if before is not row and (before != row or not is_reference):
            raise FmbenchError(
                f"two runs have {what(row)}; only equal rows of expert and random may repeat"
            )
    return list(kept.values())


def _mismatches(
    configs: Mapping[Path, Mapping[str, Any]], first: Path, other: Path, may_differ: Collection[str]
) -> list[str]:
    """Return one line for each value that differs between two runs and must not."""
    there, here = (values_to_share(configs[path], may_differ) for path in (first, other))
    return [
        f"{name} is {there.get(name)} in {first} and {here.get(name)} in {other}"
        for name in sorted(set(there) | set(here))
        if there.get(name) != here.get(name)
    ]


def _check_alike_by_task(
    values: Mapping[Path, Mapping[str, str]], kinds: Mapping[Path, str], verb: str, what: str
) -> None:
    """Reject runs with different values of one task; those of different kinds are not compared."""
    seen: dict[tuple[str, str], tuple[str, Path]] = {}
    for path, value_by_task in values.items():
        for task, value in value_by_task.items():
            known, first = seen.setdefault((task, kinds[path]), (value, path))
            if value != known:
                raise FmbenchError(
                    f"{task} {verb} {_short(known)} in {first} and {_short(value)} in {path}; "
                    f"runs in one table must have {what}"
                )


def _short(value: str) -> str:
    """Return the first digits of a hash, or the whole of what stands with a name."""
    return value if " " in value else value[:12]
