"""Commands that make what a page lacks: recordings of a run, a look at one of its episodes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from fmbench.report.page.media import PlayedEpisode
from fmbench.report.page.runs import NamedRun

RECORDED = 2
"""Successes and failures of each policy that the command records."""


def can_be_recorded(run: NamedRun) -> bool:
    """Return whether its command takes `--record`; an evaluation of what was trained does not."""
    facts = run.results.run
    return facts.outside is None and facts.rescores is None


def record_command(run: NamedRun) -> str:
    """Return the command that records episodes of a run, or "" if its file states none."""
    words = shlex.split(run.results.run.command)
    if not words:
        return ""
    words = _without(words, "--record")
    if "--out" not in words and not any(word.startswith("--out=") for word in words):
        words += ["--out", str(run.folder)]
    return shlex.join([*words, "--record", str(RECORDED)])


def view_command(episode: PlayedEpisode, folder: str) -> str:
    """Return the command that opens a recorded episode.

    Args:
        episode: The episode.
        folder: The folder of its run.
    """
    facts = episode.facts
    words = ["python", "-m", "fmbench.view", folder, "--episode", str(facts.episode_seed),
             "--task", facts.task, "--policy", facts.policy]  # fmt: skip
    if facts.train_seed >= 0:
        words += ["--train-seed", str(facts.train_seed)]
    return shlex.join(words)


def _without(words: Sequence[str], flag: str) -> list[str]:
    """Return a command line without a flag and its value."""
    kept, skip = [], False
    for word in words:
        if not skip and word != flag and not word.startswith(f"{flag}="):
            kept.append(word)
        skip = not skip and word == flag
    return kept
