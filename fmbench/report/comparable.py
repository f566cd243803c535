"""Refuse runs whose rows must not stand in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fmbench.errors import FmbenchError
from fmbench.report.results import Results


def check_alike(
    found: dict[Path, Results], may_differ: Sequence[str], value: str, what: str
) -> None:
    """Refuse runs whose rows must not stand in one table.

    Args:
        found: The runs.
        may_differ: Values of a configuration that each may have of its own.
        value: The one that the table is about.
        what: The same in words.

    Raises:
        FmbenchError: A run does not say `value`, or two differ in more than `may_differ`.
    """
    configs: dict[Path, Mapping[str, Any]] = {}
    for path, results in found.items():
        config = results.run.config
        if value not in config:
            raise FmbenchError(f"{path} does not say its {what}; give the folder of a run")
        configs[path] = config
    first, *others = configs
    for path in others:
        differing = [
            f"{name}: {configs[first].get(name)} in {first}, {configs[path].get(name)} in {path}"
            for name in sorted(set(configs[first]) | set(configs[path]))
            if name not in may_differ and configs[first].get(name) != configs[path].get(name)
        ]
        if differing:
            raise FmbenchError(
                f"these runs differ in more than their {what}: {'; '.join(differing)}"
            )
