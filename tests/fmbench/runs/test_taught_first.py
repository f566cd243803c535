"""Teachers that a run trains first and does not evaluate: options, and runs that take them."""

from dataclasses import replace
from pathlib import Path

import pytest

from fmbench.evaluation import contact_sheets
from fmbench.runs import finish
from fmbench.storage.files import read_json
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import MeasurementRow
from tests.fmbench.runs.small_experiment import BlankRenderer, run
from tests.fmbench.runs.test_experiment import rejection
from tests.fmbench.runs.test_teachers import FLOW, LEARNER, REFLOW, learn_from, weights_of
from tests.reseal import reseal


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_sheets, "TaskRenderer", BlankRenderer)
    monkeypatch.setattr(finish, "draw_all", lambda out: None)


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


def test_a_teacher_that_a_run_has_trained_but_not_evaluated_is_taken(
    data: Path, tmp_path: Path
) -> None:
    run(LEARNER, tmp_path / "first", data)
    run(learn_from(tmp_path / "first"), tmp_path / "second", data)
    assert not (tmp_path / "second" / "checkpoints" / FLOW).exists()
    assert weights_of(tmp_path / "second", REFLOW) == weights_of(tmp_path / "first", REFLOW)
    first, second = (read_json(tmp_path / name / "run.json") for name in ("first", "second"))
    assert second["teachers"] == first["teachers"]
    costs = [
        [(row.updates, row.teacher_updates, row.rows_per_update) for row in rows]
        for rows in (
            read_rows(tmp_path / name / "measurements.csv", MeasurementRow)
            for name in ("first", "second")
        )
    ]
    assert costs[0] == costs[1] == [(6, 6, 11)]
    message = rejection(learn_from(tmp_path / "second"), tmp_path / "third", data)
    assert message.endswith(
        "(policy: reflow there, flow needed, trained in the run first: give that)"
    )
    damaged = tmp_path / "first" / "checkpoints" / FLOW
    reseal(damaged, complete=False, update=1)
    message = rejection(learn_from(tmp_path / "first"), tmp_path / "third", data)
    assert message.startswith(f"{damaged} has not finished training")
    assert not (tmp_path / "third").exists()


def test_options_of_a_teacher_that_is_trained_first_are_used_and_counted(
    data: Path, tmp_path: Path
) -> None:
    paired = replace(LEARNER, pairing="optimal_transport")
    run(paired, tmp_path, data)
    assert paired.cell_hash("reflow") != LEARNER.cell_hash("reflow")
    given = replace(paired, from_run="runs/a")
    assert given.cell_hash("reflow") == replace(given, pairing="independent").cell_hash("reflow")
    assert rejection(given, tmp_path / "b", data).startswith("--pairing is 'optimal_transport', wh")
