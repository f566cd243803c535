"""Flags of the commands: those of a run's configuration are made from the fields of `RunConfig`."""

import argparse
from pathlib import Path
from typing import Any

from envs.registry import TASKS
from fmbench.cli.parser import Parser
from fmbench.cli.task_names import choose_tasks
from fmbench.config import PRESETS, SETTINGS, RunConfig, make_config

Place = argparse.ArgumentParser | argparse._ArgumentGroup
"""Where flags can be added: a parser, or a group of its help."""
NOT_IN_TABLE = ("task", "policy", "preset", "from_run")


def add_config_flags(parser: Parser) -> dict[str, argparse._ArgumentGroup]:
    """Add a flag for every field of `RunConfig`; return the groups of the help by their titles."""
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name, setting in SETTINGS.items():
        title = setting.flag.group
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        add_config_flag(groups[title], name)
    return groups


def add_config_flag(
    place: Place, name: str, flag: str = "", text: str = "", default: Any = None
) -> None:
    """Add the flag of one field of `RunConfig`.

    Args:
        place: The parser, or a group of its help.
        name: The field.
        flag: The flag, if not the field's own.
        text: What the help says, if not what the field does.
        default: Stands for a flag that is not given; None leaves it to the preset.
    """
    setting = SETTINGS[name]
    choices = TASKS if name == "task" else setting.flag.choices
    said = (text or setting.flag.help).format(
        choices=", ".join(choices), default=_shown(getattr(RunConfig, name))
    )
    place.add_argument(
        flag or setting.name,
        dest=name,
        type=setting.kind,
        nargs="+" if setting.is_several else None,
        metavar=setting.flag.metavar,
        default=default,
        help=said,
    )


def given_values(given: argparse.Namespace) -> dict[str, Any]:
    """Return the values of those fields of `RunConfig` that were given; tasks are looked up."""
    values: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        if (value := getattr(given, name, None)) is not None:
            values[name] = tuple(value) if setting.is_several else value
    return values | ({"task": choose_tasks(values["task"])} if "task" in values else {})


def given_config(given: argparse.Namespace, **flags: str) -> RunConfig:
    """Return the configuration that was given, checked.

    Args:
        given: What was parsed.
        flags: Field to the flag that gives it, if not its own; for messages.
    """
    values = given_values(given)
    return make_config(values.pop("preset", RunConfig.preset), values, tuple(TASKS), flags)


def add_out(place: Place, text: str, required: bool = False) -> None:
    """Add `--out`, the folder that a command writes."""
    place.add_argument("--out", type=Path, required=required, metavar="DIR", help=text)


def add_data(place: Place) -> None:
    """Add `--data`, the folder of all demonstrations."""
    place.add_argument(
        "--data", type=Path, default=Path("data"), metavar="DIR", help="folder of demonstrations"
    )


def add_debug(parser: Parser) -> None:
    """Add `--debug`, which every command has."""
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def preset_table() -> str:
    """Return the values of every preset as aligned text."""
    presets = {
        preset: RunConfig(**{**values, "preset": preset}) for preset, values in PRESETS.items()
    }
    lines = [f"  {'':<16}" + "".join(f"{preset:>16}" for preset in presets)]
    for name, setting in SETTINGS.items():
        if name not in NOT_IN_TABLE:
            texts = [_shown(getattr(config, name)) for config in presets.values()]
            lines.append(f"  {setting.name:<16}" + "".join(f"{text:>16}" for text in texts))
    return "\n".join(lines)


def _shown(value: object) -> str:
    """Return a value as it would be given."""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "-" if value is None else str(value)
