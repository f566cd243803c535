"""Success by delay and execution: exact numbers of made-up rows, and what they leave alone."""

import csv
import dataclasses
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fmbench import figures
from fmbench.config.latency import delay_of
from fmbench.report.curve.draw import draw_curve
from fmbench.report.delay.figure import draw_delay, references_of
from fmbench.report.delay.rows import DelayRow, delay_rows
from fmbench.report.delay.terminal import print_delays
from fmbench.report.delay.text import delay_markdown
from fmbench.report.draw import draw_all
from fmbench.report.matrix import draw as matrix
from fmbench.report.matrix.draw import draw_matrix
from fmbench.report.over_changes import change_over_seeds, changes_of
from fmbench.report.over_seeds import interval_over_seeds, seeds_of
from fmbench.report.results import Results, read_results
from fmbench.report.statistics import holm, mcnemar_exact, paired_interval, wilson_interval
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.rows import EpisodeRow, MeasurementRow
from tests.fmbench.fake_run import make_rows, write_episode_rows, write_run

TASK = "PressEither"
TASKS = (TASK, "LiftCube")
EPISODE = next(row for row in make_rows((TASK,), episodes=1)[0] if row.policy == "flow")
FIGURE = "figures/delay.png"


def episodes(solved: str, seed: int = 0, **values: Any) -> list[EpisodeRow]:
    """Return the episodes of one cell, "1" for a success."""
    return [
        dataclasses.replace(
            EPISODE,
            train_seed=seed,
            episode_seed=20_000 + i,
            success=one == "1",
            success_any=one == "1",
            success_end=one == "1",
            time_to_success_s=1.0 if one == "1" else None,
            **values,
        )
        for i, one in enumerate(solved)
    ]


def cost(p50: float, p95: float, seed: int = 0, **values: Any) -> MeasurementRow:
    cell = {**EPISODE.cell, "train_seed": seed, **values}
    return MeasurementRow(
        **cell, headline=not values, parameters=1, updates=1, training_time_s=1.0,
        latency_ms_p50=p50, latency_ms_p95=p95,
    )  # fmt: skip


def write(
    folder: Path,
    rows: Sequence[EpisodeRow],
    costs: Sequence[MeasurementRow] = (),
    **facts: Any,
) -> Results:
    write_episode_rows(folder, rows)
    write_rows(folder / MeasurementRow.file_name, list(costs), MeasurementRow)
    (folder / "run.json").write_text(json.dumps(facts))
    return read_results(folder)


def late(rows: Sequence[EpisodeRow], delay: int, execution: str = "hold") -> list[EpisodeRow]:
    """Return episodes of which every third success is lost by a delay."""
    return [
        dataclasses.replace(
            row, delay=delay, execution=execution, boundary_jump=0.1, jerk=0.2,
            success=row.success and i % 3 > 0, success_end=row.success and i % 3 > 0,
            time_to_success_s=row.time_to_success_s if i % 3 > 0 else None,
        )
        for i, row in enumerate(rows)
    ]  # fmt: skip


def run_with_delays(folder: Path, delays: Sequence[int] = (2, 4), **options: Any) -> Path:
    """Write a run of `fake_run` with a plain run beside it, in `folder / "plain"`."""
    rows, costs, _ = make_rows(**options)
    learned = [row for row in rows if row.policy not in ("expert", "random")]
    further = [row for delay in delays for row in late(learned, delay)]
    further += late(learned, 0, "ensemble")
    config = {"task": list(options["tasks"]), "backbone": "mlp", "demos": 100, "updates": 9}
    write(folder / "plain", rows, costs, config=config)
    acting = {"delay": ["0", *map(str, delays)], "execution": ["hold", "ensemble"]}
    # Their places among the plain rows do not matter.
    mixed = [*further[:7], *rows[:9], *further[7:], *rows[9:]]
    periods = dict.fromkeys(options["tasks"], 0.04)
    write(folder / "delayed", mixed, costs, config={**config, **acting}, control_periods=periods)
    return folder / "delayed"


