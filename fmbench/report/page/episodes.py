"""The section with the episode player: recorded episodes, stepped through in the browser."""

from __future__ import annotations

import dataclasses
from typing import Any

from markupsafe import Markup

from fmbench.report.page.media import Media, PlayedEpisode
from fmbench.report.page.section import PageSection
from fmbench.report.page.shell import environment
from fmbench.report.page.template_files import template_text
from fmbench.report.row_texts import sampler_label

NAME = "episodes"
SCRIPTS = ("films.js", "packing.js", "kinematics.js", "shapes.js", "drawing.js", "plot.js",
           "player.js")  # fmt: skip
"""The script of the section, in parts."""
MOST_UNREAD = 50
"""Most recordings that are left out of which the section says why."""


def playable(media: Media) -> list[PlayedEpisode]:
    """Return the episodes whose states are in the page, in the order of its script."""
    return [episode for episode in media.episodes if episode.states.packed]


def player_section(media: Media, has_recordings: bool = True) -> PageSection:
    """Return the section with the player.

    Args:
        media: What was made for the page.
        has_recordings: Whether any run has recordings, which then could not be drawn.
    """
    episodes = playable(media)
    why = "none could be drawn." if has_recordings else "none was recorded."
    html = (
        environment()
        .get_template("player.html")
        .render(
            count=len(episodes),
            left=len(media.episodes) - len(episodes),
            budget=f"{sum(len(each.states.packed) for each in episodes) / 1e6:.1f}",
            reason=media.reason or why,
            unread=list(media.unread.items())[:MOST_UNREAD],
            more_unread=max(0, len(media.unread) - MOST_UNREAD),
        )
    )
    tasks = dict.fromkeys(each.facts.task for each in episodes)
    return PageSection(
        name=NAME,
        title="Recorded episodes",
        html=Markup(html),
        style=template_text("player.css"),
        script="\n".join(template_text(name) for name in SCRIPTS),
        data={
            "episodes": [_entry(episode) for episode in episodes],
            "scenes": {task: media.scenes[task] for task in tasks},
            "meshes": dict(media.meshes) if episodes else {},
        },
    )


def title_of(episode: PlayedEpisode, several_runs: bool = True) -> str:
    """Return what an episode is, in one line without its task."""
    facts = episode.facts
    sampler = f" ({sampler_label(facts.sampler, facts.steps)})" if facts.sampler else ""
    seed = f", training seed {facts.train_seed}" if facts.train_seed >= 0 else ""
    run = f" [{episode.run}]" if episode.run and several_runs else ""
    outcome = "solved" if facts.success else "not solved"
    mode = f", mode {facts.mode}" if facts.mode else ""
    return (
        f"{facts.policy}{sampler}{seed}, episode {facts.episode_seed}: {outcome} after "
        f"{facts.length} control step{'s' * (facts.length != 1)}{mode}{run}"
    )


def _entry(episode: PlayedEpisode) -> dict[str, Any]:
    """Return an episode as the script reads it."""
    facts = episode.facts
    return {
        "task": facts.task,
        "title": title_of(episode),
        "length": facts.length,
        "period": facts.control_period_s,
        **dataclasses.asdict(episode.states),
    }
