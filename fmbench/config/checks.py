"""Construction and validation of a run's configuration."""

import dataclasses
import math
from collections.abc import Collection, Mapping
from typing import Any

from fmbench.config.acting import check_acting
from fmbench.config.choices import ADDED, STATE
from fmbench.config.disturbances import read_disturbances
from fmbench.config.flag import Flag
from fmbench.config.observations import resolve_observation
from fmbench.config.presets import PRESETS
from fmbench.config.run_config import FLAGS, SEEN_FIELDS, RunConfig
from fmbench.errors import FmbenchError, shown, unknown
from policies.catalogue import BACKBONES

ALL_TASKS = "all"


def make_config(
    preset: str,
    overrides: Mapping[str, Any],
    known_tasks: tuple[str, ...],
    flags: Mapping[str, str] | None = None,
) -> RunConfig:
    """Build a configuration from a preset and overrides, and validate it.

    Args:
        preset: A key of `PRESETS`.
        overrides: Values by field name; None keeps the preset's value.
        known_tasks: Accepted names of tasks; "all" stands for all of them.
        flags: Field name to its flag in messages, where it is not the field's own.

    Raises:
        FmbenchError: A value is invalid; the message lists what is accepted, and near matches.
    """
    check_value("preset", preset)
    changes = {name: value for name, value in overrides.items() if value is not None}
    chosen = {**PRESETS[preset], **changes, "preset": preset}
    config = RunConfig(**{**_recipe(chosen), **chosen})
    return _checked(config, changes, known_tasks, flags or {})