def test_one_checkpoint_has_wilson_and_paired_intervals(tmp_path: Path) -> None:
    plain, two, four = "1111111100", "1110000010", "1111111110"
    rows = episodes(plain, boundary_jump=0.2, jerk=0.5)
    rows += episodes(two, delay=2, boundary_jump=None, jerk=1.5)[:9]
    rows += episodes(two, delay=2, boundary_jump=0.6, jerk=1.5)[9:]
    rows += episodes(four, delay=4, execution="bid", boundary_jump=None, nfe=16.0)
    costs = [cost(5.0, 39.0), cost(9.0, 80.1, execution="bid")]
    results = write(tmp_path, rows, costs, control_periods={TASK: 0.04})
    first, second, third = delay_rows(results)
    assert [r.execution for r in (first, second, third)] == ["hold", "hold", "bid"]
    assert [r.delay for r in (first, second, third)] == [0, 2, 4]
    assert (first.success_rate, first.low, first.high) == (0.8, *wilson_interval(8, 10))
    assert (second.success_rate, second.low, second.high) == (0.4, *wilson_interval(4, 10))
    bounds = paired_interval(both=3, only_a=1, only_b=5, neither=1)
    assert (second.difference_low, second.difference_high) == pytest.approx(bounds)
    assert second.difference == pytest.approx(-0.4)
    p = [mcnemar_exact([c == "1" for c in a], [c == "1" for c in plain]).p for a in (two, four)]
    assert [second.p, third.p] == pytest.approx(p)
    assert [second.p_holm, third.p_holm] == pytest.approx(holm(p))
    assert (first.difference, first.p, first.verdict, first.favours) == (None, None, "", "")
    assert (second.verdict, second.favours) == ("non-inferior", "plain")
    assert (first.boundary_jump, first.boundary_jump_ratio) == (0.2, 1.0)
    assert (second.boundary_jump, second.boundary_jump_ratio) == pytest.approx((0.6, 3.0))
    assert (second.jerk, second.jerk_ratio) == pytest.approx((1.5, 3.0))
    assert (third.boundary_jump, third.boundary_jump_ratio, third.jerk) == (None, None, None)
    assert [r.latency_ms_p95 for r in (first, second, third)] == [39.0, 39.0, 80.1]
    assert [r.latency_delay for r in (first, second, third)] == [1, 1, 3]
    assert [r.nfe for r in (first, second, third)] == [10.0, 10.0, 16.0]


def test_methods_have_intervals_over_their_seeds(tmp_path: Path) -> None:
    plain, slow = ("11111111", "11111110", "11111100"), ("10000000", "11000000", "11100000")
    rows = [row for seed, text in enumerate(plain) for row in episodes(text, seed)]
    rows += [row for seed, text in enumerate(slow) for row in episodes(text, seed, delay=3)]
    first, second = delay_rows(write(tmp_path, rows))
    a = seeds_of([1, 2, 3], 8)
    assert (second.low, second.high) == pytest.approx(tuple(map(float, interval_over_seeds(a))))
    expected = change_over_seeds(changes_of([0, 0, 0], [7, 5, 3], 8))
    found = (second.difference, second.difference_low, second.difference_high, second.p)
    assert found == pytest.approx(tuple(map(float, expected)))
    assert second.seed_rates == "0.125 0.25 0.375"
    assert (second.train_seeds, second.episodes, second.verdict) == (3, 24, "behind")
    assert second.favours == "plain"
    assert first.complete
    assert second.complete
    assert (second.latency_ms_p95, second.latency_delay) == (None, 0)


def test_a_plain_cell_that_is_non_inferior_is_named(tmp_path: Path) -> None:
    """The word alone would say that of the delayed cell, which loses a third of its successes."""
    rows = episodes("1" * 28 + "0" * 12) + episodes("1" * 24 + "0" * 16, delay=1)
    results = write(tmp_path, rows)
    row = delay_rows(results)[1]
    assert (row.verdict, row.favours) == ("non-inferior", "plain")
    assert row.difference_low is not None
    assert row.difference_low < -0.05
    assert ") plain non-inferior |" in delay_markdown([row], results)


def test_a_given_latency_takes_the_place_of_a_measured_one(tmp_path: Path) -> None:
    rows = episodes("10") + episodes("10", delay=3)
    results = write(
        tmp_path, rows, [cost(1.0, 2.0)], config={"latency_ms": 100.0}, control_periods={TASK: 0.04}
    )
    found = delay_rows(results)
    assert [(row.latency_ms_p95, row.latency_delay) for row in found] == [(2.0, 3)] * 2
    assert [row.is_at_latency for row in found] == [False, True]
    text = delay_markdown(found, results)
    assert "| 0.50† (" in text
    assert "the latency of 100 ms that the run was given" in text


