"""AdroitPen: failure, goals, the expert's table and its search."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gymnasium_robotics")

from envs.adroit import pen_search
from envs.adroit.pen_expert import MOVE_STEPS, AdroitPenExpert, cell_of, movements
from envs.adroit.pen_task import (
    DROPPED_Z_M,
    AdroitPen,
    goal_quat,
)
from envs.episode_streams import episode_generator
from envs.registry import make_task
from envs.world import World


@pytest.fixture(scope="module")
def task() -> AdroitPen:
    task = make_task("AdroitPen")
    assert isinstance(task, AdroitPen)
    return task


def test_a_dropped_pen_fails(task: AdroitPen) -> None:
    world = World(task, 1, 1)
    world.reset(world.all_rows, np.array([3]))
    for height, is_lost in ((DROPPED_Z_M - 1e-6, True), (DROPPED_Z_M + 1e-6, False)):
        world.memory["pen"][0, 2] = height
        assert task.score(world.view(world.all_rows)).failed.tolist() == [is_lost]


def test_goals_are_turned_as_published(task: AdroitPen) -> None:
    from gymnasium_robotics.utils.rotations import euler2quat

    starts = [task.draw_start(episode_generator(task, seed, "start")) for seed in range(300)]
    quats = np.array([start.memory["goal_wxyz"] for start in starts])
    angles = 2.0 * np.arctan2(quats[:, 1:3], quats[:, :1])
    published = euler2quat(np.column_stack([angles, np.zeros(300)]))
    np.testing.assert_allclose(quats, published, atol=1e-12)
    axes = np.array([start.memory["goal_axis"] for start in starts])
    world = World(task, 1, 1)
    world.reset(np.array([0]), np.array([7]))
    sites = world.view(world.all_rows).site_position(
        np.array([task.model.site(name).id for name in ("target_top", "target_bottom")])
    )[0]
    np.testing.assert_allclose(
        (sites[0] - sites[1]) / task.length, world.memory["goal_axis"][0], atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.norm(axes, axis=1), 1.0)


@pytest.mark.parametrize(
    ("angles", "cell"), [((-1, -1), 0), ((0.999, 0.999), 9), ((0.01, 0.01), 5)]
)
def test_cells_partition_the_goals(angles: tuple[float, float], cell: int) -> None:
    row, column = cell_of(goal_quat(*angles)[None], 10)
    assert (row.tolist(), column.tolist()) == ([cell], [cell])


def test_table_has_a_movement_for_every_cell(task: AdroitPen) -> None:
    choice, postures = movements()
    assert choice.shape == (choice.shape[0],) * 2
    assert postures.shape[2] == task.act_dim
    assert set(np.unique(choice)) <= set(range(len(postures)))
    assert postures.min() >= 0.0
    assert postures.max() <= 1.0


def test_expert_starts_at_rest_and_holds_the_last_posture(task: AdroitPen) -> None:
    world = World(task, 2, 1)
    expert, rows = AdroitPenExpert(world), world.all_rows
    world.reset(rows, np.array([4, 5]))
    expert.reset(rows, np.array([4, 5]))
    assert np.abs(expert.command(rows, world.view(rows), expert.phase)).max() < 1e-9
    last = expert.postures[expert.choice[cell_of(world.memory["goal_wxyz"], len(expert.choice))]]
    for steps in (MOVE_STEPS, MOVE_STEPS + 50):
        world.step_count[:] = steps
        np.testing.assert_allclose(
            expert.command(rows, world.view(rows), expert.phase), last[:, -1]
        )


def test_steps_count_until_the_pen_is_pressed_too_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    search = pen_search.PenSearch(seed=0)
    closing = np.ones((2, pen_search.POSTURES, 24))
    _, inside = search.play(closing, 0.0)
    monkeypatch.setattr(pen_search, "DEEPEST_M", 0.001)
    _, inside_gently = search.play(closing, 0.0)
    last, last_gently = inside[0].sum(), inside_gently[0].sum()
    assert 0 < last_gently < last
    assert inside_gently[0, :last_gently].all()  # no step counts after a deep contact


def test_search_continues_from_earlier_results() -> None:
    _, start = movements()
    search = pen_search.PenSearch(0, start)
    assert search.worth.mean() > 5.0  # of 12 steps; a new search starts at 0
    assert pen_search.PenSearch(0).worth.max() == 0.0


def test_search_stores_movements_and_writes_the_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = {"ROWS": 9, "AGAIN": 1, "CELLS": 2, "FINE_CELLS": 3, "TRIALS": 1}
    for name, size in sizes.items():
        monkeypatch.setattr(pen_search, name, size)
    search = pen_search.PenSearch(seed=0)
    axes, inside = search.play(np.zeros((9, pen_search.POSTURES, 24)), 0.0)
    assert np.ptp(axes, axis=0).max() == 0.0  # without noise equal movements give equal results
    np.testing.assert_allclose(np.linalg.norm(axes, axis=2), 1.0)
    assert inside[:, 0].all()
    search.improve(noise=0.0, copies=1)
    search.improve(noise=1.0, copies=3)
    assert (search.worth >= 0.0).all()
    out = tmp_path / "table.npz"
    pen_search.main(["--generations", "4", "--out", str(out)])
    assert "movements in" in capsys.readouterr().out
    with np.load(out) as table:
        assert table["choice"].shape == (3, 3)
        assert table["postures"].shape[1:] == (pen_search.POSTURES, 24)
        assert table["choice"].max() < len(table["postures"])