def _recipe(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that follow from the backbone of a run, given those that were chosen."""
    entry = BACKBONES.get(chosen.get("backbone", RunConfig.backbone))
    if entry is None:
        return {}
    values = entry.recipe._asdict()
    sizes = values.pop("sizes") or {}
    if chosen.get("conditioning") not in (None, entry.recipe.conditioning):
        return values
    size = chosen.get("size", RunConfig.size)
    return {**values, **dict(zip(("width", "depth"), sizes.get(size, ()), strict=False))}


def _checked(
    config: RunConfig,
    given: Mapping[str, Any],
    known_tasks: tuple[str, ...],
    flags: Mapping[str, str],
) -> RunConfig:
    """Return a configuration with its tasks and its encoder, validated; see `make_config`."""
    if ALL_TASKS in config.task:
        config = dataclasses.replace(config, task=known_tasks)
    for name in FLAGS:
        choices = (*known_tasks, ALL_TASKS) if name == "task" else None
        check_value(name, getattr(config, name), flags.get(name, ""), choices)
    conditionings = BACKBONES[config.backbone].conditionings
    if config.conditioning is not None and config.conditioning not in conditionings:
        raise FmbenchError(
            f"--conditioning is {config.conditioning!r}, which {config.backbone} does not take; "
            f"known: {', '.join(conditionings)}"
        )
    if config.exec_horizon > config.pred_horizon:
        raise FmbenchError(
            f"--exec-horizon is {config.exec_horizon}; give at most --pred-horizon, "
            f"{config.pred_horizon}: a policy cannot execute more actions than it predicts"
        )
    check_acting(config)
    config = dataclasses.replace(config, perturb=read_disturbances(config.perturb))
    _check_pairs(config)
    _check_given(config, given)
    return resolve_observation(config, given)


def _check_given(config: RunConfig, given: Mapping[str, Any]) -> None:
    """Reject values that have no effect with, or without, a data set of the user's."""
    if config.demonstrations is None:
        if config.unsuccessful != ADDED["unsuccessful"]:
            raise FmbenchError(
                f"--unsuccessful is {config.unsuccessful}, which has no effect without "
                "--demonstrations: an expert's are successes"
            )
        return
    flag = f"--demonstrations is {config.demonstrations}"
    if len(config.task) > 1:
        raise FmbenchError(f"{flag}, with --task {' '.join(config.task)}; give its one task")
    if config.observation != STATE:
        raise FmbenchError(
            f"{flag}, with --observation {config.observation}; leave that out: pictures are drawn "
            "of the expert's own demonstrations only"
        )
    if given.get("noise", RunConfig.noise) != RunConfig.noise:
        raise FmbenchError(f"{flag}, on which --noise {config.noise:g} has no effect; leave it out")


def _check_pairs(config: RunConfig) -> None:
    """Reject tasks and policies of which two pairs have the same name once they are joined."""
    pairs = [f"{task}-{policy}" for task in config.task for policy in config.policy]
    if shared := sorted(name for name in set(pairs) if pairs.count(name) > 1):
        raise FmbenchError(
            f"--task is {' '.join(config.task)} and --policy is {' '.join(config.policy)}; two "
            f"pairs of them would share files named {shared[0]}; put them into different runs"
        )


def check_value(
    name: str,
    value: Any,
    given_by: str = "",
    choices: Collection[str] | None = None,
    least: int | None = None,
) -> None:
    """Check the value of one field of `RunConfig`.

    Args:
        name: The field.
        value: The value; None is always accepted, and no values where that is the default.
        given_by: The flag in messages; "" for the field's own.
        choices: Accepted names; None for those of the field.
        least: Smallest accepted number; None for that of the field.

    Raises:
        FmbenchError: The value is invalid; the message states what is accepted.
    """
    if value is None or value == () == getattr(RunConfig, name):
        return
    flag = FLAGS[name]
    flag = flag._replace(
        name=given_by or flag.name,
        choices=flag.choices if choices is None else choices,
        least=flag.least if least is None else least,
    )
    if flag.is_several:
        _check_several(flag, value)
    for entry in value if flag.is_several else (value,):
        if flag.kind is not str:
            _check_number(flag, entry)
        elif flag.choices and entry not in flag.choices:
            raise unknown(flag.name.removeprefix("--"), entry, flag.choices)


def _check_several(flag: Flag, values: tuple[Any, ...]) -> None:
    """Reject an empty list and repeated values."""
    if not values:
        known = f"known: {', '.join(flag.choices)}"
        accepted = known if flag.kind is str else "give one or more whole numbers"
        raise FmbenchError(f"{flag.name} is empty; {accepted}")
    if len(set(values)) < len(values):
        kind = "name" if flag.kind is str else "number"
        raise FmbenchError(f"{flag.name} is {_listed(values)}; give each {kind} once")


def _listed(values: tuple[Any, ...]) -> str:
    """Return the first values, each as it is given."""
    first = [str(value) if len(str(value)) <= 64 else shown(value) for value in values[:8]]
    return " ".join(first) + (" ..." if len(values) > len(first) else "")


def _check_number(flag: Flag, value: float) -> None:
    """Reject a number that is out of range, infinite or NaN."""
    if flag.kind is int and flag.most is not None:
        if not flag.least <= value <= flag.most:
            raise FmbenchError(
                f"{flag.name} is {value}; give a whole number from {flag.least} to {flag.most}"
            )
    elif not (math.isfinite(value) and flag.least <= value < flag.below) or (
        flag.above and value == flag.least
    ):
        range_ = f"{'above' if flag.above else 'of at least'} {flag.least}"
        range_ += f" and below {flag.below}" if flag.below < math.inf else ""
        raise FmbenchError(f"{flag.name} is {value}; give a number {range_}")


def config_from_json(values: object, known_tasks: tuple[str, ...]) -> RunConfig:
    """Build the configuration that `RunConfig.to_json` wrote, and validate it.

    Raises:
        FmbenchError: The values are no valid configuration, e.g. a task or policy is unknown.
    """
    names = {*values, *ADDED} if isinstance(values, Mapping) else set()
    has_state = names == set(FLAGS) - set(SEEN_FIELDS)
    if not isinstance(values, Mapping) or not (has_state or names == set(FLAGS)):
        raise FmbenchError(f"config is not that of a run; its values must be {', '.join(FLAGS)}")
    for name, value in values.items():
        if not _has_type_of(value, FLAGS[name]):
            raise FmbenchError(f"{name} is {shown(value)}; fmbench does not write such a value")
    stated = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    if has_state:
        stated["observation"] = STATE
    check_value("preset", stated["preset"])
    given = {name: value for name, value in stated.items() if value is not None}
    return _checked(RunConfig(**{**ADDED, **stated}), given, known_tasks, {})


def _has_type_of(value: object, flag: Flag) -> bool:
    """Return whether a JSON value has the type of a field."""
    if value is None:
        return flag.is_optional
    if flag.is_several != isinstance(value, list):
        return False
    kinds = (int, float) if flag.kind is float else (flag.kind,)
    return all(type(entry) in kinds for entry in (value if isinstance(value, list) else [value]))
