"""Adroit tasks: equality with gymnasium-robotics, twins, and behaviour without the extra."""

import importlib.util
import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest

import fmbench  # noqa: F401  registers the ids
from envs.adroit.models import AdroitTask
from envs.experts.command_noise import CommandNoise
from envs.registry import TASKS, make_expert, make_task, suite, task_id
from envs.world import World
from fmbench import demonstrations, experts, run
from fmbench.evaluation import expert_rows
from tests.envs.adroit_peers import differences, make_peer

pytest.importorskip("gymnasium_robotics")

Memory = dict[str, np.ndarray]


def pose_relocate(peer: Any, memory: Memory) -> None:
    peer.model.body_pos[peer.obj_body_id] = memory["ball_start"]
    peer.model.site_pos[peer.target_obj_site_id] = memory["goal"]


def pose_door(peer: Any, memory: Memory) -> None:
    peer.model.body_pos[peer.door_body_id] = memory["frame"]


def pose_hammer(peer: Any, memory: Memory) -> None:
    peer.model.body_pos[peer.target_body_id] = memory["board"]


def pose_pen(peer: Any, memory: Memory) -> None:
    peer.model.body_quat[peer.target_obj_body_id] = memory["goal_wxyz"]


POSES = {
    "AdroitRelocate": pose_relocate,
    "AdroitDoor": pose_door,
    "AdroitHammer": pose_hammer,
    "AdroitPen": pose_pen,
}
SIZES = {"AdroitRelocate": 39, "AdroitDoor": 39, "AdroitHammer": 46, "AdroitPen": 45}
every_adroit = pytest.mark.parametrize("name", POSES)


def adroit(name: str) -> AdroitTask:
    task = make_task(name)
    assert isinstance(task, AdroitTask)
    return task


def expert_actions(name: str, row: int) -> np.ndarray:
    """Return the expert's actions in one row of three episodes, (steps, act_dim)."""
    world = World(adroit(name), 3, 1)
    expert, rows, actions = make_expert(world), world.all_rows, []
    world.reset(rows, rows)
    expert.reset(rows, rows)
    while row in rows:
        chosen = expert.act(rows, world.observe(rows)[:, None])[0][:, 0]
        actions.append(chosen[rows.tolist().index(row)])
        outcome = world.step(rows, chosen)
        rows = rows[~(outcome.terminated | outcome.truncated)]
    return np.stack(actions).astype(np.float64)


@every_adroit
def test_every_suite_task_has_a_peer(name: str) -> None:
    ours = ["AdroitHammerWide"]  # not published: AdroitHammer with other initial states
    assert [n for n in suite() if TASKS[n].extra == "adroit"] == [*POSES, *ours]
    assert TASKS[f"{name}Published"].twin_of == name


@every_adroit
@pytest.mark.parametrize("kind", ["random", "expert"])
def test_episode_equals_the_published_environment(name: str, kind: str) -> None:
    task, rng = adroit(name), np.random.default_rng(0)
    actions = rng.uniform(-1.2, 1.2, (60, task.act_dim))
    if kind == "expert":
        actions = expert_actions(name, 1)
    largest = differences(task, make_peer(name), POSES[name], actions)
    assert max(largest.values()) < 1e-10, largest


@every_adroit
def test_success_of_the_expert_is_a_published_success(name: str) -> None:
    actions = expert_actions(name, 1)
    world, row = World(adroit(name), 1, 1), np.array([0])
    world.reset(row, np.array([1]))
    solved = [bool(world.step(row, action[None]).solved[0]) for action in actions]
    assert solved == [False] * (len(solved) - 1) + [True]


@every_adroit
def test_twin_observes_the_published_part_of_the_same_episode(name: str) -> None:
    full, twin = (gymnasium.make(task_id(n)) for n in (name, f"{name}Published"))
    size = SIZES[name]
    assert twin.observation_space.shape == (size,)
    assert full.observation_space.shape[0] >= size + full.action_space.shape[0]
    a, b = full.reset(seed=5)[0], twin.reset(seed=5)[0]
    assert np.array_equal(a[:size], b)
    action = np.full(full.action_space.shape, 0.1, np.float32)
    assert np.array_equal(full.step(action)[0][:size], twin.step(action)[0])


@every_adroit
def test_timing_is_the_published_one(name: str) -> None:
    task, env = adroit(name), gymnasium.make(task_id(name))
    assert task.control_period_s == pytest.approx(0.01)
    assert env.unwrapped.metadata["render_fps"] == 100
    assert task.act_dim == task.model.nu == len(set(task.action_names))


def test_importing_envs_does_not_import_gymnasium_robotics() -> None:
    code = (
        "import sys, fmbench, envs.registry as r; r.make_task('AdroitRelocate'); "
        "print('gymnasium_robotics' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "gymnasium_robotics" else find(name, *rest),
    )
    make_task.cache_clear()


@pytest.mark.usefixtures("without_extra")
def test_without_the_extra_making_an_id_states_what_to_install() -> None:
    for make in (gymnasium.make, gymnasium.make_vec):
        with pytest.raises(ValueError, match=r"AdroitRelocate .* pip install 'fmbench\[adroit\]'"):
            make("fmbench/AdroitRelocate-v0")


@pytest.mark.usefixtures("without_extra")
@pytest.mark.parametrize("command", [experts, demonstrations, run])
def test_without_the_extra_a_command_states_what_to_install(
    command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--task", "LiftCube", "AdroitRelocate"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "pip install 'fmbench[adroit]'" in error


@pytest.mark.usefixtures("without_extra")
def test_without_the_extra_all_skips_adroit_and_reports_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []

    def measure(task: str, noise: float, count: int) -> expert_rows.ExpertRow:
        measured.append(task)
        return expert_rows.ExpertRow(task, noise, count, count, 0.9, 1.0, 10, "", 0)

    monkeypatch.setattr("fmbench.runs.experts.measure_expert", measure)
    assert experts.main(["--task", "all", "--episodes", "1"]) == 0
    core = [name for name in suite() if not TASKS[name].extra]
    assert measured == [name for name in core for _ in range(2)]
    notes = [line for line in capsys.readouterr().err.splitlines() if "fmbench[adroit]" in line]
    assert len(notes) == 1
    assert "AdroitRelocate" in notes[0]


@every_adroit
def test_command_noise_has_the_time_constant_of_25_hz(name: str) -> None:
    world = World(adroit(name), 200, 1)
    noise, rows = CommandNoise(world), world.all_rows
    world.reset(rows, rows)
    noise.reset(rows, rows)
    target = np.zeros((200, world.task.act_dim), np.float32)  # far from the thumb's initial angle
    moved = [noise.disturb(rows, np.full(200, step), target)[:, -1] for step in (20, 24)]
    assert np.corrcoef(moved)[0, 1] == pytest.approx(0.9, abs=0.06)
    assert 0.01 < np.std(moved) < 0.2