def test_a_latency_of_whole_periods_is_no_further_step() -> None:
    assert [delay_of(x, 0.04) for x in (0.1, 40.0, 40.1, 80.0, 120.0, 121.0)] == [1, 1, 2, 2, 3, 4]
    assert [delay_of(30.0, 0.01), delay_of(7.0, 0.001)] == [3, 7]


def test_a_broken_cell_has_neither_interval_nor_verdict(tmp_path: Path) -> None:
    rows = episodes("1111") + episodes("0000", delay=2, error="no") + episodes("0011", delay=4)
    results = write(tmp_path, rows)
    first, second, third = delay_rows(results)
    assert (second.low, second.difference, second.verdict, second.errors) == (None, None, "", 4)
    assert first.low is not None
    assert third.p == third.p_holm
    text = delay_markdown([first, second, third], results)
    assert "0.00 (broken)" in text
    assert "**Warning.** with a delay or another execution, broken: 4 of 8 episodes" in text


def test_seeds_that_lack_episodes_are_marked(tmp_path: Path) -> None:
    rows = episodes("1111") + episodes("1111", 1) + episodes("0110", delay=2)
    results = write(tmp_path, rows)
    plain, row = delay_rows(results)
    assert (plain.complete, row.complete) == (True, False)
    assert "(incomplete)" in delay_markdown([plain, row], results)


def test_disturbances_are_not_in_the_table(tmp_path: Path) -> None:
    rows = episodes("11") + episodes("00", perturb="mass=2") + episodes("00", delay=1, perturb="x")
    assert delay_rows(write(tmp_path, rows)) == []
    assert [row.delay for row in delay_rows(write(tmp_path, rows + episodes("01", delay=1)))] == [
        0,
        1,
    ]


