"""Matrices: one table and figure of runs that differ only in what may differ."""

import dataclasses
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from fmbench.errors import FmbenchError
from fmbench.matrix import main
from fmbench.report.comparisons import compare_at_equal_nfe
from fmbench.report.looks import OF_CATALOGUE
from fmbench.report.matrix import draw
from fmbench.report.matrix.draw import draw_matrix
from fmbench.report.matrix.figure import render_matrix
from fmbench.report.matrix.pairs import EQUAL_NFE, HEADLINE, PairRow
from fmbench.report.matrix.rows import MatrixRow
from fmbench.report.matrix.ways import draw_ways, one_evaluation, render_ways
from fmbench.report.results import read_results
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.rows import REFERENCES, DiagnosticRow, MeasurementRow
from policies.catalogue import POLICIES
from tests.fmbench.fake_run import write_run

TASKS = ("fmbench/LiftCube-v0", "fmbench/PressEither-v2")


def make_run(folder: Path, backbone: str, **config: object) -> Path:
    write_run(folder, tasks=TASKS, train_seeds=(0, 1), episodes=20)
    run = json.loads((folder / "run.json").read_text())
    run["config"] = {"backbone": backbone, "updates": 100, "task": list(TASKS), **config}
    (folder / "run.json").write_text(json.dumps(run))
    return folder


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write empty figures, for tests of tables."""
    for name in ("render_matrix", "render_across_tasks"):
        monkeypatch.setattr(draw, name, lambda *_: b"")


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [make_run(tmp_path / name, name) for name in ("mlp", "unet")]


def test_every_cell_of_every_run_has_a_row(runs: list[Path], tmp_path: Path) -> None:
    written = draw_matrix(runs, tmp_path / "out")
    names = ["matrix.csv", "matrix.md", "matrix.png", "across_tasks.csv", "across_tasks.png"]
    assert [path.name for path in written] == [*names, "comparisons.csv"]
    rows = read_rows(written[0], MatrixRow)
    learned = {(r.task, r.backbone, r.policy, r.sampler, r.steps) for r in rows if r.backbone}
    assert len(learned) == 2 * 2 * 8, "tasks, backbones, configurations of fake_run"
    assert [r.policy for r in rows if not r.backbone] == ["expert", "random"] * 2
    assert {r.train_seeds for r in rows if r.backbone} == {2}
    first = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in draw_matrix(runs, tmp_path / "out")] == first


@pytest.mark.usefixtures("no_figures")
def test_every_comparison_is_a_row(runs: list[Path], tmp_path: Path) -> None:
    rows = read_rows(draw_matrix(runs, tmp_path / "out")[-1], PairRow)
    found = {
        (row.backbone, row.samplers, row.task, row.policy_a, row.policy_b): row.verdict
        for row in rows
    }
    assert len(found) == len(rows)
    expected = {}
    for run in map(read_results, runs):
        nfe = compare_at_equal_nfe(run.outcomes)
        for samplers, table in ((HEADLINE, run.comparisons), (EQUAL_NFE, nfe)):
            for row in table.itertuples():
                key = (samplers, row.task, row.policy_a, row.policy_b)
                expected[run.run.config["backbone"], *key] = row.verdict
    assert len(expected) == 2 * 2 * (3 + 2)
    assert found == expected


@pytest.mark.usefixtures("no_figures")
def test_the_table_has_a_column_for_each_number_of_evaluations(
    runs: list[Path], tmp_path: Path
) -> None:
    text = draw_matrix(runs, tmp_path / "out")[1].read_text()
    header = next(line for line in text.splitlines() if line.startswith("| Policy | Sampler | NFE"))
    assert header == "| Policy | Sampler | NFE 1 | NFE 5 | NFE 10 | NFE 100 |"
    assert "| flow, mlp | euler |" in text
    assert "| bc, unet | direct |" in text
    assert re.search(r"- unet, headline samplers: 3 pairs: a policy ahead in \d", text)
    assert re.search(
        r"- unet, flow with Euler against diffusion with DDIM at equal NFE: "
        r"2 pairs: (equivalent|non-inferior|undecided) in \d",
        text,
    )


@pytest.mark.usefixtures("no_figures")
def test_diagnostics_are_means_over_seeds(runs: list[Path], tmp_path: Path) -> None:
    diagnostics = [
        DiagnosticRow(TASKS[0], "flow", "euler", 10, seed, 256, 4, 0.1 + 0.2 * seed, 0.1, 0.5)
        for seed in (0, 1)
    ]
    write_rows(runs[0] / "diagnostics.csv", diagnostics, DiagnosticRow)
    rows = read_rows(draw_matrix(runs, tmp_path / "out")[0], MatrixRow)
    (row,) = [r for r in rows if r.chunk_distance is not None]
    assert (row.backbone, row.policy, row.sampler, row.steps) == ("mlp", "flow", "euler", 10)
    assert row.chunk_distance == pytest.approx(0.2)
    assert row.straightness == 0.5
    assert np.isclose(row.nearest_chunk_distance or 0, 0.1)


@pytest.mark.usefixtures("no_figures")
def test_network_rows_have_a_column_where_some_were_counted(
    runs: list[Path], tmp_path: Path
) -> None:
    heading = "Updates x network rows"
    diagnosed = [("flow", "euler", 10), ("bc", "direct", 1)]
    rows = [
        DiagnosticRow(task, *cell, 0, 256, 4, 0.1, 0.1, None)
        for task in TASKS
        for cell in diagnosed
    ]
    write_rows(runs[0] / "diagnostics.csv", rows, DiagnosticRow)
    without = draw_matrix(runs, tmp_path / "without")[1].read_text()
    assert "Distance to the expert's chunk" in without
    assert heading not in without
    path = runs[0] / "measurements.csv"
    costs = [
        dataclasses.replace(row, updates=100, rows_per_update=2.0, teacher_updates=30)
        if (row.task, row.policy) == (TASKS[1], "flow")
        else row
        for row in read_rows(path, MeasurementRow)
    ]
    write_rows(path, costs, MeasurementRow)
    text = draw_matrix(runs, tmp_path / "out")[1].read_text()
    first, second = text.partition("## Across")[0].split(f"## {TASKS[1]}")
    assert heading not in first
    table = [line for line in second.splitlines() if line.startswith("| ")]
    (place,) = [k for k, line in enumerate(table) if heading in line]
    column = table[place].split(" | ").index(heading)
    cells = {line.split(" | ")[0]: line.split(" | ")[column] for line in table[place + 2 :]}
    assert cells["| flow, mlp"] == "100 x 2 + 30"
    assert cells["| bc, mlp"] == "–"
    assert f"- {heading}: gradient steps" in text


@pytest.mark.usefixtures("no_figures")
def test_bridge_rates_have_columns_where_there_are_some(runs: list[Path], tmp_path: Path) -> None:
    plain = draw_matrix(runs, tmp_path / "plain")
    assert "bridge" not in plain[0].read_text() + plain[1].read_text().lower()
    rows = [
        DiagnosticRow(
            *(TASKS[1], "flow", "euler", steps, seed, 0, 0, None, None, None),
            *(12, 64, rate, 0.1, 0.4, 0.03),
        )
        for steps, rate in ((1, 0.9), (10, 0.25))
        for seed in (0, 1)
    ]
    write_rows(runs[0] / "diagnostics.csv", rows, DiagnosticRow)
    table, text, _, ways, *_ = draw_matrix(runs, tmp_path / "out")
    assert ways.name == "ways.png"
    assert not (tmp_path / "plain" / "ways.png").exists()
    with_rate = [r for r in read_rows(table, MatrixRow) if r.bridge_rate is not None]
    assert [(r.backbone, r.steps, r.bridge_rate) for r in with_rate] == [
        ("mlp", 1, 0.9),
        ("mlp", 10, 0.25),
    ]
    assert [(r.minor_way, r.expert_bridge_rate) for r in with_rate] == [(0.4, 0.03)] * 2
    lines = text.read_text().splitlines()
    (first,) = [k for k, line in enumerate(lines) if line.startswith("| Bridge rate | Sampler |")]
    assert lines[first] == "| Bridge rate | Sampler | NFE 1 | NFE 10 |"
    assert lines[first + 2] == "| expert | – | 0.030 |  |"
    assert lines[first + 3].startswith("| flow, mlp | euler | 0.900 (0.89–0.91) | 0.250 (")
    assert any(line.startswith("- Bridge rate: share of sampled chunks") for line in lines)


def xy(line: Any) -> list[float]:
    return [float(number) for number in np.ravel(line.get_xydata())]


def test_the_figure_of_ways_shows_one_evaluation_of_each_backbone(
    runs: list[Path], tmp_path: Path
) -> None:
    for run, way in zip(runs, (0.4, None), strict=True):
        rows = [
            DiagnosticRow(
                *(TASKS[1], "flow", "euler", steps, seed, 0, 0, None, None, None),
                *(12, 64, 0.25, 0.1, way, 0.03),
            )
            for steps in (1, 10)
            for seed in (0, 1)
        ]
        write_rows(run / "diagnostics.csv", rows, DiagnosticRow)
    table, *written = draw_matrix(runs, tmp_path / "out")
    rows_of_matrix = read_rows(table, MatrixRow)
    drawn = one_evaluation(rows_of_matrix)
    assert [(row.backbone, row.steps, row.minor_way) for row in drawn] == [
        ("mlp", 1, 0.4),
        ("unet", 1, None),
    ]
    figure = draw_ways(drawn, OF_CATALOGUE)
    (axes,) = figure.axes
    drawn_points: list[Any] = list(axes.containers)
    points = [xy(container.lines[0]) for container in drawn_points]
    assert points == [[0.25, 0.4], [0.25, pytest.approx(-0.045)]]  # the second in a lane below
    assert xy(axes.get_lines()[-1]) == [0.03, 0.5]
    path = next(path for path in written if path.name == "ways.png")
    for run in runs:
        (run / "diagnostics.csv").unlink()
    draw_matrix(runs, tmp_path / "out")
    assert not path.exists()


def rows_of(*policies: str) -> list[MatrixRow]:
    """Return a row of each policy with one evaluation, and of the references."""
    return [
        MatrixRow(
            *("PressEither", "" if policy in REFERENCES else "mlp", policy, "one", 1, 1.0, 2, 20),
            *(0.5, 0.4, 0.6, "0.4 0.6", "", None, None, None, None),
            bridge_rate=0.5, bridge_low=0.4, bridge_high=0.6, minor_way=0.1,
        )
        for policy in (*REFERENCES, *policies)
    ]  # fmt: skip


@pytest.mark.parametrize("policies", [tuple(POLICIES), ("bc",), ("a rather long name " * 3,)])
def test_a_figure_shows_its_labels_above_a_caveat_and_its_whole_legend(
    policies: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Figure] = []
    save = Figure.savefig

    def saved(self: Figure, *arguments: Any, **options: Any) -> None:
        save(self, *arguments, **options)
        figures.append(self)

    monkeypatch.setattr(Figure, "savefig", saved)
    caveats: Any = SimpleNamespace(
        unfinished="", caveats=("made with 2 versions of the code",), is_broken=lambda key: False
    )
    rows = rows_of(*policies)
    render_matrix(rows, caveats)
    render_ways([row for row in rows if row.backbone], caveats)
    labels = ("network evaluations per chunk (NFE)", "bridge rate: share of samples on no way")
    for figure, label in zip(figures, labels, strict=True):
        (part,) = figure.subfigs
        assert (part.get_supxlabel(), figure.get_supxlabel()) == (label, caveats.caveats[0])
        (legend,) = part.legends
        assert len(legend.get_texts()) >= len(policies) + 1
        box = legend.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"updates": 7}, "runs in one table may differ only in task, policy, backbone, seeds"),
        ({"backbone": "mlp"}, "two runs have flow mlp on fmbench/LiftCube-v0; only equal rows"),
    ],
)
def test_runs_that_cannot_be_combined_are_rejected(
    change: dict[str, object],
    message: str,
    runs: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    facts = json.loads((runs[1] / "run.json").read_text())
    facts["config"] |= change
    (runs[1] / "run.json").write_text(json.dumps(facts))
    assert main([*map(str, runs), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_figures")
def test_each_backbone_may_have_its_own_recipe_but_only_one(tmp_path: Path) -> None:
    recipe = {"learning_rate": 3e-4, "ema_decay": 0.99}
    others = [make_run(tmp_path / "unet", "unet", **recipe), make_run(tmp_path / "mlp", "mlp")]
    draw_matrix(others, tmp_path / "out")
    again = make_run(tmp_path / "again", "unet", **recipe | {"ema_decay": 0.999})
    with pytest.raises(
        FmbenchError, match=r"^ema_decay is 0\.99 in .*unet and 0\.999 in .*again; "
    ):
        draw_matrix([*others, again], tmp_path / "out")


def test_folder_without_a_configuration_is_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "run")
    (tmp_path / "run" / "run.json").unlink(missing_ok=True)
    assert main([str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 2
    assert "has no backbone in run.json; give the folder of a run" in capsys.readouterr().err


def test_comparison_at_equal_nfe_uses_common_episodes(tmp_path: Path) -> None:
    write_run(tmp_path / "run", tasks=TASKS[:1], train_seeds=(0,), episodes=200)
    results = read_results(tmp_path / "run")
    rows = compare_at_equal_nfe(results.episodes)
    assert list(rows["policy_a"]) == ["flow at 5", "flow at 10"]
    assert list(rows["policy_b"]) == ["diffusion at 5", "diffusion at 10"]
    assert list(rows["episodes"]) == [200, 200]
    episodes = results.episodes
    cells = [
        episodes[(episodes["sampler"] == sampler) & (episodes["steps"] == 5)]
        for sampler in ("euler", "ddim")
    ]
    rates = [cell["success"].astype(float).mean() for cell in cells]
    assert rows["difference"][0] == pytest.approx(rates[0] - rates[1])
    assert (rows["verdict"][0], rows["favours"][0]) == ("ahead", "flow at 5"), "ddim 5 was made bad"
    assert (rows["p_holm"] >= rows["p"]).all()
