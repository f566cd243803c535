"""The figure of settings has a line for each, in words, and a point for each policy."""

import itertools
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from matplotlib.figure import Figure

from fmbench.report.grid import settings_figure
from fmbench.report.grid.settings import draw_settings
from fmbench.report.grid.settings_figure import shown_setting
from fmbench.report.observation import figure as observation_figure
from fmbench.report.observation.draw import draw_observations
from tests.fmbench.test_results_page import RESULTS

RATES = RESULTS / "paper" / "rates"
VISION = RESULTS / "vision"
RUNS = sorted(path.parent for path in RATES.glob("[AP]*/run.json"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mlp-learningrate1e-05-emadecay0.999", "mlp, learning rate 1e-05, ema decay 0.999"),
        ("sample-unet-updates18000", "sample, unet, updates 18000"),
        ("demos50", "demos 50"),
        ("default", "default"),
        ("seedsmall", "seedsmall"),
    ],
)
def test_settings_in_words(name: str, words: str) -> None:
    assert shown_setting(name) == words


def figures_of(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Return a list to which the figures that a module draws are added."""
    drawn: list[Figure] = []
    original = module._draw

    def draw(*arguments: object) -> Figure:
        drawn.append(original(*arguments))
        return drawn[-1]

    monkeypatch.setattr(module, "_draw", draw)
    return drawn


def test_a_line_for_each_setting_and_no_label_over_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = figures_of(settings_figure, monkeypatch)
    draw_settings(RUNS, tmp_path)
    (figure,) = drawn
    panels = figure.axes
    names = [run.name.partition("-")[2] for run in RUNS if run.name.startswith("AvoidPost")]
    labels = panels[0].get_yticklabels()
    assert [label.get_text() for label in labels] == [shown_setting(name) for name in names]
    assert [axes.get_title(loc="left") for axes in panels] == ["AvoidPost", "PressEither"]
    assert [len(axes.containers) for axes in panels] == [len(names)] * 2
    figure.set_dpi(200)  # that of the file
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in labels]
    above = sorted(boxes, key=lambda box: box.y0)
    assert all(a.y1 <= b.y0 for a, b in itertools.pairwise(above))
    assert max(box.x1 for box in boxes) <= panels[0].get_window_extent().x0
    assert min(box.x0 for box in boxes) >= 0


@pytest.mark.parametrize(
    ("figure", "draw", "runs"),
    [
        (settings_figure, draw_settings, RUNS[:2]),
        (observation_figure, draw_observations, [VISION / "random-LiftCube"]),
    ],
)
def test_the_legend_of_a_single_panel_is_within_the_figure(
    figure: ModuleType,
    draw: Callable[..., object],
    runs: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = figures_of(figure, monkeypatch)
    draw(runs, tmp_path)
    ((legend,), width) = drawn[0].legends, drawn[0].bbox.width
    drawn[0].canvas.draw()
    box = legend.get_window_extent()
    assert len(drawn[0].axes) == 1
    assert len(legend.get_texts()) > 3
    assert 0 <= box.x0 < box.x1 <= width
    (axes,) = drawn[0].axes
    lines = len({round(text.get_window_extent().y0) for text in legend.get_texts()})
    without = axes.get_window_extent().height / drawn[0].dpi
    assert lines > 1
    assert without > 0.5, "[inch], as with a legend of one line"
