// What plotly draws: traces and layout of a part, in the colours of the scheme.
// Bands of more curves than these cannot be told apart.
const MOST_BANDS = 5;

function tracesOf(chart, panel, hidden) {
  const traces = [];
  const curves = panel.series.filter((series, i) => series.kind === "steps" && !hidden.has(i)).length;
  panel.series.forEach((series, place) => {
    const x = xOf(panel, series), colour = colourOf(series), visible = !hidden.has(place);
    const hasBand = series.kind === "level" || (series.kind === "steps" && curves <= MOST_BANDS);
    const isJoined = JOINED[series.kind], isStep = series.kind === "steps" || series.kind === "front";
    const line = { color: colour, dash: series.dash, width: 2, shape: isStep ? "hv" : "linear" };
    const common = { x, type: "scatter", visible, hoverinfo: "skip", showlegend: false };
    if (hasBand && series.low) {
      const side = { ...line, width: 0 };
      traces.push({ ...common, y: series.low, mode: "lines", line: side });
      traces.push({ ...common, y: series.high, mode: "lines", line: side, fill: "tonexty",
        fillcolor: `${colour}1C` });
    }
    const isBroken = (i) => series.broken && series.broken.includes(i);
    const y = series.y.map((value, i) => (isBroken(i) ? null : value));
    const hover = series.y.map((_, i) => hoverOf(chart, panel, series, i));
    const drawn = { ...common, y, name: escaped(series.name), hoverinfo: "text", hovertext: hover, line };
    drawn.mode = series.kind === "points" ? "markers" : series.kind === "line" ? "lines+markers"
      : series.kind === "front" ? "lines+markers" : "lines";
    drawn.marker = { color: colour, symbol: series.symbol, size: 8 };
    if (series.kind === "front") {
      drawn.marker = { color: colour, symbol: "circle-open", size: 16, line: { width: 2 } };
      drawn.hoverinfo = "skip";
    }
    if ((series.kind === "line" || series.kind === "points") && series.low) {
      const bound = (bounds, i) => (isMissing(bounds[i]) || isBroken(i) ? series.y[i] : bounds[i]);
      drawn.error_y = { type: "data", symmetric: false, color: colour, thickness: 1.2, width: 3,
        array: series.y.map((value, i) => bound(series.high, i) - value),
        arrayminus: series.y.map((value, i) => value - bound(series.low, i)) };
    }
    if (!isJoined) delete drawn.line;
    traces.push(drawn);
    if (series.broken) {
      const places = series.broken;
      traces.push({ ...common, x: places.map((i) => x[i]), y: places.map((i) => series.y[i]),
        mode: "markers", marker: { symbol: "x-thin", size: 11, line: { width: 2, color: colour } },
        hoverinfo: "text", hovertext: places.map((i) => hover[i]) });
    }
  });
  return traces;
}

function cellsOf(chart, panel, ink) {
  const z = panel.rows.map(() => panel.columns.map(() => null));
  const hover = panel.rows.map(() => panel.columns.map(() => ""));
  const text = { x: [], y: [], text: [], colours: [] };
  for (const [row, column, value, words, isWhite, rateText, interval, note] of panel.cells) {
    z[row][column] = value;
    hover[row][column] = [`<b>${escaped(panel.columns[column])}</b>, ${escaped(panel.rows[row])}`,
      `${escaped(chart.y)}: ${escaped(rateText)}`, `95 % interval: ${escaped(interval)}`,
      ...wrapped(note).map(escaped)].join("<br>");
    text.x.push(column);
    text.y.push(row);
    text.text.push(escaped(words));
    text.colours.push(value === null ? ink : isWhite ? "#FFFFFF" : "#000000");
  }
  return [
    { type: "heatmap", z, zmin: 0, zmax: 1, colorscale: "Cividis", xgap: 1, ygap: 1,
      hoverinfo: "text", hovertext: hover, hoverongaps: true,
      colorbar: { thickness: 12, len: 0.5, outlinewidth: 0 }, showscale: root.clientWidth > 600 },
    { type: "scatter", mode: "text", x: text.x, y: text.y, text: text.text,
      textfont: { color: text.colours, size: 12 }, hoverinfo: "skip", showlegend: false },
  ];
}

function layoutOf(chart, panel, ink) {
  const grid = page.dark.matches ? "#3A3F47" : "#DDDDDD";
  const box = page.dark.matches ? "#22262C" : "#FFFFFF";
  const isHeat = Boolean(panel.cells);
  const isNarrow = root.clientWidth < 600;
  const family = getComputedStyle(root).fontFamily;
  const layout = {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, size: 13, family },
    margin: { l: isNarrow ? 44 : 60, r: 12, t: 34, b: 52 }, hovermode: "closest", dragmode: "zoom",
    hoverlabel: { bgcolor: box, bordercolor: ink, font: { color: ink, size: 13, family }, align: "left" },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: ink, activecolor: ink },
    height: isHeat ? 120 + 24 * panel.rows.length : 420, showlegend: false, uirevision: panel.title,
    xaxis: { gridcolor: grid, linecolor: grid, zeroline: false, fixedrange: isHeat || isNarrow },
    yaxis: { gridcolor: grid, linecolor: grid, zeroline: false, fixedrange: isHeat || isNarrow },
  };
  if (isHeat) {
    layout.xaxis = { ...layout.xaxis, showgrid: false, side: "top", automargin: true,
      tickvals: panel.columns.map((_, i) => i), ticktext: panel.columns.map(escaped),
      range: [-0.5, panel.columns.length - 0.5] };
    layout.yaxis = { ...layout.yaxis, showgrid: false, automargin: true,
      tickvals: panel.rows.map((_, i) => i), ticktext: panel.rows.map(escaped),
      range: [panel.rows.length - 0.5, -0.5] };
    layout.margin.t = 70;
    return layout;
  }
  const place = (value) => (panel.log ? Math.log10(value) : value);
  layout.xaxis = { ...layout.xaxis, type: panel.log ? "log" : "linear", range: panel.sides.map(place),
    title: { text: escaped(chart.x) }, tickvals: panel.ticks[0], ticktext: panel.ticks[1].map(escaped) };
  layout.yaxis = { ...layout.yaxis, range: [-0.03, 1.05], title: { text: escaped(chart.y) },
    tickformat: ".1f" };
  return layout;
}
