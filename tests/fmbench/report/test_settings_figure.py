"""The figure of settings has a line for each, in words, and a point for each policy."""

import itertools
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from fmbench.report.grid import settings_figure
from fmbench.report.grid.settings import draw_settings
from fmbench.report.grid.settings_figure import shown_setting
from tests.fmbench.test_results_page import RESULTS

RATES = RESULTS / "paper" / "rates"
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


def test_a_line_for_each_setting_and_no_label_over_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    original = settings_figure._draw

    def draw(*arguments: object) -> Figure:
        drawn.append(original(*arguments))  # type: ignore[arg-type]
        return drawn[-1]

    monkeypatch.setattr(settings_figure, "_draw", draw)
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
