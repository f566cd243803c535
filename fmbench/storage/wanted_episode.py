"""One episode of a run that is asked for, found among its recordings or its rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from fmbench.errors import FmbenchError
from fmbench.storage.recordings import (
    RECORDINGS_FOLDER,
    SUFFIX,
    RecordedEpisode,
    read_recording,
)

MOST_LISTED = 8


class OneEpisode(Protocol):
    """What identifies an episode, as the facts of a recording and a row have it."""

    @property
    def task(self) -> str:
        """Its task."""

    @property
    def policy(self) -> str:
        """Its policy."""

    @property
    def train_seed(self) -> int:
        """The training seed of that; -1 where nothing is trained."""

    @property
    def episode_seed(self) -> int:
        """Its own seed."""


E = TypeVar("E", bound=OneEpisode)


@dataclasses.dataclass(frozen=True)
class WantedEpisode:
    """The episode that is asked for; what is None may be anything.

    Attributes:
        episode_seed: Its seed.
        task: Its task.
        policy: Its policy.
        train_seed: The training seed of that.
    """

    episode_seed: int
    task: str | None = None
    policy: str | None = None
    train_seed: int | None = None

    def among(self, episodes: Iterable[E]) -> list[E]:
        """Return those of some episodes that may be it."""
        asked = {name: value for name, value in vars(self).items() if value is not None}
        return [
            each
            for each in episodes
            if all(getattr(each, name) == value for name, value in asked.items())
        ]

    def only(self, episodes: Sequence[E], where: str) -> E:
        """Return the only one of some episodes.

        Args:
            episodes: One or more, each of which may be it.
            where: Where they are, for the message.

        Raises:
            FmbenchError: There are several; the message lists them and names the flags to choose.
        """
        if len(episodes) == 1:
            return episodes[0]
        differ = _deciding(episodes)
        texts = list(dict.fromkeys(_text(each, differ) for each in episodes))
        more = f" and {len(texts) - MOST_LISTED} more" if len(texts) > MOST_LISTED else ""
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in differ)
        raise FmbenchError(
            f"{where} has episode {self.episode_seed} {len(episodes)} times: "
            f"{', '.join(texts[:MOST_LISTED])}{more}; choose one by {flags}"
        )

    def __str__(self) -> str:
        words = [f"episode {self.episode_seed}"]
        words += [self.task] if self.task else []
        words += [self.policy] if self.policy else []
        words += [] if self.train_seed is None else [f"training seed {self.train_seed}"]
        return ", ".join(words)


def find_recording(folder: Path, wanted: WantedEpisode) -> tuple[Path, RecordedEpisode] | None:
    """Return the recording of an episode of a run; None if there is none.

    Args:
        folder: The folder of the run.
        wanted: The episode.

    Raises:
        FmbenchError: There are several, or one is damaged.
    """
    paths = sorted((folder / RECORDINGS_FOLDER).glob(f"*{SUFFIX}"))
    # The name of a file is free; those whose names end otherwise are read after the others.
    end = f"-episode{wanted.episode_seed}{SUFFIX}"
    for chosen in ([p for p in paths if p.name.endswith(end)], paths):
        read = {path: read_recording(path) for path in chosen}
        if found := wanted.among([each.facts for each in read.values()]):
            facts = wanted.only(found, str(folder / RECORDINGS_FOLDER))
            return next((path, each) for path, each in read.items() if each.facts is facts)
    return None


def _deciding(episodes: Sequence[OneEpisode]) -> list[str]:
    """Return what tells some episodes apart, as little as is enough."""
    names = ("task", "policy", "train_seed")
    varied = [n for n in names if len({getattr(each, n) for each in episodes}) > 1]
    for k in range(1, len(varied)):
        if len({tuple(getattr(e, n) for n in varied[:k]) for e in episodes}) == len(episodes):
            return varied[:k]
    return varied


def _text(episode: OneEpisode, names: Sequence[str]) -> str:
    values = {name: getattr(episode, name) for name in names}
    words = [str(value) for name, value in values.items() if name != "train_seed"]
    seed = values.get("train_seed", -1)
    return " ".join([*words, f"seed {seed}"] if seed >= 0 else words)
