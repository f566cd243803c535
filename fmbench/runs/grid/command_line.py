"""The command of `python -m fmbench.run` that has the rows of a run of a grid."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from fmbench.config import FLAGS, RunConfig, make_config

FIRST = ("policy", "task", "preset")


def command_of(config: RunConfig, latency: bool = False, plugins: Sequence[str] = ()) -> str:
    """Return the command line of a run.

    Args:
        config: The run.
        latency: Whether it measures the latency of decisions.
        plugins: Command line of the plug-ins.
    """
    given: dict[str, Any] = {"task": config.task, "backbone": config.backbone, "size": config.size}
    default = make_config(config.preset, given, config.task)
    words = list(plugins)
    for name in (*FIRST, *(name for name in FLAGS if name not in FIRST)):
        value = getattr(config, name)
        if name in ("policy", "task") or not (value is None or _is_implied(name, config, default)):
            several = value if isinstance(value, tuple) else (value,)
            words += [FLAGS[name].name, *map(str, several)]
    return f"python -m fmbench.run {shlex.join(words)}{'' if latency else ' --no-latency'}"


def _is_implied(name: str, config: RunConfig, default: RunConfig) -> bool:
    """Return whether a value follows from the preset, the backbone and the size."""
    if name in ("preset", "backbone", "size"):
        return bool(getattr(config, name) == getattr(RunConfig, name))
    return bool(getattr(config, name) == getattr(default, name))
