"""Recordings of episodes: of what the rows say, and drawn like the live episode."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.pictures.renderer import open_renderer
from envs.pictures.states import joined, picture_states, shown_memory
from envs.registry import make_expert, make_task, suite
from envs.world import World
from fmbench.config import RunConfig
from fmbench.errors import RunFailed
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.episodes import MOTION, episode_row, play
from fmbench.evaluation.films import recorded_states
from fmbench.evaluation.recording import record
from fmbench.harness.seeds import TEST
from fmbench.storage.recordings import (
    RecordedEpisode,
    RecordingFacts,
    read_recording,
    rounded,
    write_recording,
)

PIXELS, STEPS = 64, 12


def quiet(done: int) -> None:
    """Report nothing."""


@pytest.mark.parametrize("name", suite())
def test_recorded_states_are_drawn_like_the_live_ones(name: str, tmp_path: Path) -> None:
    """Some pixels at edges differ: states are rounded to 2^-14."""
    world = World(make_task(name), 1)
    task, row, expert = world.task, world.all_rows, make_expert(world)
    world.reset(row, np.array([TEST + 1]))
    expert.reset(row, np.array([TEST + 1]))
    live = [picture_states(world, row)]
    for _ in range(STEPS):
        actions, _ = expert.act(row, world.observe(row)[:, None])
        world.step(row, actions[:, 0])
        live.append(picture_states(world, row))
    states = joined(live)
    memory = {k: v.astype(np.float32) for k, v in shown_memory(task, states.memory).items()}
    values = (name, task.version, "0" * 64, 2, TEST + 1, "expert", "", 0, -1, "", False, STEPS)
    facts = RecordingFacts(*values, nfe=0.0, mode="", control_period_s=task.control_period_s)
    actions = np.zeros((STEPS, task.act_dim), np.float16)
    write_recording(
        tmp_path / "a.npz", RecordedEpisode(facts, rounded(states.qpos), actions, memory)
    )
    read = recorded_states(read_recording(tmp_path / "a.npz"))
    renderer = open_renderer(task, ("main",), PIXELS, "rays")
    at = np.array([0, STEPS])
    expected, drawn = (renderer.draw(each.rows(at)).astype(int) for each in (states, read))
    renderer.close()
    differs = np.abs(expected - drawn).max(axis=-1)
    assert differs.mean() < 0.2
    assert (differs > 8).mean() < 0.001
    assert np.abs(expected[0] - expected[-1]).max() > 30, "the episode is seen to go on"


def test_episodes_of_a_batch_are_those_of_each_alone() -> None:
    cell, config = Cell("PressEither", "random"), RunConfig(task=("PressEither",))
    episodes = play(cell, config, None, np.arange(TEST, TEST + 3), quiet, None)
    rows = [episode_row(episode, cell) for episode in episodes]
    together = record(cell, config, None, rows, "")
    for row, recording in zip(rows, together, strict=True):
        (alone,) = record(cell, config, None, [row], "")
        assert alone.facts == recording.facts
        np.testing.assert_array_equal(alone.state, recording.state)
        np.testing.assert_array_equal(alone.action, recording.action)
        assert len(alone.state) == row.length + 1


def test_an_episode_of_a_row_without_later_columns_is_recorded() -> None:
    cell, config = Cell("PressEither", "expert"), RunConfig(task=("PressEither",))
    (episode,) = play(cell, config, None, np.array([TEST]), quiet, None)
    row = episode_row(episode, cell)
    assert (row.stage, row.drops) == ("held", None)
    assert 1.0 < (row.peak_contact_force or 0.0) < 10.0
    older = replace(row, jerk=None, peak_contact_force=None, stage="", stages_reached=None)
    (recording,) = record(cell, config, None, [older], "")
    assert len(recording.state) == row.length + 1
    with pytest.raises(RunFailed, match=r"does not repeat here \(stage: lifted there, held now"):
        record(cell, config, None, [replace(row, stage="lifted")], "")


def test_motion_has_three_digits_and_an_earlier_row_with_more_is_recorded() -> None:
    cell, config = Cell("PressEither", "expert"), RunConfig(task=("PressEither",))
    (episode,) = play(cell, config, None, np.array([TEST]), quiet, None)
    row = episode_row(episode, cell)
    for name in MOTION:
        value, short = getattr(episode, name), getattr(row, name)
        if value is None:
            assert short is None
        else:
            assert short == pytest.approx(value, rel=0.006)
            assert short == float(f"{short:.3g}")
            assert short != value
    earlier = replace(row, **{name: getattr(episode, name) for name in MOTION})
    (recording,) = record(cell, config, None, [earlier], "")
    assert len(recording.state) == row.length + 1


def test_an_episode_that_ends_otherwise_than_its_row_is_not_recorded() -> None:
    cell, config = Cell("PressEither", "expert"), RunConfig(task=("PressEither",))
    (episode,) = play(cell, config, None, np.array([TEST]), quiet, None)
    row = episode_row(episode, cell)
    wrong = replace(row, success=False, success_end=False, time_to_success_s=None)
    with pytest.raises(RunFailed, match=r"does not repeat here \(success: false there, true now; "):
        record(cell, config, None, [wrong], "")
