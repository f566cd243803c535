"""Check that runs may be combined in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fmbench.errors import FmbenchError
from fmbench.report.results import Results


def check_alike(
    results_by_path: dict[Path, Results], may_differ: Sequence[str], value: str, what: str
) -> None:
    """Reject runs whose configurations differ too much for one table.

    Args:
        results_by_path: The runs.
        may_differ: Configuration values that may differ between the runs.
        value: The value that the table compares; every run must have it.
        what: The same in words, for the message.

    Raises:
        FmbenchError: A run lacks `value`, or two runs differ in more than `may_differ`.
    """
    configs: dict[Path, Mapping[str, Any]] = {}
    for path, results in results_by_path.items():
        config = results.run.config
        if value not in config:
            raise FmbenchError(f"{path} has no {what} in run.json; give the folder of a run")
        configs[path] = config
    first, *others = configs
    base = configs[first]
    for path in others:
        config = configs[path]
        mismatches = [
            f"{name} is {base.get(name)} in {first} and {config.get(name)} in {path}"
            for name in sorted(set(base) | set(config))
            if name not in may_differ and base.get(name) != config.get(name)
        ]
        if mismatches:
            raise FmbenchError(
                f"{'; '.join(mismatches)}; runs in one table may differ only in "
                f"{', '.join(may_differ)}"
            )
