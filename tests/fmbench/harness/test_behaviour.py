"""Drops, stages and forces of episodes: exact counts, scripted drops, independence of the batch."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from envs.contact_forces import sensing
from envs.experts.command_noise import CommandNoise
from envs.perturb.axis import About
from envs.perturb.world import PerturbedWorld
from envs.registry import make_expert, make_task
from envs.stages import Carry, Stages, stages_of
from envs.tasks.press_either import PressEither
from envs.world import Outcome, World
from fmbench.harness import behaviour
from fmbench.harness.behaviour import Behaviour
from fmbench.harness.episode import Episode
from fmbench.harness.rollout import rollout
from fmbench.harness.seeds import TEST
from tests.envs.perturb.block import Block
from tests.thorough import thoroughly

HELD, FREE, PLACED, BETWEEN = "held", "free", "placed", "between"


class Scripted:
    """A world whose objects and stages are where a script says, step by step."""

    num_sims = 3
    model_fields: ClassVar[dict[str, np.ndarray]] = {}

    def __init__(self, script: list[tuple[str, ...]], reached: list[int]) -> None:
        self.script, self.reached, self.step = script, reached, 0
        model = SimpleNamespace(nsensor=0)
        self.task = SimpleNamespace(model=model, model_fields=())

    def view(self, rows: np.ndarray) -> np.ndarray:
        return rows

    def carry(self, task: object, rows: np.ndarray) -> Carry:
        """Return where the objects of every row are."""
        now = np.array([self.script[self.step]] * len(rows))
        return Carry(now == HELD, np.isin(now, (FREE, PLACED)), now == PLACED)

    def conditions(self, task: object, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return that one stage is reached, in every row, or none."""
        return tuple(np.full(len(rows), self.reached[self.step] == k) for k in (1, 2, 3))


def outcome_of(success: bool = False, unstable: tuple[bool, ...] = (False,)) -> Outcome:
    n = len(unstable)
    fields: dict[str, Any] = {name: np.zeros(n) for name in Outcome.__annotations__}
    return Outcome(**{**fields, "success": np.full(n, success), "unstable": np.array(unstable)})


def played(
    monkeypatch: pytest.MonkeyPatch,
    script: list[tuple[str, ...]],
    reached: list[int] | None = None,
    is_solved: bool = False,
) -> Episode:
    """Return the episode in row 1 of a scripted world."""
    world = Scripted(script, reached or [0] * len(script))
    stages = Stages(("one", "two", "three", "done"), world.conditions, world.carry)
    monkeypatch.setattr(behaviour, "stages_of", lambda task: stages)
    measures, row, episode = Behaviour(world), np.array([1]), Episode(0)  # type: ignore[arg-type]
    for _ in range(2):  # what was before a reset is forgotten
        measures.begin(row)
        for world.step in range(len(script)):
            measures.record(row, outcome_of(is_solved and world.step == len(script) - 1))
        measures.finish(1, episode)
    return episode