@pytest.mark.usefixtures("figures_of_text")
def test_plain_tables_are_the_same_with_and_without_delayed_cells(tmp_path: Path) -> None:
    run = run_with_delays(tmp_path, tasks=TASKS, train_seeds=(0, 1), episodes=8)
    alone = draw_all(tmp_path / "plain")
    both = draw_all(run)
    names = {path.relative_to(tmp_path / "plain") for path in alone}
    further = {path.relative_to(run) for path in both} - names
    assert further == {Path("delays.csv"), Path("delays.md"), Path(FIGURE)}
    assert {"summary.csv", "summary.md", "across_tasks.csv"} <= {str(name) for name in names}
    for name in names:
        assert (run / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()


@pytest.mark.thorough
def test_redrawing_gives_the_same_bytes_and_no_delays_no_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with_delays(tmp_path, tasks=(TASK,), episodes=6)
    names = ("delays.csv", "delays.md", FIGURE)
    assert figures.main([str(run)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert {str(run / name) for name in names} <= set(printed)
    first = [(run / name).read_bytes() for name in names]
    assert read_rows(run / "delays.csv", DelayRow)[0].policy == "flow"
    assert figures.main([str(run)]) == 0
    assert [(run / name).read_bytes() for name in names] == first
    write_episode_rows(run, make_rows(tasks=(TASK,), episodes=6)[0])
    assert figures.main([str(run)]) == 0
    assert not any((run / name).exists() for name in names)


def test_tables_of_several_runs_have_plain_rows_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a run with delays may stand beside one without."""
    run = run_with_delays(tmp_path, tasks=(TASK,), episodes=6)
    other = tmp_path / "other"
    write_run(other, tasks=(TASK,), episodes=6)
    facts = json.loads((tmp_path / "plain" / "run.json").read_text())
    for name in ("render_matrix", "render_across_tasks"):
        monkeypatch.setattr(matrix, name, lambda *_: b"")
    tables = {}
    for folder in (tmp_path / "plain", run):
        out = tmp_path / f"of-{folder.name}"
        for value, draw in (("backbone", draw_matrix), ("demos", draw_curve)):
            config = {**facts["config"], value: "unet" if value == "backbone" else 500}
            (other / "run.json").write_text(json.dumps({**facts, "config": config}))
            written = draw([folder, other], out / value)
            tables[folder.name, value] = [
                path.read_bytes() for path in written if path.suffix != ".png"
            ]
    assert len(tables["plain", "demos"]) == 2
    for value in ("backbone", "demos"):
        assert tables["plain", value] == tables["delayed", value]


def test_rows_are_sorted_with_headlines_first(tmp_path: Path) -> None:
    run = run_with_delays(tmp_path, tasks=TASKS, episodes=4)
    rows = delay_rows(read_results(run))
    assert list(dict.fromkeys(row.task for row in rows)) == list(TASKS)
    of_task = [row for row in rows if row.task == TASK]
    headlines = [row.headline for row in of_task]
    assert headlines == sorted(headlines, reverse=True)
    assert [row.policy for row in of_task if row.headline][::4] == ["flow", "diffusion", "bc"]
    ways = [(row.execution, row.delay) for row in of_task[:4]]
    assert ways == [("hold", 0), ("hold", 2), ("hold", 4), ("ensemble", 0)]
    assert len(of_task) == 8 * 4, "configurations of fake_run, ways"


def test_the_figure_has_a_line_of_each_policy_and_execution(tmp_path: Path) -> None:
    run = run_with_delays(tmp_path, tasks=(TASK,), episodes=4)
    results = read_results(run)
    rows = delay_rows(results)
    figure = draw_delay(rows, results.looks, references_of([results]))
    (axes,) = figure.axes
    assert len(axes.containers) == 3 * 2
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "2", "4"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[:5] == ["flow", "diffusion", "bc", "hold", "ensemble"]
    assert "delay of its latency" in legend
    ticks = [line for line in axes.lines if line.get_marker() == "|"]
    assert len(ticks) == 3, "of hold, within the range of its delays"
    assert all(0.5 < line.get_xdata()[0] < 1.5 for line in ticks)


def test_too_many_lines_have_a_panel_of_each_execution_and_large_delays_a_logarithm(
    tmp_path: Path,
) -> None:
    run = run_with_delays(tmp_path, (2, 40), tasks=(*TASKS, "HandOver"), episodes=2)
    results = read_results(run)
    figure = draw_delay(delay_rows(results), results.looks, references_of([results]))
    assert [len(axes.containers) for axes in figure.axes] == [3] * 6
    titles = [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes]
    assert titles == ["hold", "ensemble", "", "", "", ""]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert not {"hold", "ensemble"} & set(legend), "named by the titles"
    low, high = figure.axes[0].get_xlim()
    assert low < 0
    assert 5 < high < 7, "log2(1 + 40) and half a gap"


@pytest.mark.parametrize("delays", [(2, 4), tuple(range(1, 31))])
def test_the_terminal_has_at_most_100_columns(delays: tuple[int, ...], tmp_path: Path) -> None:
    run = run_with_delays(tmp_path, delays, tasks=(TASK,), episodes=2)
    results = read_results(run)
    out = io.StringIO()
    print_delays(results, run, Console(file=out, width=100, highlight=False))
    lines = out.getvalue().splitlines()
    assert max(len(line) for line in lines[:-1]) <= 100
    assert lines[0].startswith(f"{TASK}: success by delay [control steps]")
    assert sum(line.startswith((" flow", " diffusion", " bc")) for line in lines) == 3 * 2
    assert lines[-1].endswith(f"{run / 'delays.md'}")
    if len(delays) > 2:
        assert any(line.startswith("further delays: ") for line in lines)
        assert any("*" in line and line.startswith(" flow") for line in lines)


def test_without_delays_nothing_is_printed(tmp_path: Path) -> None:
    out = io.StringIO()
    run = write_run(tmp_path, tasks=(TASK,), episodes=2)
    print_delays(read_results(run), run, Console(file=out))
    assert out.getvalue() == ""


def test_unfinished_runs_are_marked_and_not_compared(tmp_path: Path) -> None:
    results = read_results(run_with_delays(tmp_path, tasks=(TASK,), episodes=4))
    unfinished = dataclasses.replace(results, unfinished="unfinished: 9 of 20 cells")
    rows = delay_rows(unfinished)
    assert {row.difference for row in rows} == {None}
    assert {row.verdict for row in rows} == {""}
    text = delay_markdown(rows, unfinished)
    assert text.startswith("# Delay and execution (unfinished: 9 of 20 cells)\n")
    assert "undecided" not in text


@pytest.mark.usefixtures("figures_of_text")
def test_the_file_has_every_number(tmp_path: Path) -> None:
    run = run_with_delays(tmp_path, tasks=(TASK,), episodes=4)
    draw_all(run)
    with (run / "delays.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(delay_rows(read_results(run)))
    plain = lines[0]
    assert (plain["delay"], plain["execution"], plain["difference"]) == ("0", "hold", "")
    assert all(line["difference_low"] and line["p_holm"] for line in lines[1:4])
    text = (run / "delays.md").read_text()
    assert " tie" not in text
    assert "| Execution | Policy | Sampler | Delay 0 | Delay 2 | Delay 4 |" in text
