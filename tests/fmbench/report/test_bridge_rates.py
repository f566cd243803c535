"""Bridge rates in tables and in the figure."""

from pathlib import Path

import pytest
from scipy import stats

from fmbench.report.bridge_rates import bridge_rates
from fmbench.report.draw import draw_all
from fmbench.report.markdown import summary_markdown
from fmbench.report.outcomes import SummaryKey
from fmbench.report.over_nfe import bridge_vs_nfe
from fmbench.report.results import read_results
from fmbench.report.summary import frame
from fmbench.storage.row_files import write_rows
from fmbench.storage.rows import DiagnosticRow
from tests.fmbench.fake_run import write_run

TASKS = ("fmbench/LiftCube-v0", "fmbench/TwoCubes-v0")
EULER_1 = SummaryKey(TASKS[1], "flow", "euler", 1)


def row(seed: int, rate: float, error: float | None = 0.1, steps: int = 1) -> DiagnosticRow:
    cell = (TASKS[1], "flow", "euler", steps, seed)
    return DiagnosticRow(*cell, 0, 0, None, None, None, 12, 64, rate, error, 0.4, 0.03)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_run(tmp_path, tasks=TASKS, train_seeds=(0, 1), episodes=5)
    rows = [row(seed, rate, steps=steps) for steps, rate in ((1, 0.9), (5, 0.1)) for seed in (0, 1)]
    write_rows(tmp_path / "diagnostics.csv", rows, DiagnosticRow)
    return tmp_path


def test_the_interval_of_one_seed_is_over_its_starts() -> None:
    rate = bridge_rates(frame([row(0, 0.5)], DiagnosticRow))[EULER_1]
    half = stats.t.ppf(0.975, df=11) * 0.1
    assert (rate.low, rate.high) == (pytest.approx(0.5 - half), pytest.approx(0.5 + half))
    assert (rate.rate, rate.minor_way, rate.expert) == (0.5, 0.4, 0.03)


def test_the_interval_of_several_seeds_is_over_their_rates() -> None:
    rate = bridge_rates(frame([row(0, 0.2), row(1, 0.4), row(2, 0.6)], DiagnosticRow))[EULER_1]
    half = stats.t.ppf(0.975, df=2) * 0.2 / 3**0.5
    assert rate.rate == pytest.approx(0.4)
    assert rate.low == pytest.approx(max(0.4 - half, 0.0))
    assert rate.high == pytest.approx(min(0.4 + half, 1.0))


@pytest.mark.parametrize(("count", "error"), [(1, 0.0), (3, 0.0)])
def test_rates_that_are_all_zero_are_known_to_about_one_sample(count: int, error: float) -> None:
    rows = [row(seed, 0.0, error) for seed in range(count)]
    rate = bridge_rates(frame(rows, DiagnosticRow))[EULER_1]
    assert rate.low == 0.0
    assert 0.001 < rate.high < 0.01


def test_one_start_says_nothing_about_others() -> None:
    one = DiagnosticRow(*EULER_1, 0, 0, 0, None, None, None, 1, 64, 0.5, None, None, 0.0)
    rate = bridge_rates(frame([one], DiagnosticRow))[EULER_1]
    assert (rate.low, rate.high) == (0.0, 1.0)


def test_the_table_has_bridge_rates_beside_success_where_there_are_some(folder: Path) -> None:
    text = summary_markdown(read_results(folder))
    header = "| Policy | Sampler | Success | 95 % interval | Bridge rate | Rarest way | NFE |"
    assert text.count(header) == 1, "of one of two tasks"
    lines = text[text.index(header) :].splitlines()
    cells = {line.split(" | ")[1]: line.split(" | ")[4:6] for line in lines if "| flow |" in line}
    assert cells["euler 1"][0].startswith("0.900 (0.")
    assert cells["euler 1"][1] == "0.40"
    assert cells["euler 10"] == ["–", "–"], "was not diagnosed"
    (expert,) = [line.split(" | ")[4:6] for line in lines if line.startswith("| expert")]
    assert expert == ["0.030", "–"]
    assert "Diagnostics of sampled chunks" not in text, "nothing was compared with the expert"


def test_the_figure_has_a_panel_for_every_task_with_ways(folder: Path) -> None:
    names = [path.name for path in draw_all(folder)]
    assert {"bridge_vs_nfe.png", "across_tasks.png"} < set(names)
    (axes,) = bridge_vs_nfe(read_results(folder)).axes
    assert axes.get_title() == "TwoCubes-v0"
    (line,) = axes.containers
    assert line.lines[0].get_ydata().tolist() == [0.9, 0.1]
    assert [list(line.get_ydata()) for line in axes.lines if len(set(line.get_ydata())) == 1] == [
        [0.03, 0.03]
    ]
