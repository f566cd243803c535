"""Success at a policy's own latency: which cells it takes, its table, its figure."""

import csv
import dataclasses
from pathlib import Path

import pytest

from fmbench.report.delay.deployment import DeploymentRow, deployment_rows
from fmbench.report.delay.deployment_figure import draw_deployment
from fmbench.report.delay.rows import delay_rows
from fmbench.report.grid.deployment import deployment_headline, draw_deployment_of_runs
from fmbench.report.looks import OF_CATALOGUE
from fmbench.report.results import Results
from tests.fmbench.report.test_delays import TASK, cost, episodes, write
from tests.fmbench.small_run import files_of

PLAIN, TWO, THREE = "1111111100", "1111000000", "1110000000"


def run(folder: Path, p95: float = 79.9) -> Results:
    """Write a run with delays 2 and 3, of which `p95` decides the one that is deployed."""
    rows = episodes(PLAIN)
    for delay, solved in ((2, TWO), (3, THREE)):
        rows += episodes(solved, delay=delay)
    rows += episodes(PLAIN, delay=2, execution="ensemble")
    costs = [cost(50.0, p95), cost(50.0, p95, execution="ensemble")]
    config = {"task": [TASK], "delay": ["2", "3", "measured"], "execution": ["hold", "ensemble"]}
    return write(folder, rows, costs, config=config, control_periods={TASK: 0.04})


@pytest.mark.parametrize(("p95", "delay", "rate"), [(79.9, 2, 0.4), (80.1, 3, 0.3)])
def test_a_row_is_the_plain_execution_at_the_delay_of_its_latency(
    p95: float, delay: int, rate: float, tmp_path: Path
) -> None:
    results = run(tmp_path, p95)
    (row,) = deployment_rows([results])
    assert (row.latency_ms, row.control_period_ms, row.delay) == (p95, 40.0, delay)
    assert (row.success_rate, row.plain_rate) == (rate, 0.8)
    (there,) = [r for r in delay_rows(results) if (r.execution, r.delay) == ("hold", delay)]
    assert (row.low, row.high, row.difference) == (there.low, there.high, there.difference)
    assert row.difference == pytest.approx(rate - 0.8)


def test_what_has_no_episodes_at_its_own_delay_has_no_row(tmp_path: Path) -> None:
    assert deployment_rows([run(tmp_path, 130.0)]) == []


def test_the_tables_and_the_figure_are_functions_of_the_rows(tmp_path: Path) -> None:
    run(tmp_path / "run")
    out = tmp_path / "out"
    draw_deployment_of_runs([tmp_path / "run"], out, formats=("png", "svg"))
    first = files_of(out)
    assert set(first) == {
        *("deployment.csv", "deployment.md", "deployment.png", "deployment.svg"),
    }
    draw_deployment_of_runs([tmp_path / "run"], out)
    assert files_of(out) == first
    text = first["deployment.md"].decode()
    assert "| flow | euler 10 | 10 | 79.9 | 2 | 0.40 (0.17–0.69) | 0.80 (0.49–0.94) |" in text
    with (out / "deployment.csv").open(encoding="utf-8", newline="") as file:
        table = deployment_headline("Title", list(csv.DictReader(file)), OF_CATALOGUE)
    assert table.policies == ("flow (euler 10)",)
    assert table.lines == (((TASK,), ("40.0 (17–69) @2",)),)


def test_the_figure_marks_both_rates_at_the_latency_and_the_control_period(tmp_path: Path) -> None:
    (row,) = deployment_rows([run(tmp_path)])
    rows = [row, dataclasses.replace(row, task="Other", control_period_ms=10.0)]
    figure = draw_deployment(rows, OF_CATALOGUE)
    for axes, period in zip(figure.axes, (40.0, 10.0), strict=True):
        lines = [[list(line.get_xdata()), list(line.get_ydata())] for line in axes.get_lines()]
        assert [[period, period], [0, 1]] in lines
        assert [[79.9, 79.9], [0.8, 0.4]] in lines
        assert [[79.9], [0.8]] in lines
        assert axes.get_xscale() == "log"
    texts = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert texts == [["delay 1", "2", "3", "10"], ["delay 1", "2", "3", "10"]]
    assert DeploymentRow.file_name == "deployment.csv"
