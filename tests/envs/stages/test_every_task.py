"""Every task has stages: its expert goes through them in order, random actions do not get there."""

from typing import Any

import numpy as np
import pytest

from envs.contact_forces import sensing
from envs.hashing.bindings import Place
from envs.hashing.definitions import installed_definitions
from envs.hashing.reach import Reach
from envs.registry import TASKS, has_extra, make_expert, make_task
from envs.stages import START, stages_of
from envs.task_hash import ENGINE
from envs.world import Outcome, World
from fmbench.data.store import DECIDING
from fmbench.harness.behaviour import Behaviour
from fmbench.harness.open_loop import RandomPolicy
from fmbench.harness.rollout import Episode, Policy, rollout
from fmbench.harness.seeds import TEST
from tests.thorough import thoroughly

NAMES = tuple(name for name in TASKS if has_extra(name))
ORIGINALS = tuple(name for name in NAMES if not TASKS[name].twin_of)
SEEDS = np.array([TEST])
FAST = ("PressEither", "LiftCube", "OpenDoor", "AdroitHammer")
"""Tasks of several kinds of scenes, of which each has an expert that is made quickly."""
SLOW = ("TurnValve", "AdroitHammerWide")
"""Tasks like another one, of which each has an expert that takes long."""
NEW = ("peak_contact_force", "drops", "stage", "stages_reached", "trajectory")
"""What the measured episode has, and the plain one has not or has as arrays."""
HORIZON = 40
"""Control steps of random actions: too few for most to succeed by accident."""


class Trace(Behaviour):
    """The measures, with the control step at which each stage's condition was first met."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.world, self.first = world, dict[tuple[int, int], int]()

    def record(self, rows: np.ndarray, outcome: Outcome) -> None:
        """Measure, and note the stages whose conditions are met."""
        super().record(rows, outcome)
        task, view, seeds = self.world.task, self.world.view(rows), self.world.episode_seeds[rows]
        stages = stages_of(task)
        assert stages is not None
        conditions = [*stages.reached(task, view), outcome.success]
        assert len(conditions) == len(stages.names)
        for number, condition in enumerate(conditions):
            assert condition.shape == rows.shape
            assert condition.dtype == np.bool_
            for seed, step in zip(seeds[condition], view.step_count[condition], strict=True):
                self.first.setdefault((int(seed), number), int(step))


def act(world: World, policy: Policy, measures: Behaviour | None = None) -> list[Episode]:
    return rollout(world, policy, SEEDS, keep_trajectories=True, measures=measures)


def plain_facts(episode: Episode) -> dict[str, Any]:
    """Return what the episode had before anything was measured, numbers exactly."""
    arrays = {name: values.tobytes() for name, values in vars(episode.trajectory).items()}
    return {name: repr(v) for name, v in vars(episode).items() if name not in NEW} | arrays


@pytest.mark.parametrize("name", NAMES)
def test_every_task_has_the_stages_of_its_class(name: str) -> None:
    task = make_task(name)
    stages = stages_of(task)
    assert stages is not None
    assert stages_of(sensing(task)) is stages
    base = TASKS[name].twin_of or name.removesuffix(TASKS[name].hand.capitalize())
    assert stages_of(make_task(base)) is stages
    assert len(stages.names) >= 3
    assert max(map(len, stages.names)) <= 16, "a legend of seven has no room for longer names"


@pytest.mark.parametrize("name", thoroughly(ORIGINALS, always={*ORIGINALS} - {*SLOW}))
def test_the_expert_goes_through_all_stages_in_order(name: str) -> None:
    """It drops nothing."""
    world = World(sensing(make_task(name)), 1, 1)
    trace = Trace(world)
    episodes = act(world, make_expert(world), trace)
    stages = stages_of(world.task)
    assert stages is not None
    for episode in episodes:
        steps = [trace.first[episode.episode_seed, k] for k in range(len(stages.names))]
        assert steps == sorted(steps)
        assert (episode.stage, episode.stages_reached) == (stages.names[-1], len(stages.names))
        assert episode.success
        assert episode.drops == (None if stages.carry is None else 0)
        assert (episode.peak_contact_force or 0.0) < 200.0


@pytest.mark.parametrize("name", thoroughly(ORIGINALS, always=FAST))
def test_episodes_are_byte_for_byte_those_that_are_not_measured(name: str) -> None:
    plain, world = World(make_task(name), 1, 1), World(sensing(make_task(name)), 1, 1)
    bare = act(plain, make_expert(plain))
    measured = act(world, make_expert(world), Behaviour(world))
    assert [plain_facts(each) for each in measured] == [plain_facts(each) for each in bare]


@pytest.mark.parametrize("name", ORIGINALS)
def test_random_actions_do_not_get_there(name: str) -> None:
    world = World(sensing(make_task(name)), 1, 1, horizon=HORIZON)
    stages = stages_of(world.task)
    assert stages is not None
    for episode in act(world, RandomPolicy(world), Behaviour(world)):
        assert not episode.success
        assert episode.stages_reached is not None
        assert episode.stages_reached < len(stages.names)
        assert episode.stage == (START, *stages.names)[episode.stages_reached]


@pytest.mark.parametrize("name", FAST)
def test_neither_a_task_hash_nor_the_key_of_demonstrations_covers_stages(name: str) -> None:
    entry = TASKS[name]
    places = (entry.task, entry.expert, ENGINE, *DECIDING)
    roots = [Place(*place.split(":", 1)) for place in places]
    reached = Reach(installed_definitions(), roots).numbers
    modules = {place.module for place in reached}
    assert "envs.world" in modules
    measuring = ("envs.stages", "envs.contact_forces", "fmbench.harness.behaviour")
    assert not [module for module in modules if module.startswith(measuring)]
