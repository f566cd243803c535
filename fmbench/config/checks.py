"""Build a run's configuration from what was given, and refuse what it cannot be."""

import dataclasses
import math
from collections.abc import Collection, Mapping
from typing import Any

from fmbench.config.flag import Setting
from fmbench.config.run_config import PRESETS, SETTINGS, RunConfig
from fmbench.errors import FmbenchError, unknown
from policies.catalogue import BACKBONES

ALL_TASKS = "all"


def make_config(
    preset: str,
    overrides: Mapping[str, Any],
    known_tasks: tuple[str, ...],
    flags: Mapping[str, str] | None = None,
) -> RunConfig:
    """Build a configuration from a preset and what the user gave, and check it.

    Args:
        preset: A key of `PRESETS`.
        overrides: Values by field name; None leaves the preset's.
        known_tasks: Names that `task` may have; "all" stands for all of them.
        flags: Field name to the flag that gave it, for messages, where it is another than usual.

    Raises:
        FmbenchError: Names the value, what is accepted, and near matches.
    """
    check_value("preset", preset)
    given = {name: value for name, value in overrides.items() if value is not None}
    config = RunConfig(**{**PRESETS[preset], **given, "preset": preset})
    if ALL_TASKS in config.task:
        config = dataclasses.replace(config, task=known_tasks)
    for name in SETTINGS:
        choices = (*known_tasks, ALL_TASKS) if name == "task" else None
        check_value(name, getattr(config, name), (flags or {}).get(name, ""), choices)
    possible = BACKBONES[config.backbone].conditionings
    if config.conditioning is not None and config.conditioning not in possible:
        raise FmbenchError(
            f"--conditioning {config.conditioning} is not possible for {config.backbone}; "
            f"possible: {', '.join(possible)}"
        )
    if config.exec_horizon > config.pred_horizon:
        raise FmbenchError(
            f"--exec-horizon is {config.exec_horizon}, more than --pred-horizon "
            f"{config.pred_horizon}: a policy cannot execute more actions than it predicts"
        )
    return config


def check_value(
    name: str,
    value: Any,
    flag: str = "",
    choices: Collection[str] | None = None,
    least: int | None = None,
) -> None:
    """Refuse a value that a field of `RunConfig` cannot have.

    Args:
        name: The field.
        value: The value; None is not checked.
        flag: The flag that gave it, for messages; "" is the field's own.
        choices: The names it may be; None are those of the field.
        least: The least number it may be; None is that of the field.

    Raises:
        FmbenchError: Says what is accepted.
    """
    if value is None:
        return
    setting = SETTINGS[name]
    flag, choices = flag or setting.name, setting.flag.choices if choices is None else choices
    if setting.is_several:
        _check_several(flag, value, setting, choices)
    for each in value if setting.is_several else (value,):
        if setting.kind is str and choices and each not in choices:
            raise unknown(flag.removeprefix("--"), each, choices)
        if setting.kind is not str:
            _check_number(flag, each, setting, setting.flag.least if least is None else least)


def _check_several(
    flag: str, values: tuple[Any, ...], setting: Setting, choices: Collection[str]
) -> None:
    """Refuse no values at all, and the same one twice."""
    is_text = setting.kind is str
    if not values:
        accepted = f"known: {', '.join(choices)}" if is_text else "give one or more whole numbers"
        raise FmbenchError(f"{flag} names nothing; {accepted}")
    if len(set(values)) < len(values):
        what = "one" if is_text else "a number"
        raise FmbenchError(f"{flag} names {what} twice: {' '.join(map(str, values))}")


def _check_number(flag: str, value: float, setting: Setting, least: int) -> None:
    """Refuse a number that is out of range, or none."""
    most, above = setting.flag.most, setting.flag.above
    if setting.kind is int and most is not None:
        if not least <= value <= most:
            raise FmbenchError(f"{flag} is {value}; give a whole number from {least} to {most}")
    elif not (math.isfinite(value) and (value > least if above else value >= least)):
        raise FmbenchError(
            f"{flag} is {value}; give a number {'above' if above else 'of at least'} {least}"
        )


def config_from_json(values: object, known_tasks: tuple[str, ...]) -> RunConfig:
    """Build the configuration that `RunConfig.to_json` wrote, and check it.

    Raises:
        FmbenchError: It is not such a configuration, or names a task or policy unknown here.
    """
    if not isinstance(values, Mapping) or set(values) != set(SETTINGS):
        raise FmbenchError(f"a configuration has the values {', '.join(SETTINGS)}")
    for name, value in values.items():
        if not _is_like(value, SETTINGS[name]):
            raise FmbenchError(
                f"{name} is {value!r} in its configuration, which fmbench never wrote"
            )
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return make_config(str(values["preset"]), given, known_tasks)


def _is_like(value: object, setting: Setting) -> bool:
    """Say whether a JSON value has the type of a setting."""
    if value is None:
        return setting.is_optional
    if setting.is_several != isinstance(value, list):
        return False
    kinds = (int, float) if setting.kind is float else (setting.kind,)
    return all(type(each) in kinds for each in (value if isinstance(value, list) else [value]))
