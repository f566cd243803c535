"""The cells in which a policy is evaluated, and their rows."""

from dataclasses import replace
from pathlib import Path

import pytest

from envs.registry import make_task
from envs.task_hash import task_hash
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.evaluation import episodes
from fmbench.evaluation.cells import Cell, Origin
from fmbench.evaluation.cost import latency_ms
from fmbench.evaluation.episodes import check_origin, check_seeds, evaluate, origin_row
from fmbench.evaluation.plan import plan_run
from fmbench.harness.seeds import TEST
from fmbench.storage.stamps import Stamp, stamp_of
from fmbench.training.state import build_policy
from policies.catalogue import POLICIES
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig

TASK = "PressEither"
CONFIG = RunConfig(
    task=(TASK,), episodes=3, nfe=(4, 1, 2), pred_horizon=7, exec_horizon=5, width=16, depth=1
)
ORIGIN = Origin("weights", "data", Stamp("77aa", "torch=2", "abc1234"))


def plan(policy: str, config: RunConfig = CONFIG) -> list[tuple[str, int, bool]]:
    planned = plan_run(replace(config, policy=(policy,))).cells(TASK, policy, 3)
    assert {(c.task, c.policy, c.train_seed) for c in planned} <= {(TASK, policy, 3)}
    return [(cell.sampler, cell.steps, cell.headline) for cell in planned]


def make_policy(objective: str) -> ChunkPolicy:
    task = make_task(TASK)
    config = ChunkPolicyConfig(task.obs_dim, task.act_dim, 2, 7, objective, width=16, depth=1)
    return build_policy(config, train_seed=0).eval()


def test_flow_takes_every_nfe_the_largest_first() -> None:
    assert plan("flow") == [("euler", 4, True), ("euler", 1, False), ("euler", 2, False)]


def test_diffusion_starts_with_ddpm_at_its_only_number_of_steps() -> None:
    assert plan("diffusion") == [
        ("ddpm", 100, True),
        ("ddim", 1, False),
        ("ddim", 2, False),
        ("ddim", 4, False),
    ]


def test_ddim_leaves_out_steps_that_it_cannot_take() -> None:
    config = replace(CONFIG, nfe=(10, 101))
    assert plan("diffusion", config) == [("ddpm", 100, True), ("ddim", 10, False)]
    assert plan("flow", config) == [("euler", 101, True), ("euler", 10, False)]


def test_samplers_without_a_choice_are_evaluated_once() -> None:
    assert plan("bc") == [("direct", 1, True)]
    assert plan("knn") == [("nearest", 1, True)]
    assert plan("gmm") == [("mixture", 1, True)]
    assert plan("mip") == [("two_step", 2, True)]


def test_no_headline_means_no_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"euler": POLICIES["flow"].limits["euler"]._replace(lowest=5)}
    monkeypatch.setitem(POLICIES, "flow", replace(POLICIES["flow"], limits=limits))
    assert plan("flow") == []


def test_names_of_cells_are_distinct_and_valid_file_names() -> None:
    assert Cell(TASK, "expert").name == "PressEither-expert"
    assert Cell(TASK, "flow", "euler", 4, 1).name == "PressEither-flow-euler4-seed1"
    assert Cell(TASK, "bc", "direct", 1, 0).name == "PressEither-bc-direct1-seed0"


def test_rows_have_their_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    cell = Cell(TASK, "flow", "euler", 2, 3)
    policy = make_policy("flow")
    evaluated = evaluate(cell, CONFIG, ORIGIN, policy, counted.append)
    rows = evaluated.rows
    assert counted == [1, 2, 3]
    assert [row.episode_seed for row in rows] == [TEST, TEST + 1, TEST + 2]
    for row in rows:
        assert (row.task, row.policy, row.sampler, row.steps, row.train_seed) == (
            *(TASK, "flow", "euler"),
            *(2, 3),
        )
        assert (row.error, row.nfe) == ("", 2.0)
        assert row.decisions == -(-row.length // CONFIG.exec_horizon)
    (origin,) = evaluated.origins
    assert origin.cell == rows[0].cell
    assert (origin.weights_hash, origin.demonstrations_hash) == ("weights", "data")
    assert (origin.config_hash, origin.commit) == (CONFIG.cell_hash("flow"), "abc1234")
    assert (origin.versions, origin.code_hash, origin.device) == ("torch=2", "77aa", "cpu")
    assert task_hash(TASK).startswith(origin.task_hash)
    monkeypatch.setattr(episodes, "MAX_SIMS", 2)
    assert evaluate(cell, CONFIG, ORIGIN, policy, counted.append) == evaluated


def test_expert_always_and_random_never_succeed() -> None:
    for policy, success in (("expert", 3), ("random", 0)):
        rows = evaluate(Cell(TASK, policy), CONFIG, Origin(), None, lambda done: None).rows
        assert sum(row.success for row in rows) == success
        assert {(row.sampler, row.steps, row.train_seed, row.nfe) for row in rows} == {
            ("", 0, -1, 0.0)
        }


def test_missing_episodes_are_appended_to_earlier_ones() -> None:
    policy, counted = make_policy("flow"), list[int]()
    cell = Cell(TASK, "flow", "euler", 2, 3)
    whole = evaluate(cell, CONFIG, ORIGIN, policy, counted.append)
    again = evaluate(cell, CONFIG, ORIGIN, policy, counted.append, whole.rows[:1])
    assert again == whole
    assert counted == [1, 2, 3, 2, 3]


def test_rows_of_something_else_are_rejected_by_name() -> None:
    cell, path = Cell(TASK, "flow", "euler", 2, 3), Path("cells") / "x.csv"
    now = origin_row(cell, CONFIG, ORIGIN)
    check_origin(path, now, now)
    check_origin(path, replace(now, commit="another"), now)
    for name, value in {
        "policy": "bc",
        "steps": 3,
        "task_version": 7,
        "task_hash": "0000",
        "weights_hash": "newer",
        "demonstrations_hash": "newer",
        "config_hash": "0000",
        "device": "cuda",
    }.items():
        there = replace(now, **{name: value})
        with pytest.raises(
            FmbenchError, match=rf"x\.csv holds .*\({name}: {value!r} there.*delete"
        ):
            check_origin(path, there, now)
    for name, value in {"code_hash": "88bb", "versions": "torch=3"}.items():
        there = replace(now, **{name: value})
        with pytest.raises(FmbenchError, match=r"made with (code_hash 88bb|torch 3)\)"):
            check_origin(path, there, now)
        check_origin(path, there, now, [stamp_of(there)])


def test_rows_of_other_episodes_are_rejected() -> None:
    rows = evaluate(Cell(TASK, "random"), CONFIG, Origin(), None, lambda done: None).rows
    check_seeds(Path("x.csv"), rows, 1)
    check_seeds(Path("x.csv"), rows[:2], 1)
    for bad in (rows[::-1], [*rows, rows[0]], rows[1:], []):
        with pytest.raises(FmbenchError, match=r"does not hold the first . test episodes"):
            check_seeds(Path("x.csv"), bad, 1)


def test_latency_is_positive_and_ordered() -> None:
    p50, p95 = latency_ms(Cell(TASK, "bc", "direct", 1, 0), CONFIG, make_policy("bc"))
    assert 0.0 < p50 <= p95
