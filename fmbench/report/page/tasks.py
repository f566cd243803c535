"""A section for every task: what it is, how each policy did on it, and what its episodes show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from fmbench.report.outcomes import Solved, SummaryKey
from fmbench.report.page.commands import can_be_recorded, record_command, view_command
from fmbench.report.page.differing import (
    PolicyDifference,
    RecordedPair,
    differences,
    recorded_pairs,
)
from fmbench.report.page.episodes import playable, player_section, title_of
from fmbench.report.page.media import Media, PagePicture, PlayedEpisode
from fmbench.report.page.outcome_counts import (
    OUTCOMES,
    PolicyOutcomes,
    headlines,
    longest_episodes,
    outcomes_of_run,
)
from fmbench.report.page.runs import NamedRun
from fmbench.report.page.section import PageSection
from fmbench.report.page.shell import environment
from fmbench.report.page.template_files import template_text
from fmbench.storage.recordings import RECORDINGS_FOLDER, SUFFIX
from fmbench.storage.rows import REFERENCES

NOT_MADE = "Pictures and the episode player were not asked for."
MOST_PAIRS = 60
"""Most pairs of episodes that a task's section lists."""
MOST_DIFFERENCES = 100
"""Most pairs of policies that it lists."""
MOST_EPISODES = 100
"""Most recorded episodes that it lists, those with states in the page first."""
MOST_ROWS = 300
"""Most rows of its table of outcomes; the leaderboard has all of them."""


def task_sections(runs: Sequence[NamedRun], media: Media | None) -> list[PageSection]:
    """Return a section for every task of some runs, and the episode player; none without runs.

    Args:
        runs: The runs.
        media: What was made of their recordings; None if that was not asked for.
    """
    media = media or Media(reason=NOT_MADE)
    page = _Page(runs, media)
    by_task: dict[str, list[_OfRun]] = {}
    for run in runs:
        heads = headlines(run)
        outcomes = outcomes_of_run(run, heads, page.horizons)
        for task, policies in heads.items():
            found = _OfRun(run, outcomes[task], differences(_trained(run, policies)))
            by_task.setdefault(task, []).append(found)
    if not by_task:
        return []
    sections = [page.section(task, found) for task, found in by_task.items()]
    has_recordings = any(page.has_recordings.values())
    return [*sections, player_section(media, has_recordings)]


class _OfRun(NamedTuple):
    """What a run says about one task: how episodes ended, and where two policies differ."""

    run: NamedRun
    outcomes: list[PolicyOutcomes]
    differences: list[PolicyDifference]


class _Listed(NamedTuple):
    """An episode in a list: its title, its place in the player or -1, and how to open it."""

    title: str
    place: int
    command: str


