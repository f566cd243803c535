"""Initial states that MuJoCo cannot simulate: not finite is an error, too large is a failure."""

import pickle
from collections.abc import Iterator
from typing import Any, ClassVar

import gymnasium
import numpy as np
import pytest

from envs.experts.lift_cube import LiftCubeExpert
from envs.registry import TASKS, add_task, goal_id, make_expert, task_id
from envs.task import FloatArray, Score, Start, Task, View
from envs.tasks.lift_cube import LiftCube
from envs.tasks.relocate_ball import RelocateBall
from envs.world import World
from fmbench.experts import main
from fmbench.harness.rollout import rollout

SEEDS = np.arange(8)


class EasyCube(LiftCube):
    """LiftCube, with its episodes; every control step counts as success."""

    name = "EasyCube"
    hold_steps = 1
    bad: ClassVar[float] = 0.0
    where: ClassVar[str] = ""

    @property
    def episodes_id(self) -> str:
        return "fmbench/LiftCube-v0"

    def score(self, view: View) -> Score:
        score = super().score(view)
        score.solved[:] = True
        return score

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Replace an entry in the episodes whose goal is on the left."""
        start = super().draw_start(rng)
        if self.bad and start.memory["goal"][1] > 0.0:
            values = start.qpos if self.where == "qpos" else start.memory[self.where]
            values[-1] = self.bad
        return start


class FarCube(EasyCube):
    name = "FarCube"
    bad, where = 1e12, "qpos"


class NanCube(EasyCube):
    name = "NanCube"
    bad, where = np.nan, "qpos"


class EndlessCube(EasyCube):
    name = "EndlessCube"
    bad, where = -np.inf, "qpos"


class NanGoal(EasyCube):
    name = "NanGoal"
    bad, where = np.nan, "goal"


class NanBall(RelocateBall):
    """RelocateBall with balls that have no mass, and so no moment of inertia."""

    name = "NanBall"

    def model_values(self, memory: dict[str, FloatArray]) -> dict[str, tuple[int, FloatArray]]:
        values = super().model_values(memory)
        return {
            **values,
            "body_inertia": (self.ball_body, np.full((len(memory["goal"]), 3), np.nan)),
        }


@pytest.fixture
def registered() -> Iterator[type[Task]]:
    """Register FarCube and NanCube for one test."""
    kinds = (FarCube, NanCube)
    for kind in kinds:
        add_task(kind, LiftCubeExpert)
    yield FarCube
    for kind in kinds:
        for key in (task_id(kind.name), goal_id(kind.name)):
            gymnasium.registry.pop(key)
        TASKS.pop(kind.name)


def begin(task: Task) -> World:
    world = World(task, len(SEEDS), 2)
    world.reset(world.all_rows, SEEDS)
    return world


def is_far(world: World) -> np.ndarray:
    """Return which episodes of a world have the replaced entry, (N,)."""
    return np.asarray(world.memory["goal"][:, 1] > 0.0)


def test_a_start_that_mujoco_resets_fails_at_the_first_step_and_others_are_untouched() -> None:
    world, plain = begin(FarCube()), begin(EasyCube())
    far, actions = is_far(world), np.zeros((len(SEEDS), 20))
    assert 0 < far.sum() < len(SEEDS)
    np.testing.assert_array_equal(world.is_unstable(world.all_rows), far)
    assert not plain.is_unstable(plain.all_rows).any()
    assert np.isfinite(world.observe(world.all_rows)).all()
    outcome, expected = world.step(world.all_rows, actions), plain.step(plain.all_rows, actions)
    assert expected.success.all()
    np.testing.assert_array_equal(outcome.unstable, far)
    np.testing.assert_array_equal(outcome.success, ~far)
    assert outcome.terminated.all()
    assert not outcome.solved[far].any()
    assert not outcome.reward[far].any()
    assert not outcome.progress[far].any()
    np.testing.assert_array_equal(world.batch.state[~far], plain.batch.state[~far])
    np.testing.assert_array_equal(outcome.reward[~far], expected.reward[~far])
    well = SEEDS[~far][:1]
    for each in (world, plain):  # the same row, with an episode that MuJoCo accepts
        each.reset(np.flatnonzero(far)[:1], well)
        assert each.step(np.flatnonzero(far)[:1], actions[:1]).success.all()
    np.testing.assert_array_equal(world.batch.state[far][0], plain.batch.state[far][0])


def test_a_snapshot_keeps_that_the_start_was_reset() -> None:
    world = begin(FarCube())
    row = int(np.flatnonzero(is_far(world))[0])
    other = World(FarCube(), 1, 1)
    other.restore(0, world.save(row))
    assert other.step(np.array([0]), np.zeros((1, 20))).unstable.all()
    other.restore(0, world.save(int(np.flatnonzero(~is_far(world))[0])))
    assert other.step(np.array([0]), np.zeros((1, 20))).success.all()


def test_gymnasium_environments_report_the_start_and_end_the_episode(
    registered: type[Task],
) -> None:
    far = is_far(begin(registered()))
    env: Any = gymnasium.make(task_id(registered.name))
    for seed in SEEDS.tolist():
        _, info = env.reset(seed=seed)
        assert info["sim_unstable"] is bool(far[seed])
        for copy in (pickle.loads(pickle.dumps(env)), env):
            _, reward, terminated, _, info = copy.step(np.zeros(20, np.float32))
            assert terminated
            assert info["sim_unstable"] is bool(far[seed])
            assert info["success"] is not bool(far[seed])
            assert (reward == 0.0) == far[seed]
    several: Any = gymnasium.make_vec(task_id(registered.name), num_envs=len(SEEDS))
    _, infos = several.reset(seed=0)
    np.testing.assert_array_equal(infos["sim_unstable"], far)
    _, rewards, terminated, _, infos = several.step(np.zeros((len(SEEDS), 20), np.float32))
    assert terminated.all()
    np.testing.assert_array_equal(infos["sim_unstable"], far)
    np.testing.assert_array_equal(infos["success"], ~far)
    np.testing.assert_array_equal(rewards == 0.0, far)
    env.close()
    several.close()


@pytest.mark.parametrize("num_sims", [1, 3])
def test_rollout_counts_such_episodes_as_failures(num_sims: int, registered: type[Task]) -> None:
    far, world = is_far(begin(registered())), World(registered(), num_sims, 1)
    episodes = rollout(world, make_expert(world), SEEDS, keep_trajectories=True)
    assert [episode.sim_unstable for episode in episodes] == far.tolist()
    assert [episode.success for episode in episodes] == (~far).tolist()
    assert {episode.length for episode in episodes} == {1}
    for episode in episodes:
        assert episode.trajectory is not None
        assert np.isfinite(episode.trajectory.observations).all()


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        (NanCube, "qpos[30] = nan"),
        (EndlessCube, "qpos[30] = -inf"),
        (NanGoal, "mocap_pos[0, 2] = nan"),
        (NanBall, "body_inertia[{body}, 0] = nan"),
    ],
)
def test_a_start_that_is_not_finite_is_an_error_that_names_it(kind: Any, entry: str) -> None:
    task = kind()
    world, plain = World(task, len(SEEDS), 1), World(task, len(SEEDS), 1)
    far = np.ones(len(SEEDS), bool) if kind is NanBall else is_far(begin(EasyCube()))
    well = SEEDS[~far]
    if len(well):
        for each in (world, plain):
            each.reset(well, well)
    with pytest.raises(ValueError, match=f"{kind.name}: ") as error:
        world.reset(SEEDS, SEEDS)
    expected = entry.format(body=getattr(task, "ball_body", ""))
    assert str(error.value) == (
        f"{kind.name}: the initial state of episode seed {SEEDS[far][0]} has {expected}; "
        "the task must draw finite numbers."
    )
    with pytest.raises(RuntimeError, match="are over; reset them before a step"):
        world.step(SEEDS[:1], np.zeros((1, 20)))
    if len(well):
        world.reset(well, well)
        for each in (world, plain):
            each.step(well, np.zeros((len(well), 20)))
        np.testing.assert_array_equal(world.batch.state[well], plain.batch.state[well])


@pytest.mark.usefixtures("registered")
def test_a_command_reports_a_start_that_is_not_finite_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--task", "NanCube", "--episodes", "20"]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert line.startswith("error: NanCube: the initial state of episode seed 2")
    assert "qpos[30] = nan" in line
