"""Error texts in rows: whatever a policy says, every reader of the rows can read it again."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from envs.registry import make_task
from envs.world import World
from fmbench.config import RunConfig
from fmbench.evaluation import episodes
from fmbench.evaluation.cells import Cell, Origin
from fmbench.evaluation.error_text import MAX_CHARACTERS, error_text
from fmbench.evaluation.players import Player
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.row_values import neutralise
from fmbench.storage.rows import EpisodeRow
from tests.fmbench.fake_run import make_rows

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

NASTY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\0\r\n\t\v\f\x1b\x7f\x85\u2028\u202e\ud800\udfff'\"=+-@,;| $\\<🙂"),
    )
)
(ROW, *_), _, _ = make_rows(episodes=1)


def check_round_trip(message: str, path: Path) -> None:
    """Check that the row of a message is read as it was written, by csv and pandas too."""
    row = dataclasses.replace(ROW, error=error_text(message))
    write_rows(path, [row], EpisodeRow)
    assert [again.error for again in read_rows(path, EpisodeRow)] == [row.error]
    cell = neutralise(row.error)
    with path.open(newline="", encoding="utf-8") as file:
        assert [line["error"] for line in csv.DictReader(file)] == [cell]
    assert list(pd.read_csv(path, dtype=str, keep_default_na=False)["error"]) == [cell]
    assert len(pd.read_csv(path)) == 1
    assert not cell.startswith(("=", "+", "-", "@"))


@hypothesis.settings(max_examples=200)
@hypothesis.given(NASTY)
def test_any_message_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, message: str
) -> None:
    path = tmp_path_factory.mktemp("rows") / "episodes.csv"
    check_round_trip(message, path)
    text = error_text(message)
    assert text.isprintable()
    assert len(text) <= MAX_CHARACTERS
    assert error_text(text) == text


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("ValueError: first\r\n\tsecond \x00 line ", "ValueError: first second \\x00 line"),
        ("lone \ud800, escape \x1b[31m", "lone \\ud800, escape \\x1b[31m"),
        ("größer 🙂", "größer 🙂"),
        ("", ""),
        ("x" * MAX_CHARACTERS, "x" * MAX_CHARACTERS),
    ],
)
def test_control_characters_are_escaped_and_the_rest_is_kept(message: str, text: str) -> None:
    assert error_text(message) == text


@pytest.mark.parametrize("length", [MAX_CHARACTERS + 1, 200_000, 1_000_000])
def test_a_long_message_says_how_much_was_cut(length: int, tmp_path: Path) -> None:
    text = error_text("x" * length)
    kept = text.count("x")
    assert text == "x" * kept + f"… ({length - kept} more characters)"
    assert MAX_CHARACTERS - 8 < len(text) <= MAX_CHARACTERS
    check_round_trip("x" * length, tmp_path / "episodes.csv")


class Shouting:
    """A policy that raises an exception with a message no CSV reader accepts."""

    obs_horizon, exec_horizon = 2, 8

    def reset(self, rows: object, episode_seeds: object) -> None:
        pass

    def act(self, rows: object, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise RuntimeError("=1+1\0\n\ud800" + "x" * 200_000)


def test_the_row_of_a_failed_episode_has_the_short_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = Player(World(make_task("ReachPose"), 2), Shouting())
    monkeypatch.setattr(episodes, "_player", lambda *_: player)
    config = RunConfig(task=("ReachPose",), episodes=2)
    cell = Cell("ReachPose", "shouting", "direct", 1, 0)
    made = episodes.evaluate(cell, config, Origin(), None, lambda _: None)
    path = tmp_path / "episodes.csv"
    write_rows(path, made.rows, EpisodeRow)
    for row in read_rows(path, EpisodeRow):
        assert row.error.startswith("RuntimeError: =1+1\\x00 \\ud800xxx")
        assert row.error.endswith(" more characters)")
        assert (row.success, row.decisions) == (False, 0)