class _Page:
    """What the sections of all tasks share.

    Args:
        runs: The runs.
        media: What was made for the page.
    """

    def __init__(self, runs: Sequence[NamedRun], media: Media) -> None:
        self.media = media
        self.folders = {run.name: str(run.folder) for run in runs}
        self.horizons = longest_episodes(runs)
        self.horizons |= {task: sheet.horizon for task, sheet in media.sheets.items()}
        self.playable = playable(media)
        self.places = {episode.key: place for place, episode in enumerate(self.playable)}
        self.pairs: dict[str, list[RecordedPair]] = {}
        for pair in recorded_pairs(self.playable):
            task = self.playable[pair.solved].facts.task
            self.pairs.setdefault(task, []).append(pair)
        self.has_recordings = {
            run.name: any((run.folder / RECORDINGS_FOLDER).glob(f"*{SUFFIX}")) for run in runs
        }
        self.names: set[str] = set()
        self.template = environment().get_template("task.html")

    def section(self, task: str, found: Sequence[_OfRun]) -> PageSection:
        """Return the section of one task, given what every run says about it."""
        is_first = not self.names
        sheet = self.media.sheets.get(task)
        several = len(found) > 1
        outcomes = _distinct([row for of_run in found for row in of_run.outcomes])
        differing = [(of_run.run.name, each) for of_run in found for each in of_run.differences]
        order = {row.policy: place for place, row in reversed(list(enumerate(outcomes)))}
        name = self._name(task)
        episodes = [each for each in self.media.episodes if each.facts.task == task]
        html = self.template.render(
            name=name,
            task=task,
            sheet=sheet,
            tier=_tier(sheet.is_sanity) if sheet else "",
            horizon=self.horizons[task],
            problem=self.media.reason or self.media.missing.get(task, ""),
            outcomes=outcomes[:MOST_ROWS],
            more_outcomes=max(0, len(outcomes) - MOST_ROWS),
            kinds=OUTCOMES,
            bar=bar,
            mode_names=_modes(sheet.modes if sheet else (), outcomes),
            several=several,
            pictures=sorted(self._pictures(task), key=lambda named: order.get(named[0], 0)),
            films=sorted(
                (each for each in episodes if each.film),
                key=lambda e: (order.get(e.facts.policy, 0), not e.facts.success),
            ),
            title_of=title_of,
            episodes=[self._listed(each, several) for each in episodes[:MOST_EPISODES]],
            recorded=len(episodes),
            differences=differing[:MOST_DIFFERENCES],
            more_differences=max(0, len(differing) - MOST_DIFFERENCES),
            pairs=self._pairs(task, several)[:MOST_PAIRS],
            more_pairs=max(0, len(self.pairs.get(task, ())) - MOST_PAIRS),
            unrecorded=[
                (run.name, record_command(run))
                for run, _, _ in found
                if not self.has_recordings[run.name] and can_be_recorded(run)
            ],
        )
        style = template_text("task.css") if is_first else ""
        return PageSection(name=name, title=task, html=Markup(html), style=style)

    def _name(self, task: str) -> str:
        """Return an identifier that no other section has."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", task).lower()
        base = "task-" + (re.sub(r"[^a-z0-9]+", "-", words).strip("-") or "other")
        name, k = base, 1
        while name in self.names:
            name, k = f"{base}-{k + 1}", k + 1
        self.names.add(name)
        return name

    def _pictures(self, task: str) -> list[tuple[str, PagePicture]]:
        """Return the contact sheets of a task, each with its policy, the expert's first."""
        return [(s.policy, p) for s, p in self.media.pictures.items() if s.task == task]

    def _listed(self, episode: PlayedEpisode, several: bool) -> _Listed:
        place = self.places.get(episode.key, -1)
        folder = self.folders.get(episode.run)
        command = view_command(episode, folder) if folder else ""
        return _Listed(title_of(episode, several), place, command)

    def _pairs(self, task: str, several: bool) -> list[dict[str, Any]]:
        """Return the pairs of a task, those of two trained policies first."""
        found = []
        for pair in self.pairs.get(task, ()):
            one, other = self.playable[pair.solved], self.playable[pair.failed]
            with_expert = "" in (one.run, other.run)
            found.append(
                {
                    "with_expert": with_expert,
                    "solved": pair.solved,
                    "failed": pair.failed,
                    "seed": one.facts.episode_seed,
                    "first": one.facts.policy,
                    "second": other.facts.policy,
                    "train_seed": max(one.facts.train_seed, other.facts.train_seed),
                    "run": (one.run or other.run) if several else "",
                }
            )
        return sorted(found, key=lambda each: each["with_expert"])


def bar(counts: Mapping[str, int]) -> list[tuple[str, float, float]]:
    """Return the parts of a bar of 100 units: outcome, start, width."""
    total, start, parts = max(1, sum(counts.values())), 0.0, []
    for kind, count in counts.items():
        width = 100 * count / total
        if count:
            parts.append((kind.replace(" ", "-"), round(start, 3), round(width, 3)))
        start += width
    return parts


def _tier(is_sanity: bool) -> str:
    if is_sanity:
        return "sanity check: regression, flow and diffusion all reach the expert here"
    return "ranking"


def _modes(known: Sequence[str], outcomes: Sequence[PolicyOutcomes]) -> list[str]:
    """Return the modes of a task, those of its class first."""
    return list(dict.fromkeys([*known, *(mode for each in outcomes for mode in each.modes)]))


def _distinct(outcomes: Sequence[PolicyOutcomes]) -> list[PolicyOutcomes]:
    """Return the rows of a table, those of expert and random once if several runs agree on them."""
    seen, kept = set[tuple[object, ...]](), []
    for row in outcomes:
        key = (row.policy, *row.counts.values(), *sorted(row.modes.items()))
        if row.policy not in REFERENCES or key not in seen:
            kept.append(row)
        seen.add(key)
    return kept


def _trained(run: NamedRun, policies: Mapping[str, SummaryKey]) -> dict[str, Solved]:
    """Return which episodes each trained policy of a run solved."""
    solved = run.results.outcomes.solved
    return {name: solved[key] for name, key in policies.items() if name not in REFERENCES}
