"""World: diverging simulations, horizon, and imports on registration."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from envs.registry import make_task
from envs.world import World


def two_worlds() -> tuple[World, World]:
    worlds = tuple(World(make_task("LiftCube"), 3, 2) for _ in range(2))
    for world in worlds:
        world.reset(world.all_rows, np.array([5, 6, 7]))
    return worlds[0], worlds[1]


@pytest.mark.parametrize("velocity", [1e9, np.nan])
def test_divergence_ends_episode_as_failure(
    velocity: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    sick, well = two_worlds()
    rng, others = np.random.default_rng(0), np.array([2, 0])
    sick.batch.bind("qvel")[1] = velocity
    actions = rng.uniform(-1, 1, (3, 20))
    outcome = sick.step(sick.all_rows, actions)
    well.step(well.all_rows, actions)
    assert outcome.unstable.tolist() == outcome.terminated.tolist() == [False, True, False]
    assert not outcome.success.any()
    assert outcome.progress[1] == outcome.reward[1] == 0.0
    assert np.isfinite(sick.observe(sick.all_rows)).all()
    with pytest.raises(RuntimeError, match=r"rows \[1\] are over"):
        sick.step(sick.all_rows, actions)
    for _ in range(10):
        actions = rng.uniform(-1, 1, (2, 20))
        sick.step(others, actions)
        well.step(others, actions)
    sick.reset(np.array([1]), np.array([8]))
    well.reset(np.array([1]), np.array([8]))
    outcome = sick.step(np.array([1]), actions[:1])
    well.step(np.array([1]), actions[:1])
    assert not outcome.unstable.any()
    assert np.array_equal(sick.batch.state, well.batch.state)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_horizon_truncates_and_ends_episode() -> None:
    world = World(make_task("LiftCube"), 2, 1, horizon=3)
    world.reset(world.all_rows, np.array([1, 2]))
    truncated = [world.step(world.all_rows, np.zeros((2, 20))).truncated for _ in range(3)]
    assert np.array(truncated).tolist() == [[False] * 2, [False] * 2, [True] * 2]
    with pytest.raises(RuntimeError, match="over"):
        world.step(world.all_rows, np.zeros((2, 20)))
    with pytest.raises(ValueError, match="horizon"):
        World(make_task("LiftCube"), horizon=0)
    with pytest.raises(ValueError, match="num_sims"):
        World(make_task("LiftCube"), 0)


def run_python(code: str) -> str:
    """Return the output of a new interpreter, checking that it prints no warning."""
    command, root = [sys.executable, "-W", "error", "-c", code], Path(__file__).parents[2]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert result.stderr == ""
    return result.stdout.strip()


def test_registering_imports_neither_mujoco_nor_torch() -> None:
    code = (
        "import sys, fmbench, envs; envs.register_all(); "
        "print([m for m in ('mujoco', 'torch') if m in sys.modules])"
    )
    assert run_python(code) == "[]"


def test_id_with_module_prefix_needs_no_import() -> None:
    code = "import gymnasium; print(gymnasium.make('fmbench:fmbench/LiftCube-v0').spec.id)"
    assert run_python(code) == "fmbench/LiftCube-v0"
