"""A heat map for print, and for a reader without scripts, as SVG: its first panel."""

from __future__ import annotations

from markupsafe import Markup, escape

from fmbench.report.page.charts.chart import Chart, Heat
from fmbench.report.page.charts.marks import shade

WHITE_BELOW = 0.45
"""Value below which the text of a cell is white."""
_CELL, _ROW, _LEFT, _TOP = 78, 18, 150, 44


def static_heat(chart: Chart) -> Markup:
    """Return the first panel of a heat map."""
    panel = chart.panels[0]
    heat = panel.heat
    assert heat is not None
    width = _LEFT + _CELL * len(heat.columns) + 8
    height = _TOP + _ROW * len(heat.rows) + 34
    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(chart.title)}"'
        ' font-size="11" fill="#222222" font-family="system-ui,sans-serif">',
        f'<text x="4" y="14" font-weight="600">{escape(panel.title)}</text>',
    ]
    for place, name in enumerate(heat.columns):
        x = _LEFT + _CELL * (place + 0.5)
        parts.append(f'<text x="{x:.0f}" y="{_TOP - 6}" text-anchor="middle">{escape(name)}</text>')
    for place, name in enumerate(heat.rows):
        y = _TOP + _ROW * place + 13
        parts.append(f'<text x="{_LEFT - 6}" y="{y}" text-anchor="end">{escape(name)}</text>')
    parts += [*_cells(heat), *_scale(chart, height - 24), "</svg>"]
    return Markup("".join(parts))


def _cells(heat: Heat) -> list[str]:
    parts = []
    for cell in heat.cells:
        x, y = _LEFT + _CELL * cell.column, _TOP + _ROW * cell.row
        fill = "#ECECEC" if cell.value is None else shade(cell.value)
        colour = "#FFFFFF" if is_white(cell.value) else "#000000"
        parts.append(
            f'<rect x="{x}" y="{y}" width="{_CELL - 1}" height="{_ROW - 1}" fill="{fill}"/>'
            f'<text x="{x + _CELL / 2:.0f}" y="{y + 13}" text-anchor="middle" fill="{colour}">'
            f"{escape(cell.text)}</text>"
        )
    return parts


def _scale(chart: Chart, y: float) -> list[str]:
    """Return the scale of the colours."""
    steps = [
        f'<rect x="{_LEFT + 20 * i}" y="{y:.0f}" width="20" height="10" fill="{shade(i / 10)}"/>'
        for i in range(11)
    ]
    ends = (
        f'<text x="{_LEFT - 6}" y="{y + 9:.0f}" text-anchor="end">{escape(chart.y_label)} 0</text>'
        f'<text x="{_LEFT + 226}" y="{y + 9:.0f}">1</text>'
    )
    return [*steps, ends]


def is_white(value: float | None) -> bool:
    """Return whether the text of a cell is white."""
    return value is not None and value < WHITE_BELOW
