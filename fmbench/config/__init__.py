"""What a run is: its configuration, how each value of it is given, and what is refused."""

from fmbench.config.checks import ALL_TASKS, check_value, config_from_json, make_config
from fmbench.config.run_config import FLAGS, PRECISIONS, PRESETS, RunConfig

__all__ = [
    "ALL_TASKS",
    "FLAGS",
    "PRECISIONS",
    "PRESETS",
    "RunConfig",
    "check_value",
    "config_from_json",
    "make_config",
]
