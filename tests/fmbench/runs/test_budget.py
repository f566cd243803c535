"""With a budget of rows, all policies evaluate equally many rows of the network in training."""

from dataclasses import replace
from pathlib import Path

import pytest

from fmbench.evaluation import contact_sheets
from fmbench.report.markdown import summary_markdown
from fmbench.report.results import read_results
from fmbench.report.training_cost import training_cost_line
from fmbench.runs import finish
from fmbench.runs.policy_shape import policy_config, updates_of
from fmbench.runs.same_origin import differences
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import MeasurementRow, TrainingRow
from fmbench.training.checkpoint_facts import checkpoint_facts
from policies.catalogue import POLICIES
from policies.training_rows import rows_per_window
from tests.fmbench.runs.small_experiment import CONFIG, BlankRenderer, run

ROWS = replace(CONFIG, budget="rows", updates=16, policy=("flow", "drift"), nfe=(1,))


@pytest.mark.parametrize("policy", POLICIES)
def test_updates_times_rows_is_that_of_a_flow(policy: str) -> None:
    config = replace(ROWS, updates=4500, batch_size=256)
    shape = policy_config(config, "PressEither", policy)
    rows = rows_per_window(shape, 256)
    if rows:
        assert updates_of(config, shape) * rows == pytest.approx(4500, abs=rows / 2)
    assert updates_of(replace(config, budget="updates"), shape) == 4500


def test_a_short_training_makes_at_least_one_update() -> None:
    config = replace(ROWS, updates=1)
    assert updates_of(config, policy_config(config, "PressEither", "drift")) == 1


def test_a_run_with_equal_rows(
    demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_sheets, "TaskRenderer", BlankRenderer)
    monkeypatch.setattr(finish, "draw_all", lambda out: None)
    run(ROWS, tmp_path, demonstrations_folder.parent)
    costs = {row.policy: row for row in read_rows(tmp_path / "measurements.csv", MeasurementRow)}
    assert {name: row.updates for name, row in costs.items()} == {"flow": 16, "drift": 2}
    assert {name: row.rows_per_update for name, row in costs.items()} == {"flow": 1, "drift": 8}
    last = {row.policy: row for row in read_rows(tmp_path / "training.csv", TrainingRow)}
    assert last["drift"].update == 2
    assert last["drift"].learning_rate > 0, "the schedule is that of its own updates"
    folder = tmp_path / "checkpoints" / "PressEither-drift-seed0"
    assert checkpoint_facts(folder).train_config.warmup_updates == 200 * 2 / 16
    results = read_results(tmp_path)
    line = "updates x network rows per window: flow 16 x 1, drift 2 x 8"
    assert training_cost_line(results, "PressEither") == line
    assert results.warnings == (), "rows are equal, so different updates need no warning"
    assert "| PressEither | drift | 2 | 8 | 16 | – |" in summary_markdown(results)


def test_other_budgets_are_other_runs() -> None:
    assert ROWS.cell_hash("flow") != replace(ROWS, budget="updates").cell_hash("flow")
    rows = {"budget": "rows"}
    assert differences(rows, {}) == ["budget: rows there, updates now"]
    assert "budget" not in replace(ROWS, budget="updates").to_json()
