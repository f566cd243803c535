"""Flags of the commands, most of them derived from the fields of `RunConfig`."""

import argparse
from pathlib import Path
from typing import Any

from envs.on_hands import HANDS
from envs.registry import TASKS
from fmbench.cli.parser import Parser, given_path
from fmbench.cli.task_names import choose_tasks
from fmbench.config import AFTER, FLAGS, PRESETS, RunConfig, make_config
from fmbench.errors import FmbenchError

Place = argparse.ArgumentParser | argparse._ArgumentGroup
"""What flags can be added to: a parser, or a group of its help."""
DEFAULT_DATA = Path("data")
NOT_IN_TABLE = ("task", "policy", "preset", "from_run", "demonstrations")


def add_config_flags(parser: Parser) -> dict[str, argparse._ArgumentGroup]:
    """Add a flag for every field with which a run is started; return the help's groups by title."""
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name, flag in FLAGS.items():
        if flag.group == AFTER:
            continue
        if flag.group not in groups:
            groups[flag.group] = parser.add_argument_group(flag.group)
        add_config_flag(groups[flag.group], name)
    return groups


def add_config_flag(
    place: Place, name: str, given_by: str = "", text: str = "", default: Any = None
) -> None:
    """Add the flag of one field of `RunConfig`.

    Args:
        place: The parser, or a group of its help.
        name: The field.
        given_by: The flag; "" for the field's own.
        text: The help text; "" for the field's own.
        default: Value if the flag is absent; None for the preset's.
    """
    flag = FLAGS[name]
    choices = TASKS if name == "task" else flag.choices
    place.add_argument(
        given_by or flag.name,
        dest=name,
        type=flag.kind,
        nargs="+" if flag.is_several else None,
        metavar=flag.metavar,
        default=default,
        help=(text or flag.help).format(
            choices=", ".join(choices), default=_shown(getattr(RunConfig, name))
        ),
    )
    if name == "task":
        hands = ", ".join(HANDS)
        place.add_argument("--hand", help=f"do the tasks with this hand: {hands}", metavar="NAME")


def unchecked_values(options: argparse.Namespace) -> dict[str, Any]:
    """Return the values of the fields of `RunConfig` as they stand on the command line."""
    values: dict[str, Any] = {}
    for name, flag in FLAGS.items():
        if (value := getattr(options, name, None)) is not None:
            values[name] = tuple(value) if flag.is_several else value
    return values


def given_values(options: argparse.Namespace) -> dict[str, Any]:
    """Return the values of the fields of `RunConfig` on the command line, tasks resolved."""
    values, hand = unchecked_values(options), getattr(options, "hand", None)
    if hand is not None and "task" not in values:
        raise FmbenchError(f"--hand is {hand}, but --task is missing; give the tasks to do with it")
    return values | ({"task": choose_tasks(values["task"], hand)} if "task" in values else {})


def given_config(options: argparse.Namespace, **flags: str) -> RunConfig:
    """Return the validated configuration of a command line.

    Args:
        options: The parsed command line.
        flags: Field name to its flag in messages, where it is not the field's own.
    """
    values = given_values(options)
    return make_config(values.pop("preset", RunConfig.preset), values, tuple(TASKS), flags)


def add_out(place: Place, text: str, required: bool = False) -> None:
    """Add `--out`, the folder that a command writes to."""
    place.add_argument("--out", type=given_path, required=required, metavar="DIR", help=text)


def add_data(place: Place) -> None:
    """Add `--data`, the folder of all demonstrations."""
    place.add_argument(
        "--data",
        type=given_path,
        default=DEFAULT_DATA,
        metavar="DIR",
        help="folder of demonstrations",
    )


def add_accept_changes(place: Place) -> None:
    """Add `--accept-changes`, for a run that other code has started."""
    place.add_argument(
        "--accept-changes",
        action="store_true",
        help="resume a run that other code or packages have started; rows, tables and figures "
        "then state that several versions made them",
    )


def add_no_latency(place: Place) -> None:
    """Add `--no-latency`."""
    text = "do not measure latency, e.g. on a machine that is busy with other work"
    place.add_argument("--no-latency", action="store_true", help=text)


def add_plugin(parser: Parser) -> None:
    """Add `--plugin`, a flag of every command; `fmbench.cli.plugin_files` reads it."""
    parser.add_argument(
        "--plugin",
        action="append",
        metavar="FILE",
        help="Python file that registers tasks, policies, backbones, encoders or axes; may be "
        "repeated",
    )


def add_debug(parser: Parser) -> None:
    """Add `--debug`, a flag of every command."""
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def preset_table() -> str:
    """Return the presets' values as an aligned text table."""
    presets = {
        preset: RunConfig(**{**values, "preset": preset}) for preset, values in PRESETS.items()
    }
    lines = [f"  {'':<16}" + "".join(f"{preset:>16}" for preset in presets)]
    for name, flag in FLAGS.items():
        if name not in NOT_IN_TABLE and flag.group != AFTER:
            texts = [_shown(getattr(config, name)) for config in presets.values()]
            lines.append(f"  {flag.name:<16}" + "".join(f"{text:>16}" for text in texts))
    return "\n".join(lines)


def _shown(value: object) -> str:
    """Return a value as written on the command line."""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "-" if value is None else str(value)
