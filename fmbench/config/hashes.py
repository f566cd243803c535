"""Hashes of configurations: of all values, and of those that decide the cells of one policy."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from policies.catalogue import COUNTS, OPTIONS, POLICIES, PolicyEntry

GROWING = ("task", "policy", "nfe", "seeds", "episodes", "delay", "execution", "perturb")
"""Fields that may grow in a finished run: more of them adds cells or episodes, changes none."""


def config_hash(values: Mapping[str, Any]) -> str:
    """Return the hash of a configuration from its JSON values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def cell_hash(values: Mapping[str, Any], policy: str) -> str:
    """Return the hash of the values of a configuration, as JSON, that decide one policy's cells.

    The lists of tasks, policies, sampler steps, delays and disturbances and the numbers of seeds
    and episodes decide which cells and episodes there are, not what is in them; nor do options of
    other policies. Expert and random actions depend on none of these values.
    """
    entry = POLICIES.get(policy)
    ignored = {*GROWING, "preset", "latency_ms"}
    if entry is not None:
        ignored |= {*OPTIONS, *COUNTS} - set(entry.reads) - _of_teacher(entry, values)
        ignored |= set() if entry.teacher else {"from_run"}
    kept = {} if entry is None else {k: v for k, v in values.items() if k not in ignored}
    return config_hash(kept)


def outside_cell_hash(values: Mapping[str, Any]) -> str:
    """Return the same of a policy from outside: all of its values decide its cells."""
    ignored = {*GROWING, "preset"}
    return config_hash({name: value for name, value in values.items() if name not in ignored})


def _of_teacher(entry: PolicyEntry, values: Mapping[str, Any]) -> set[str]:
    """Return the options, not at their defaults, of a teacher that the run trains itself."""
    if entry.teacher is None or values.get("from_run") is not None:
        return set()
    defaults: dict[str, Any] = {name: choices[0] for name, choices in OPTIONS.items()}
    defaults |= {name: count.default for name, count in COUNTS.items()}
    reads = POLICIES[entry.teacher].reads
    return {name for name in reads if values.get(name, defaults[name]) != defaults[name]}
