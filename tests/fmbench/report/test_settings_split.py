"""Rows of other settings are split off: no table of plain rows contains them."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from fmbench.report.results import read_results
from fmbench.report.settings_split import PLAIN, Setting, plain_rows, split_settings
from fmbench.report.summary import frame
from fmbench.storage.rows import EpisodeRow
from tests.fmbench.fake_run import make_rows, write_episode_rows

HEAVY, LATE = Setting(perturb="mass=2"), Setting(delay=4, execution="rtc")


def disturbed(rows: list[EpisodeRow], setting: Setting) -> list[EpisodeRow]:
    return [
        dataclasses.replace(row, **setting._asdict(), success=False, time_to_success_s=None)
        for row in rows
    ]


def test_every_row_is_in_the_part_of_its_setting_and_in_order() -> None:
    plain = make_rows(episodes=3)[0]
    heavy, late = disturbed(plain[:5], HEAVY), disturbed(plain[3:4], LATE)
    mixed = frame([*heavy[:2], *plain[:4], *late, *heavy[2:], *plain[4:]], EpisodeRow)
    split = split_settings(mixed)
    assert list(split) == [PLAIN, HEAVY, LATE]
    for setting, rows in ((PLAIN, plain), (HEAVY, heavy), (LATE, late)):
        assert [*split[setting].index] == [*range(len(rows))]
        kept = zip(split[setting]["policy"], split[setting]["episode_seed"], strict=True)
        assert [*kept] == [(row.policy, row.episode_seed) for row in rows]
        assert (split[setting][list(EpisodeRow.setting)] == list(setting)).all(axis=None)
    pd.testing.assert_frame_equal(plain_rows(mixed), split[PLAIN])
    assert list(split_settings(frame([], EpisodeRow))) == [PLAIN]


def test_the_tables_of_a_run_are_those_of_its_plain_rows(tmp_path: Path) -> None:
    plain = make_rows(episodes=6)[0]
    write_episode_rows(tmp_path / "plain", plain)
    write_episode_rows(tmp_path / "both", [*plain, *disturbed(plain, HEAVY)])
    alone, both = read_results(tmp_path / "plain"), read_results(tmp_path / "both")
    assert list(both.settings) == [HEAVY]
    assert len(both.settings[HEAVY]) == len(plain)
    assert both.summary["success_rate"].max() > 0
    for name in ("episodes", "summary", "comparisons"):
        pd.testing.assert_frame_equal(getattr(alone, name), getattr(both, name))
    assert both.warnings == alone.warnings


def test_a_setting_has_the_fields_that_rows_have() -> None:
    assert Setting._fields == EpisodeRow.setting
    row = dataclasses.replace(make_rows(episodes=1)[0][0])
    assert Setting(*(getattr(row, name) for name in EpisodeRow.setting)) == PLAIN
    with pytest.raises(KeyError):
        split_settings(frame([row], EpisodeRow))[HEAVY]