@pytest.mark.parametrize(
    ("script", "drops"),
    [
        ([HELD, HELD, FREE], 1),
        ([HELD, BETWEEN, FREE, FREE, FREE], 1),
        ([HELD, FREE, HELD, FREE, FREE], 2),
        ([HELD, BETWEEN, HELD], 0),
        ([HELD, BETWEEN], 0),  # it may be lowered onto the table in the hand
        ([FREE, BETWEEN, FREE], 0),  # it was only pushed
        ([HELD, BETWEEN, PLACED], 0),
        ([HELD, PLACED, FREE], 0),  # put down, and pushed away later
        ([HELD, PLACED, HELD, FREE], 1),
    ],
)
def test_an_object_is_dropped_where_it_was_carried_and_is_not_put_down(
    script: list[str], drops: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert played(monkeypatch, [(place,) for place in script]).drops == drops


def test_every_object_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    script = [(HELD, HELD), (FREE, BETWEEN), (BETWEEN, FREE), (HELD, PLACED), (FREE, FREE)]
    assert played(monkeypatch, script).drops == 3


@pytest.mark.parametrize(
    ("reached", "is_solved", "stage", "number"),
    [
        ([0, 0, 0], False, "start", 0),
        ([1, 0, 0], False, "one", 1),
        ([0, 2, 1], False, "two", 2),  # once reached, a stage stays; earlier ones are implied
        ([3, 1, 2], False, "three", 3),
        ([0, 0, 1], True, "done", 4),
    ],
)
def test_the_furthest_stage_counts(
    reached: list[int],
    is_solved: bool,
    stage: str,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    episode = played(monkeypatch, [(FREE,)] * 3, reached, is_solved)
    assert (episode.stage, episode.stages_reached) == (stage, number)


def test_a_simulation_that_has_diverged_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Scripted([(HELD,), (FREE,)], [1, 2])
    stages = Stages(("one", "two", "three", "done"), world.conditions, world.carry)
    monkeypatch.setattr(behaviour, "stages_of", lambda task: stages)
    measures, rows = Behaviour(world), np.array([0, 2])  # type: ignore[arg-type]
    measures.begin(rows)
    measures.record(rows, outcome_of(unstable=(False, False)))
    world.step = 1
    measures.record(rows, outcome_of(unstable=(False, True)))
    measures.record(rows, outcome_of(unstable=(True, True)))
    episodes = [Episode(0), Episode(1)]
    for row, episode in zip((0, 2), episodes, strict=True):
        measures.finish(row, episode)
    assert [(each.stage, each.drops) for each in episodes] == [("two", 1), ("one", 0)]


class Opens:
    """The expert of LiftCube, which stretches its fingers at a control step."""

    obs_horizon = exec_horizon = 1

    def __init__(self, world: World, step: int) -> None:
        self._world, self._expert, self._step = world, make_expert(world), step

    def reset(self, rows: np.ndarray, episode_seeds: np.ndarray) -> None:
        self._expert.reset(rows, episode_seeds)

    def act(self, rows: np.ndarray, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        actions, nfe = self._expert.act(rows, observations)
        if self._world.step_count[rows[0]] >= self._step:
            command = self._world.batch.bind("ctrl")[rows].copy()
            command[:, 6:] = 0.0
            actions = self._world.task.action(command)[:, None].astype(np.float32)
        return actions, nfe


@pytest.mark.parametrize(("step", "stage"), [(34, "at goal"), (15, "grasped")])
def test_a_cube_released_in_the_air_is_dropped_once(step: int, stage: str) -> None:
    world = World(sensing(make_task("LiftCube")), 1, 1, horizon=70)
    policy = Opens(world, step)
    (episode,) = rollout(world, policy, np.array([TEST]), measures=Behaviour(world))
    assert (episode.stage, episode.drops) == (stage, int(stage == "at goal"))
    assert episode.peak_contact_force is not None
    assert episode.peak_contact_force > 1.0


@pytest.mark.parametrize("name", thoroughly(["LiftCube", "AdroitPen"], always=["LiftCube"]))
def test_measures_do_not_depend_on_the_batch(name: str) -> None:
    def run(sims: int, threads: int) -> list[Episode]:
        world = World(sensing(make_task(name)), sims, threads)
        noise = CommandNoise(world, 4.0)
        seeds = np.arange(TEST, TEST + 5)
        return rollout(
            world, make_expert(world), seeds, disturbance=noise, measures=Behaviour(world)
        )

    alone = run(1, 1)
    assert alone == run(8, 2)
    assert len({episode.stage for episode in alone}) > 1
    assert sum(episode.drops or 0 for episode in alone) >= 1
    forces = [episode.peak_contact_force or 0.0 for episode in alone]
    assert min(forces) > 0.0
    assert forces == [float(f"{force:.4g}") for force in forces]


def test_what_is_not_there_is_not_measured() -> None:
    plain = World(make_task("ReachPose"), 1, 1, horizon=2)
    (episode,) = rollout(plain, make_expert(plain), np.array([TEST]), measures=Behaviour(plain))
    assert (episode.peak_contact_force, episode.drops) == (None, None)
    assert episode.stage == "start"
    block = World(sensing(Block()), 1, 1)
    block.reset(block.all_rows, np.array([TEST]))
    measures, bare = Behaviour(block), Episode(TEST)
    measures.begin(block.all_rows)
    measures.record(block.all_rows, block.step(block.all_rows, np.zeros((1, 1))))
    measures.finish(0, bare)
    assert bare == replace(Episode(TEST), peak_contact_force=0.0)


def test_a_resized_object_has_neither_stages_nor_drops() -> None:
    for perturb, has_stages in (("size=2", False), ("mass=2", True)):
        world = PerturbedWorld(sensing(make_task("LiftCube")), 1, perturb, About(), 1)
        measures, episode = Behaviour(world), Episode(TEST)
        world.reset(world.all_rows, np.array([TEST]))
        measures.begin(world.all_rows)
        rest = world.task.action(world.batch.bind("ctrl"))
        measures.record(world.all_rows, world.step(world.all_rows, rest))
        measures.finish(0, episode)
        assert episode.peak_contact_force == 0.0
        assert (episode.stage, episode.drops) == (("start", 0) if has_stages else ("", None))


def test_waiting_counts_only_over_the_keys() -> None:
    """Stages are read from the state: pressing before the signal is not waiting."""
    world = World(PressEither(), 1, 1)
    row = world.all_rows
    world.reset(row, np.array([TEST]))
    task, stages = world.task, stages_of(world.task)
    assert stages is not None
    expert = make_expert(world)
    expert.reset(row, np.array([TEST]))
    for _ in range(8):
        world.step(row, expert.act(row, world.observe(row))[0][:, 0])
    over, waited, one = (bool(each[0]) for each in stages.reached(task, world.view(row)))
    assert (over, waited, one) == (True, False, False)
    world.memory["countdown"][row] = -1.0
    assert [bool(each[0]) for each in stages.reached(task, world.view(row))] == [True, True, False]
    world.memory["pressed"][row] = [2.0, 0.0]
    assert not any(each[0] for each in stages.reached(task, world.view(row))[1:])
