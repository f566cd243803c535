"""The benchmarks compare the same problems, and write only to their own blocks."""

import re
from pathlib import Path

import pytest

from envs.registry import make_task
from fmbench.config import RunConfig
from fmbench.report.results import read_results
from fmbench.runs.policy_shape import policy_config
from fmbench.storage.episode_files import ROW_FILES
from fmbench.storage.learning_rows import LearningRow
from policies.catalogue import BACKBONES, SIZES
from tests.benchmarks import large_run, report, stacks
from tests.benchmarks.interleaved import Duration, Spread, as_times, ratio
from tests.benchmarks.peers import problem
from tests.benchmarks.report import Row
from tests.fmbench.lerobot.lerobot_import import Unused

HERE = Path(__file__).parent
CONSTRAINTS = HERE.parents[1] / "constraints.txt"
REQUIREMENTS = HERE / "peers" / "requirements.txt"


def pins(path: Path) -> dict[str, str]:
    text = path.read_text(encoding="utf-8")
    return {
        name.lower(): pin for name, pin in re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE)
    }


def test_peers_are_compared_at_the_size_of_a_task() -> None:
    task = make_task("LiftCube")
    assert (task.obs_dim, task.act_dim) == (problem.OBS_DIM, problem.ACT_DIM)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("backbone", list(BACKBONES))
def test_the_compared_policy_is_that_of_a_run(backbone: str, size: str) -> None:
    run = RunConfig(backbone=backbone, size=size)
    assert problem.policy_config(backbone, size) == policy_config(run, "LiftCube", "flow")


def test_peers_are_trained_on_windows_of_this_size() -> None:
    windows = problem.make_training_windows("cpu")
    observations, actions = windows.gather(windows.action_index[:3, 0])
    assert observations.shape == (3, problem.OBS_HORIZON, problem.OBS_DIM)
    assert actions.shape == (3, problem.PRED_HORIZON, problem.ACT_DIM)
    assert actions[0, 1] == pytest.approx(observations[1, 1, problem.ACT_DIM :][: problem.ACT_DIM])


def test_peers_use_the_tested_versions() -> None:
    tested, peers = pins(CONSTRAINTS), pins(REQUIREMENTS)
    shared = set(tested) & set(peers)
    assert {"torch", "numpy", "gymnasium"} <= shared
    assert {name: peers[name] for name in shared} == {name: tested[name] for name in shared}


def test_unused_modules_have_every_name() -> None:
    module = Unused("datasets")
    assert isinstance(module.Dataset, type)
    assert not hasattr(module, "__version__")


def test_limits_bound_the_median_from_both_sides() -> None:
    value = Spread(2.0, 1.0, 9.0)
    unlimited, both = Row("a", value, 1, "ms"), Row("b", value, 1, "ms", limit=3.0, least=2.0)
    assert (unlimited.is_met, unlimited.cells()) == (True, ("a", "2.0 (1.0 to 9.0) ms", "", ""))
    assert (both.is_met, both.cells()[3]) == (True, "3 ms, at least 2 ms")
    slow, few = Row("c", value, limit=1.5), Row("d", value, least=20.0)
    assert (slow.is_met, slow.cells()[3]) == (False, "1.5, not met")
    assert (few.is_met, few.cells()[3]) == (False, "at least 20, not met")


def test_ratios_are_taken_within_a_round() -> None:
    quiet, busy = Duration(1.0, 1.0), Duration(8.0, 2.0)
    ours, theirs = as_times([quiet, busy]), as_times([quiet + quiet, busy + busy])
    assert ratio(theirs.wall, ours.wall) == Spread(2.0, 2.0, 2.0)
    assert (busy - quiet) == Duration(7.0, 1.0)


def test_results_replace_only_their_own_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = tmp_path / "README.md"
    monkeypatch.setattr(report, "README", readme)
    blocks = "<!-- a: begin -->\nold\n<!-- a: end -->\ntext\n<!-- b: begin -->\nb\n<!-- b: end -->"
    readme.write_text(blocks, encoding="utf-8")
    report.write("new", "a")
    assert readme.read_text(encoding="utf-8") == blocks.replace("old", "new")
    with pytest.raises(RuntimeError, match="no block between <!-- c: begin -->"):
        report.write("new", "c")


def test_the_readme_has_a_block_for_every_device() -> None:
    text = report.README.read_text(encoding="utf-8")
    for block in ("results", "stacks", *(f"peers, {device}" for device in problem.SIZES)):
        assert text.count(f"<!-- {block}: begin -->") == 1
        assert text.count(f"<!-- {block}: end -->") == 1


def test_no_other_test_imports_a_benchmark() -> None:
    tests = HERE.parent
    sources = [path for path in tests.rglob("*.py") if HERE not in path.parents]
    assert len(sources) > 50
    pattern = re.compile(r"^\s*(from|import) tests\.benchmarks", re.MULTILINE)
    assert [path for path in sources if pattern.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.thorough
def test_the_benchmark_of_stacks_runs_on_a_cpu() -> None:
    rows = list(stacks.measure("cpu"))
    assert all(row.is_met for row in rows)
    assert sum("stacks over one after another" in row.what for row in rows) == 2


def test_the_large_run_has_all_files_of_a_run_and_is_read_the_quick_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = large_run.write_large_run(tmp_path, large_run.TASKS[:2], seeds=2, episodes=4)
    assert count == 2 * (2 + 2 * len(large_run.CONFIGURATIONS)) * 4

    def slow(*_: object) -> None:
        raise AssertionError("was read row by row")

    monkeypatch.setattr("fmbench.storage.row_tables.read_rows", slow)
    monkeypatch.setattr("fmbench.storage.episode_files.is_sealed", slow)
    results = read_results(tmp_path)
    assert len(results.episodes) == count
    assert results.complete
    of_runs = set(ROW_FILES) - {LearningRow}  # it is of agents, which learn in folders of their own
    assert {row.file_name for row in of_runs} == {path.name for path in tmp_path.glob("*.csv")}
