"""Sections of tasks: what they count, name and escape."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fmbench.report.outcomes import CELL, Solved
from fmbench.report.page import episodes as player_episodes
from fmbench.report.page import tasks
from fmbench.report.page.commands import record_command, view_command
from fmbench.report.page.differing import (
    PolicyDifference,
    RecordedPair,
    differences,
    recorded_pairs,
)
from fmbench.report.page.episodes import title_of
from fmbench.report.page.media import Media, PagePicture, Shown
from fmbench.report.page.outcome_counts import OUTCOMES, headlines, outcome_kinds, outcomes_of_run
from fmbench.report.page.runs import NamedRun
from fmbench.report.page.shell import render_page
from fmbench.report.page.tasks import MOST_PAIRS, NOT_MADE, bar, task_sections
from tests.fmbench.report.page.played import SHEET, named_run, played


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> NamedRun:
    folder = tmp_path_factory.mktemp("runs") / "one"
    return named_run(folder, tasks=("LiftTwo", "Lift"), episodes=12)


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_every_task_has_a_section_and_the_player_comes_last(run: NamedRun) -> None:
    sections = task_sections([run], None)
    assert [(each.name, each.title) for each in sections] == [
        ("task-lift-two", "LiftTwo"),
        ("task-lift", "Lift"),
        ("episodes", "Recorded episodes"),
    ]
    assert [bool(each.style) for each in sections] == [True, False, True]
    for each in sections:
        assert NOT_MADE in text_of(each.html)
    assert task_sections([], None) == []


def test_sections_of_tasks_with_like_names_have_names_of_their_own(tmp_path: Path) -> None:
    run = named_run(tmp_path, tasks=("My Lift", "My-Lift", "éé"), episodes=2)
    names = [each.name for each in task_sections([run], None)]
    assert names == ["task-my-lift", "task-my-lift-2", "task-other", "episodes"]


def test_episodes_are_counted_by_how_they_ended(run: NamedRun) -> None:
    rows = pd.DataFrame(
        {
            "error": ["", "", "", "", "x"],
            "sim_unstable": [False, False, False, True, True],
            "success": [True, False, False, False, False],
            "length": [10, 99, 100, 100, 100],
        }
    )
    kinds = [OUTCOMES[k] for k in outcome_kinds(rows, horizon=100)]
    assert kinds == ["solved", "failed", "timed out", "unstable", "error"]
    assert bar({"solved": 3, "timed out": 0, "failed": 1}) == [
        ("solved", 0.0, 75.0),
        ("failed", 75.0, 25.0),
    ]
    assert bar({"solved": 0}) == []
    heads = headlines(run)
    assert {task: list(policies) for task, policies in heads.items()} == {
        task: ["expert", "random", "flow", "diffusion", "bc"] for task in ("LiftTwo", "Lift")
    }
    rows = run.results.episodes
    found = outcomes_of_run(run, heads, {"LiftTwo": 90, "Lift": 1000})
    for task, each in ((task, each) for task, of_task in found.items() for each in of_task):
        key = heads[task][each.policy]
        own = rows[(rows[CELL] == list(key)).all(axis=1)]
        failures = own[~own["success"].astype(bool)]
        in_time = failures["length"] < {"LiftTwo": 90, "Lift": 1000}[task]
        assert each.episodes == 12
        assert [each.counts[name] for name in OUTCOMES] == [
            12 - len(failures), int((~in_time).sum()), int(in_time.sum()), 0, 0
        ]  # fmt: skip
    section = task_sections([run], None)[1]
    solved = found["Lift"][2].counts["solved"]
    assert f'<td class="number">12</td><td class="number">{solved}</td>' in section.html


def test_references_are_shown_once_and_long_tables_are_cut(
    run: NamedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = dataclasses.replace(run, name="two")

    def policies() -> list[str]:
        html = task_sections([run, again], None)[1].html
        table = html.partition('<table class="outcomes">')[2].partition("</table>")[0]
        return re.findall(r'<th scope="row">([^<]*)</th>', table)

    names = ["flow", "diffusion", "bc"]
    assert policies() == ["expert", "random", *names, *names]
    monkeypatch.setattr(tasks, "MOST_ROWS", 3)
    assert policies() == ["expert", "random", "flow"]
    assert "5 more rows are in the leaderboard" in task_sections([run, again], None)[1].html
    monkeypatch.setattr(tasks, "MOST_EPISODES", 2)
    media = Media(episodes=tuple(played("bc", k) for k in range(5)), scenes={"Lift": "AAAA"})
    html = task_sections([run], media)[1].html
    assert "Recorded episodes of Lift (5)" in html
    assert "3 more are in the folders" in html


def test_modes_are_counted_those_that_nobody_took_too(run: NamedRun) -> None:
    html = task_sections([run], Media(sheets={"LiftTwo": SHEET}))[0].html
    row = next(line for line in html.splitlines() if "Modes taken" in line)
    assert row
    rows = run.results.episodes
    counts = rows["mode"][(rows["task"] == "LiftTwo") & (rows["policy"] == "bc")].value_counts()
    assert f"left {counts['left']}, right {counts['right']}" in text_of(html)
    sheet = dataclasses.replace(SHEET, modes=("left", "right", "over"))
    assert "over 0" in text_of(task_sections([run], Media(sheets={"LiftTwo": sheet}))[0].html)


def test_the_data_sheet_is_shown_and_every_text_escaped(run: NamedRun) -> None:
    evil = dataclasses.replace(run, name="<script>alert(1)</script>")
    media = Media(
        sheets={"Lift": SHEET},
        pictures={Shown("Lift", "flow"): PagePicture("f/a.webp", "<i>8</i>", 8, 1, 9)},
        episodes=(played(run=evil.name),),
        scenes={"Lift": "AAAA"},
        missing={"LiftTwo": "<u>no</u> model"},
    )
    sections = task_sections([run, evil], media)
    two, lift, player = sections
    assert "sanity check" in lift.html
    assert "150 control steps of 40 ms (6 s)" in lift.html
    assert "Lift &lt;b&gt;it&lt;/b&gt;." in lift.html
    assert 'alt="&lt;i&gt;8&lt;/i&gt;" width="8" height="1" loading="lazy"' in lift.html
    assert "&lt;u&gt;no&lt;/u&gt; model" in two.html
    assert "data-play" not in two.html
    page = render_page("x", sections)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert player.data["episodes"][0]["title"].endswith("[<script>alert(1)</script>]")


def test_only_pictures_beside_the_page_wait_until_the_reader_comes_near(run: NamedRun) -> None:
    """A browser prints none of those that wait."""
    for address, waits in (("data:image/webp;base64,AA", False), ("f/a.webp", True)):
        pictures = {Shown("Lift", "flow"): PagePicture(address, "Lift", 8, 1, 9)}
        html = str(task_sections([run], Media(sheets={"Lift": SHEET}, pictures=pictures))[1].html)
        assert (address in html, 'loading="lazy"' in html) == (True, waits)


def test_samplers_are_named_as_in_the_leaderboard(run: NamedRun) -> None:
    html = str(task_sections([run], None)[1].html)
    assert "<td>direct</td>" in html
    episode = played("bc")
    facts = dataclasses.replace(episode.facts, sampler="direct", steps=1, length=1)
    title = title_of(dataclasses.replace(episode, facts=facts))
    assert "bc (direct)" in title
    assert "after 1 control step [" in title


def test_recordings_that_are_left_out_are_named_with_the_reason(
    run: NamedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player_episodes, "MOST_UNREAD", 2)
    unread = {f"one: {k}.npz": f"{k}.npz is no <i>recording</i>" for k in range(3)}
    media_of_one = Media(unread=unread, episodes=(played("bc"),), scenes={"Lift": "AAAA"})
    for media in (Media(unread=unread), media_of_one):
        html = task_sections([run], media)[-1].html
        assert "Recordings that are left out (3)" in html
        assert "one: 1.npz: 1.npz is no &lt;i&gt;recording&lt;/i&gt;" in html
        assert "2.npz" not in html
        assert "1 more are left out" in html
    assert "left out (" not in task_sections([run], Media())[-1].html


def test_policies_are_compared_on_common_episodes() -> None:
    def rows(episodes: list[int], success: list[bool]) -> Solved:
        return Solved(np.array(episodes), np.array(success))

    found = differences(
        {
            "a": rows([1, 2, 3, 4], [True, True, False, False]),
            "b": rows([2, 3, 4], [False, True, True]),
            "c": rows([1, 2], [True, True]),
        }
    )
    assert found == [PolicyDifference("a", "b", 1, 2, 3), PolicyDifference("b", "c", 0, 1, 1)]


def test_recorded_pairs_begin_alike_and_end_differently() -> None:
    episodes = [
        played("flow", 1, True),
        played("bc", 1, False),
        played("bc", 2, False),
        played("bc", 1, False, train_seed=1),
        played("bc", 1, False, run="two"),
        played("bc", 1, False, task="Other"),
        played("expert", 1, True, run="", train_seed=-1),
        played("flow", 2, False),
    ]
    assert recorded_pairs(episodes) == [
        RecordedPair(0, 1),
        RecordedPair(6, 1),
        RecordedPair(6, 3),
        RecordedPair(6, 4),
    ]


def test_pairs_and_episodes_lead_to_the_player(
    run: NamedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "MOST_EPISODES", 1000)
    flow = [played("flow", k) for k in range(MOST_PAIRS + 2)]
    bc = [played("bc", k, False) for k in range(MOST_PAIRS + 2)]
    listed = played("diffusion", 7, packed="")
    media = Media(episodes=(*flow, *bc, listed), scenes={"Lift": "AAAA"})
    _, lift, player = task_sections([run], media)
    assert lift.html.count("data-beside=") == MOST_PAIRS
    assert f'data-play="0" data-beside="{len(flow)}"' in lift.html
    assert "2 more pairs" in lift.html
    assert "diffusion, training seed 0, episode 7: solved after 3 control steps" in lift.html
    assert f'data-play="{len(flow) + len(bc)}"' not in lift.html
    assert len(player.data["episodes"]) == len(flow) + len(bc)
    assert "1 more\nis recorded but left out" in player.html


def test_films_and_pictures_are_in_the_order_of_tables_successes_first(run: NamedRun) -> None:
    picture = PagePicture("f/a.webp", "text", 8, 1, 9)
    episodes = [
        dataclasses.replace(played(policy, 1, success), film=picture)
        for policy, success in (("bc", False), ("bc", True), ("flow", False), ("expert", True))
    ]
    pictures = {Shown("Lift", policy): picture for policy in ("bc", "flow", "expert")}
    media = Media(episodes=tuple(episodes), pictures=pictures, scenes={"Lift": "AAAA"})
    html = task_sections([run], media)[1].html
    assert re.findall(r"Film: (\w+, \w+)", html) == [
        "expert, success", "flow, failure", "bc, success", "bc, failure",
    ]  # fmt: skip
    assert re.findall(r'aria-label="Pictures of (\w+)', html) == ["expert", "flow", "bc"]


def test_commands_that_record_and_open_an_episode(run: NamedRun) -> None:
    def command(words: str) -> str:
        facts = dataclasses.replace(run.results.run, command=words)
        results = dataclasses.replace(run.results, run=facts)
        return record_command(NamedRun("one", Path("my runs/one"), results))

    assert command("") == ""
    assert command("python -m fmbench.run --out a --record 5 --seeds 2") == (
        "python -m fmbench.run --out a --seeds 2 --record 2"
    )
    assert command("python -m fmbench.run --record=1") == (
        "python -m fmbench.run --out 'my runs/one' --record 2"
    )
    assert view_command(played("bc", 7, train_seed=1), "my runs/one") == (
        "python -m fmbench.view 'my runs/one' --episode 7 --task Lift --policy bc --train-seed 1"
    )
    assert view_command(played("expert", 7, train_seed=-1), "a") == (
        "python -m fmbench.view a --episode 7 --task Lift --policy expert"
    )
    html = task_sections([run], Media())[1].html
    assert "its files state no command" in html
    for evaluated in ({"outside": {"library": "other"}}, {"rescores": {"run": "one"}}):
        facts = dataclasses.replace(run.results.run, **evaluated)
        results = dataclasses.replace(run.results, run=facts)
        html = task_sections([dataclasses.replace(run, results=results)], Media())[1].html
        assert "Runs without recordings" not in html
