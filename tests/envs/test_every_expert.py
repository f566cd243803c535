"""Every task's expert: success, contact depth, progress, modes, independence of other rows."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest

from envs.goals import GoalTask
from envs.registry import TASKS, has_extra, make_expert, make_task, suite
from envs.world import World
from tests.contacts import DEEPEST_M, DeepestContact, DepthSensors
from tests.envs.cases import CASES
from tests.envs.expert_runs import demonstration

SEEDS = tuple(range(8))
SEED = 5  # of the episode that also runs alone
LARGEST_FALL = 0.05  # of progress below its maximum so far
TOUCHES_NOTHING = "ReachPose"
ON_HANDS = tuple(name for name, entry in TASKS.items() if entry.hand)
NAMES = tuple(name for name in (*suite(), *ON_HANDS) if has_extra(name))
TWINS = tuple(name for name, entry in TASKS.items() if entry.twin_of and has_extra(name))
every_task = pytest.mark.parametrize("name", NAMES)
pytestmark = pytest.mark.slow


@dataclass
class Record:
    """Results of an expert in n parallel episodes.

    Attributes:
        success: Whether each episode ended in success, (n,).
        mode: The mode of each successful episode, (n,).
        drawn_mode: The mode that the expert drew for it, (n,), if the task has modes.
        largest_fall: Largest fall of progress below its maximum so far, (n,).
        deepest_of_hand: Most negative contact distance of a hand in any episode [m].
        deepest: The same for all contacts of one row, without self-contacts of the hand [m].
        actions: For each row, a list of (act_dim,), one per control step.
        violations: The violated rules.
    """

    success: np.ndarray
    mode: np.ndarray
    largest_fall: np.ndarray
    drawn_mode: np.ndarray | None = None
    deepest_of_hand: float = 0.0
    deepest: float = 0.0
    actions: list[list[np.ndarray]] = field(default_factory=list)
    violations: set[str] = field(default_factory=set)


@cache
def record(name: str) -> Record:
    """Run the task's expert on its seeds and check every step."""
    sensors, seeds = DepthSensors(name), np.array(SEEDS + CASES[name].hard_seeds)
    task, n = sensors.task, len(seeds)
    world = World(task, n, 1)
    expert, rows, deepest_contact = make_expert(world), world.all_rows, DeepestContact(task)
    world.reset(rows, seeds)
    expert.reset(rows, seeds)
    seen = Record(np.zeros(n, dtype=np.bool_), np.full(n, -1), np.zeros(n))
    seen.drawn_mode = expert.mode.copy() if task.modes else None
    seen.actions = [[] for _ in seeds]
    held, best = np.zeros(n, dtype=np.int64), np.zeros(n)
    while len(rows):
        actions, _ = expert.act(rows, world.observe(rows)[:, None])
        outcome, view = world.step(rows, actions[:, 0]), world.view(rows)
        for row, action in zip(rows.tolist(), actions[:, 0], strict=True):
            seen.actions[row].append(action)
        held[rows] = np.where(outcome.solved, held[rows] + 1, 0)
        seen.success[rows] = outcome.success
        seen.mode[rows[outcome.success]] = outcome.mode[outcome.success]
        fall = best[rows] - outcome.progress
        seen.largest_fall[rows] = np.maximum(seen.largest_fall[rows], fall)
        best[rows] = np.maximum(best[rows], outcome.progress)
        seen.deepest_of_hand = min(seen.deepest_of_hand, float(sensors(world, rows).min()))
        seen.deepest = min(seen.deepest, deepest_contact(world, int(rows[0])))
        wrong = {
            "success after hold_steps": (outcome.success != (held[rows] == task.hold_steps)),
            "success ends the episode": outcome.success & ~outcome.terminated,
        }
        if isinstance(task, GoalTask):
            reached = task.reaches(task.achieved_goal(view), task.desired_goal(view))
            wrong["a solved step has reached its goal"] = outcome.solved & ~reached
        seen.violations |= {rule for rule, is_violated in wrong.items() if np.any(is_violated)}
        rows = rows[~(outcome.terminated | outcome.truncated)]
    return seen


@every_task
def test_expert_solves_every_episode_and_success_follows_its_rules(name: str) -> None:
    seen = record(name)
    seeds = np.array(SEEDS + CASES[name].hard_seeds)
    assert seeds[~seen.success].tolist() == []
    assert seen.violations == set()


@every_task
def test_expert_contacts_are_at_most_3_mm_deep(name: str) -> None:
    seen = record(name)
    assert -DEEPEST_M < seen.deepest_of_hand <= 0.0
    assert (seen.deepest_of_hand < -0.0005) == (not name.startswith(TOUCHES_NOTHING))
    assert -CASES[name].deepest_m < seen.deepest <= 0.0


@every_task
def test_progress_of_the_expert_does_not_fall(name: str) -> None:
    assert record(name).largest_fall.max() < LARGEST_FALL


@every_task
def test_expert_follows_the_mode_that_it_drew_and_draws_every_mode(name: str) -> None:
    seen, modes = record(name), make_task(name).modes
    if seen.drawn_mode is None:
        assert (seen.mode == -1).all()
    else:
        assert seen.mode.tolist() == seen.drawn_mode.tolist()
        assert set(seen.mode.tolist()) == set(range(len(modes)))


@every_task
def test_expert_does_not_depend_on_other_rows(name: str) -> None:
    assert np.array_equal(record(name).actions[SEEDS.index(SEED)], demonstration(name, SEED))


@pytest.mark.parametrize("name", TWINS)
def test_expert_of_a_twin_takes_the_same_actions(name: str) -> None:
    assert np.array_equal(demonstration(name, SEED), demonstration(TASKS[name].twin_of, SEED))
