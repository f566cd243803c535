"""Build a run's configuration from what was given, and refuse what it cannot be."""

import dataclasses
import math
from collections.abc import Collection, Mapping
from typing import Any

from fmbench.config.flag import Flag
from fmbench.config.run_config import FLAGS, PRESETS, RunConfig
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
    for name in FLAGS:
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
    given_by: str = "",
    choices: Collection[str] | None = None,
    least: int | None = None,
) -> None:
    """Refuse a value that a field of `RunConfig` cannot have.

    Args:
        name: The field.
        value: The value; None is not checked.
        given_by: The flag that gave it, for messages; "" is the field's own.
        choices: The names it may be; None are those of the field.
        least: The least number it may be; None is that of the field.

    Raises:
        FmbenchError: Says what is accepted.
    """
    if value is None:
        return
    flag = FLAGS[name]
    flag = flag._replace(
        name=given_by or flag.name,
        choices=flag.choices if choices is None else choices,
        least=flag.least if least is None else least,
    )
    if flag.is_several:
        _check_several(flag, value)
    for each in value if flag.is_several else (value,):
        if flag.kind is not str:
            _check_number(flag, each)
        elif flag.choices and each not in flag.choices:
            raise unknown(flag.name.removeprefix("--"), each, flag.choices)


def _check_several(flag: Flag, values: tuple[Any, ...]) -> None:
    """Refuse no values at all, and the same one twice."""
    if not values:
        known = f"known: {', '.join(flag.choices)}"
        accepted = known if flag.kind is str else "give one or more whole numbers"
        raise FmbenchError(f"{flag.name} names nothing; {accepted}")
    if len(set(values)) < len(values):
        what = "one" if flag.kind is str else "a number"
        raise FmbenchError(f"{flag.name} names {what} twice: {' '.join(map(str, values))}")


def _check_number(flag: Flag, value: float) -> None:
    """Refuse a number that is out of range, or none."""
    if flag.kind is int and flag.most is not None:
        if not flag.least <= value <= flag.most:
            raise FmbenchError(
                f"{flag.name} is {value}; give a whole number from {flag.least} to {flag.most}"
            )
    elif not math.isfinite(value) or value < flag.least or (flag.above and value == flag.least):
        range_ = f"{'above' if flag.above else 'of at least'} {flag.least}"
        raise FmbenchError(f"{flag.name} is {value}; give a number {range_}")


def config_from_json(values: object, known_tasks: tuple[str, ...]) -> RunConfig:
    """Build the configuration that `RunConfig.to_json` wrote, and check it.

    Raises:
        FmbenchError: It is not such a configuration, or names a task or policy unknown here.
    """
    if not isinstance(values, Mapping) or set(values) != set(FLAGS):
        raise FmbenchError(f"a configuration has the values {', '.join(FLAGS)}")
    for name, value in values.items():
        if not _is_like(value, FLAGS[name]):
            raise FmbenchError(
                f"{name} is {value!r} in its configuration, which fmbench never wrote"
            )
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return make_config(str(values["preset"]), given, known_tasks)


def _is_like(value: object, flag: Flag) -> bool:
    """Say whether a JSON value has the type of a field."""
    if value is None:
        return flag.is_optional
    if flag.is_several != isinstance(value, list):
        return False
    kinds = (int, float) if flag.kind is float else (flag.kind,)
    return all(type(each) in kinds for each in (value if isinstance(value, list) else [value]))
