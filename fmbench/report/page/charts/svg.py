"""A figure for print, and for a reader without scripts: a few of its panels as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

from fmbench.report.page.charts.chart import FRONT, LEVEL, POINTS, STEPS, Axis, Chart, Panel, Series
from fmbench.report.page.charts.marks import dash_array, outline

MOST_PANELS = 6
_COLUMNS, _WIDTH, _HEIGHT = 3, 320, 230
_LEFT, _TOP, _RIGHT, _BOTTOM = 34, 24, 8, 22
_LEGEND_LINE, _CHARACTER = 17, 6.8


def static_svg(chart: Chart) -> Markup:
    """Return the first panels of a figure of lines."""
    shown = chart.panels[:MOST_PANELS]
    columns = min(len(shown), _COLUMNS)
    width, rows = max(columns, 2) * _WIDTH, -(-len(shown) // columns)
    step = width / columns
    legend, below = _legend({_key(s): s for p in shown for s in p.series}, width)
    top = 14 + rows * _HEIGHT + 14
    parts = [
        f'<svg viewBox="0 0 {width} {top + below:.0f}" role="img"'
        f' aria-label="{escape(chart.title)}" font-size="11" fill="#222222"',
        ' font-family="system-ui,sans-serif">',
        f'<text x="4" y="10">{escape(chart.y_label)}</text>',
    ]
    for place, panel in enumerate(shown):
        x, y = (place % columns) * step, 14 + (place // columns) * _HEIGHT
        parts.append(f'<g transform="translate({x:.0f} {y})">')
        parts += _panel(panel, step)
        parts.append("</g>")
    middle = f'x="{width / 2:.0f}" y="{top - 4}" text-anchor="middle"'
    parts.append(f"<text {middle}>{escape(chart.x_label)}</text>")
    parts += [f'<g transform="translate(0 {top})">', *legend, "</g></svg>"]
    return Markup("".join(parts))


def _key(series: Series) -> tuple[object, ...]:
    return series.name, series.colour, series.look, series.kind


def _panel(panel: Panel, width: float) -> Iterator[str]:
    """Yield the elements of a panel."""
    assert panel.axis is not None
    right, bottom = width - _RIGHT, _HEIGHT - _BOTTOM
    title = f"{panel.title} ({panel.group})" if panel.group else panel.title
    most = int((width - _LEFT) / _CHARACTER)
    title = title if len(title) <= most else f"{title[: most - 1]}…"
    yield f'<text x="{_LEFT}" y="14" font-weight="600">{escape(title)}</text>'
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(tick)
        yield f'<path d="M{_LEFT} {y:.1f}H{right:.0f}" stroke="#DDDDDD"/>'
        yield f'<text x="{_LEFT - 4}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
    last = -math.inf
    for tick, label in zip(panel.axis.ticks, panel.axis.labels, strict=True):
        x = _x(tick, panel.axis, right)
        yield f'<path d="M{x:.1f} {bottom}v4" stroke="#888888"/>'
        half = 0.5 * _CHARACTER * len(label)
        if x - half > last + 2:
            yield f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{escape(label)}</text>'
            last = x + half
    for series in panel.series:
        yield from _drawn(series, panel.axis, right)


def _drawn(series: Series, axis: Axis, right: float) -> Iterator[str]:
    """Yield the elements of a series."""
    xs = [_x(x, axis, right) for x in series.x]
    ys = [_y(y) for y in series.y]
    if series.kind in (STEPS, FRONT):
        d = f"M{xs[0]:.1f} {ys[0]:.1f}" + "".join(
            f"H{x:.1f}V{y:.1f}" for x, y in zip(xs[1:], ys[1:], strict=True)
        )
        yield _path(d, series)
        return
    if series.kind == LEVEL:
        yield _path(f"M{xs[0]:.1f} {ys[0]:.1f}H{xs[-1]:.1f}", series)
        return
    sound = [i for i in range(len(xs)) if i not in series.broken]
    points = " ".join(f"{xs[i]:.1f},{ys[i]:.1f}" for i in sound)
    if series.kind != POINTS and len(sound) > 1:
        yield f'<polyline points="{points}"{_stroke(series)}/>'
    bars = "".join(
        f"M{xs[i]:.1f} {_y(low):.1f}V{_y(high):.1f}"
        for i in sound
        if (low := series.low[i]) is not None and (high := series.high[i]) is not None
    )
    if bars:
        yield f'<path d="{bars}" stroke="{series.colour}"/>'
    if sound:
        marks = "".join(outline(series.look[0], xs[i], ys[i]) for i in sound)
        yield f'<path d="{marks}" fill="{series.colour}"/>'
    if series.broken:
        crosses = "".join(f"M{xs[i] - 4:.1f} {ys[i] - 4:.1f}l8 8m-8 0l8-8" for i in series.broken)
        yield f'<path d="{crosses}" stroke="#000000" stroke-width="1.6"/>'


def _legend(found: dict[tuple[object, ...], Series], width: float) -> tuple[list[str], float]:
    """Return the legend of some series, and its height."""
    parts, x, y = [], 4.0, 12.0
    for series in found.values():
        needed = 34 + _CHARACTER * len(series.name)
        if x + needed > width and x > 4:
            x, y = 4.0, y + _LEGEND_LINE
        if series.kind != POINTS:
            parts.append(_path(f"M{x:.0f} {y - 4:.0f}h22", series))
        if series.kind not in (STEPS, LEVEL, FRONT):
            mark = outline(series.look[0], x + 11, y - 4)
            parts.append(f'<path d="{mark}" fill="{series.colour}"/>')
        parts.append(f'<text x="{x + 26:.0f}" y="{y:.0f}">{escape(series.name)}</text>')
        x += needed
    return parts, y + 6


def _path(d: str, series: Series) -> str:
    return f'<path d="{d}"{_stroke(series)}/>'


def _stroke(series: Series) -> str:
    dash = dash_array(series.look[1])
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f' fill="none" stroke="{series.colour}" stroke-width="1.5"{dashed}'


def _x(value: float, axis: Axis, right: float) -> float:
    ends: Sequence[float] = axis.sides
    if axis.is_log:
        value, ends = math.log(value), [math.log(end) for end in ends]
    return _LEFT + (value - ends[0]) / ((ends[1] - ends[0]) or 1.0) * (right - _LEFT)


def _y(value: float) -> float:
    """Return the place of a rate; the axis goes from just below 0 to just above 1."""
    return _HEIGHT - _BOTTOM - (value + 0.03) / 1.06 * (_HEIGHT - _BOTTOM - _TOP)
