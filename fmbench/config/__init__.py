"""Run configuration: fields, flags, presets and validation."""

from fmbench.config.acting import check_acting, check_executions
from fmbench.config.checks import ALL_TASKS, check_value, config_from_json, make_config
from fmbench.config.choices import (
    ADDED,
    AGENT,
    FEATURES,
    PIXELS,
    PRECISIONS,
    RECIPE_FIELDS,
    STATE,
)
from fmbench.config.disturbances import read_disturbances
from fmbench.config.flag import AFTER
from fmbench.config.hashes import GROWING, cell_hash, config_hash, outside_cell_hash
from fmbench.config.presets import PRESETS
from fmbench.config.run_config import FLAGS, RunConfig

__all__ = [
    "ADDED",
    "AFTER",
    "AGENT",
    "ALL_TASKS",
    "FEATURES",
    "FLAGS",
    "GROWING",
    "PIXELS",
    "PRECISIONS",
    "PRESETS",
    "RECIPE_FIELDS",
    "STATE",
    "RunConfig",
    "cell_hash",
    "check_acting",
    "check_executions",
    "check_value",
    "config_from_json",
    "config_hash",
    "make_config",
    "outside_cell_hash",
    "read_disturbances",
]
