"""Figures of a run: drawn from its rows alone, byte for byte the same each time."""

import dataclasses
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from fmbench import figures
from fmbench.errors import FmbenchError
from fmbench.report import draw, plots
from fmbench.report.learning import learning_curves
from fmbench.report.over_nfe import success_vs_nfe
from fmbench.report.rendering import MAX_COLOURS, figure_file, with_palette
from fmbench.report.results import read_results
from fmbench.report.summary import SummaryRow
from fmbench.storage.learning_rows import LearningRow
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.rows import EpisodeRow, TrainingRow
from fmbench.storage.run_facts import RunFacts, write_run_facts
from tests.fmbench.fake_run import make_rows, write_episode_rows, write_run

NAMES = ["success_rates", "training_curves", "success_vs_nfe", "success_vs_time"]
TWO = ("fmbench/LiftCube-v0", "fmbench/TwoCubes-v0")


def test_redrawing_gives_the_same_bytes(tmp_path):
    run = write_run(tmp_path, tasks=TWO, train_seeds=(0, 1), episodes=10)
    paths = draw.draw_all(run, ("png", "svg"))
    expected = [
        f"figures/{name}.{suffix}" for name in (*NAMES, "across_tasks") for suffix in ("png", "svg")
    ]
    assert [str(path.relative_to(run)) for path in paths] == [
        "summary.csv",
        "summary.md",
        "across_tasks.csv",
        "times.csv",
        *expected,
    ]
    first = [path.read_bytes() for path in paths]
    assert draw.draw_all(run, ("png", "svg")) == paths
    assert [path.read_bytes() for path in paths] == first
    assert not [path for path in run.rglob(".*")]
    assert b"<dc:date>" not in first[5]
    assert len(read_rows(run / "summary.csv", SummaryRow)) == 20


def test_run_of_experts_is_drawn_without_training_curves(tmp_path):
    made, _, _ = make_rows()
    rows = [row for row in made if row.policy in ("expert", "random")]
    write_episode_rows(tmp_path, rows)
    names = [path.name for path in draw.draw_all(tmp_path)]
    assert names == [
        "summary.csv",
        "summary.md",
        "times.csv",
        "success_rates.png",
        "success_vs_time.png",
    ]
    assert "nothing was trained" in (tmp_path / "summary.md").read_text()


def test_a_folder_that_is_no_run_is_not_searched(tmp_path):
    (tmp_path / "elsewhere").symlink_to("/")
    with pytest.raises(
        FmbenchError, match=r"episodes\.csv does not exist; give the folder of a fin"
    ):
        read_results(tmp_path)


def test_a_run_without_cells_says_how_to_go_on(tmp_path):
    write_run_facts(tmp_path, RunFacts(config={"task": ["LiftCube"]}))
    with pytest.raises(FmbenchError, match="no finished cell yet; its own command resumes it"):
        read_results(tmp_path)


def test_how_agents_learnt_is_drawn(tmp_path):
    run = write_run(tmp_path, episodes=5)
    rows = [LearningRow("fmbench/LiftCube-v0", "bc", 0, 500 * k, k / 4, -9.0) for k in range(4)]
    write_rows(run / LearningRow.file_name, rows, LearningRow)
    results = read_results(run)
    (axes,) = learning_curves(results).axes
    (line,) = axes.lines
    assert line.get_xydata().tolist() == [[500 * k, k / 4] for k in range(4)]
    assert "learning_curves" in plots.drawable(results)


def test_policy_outside_the_study_is_drawn(tmp_path):
    run = write_run(tmp_path, episodes=5)
    rows = read_rows(run / "episodes.csv", EpisodeRow)
    ppo = [
        dataclasses.replace(row, policy="ppo", sampler="", steps=0, nfe=1.0)
        for row in rows
        if row.policy == "bc"
    ]
    write_episode_rows(run, [*rows, *ppo])
    results = read_results(run)
    for name in plots.drawable(results):
        assert plots.render(plots.FIGURES[name], results, "png").startswith(b"\x89PNG")


def test_policy_without_a_network_is_a_horizontal_line_over_nfe(tmp_path):
    run = write_run(tmp_path, tasks=TWO, episodes=5)
    rows = read_rows(run / "episodes.csv", EpisodeRow)
    knn = [
        dataclasses.replace(row, policy="knn", sampler="nearest", nfe=0.0)
        for row in rows
        if row.policy == "bc"
    ]
    write_episode_rows(run, [*rows, *knn])
    results = read_results(run)
    figure = plots.success_vs_nfe(results)
    rates = results.summary[results.summary["policy"] == "knn"]["success_rate"]
    for axes, rate in zip(figure.axes, rates, strict=True):
        levels = [line.get_ydata()[0] for line in axes.lines if line.get_color() == "#000000"]
        assert levels == [rate]
        assert len(axes.containers) == 5  # the points of the others
        assert axes.get_xlim()[0] > 0
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[-3:] == ["knn, no network", "expert (ceiling)", "random (floor)"]
    write_episode_rows(run, knn)
    assert plots.render(plots.success_vs_nfe, read_results(run), "png").startswith(b"\x89PNG")


