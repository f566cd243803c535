"""The axes of `--perturb` in the help of commands."""

from envs.perturb.catalogue import AXES, level_text


def axes_help() -> str:
    """Return a line about every axis: its suggested levels and what they mean."""
    lines = []
    for axis, entry in AXES.items():
        levels = " ".join(level_text(axis, level).partition("=")[2] for level in entry.levels)
        lines.append(f"  {axis:<10} {levels:<16} {entry.text}")
    return "\n".join(lines)
