"""The words of `--perturb`: axes of disturbance with their levels."""

from collections.abc import Sequence

from envs.perturb.catalogue import AXES, level_text
from fmbench.errors import FmbenchError, shown, unknown

FLAG = "--perturb"


def read_disturbances(words: Sequence[str]) -> tuple[str, ...]:
    """Return the settings that `--perturb` names, each as rows have it, in the given order.

    Args:
        words: Words such as `mass=2` or `hidden=on`.

    Raises:
        FmbenchError: A word is malformed, an axis is unknown, a level is out of range, or the same
            setting is given twice.
    """
    settings: dict[str, str] = {}
    for word in words:
        text = _read(word)
        if text in settings:
            raise FmbenchError(
                f"{FLAG} has {shown(settings[text])} and {shown(word)}, which are the same; give "
                "each setting once"
            )
        settings[text] = word
    return tuple(settings)


def _read(word: str) -> str:
    axis, equals, level = word.partition("=")
    if not (axis and equals and level):
        raise FmbenchError(f"{FLAG} is {shown(word)}; give AXIS=LEVEL, e.g. mass=2; see --help")
    if axis not in AXES:
        raise unknown("axis", axis, AXES)
    entry = AXES[axis]
    value = {"on": 1.0}.get(level) if entry.is_switch else _number(level)
    if value is None or not entry.accepts(value):
        raise FmbenchError(f"{FLAG} is {shown(word)}; {axis} takes {entry.accepted}")
    return level_text(axis, value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