def test_single_logged_update_is_drawn_as_a_marker(tmp_path):
    run = write_run(tmp_path, episodes=2)
    rows = [row for row in read_rows(run / "training.csv", TrainingRow) if row.update == 6_000]
    write_rows(run / "training.csv", rows, TrainingRow)
    (axes,) = plots.training_curves(read_results(run)).axes
    assert {line.get_marker() for line in axes.lines} == {"o"}


def test_figures_show_every_policy_and_interval(tmp_path):
    results = read_results(write_run(tmp_path, tasks=TWO, episodes=10))
    (axes,) = plots.success_rates(results).axes
    widths = [
        line.get_xdata()[1] - line.get_xdata()[0]
        for line in axes.lines
        if len(line.get_xdata()) == 2
    ]
    assert sum(width > 0 for width in widths) >= 2 * 3
    panels = plots.success_vs_nfe(results).axes
    assert [axes.get_title() for axes in panels] == ["LiftCube-v0", "TwoCubes-v0"]
    assert all(len(axes.containers) == 5 for axes in panels)
    assert all(axes.get_yscale() == "log" for axes in plots.training_curves(results).axes)


@pytest.mark.parametrize("case", ["missing", "file", "no rows", "no episodes"])
def test_folder_that_is_not_a_run_is_one_line_and_exit_2(tmp_path, case, capsys):
    path = tmp_path / "run"
    if case == "file":
        path.write_text("")
    elif case == "no episodes":
        path.mkdir()
    elif case == "no rows":
        write_episode_rows(path, [])
    assert figures.main([str(path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: {path}")
    assert err.count("\n") == 1


def test_unknown_format_is_rejected_before_reading(tmp_path):
    with pytest.raises(FmbenchError, match="unknown figure format 'pgn'; did you mean png"):
        draw.draw_all(tmp_path, ["pgn"])


def test_redrawing_needs_neither_torch_nor_mujoco(tmp_path):
    run = write_run(tmp_path, episodes=4)
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['figures', {str(run)!r}, '--format', 'png']\n"
        "try:\n    runpy.run_module('fmbench.figures', run_name='__main__')\n"
        "except SystemExit as done:\n    assert done.code == 0, done.code\n"
        "assert not {'torch', 'mujoco'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(run / "summary.csv")


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom fmbench import figures\n"
        "try:\n    figures.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'matplotlib', 'pandas', 'scipy', 'torch', 'mujoco'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_training_seed_is_a_dot_and_one_seed_none(tmp_path: Path) -> None:
    several = read_results(write_run(tmp_path / "a", train_seeds=(0, 1, 2)))
    axes = success_vs_nfe(several).axes[0]
    rates = several.summary[several.summary["policy"] == "bc"]["seed_rates"].item().split()
    dots = [line for line in axes.lines if list(line.get_ydata()) == list(map(float, rates))]
    assert len(dots) == 1
    assert "one training seed" in legend_texts(success_vs_nfe(several))
    one = read_results(write_run(tmp_path / "b"))
    assert "one training seed" not in legend_texts(success_vs_nfe(one))


def legend_texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def png_of(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", dpi=(200, 200))
    return file.getvalue()


def pixels_of(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_palette_keeps_a_picture_of_few_colours_and_its_resolution() -> None:
    few = np.random.default_rng(0).integers(0, 256, (MAX_COLOURS, 3), np.uint8)
    pixels = few[np.arange(64 * 64).reshape(64, 64) % MAX_COLOURS]
    file = with_palette(png_of(pixels))
    assert (pixels_of(file) == pixels).all()
    with Image.open(io.BytesIO(file)) as image:
        assert image.mode == "P"
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)


def test_figures_as_png_have_a_palette_close_to_what_was_drawn() -> None:
    def drawn() -> Figure:
        figure = Figure(figsize=(3, 2))
        axes = figure.subplots()
        for k in range(12):
            axes.plot([0, 1], [k, 12 - k], color=f"C{k}", label=str(k))
        axes.imshow(np.linspace(0, 1, 400).reshape(20, 20), alpha=0.5)
        return figure

    file = figure_file(drawn)
    assert file == figure_file(drawn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fmbench.report.rendering.with_palette", lambda png: png)
        full = figure_file(drawn)
    before, after = pixels_of(full), pixels_of(file)
    assert len(np.unique(before.reshape(-1, 3), axis=0)) > MAX_COLOURS
    assert len(np.unique(after.reshape(-1, 3), axis=0)) <= MAX_COLOURS
    assert np.abs(after - before).max() < 32
    assert (after[(before == 255).all(axis=-1)] == 255).all(), "paper stays white"
    assert len(file) < len(full) / 2
