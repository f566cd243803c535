// Each figure is drawn when it comes near the window; plots are made from numbers of the page alone.
const SVG = "http://www.w3.org/2000/svg";
const DASHES = {
  dash: "6 3", dot: "1.5 2.5", dashdot: "6 2 1.5 2", longdash: "10 3", longdashdot: "10 3 2 3",
};
const SHAPES = {
  circle: "M12 7a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
  square: "M12 4h6v6h-6z",
  "triangle-up": "M15 3l4 7h-8z",
  "triangle-down": "M15 11l4-7h-8z",
  diamond: "M15 2.5l4.5 4.5l-4.5 4.5l-4.5-4.5z",
  cross: "M13.7 3h2.6v2.7h2.7v2.6h-2.7v2.7h-2.6v-2.7h-2.7v-2.6h2.7z",
  x: "M12 3.5l3 2.2l3-2.2l1.5 1.5l-2.5 2l2.5 2l-1.5 1.5l-3-2.2l-3 2.2l-1.5-1.5l2.5-2l-2.5-2z",
  star: "M15 2l1.4 3.2l3.5.3l-2.7 2.3l.9 3.4l-3.1-1.8l-3.1 1.8l.9-3.4l-2.7-2.3l3.5-.3z",
};
const AXES = ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"];
const JOINED = { line: true, steps: true, level: true, front: true };

// Plotly reads a small part of HTML in its texts.
const escaped = (text) =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const isMissing = (value) => value === null || value === undefined;
// Halves, which only sixteenths have in this digit, go to the even digit, as in the tables.
const rate = (value) => {
  const floor = Math.floor(1000 * value);
  const isHalf = Math.abs((16 * value) % 2) === 1;
  return isHalf ? ((floor + Math.abs(floor % 2)) / 1000).toFixed(3) : value.toFixed(3);
};
const colourOf = (series) => (page.dark.matches && series.dark) || series.colour;
const xOf = (panel, series) => typeof series.x === "number" ? panel.series[series.x].x : series.x;
const valueOfX = (x, series, i) => String(Number((series.at ? series.at[i] : x[i]).toPrecision(4)));
const noteOf = (series, i) => data.texts[series.notes[series.notes.length > 1 ? i : 0]];

function intervalOf(series, i) {
  if (series.broken && series.broken.includes(i)) return "broken";
  if (!series.low || isMissing(series.low[i])) return "–";
  return `${rate(series.low[i])}–${rate(series.high[i])}`;
}

function element(name, text, attributes) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const key in attributes || {}) made.setAttribute(key, attributes[key]);
  return made;
}

function hoverOf(chart, panel, series, i) {
  const x = xOf(panel, series);
  const lines = [`<b>${escaped(series.name)}</b>`];
  if (series.kind !== "level") lines.push(`${escaped(chart.x)}: ${valueOfX(x, series, i)}`);
  lines.push(`${escaped(chart.y)}: ${rate(series.y[i])}`);
  if (series.kind !== "front") lines.push(`95 % interval: ${intervalOf(series, i)}`);
  return lines.concat(wrapped(noteOf(series, i)).map(escaped)).join("<br>");
}

// Notes are long for a phone: at most 44 characters a line.
function wrapped(text) {
  const lines = [""];
  for (const part of text.split(/(?<=,) /)) {
    const joined = `${lines[lines.length - 1]} ${part}`.trim();
    if (joined.length > 44 && lines[lines.length - 1]) lines.push(part);
    else lines[lines.length - 1] = joined;
  }
  return lines;
}

function swatch(series) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 30 14");
  picture.setAttribute("aria-hidden", "true");
  const add = (d, attributes) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    for (const key in attributes) path.setAttribute(key, attributes[key]);
    picture.append(path);
  };
  const colour = colourOf(series);
  if (JOINED[series.kind]) {
    add("M0 7h30", { stroke: colour, "stroke-width": 2, fill: "none",
      "stroke-dasharray": DASHES[series.dash] || "none" });
  }
  if (series.kind === "line" || series.kind === "points") add(SHAPES[series.symbol], { fill: colour });
  return picture;
}

function drawLegend(place, panel, hidden, redraw) {
  place.replaceChildren();
  const all = element("button", "Hide all", { type: "button" });
  all.addEventListener("click", () => {
    const isShown = hidden.size < panel.series.length;
    panel.series.forEach((_, i) => (isShown ? hidden.add(i) : hidden.delete(i)));
    drawLegend(place, panel, hidden, redraw);
    place.lastChild.focus();
    redraw();
  });
  if (hidden.size === (panel.series || []).length) all.textContent = "Show all";
  (panel.series || []).forEach((series, i) => {
    const button = element("button", undefined, { type: "button", "aria-pressed": !hidden.has(i) });
    button.append(swatch(series), element("span", series.name));
    button.addEventListener("click", () => {
      if (!hidden.delete(i)) hidden.add(i);
      button.setAttribute("aria-pressed", !hidden.has(i));
      all.textContent = hidden.size < panel.series.length ? "Hide all" : "Show all";
      redraw();
    });
    place.append(button);
  });
  if (panel.series && panel.series.length > 2) place.append(all);
}

function linesOf(chart, panel) {
  if (panel.cells) {
    return panel.cells.map(([row, column, , , , ...parts]) =>
      [panel.rows[row], panel.columns[column], ...parts]);
  }
  const lines = [];
  for (const series of panel.series) {
    if (series.kind === "front") continue;
    const x = xOf(panel, series);
    for (let i = 0; i < (series.kind === "level" ? 1 : x.length); i += chart.every) {
      lines.push([series.name, series.kind === "level" ? "any" : valueOfX(x, series, i),
        rate(series.y[i]), intervalOf(series, i), noteOf(series, i)]);
    }
  }
  return lines;
}

function drawTable(place, chart, panel) {
  const table = element("table");
  table.append(element("caption", panel.title));
  const head = element("tr");
  chart.header.forEach((name) => head.append(element("th", name, { scope: "col" })));
  const body = element("tbody");
  for (const line of linesOf(chart, panel)) {
    const row = element("tr");
    line.forEach((text) => row.append(element("td", text)));
    body.append(row);
  }
  table.append(element("thead"), body);
  table.tHead.append(head);
  place.replaceChildren(table);
}

function start(chart) {
  const block = root.querySelector(`#figures-${chart.name}`);
  const part = (name) => block.querySelector(`.${name}`);
  const select = block.querySelector("select"), numbers = block.querySelector("details.numbers");
  let isDrawn = false, hidden = new Set();
  const panel = () => chart.panels[select ? Number(select.value) : 0];
  // Named one by one: plotly's own choice has a button that sends the figure to a server.
  const buttons = chart.panels[0].cells ? [["toImage"]] : [["toImage"], AXES];
  const config = { responsive: true, displaylogo: false, showSendToCloud: false,
    modeBarButtons: buttons, toImageButtonOptions: { format: "svg", filename: chart.name } };
  function draw() {
    const ink = getComputedStyle(root).color, shown = panel();
    const traces = shown.cells ? cellsOf(chart, shown, ink) : tracesOf(chart, shown, hidden);
    Plotly.react(part("plot"), traces, layoutOf(chart, shown, ink), config);
  }
  function show() {
    part("note").textContent = data.texts[panel().note];
    drawLegend(part("legend"), panel(), hidden, draw);
    if (numbers.open) drawTable(part("scrolls"), chart, panel());
    if (isDrawn) draw();
  }
  function begin() {
    if (isDrawn) return;
    isDrawn = true;
    draw();
  }
  if (select) {
    select.addEventListener("change", () => {
      hidden = new Set();
      show();
    });
  }
  numbers.addEventListener("toggle", () => numbers.open && drawTable(part("scrolls"), chart, panel()));
  page.dark.addEventListener("change", show);
  show();
  return { plot: part("plot"), begin };
}

root.classList.add("live");
const begins = new Map(data.charts.map(start).map(({ plot, begin }) => [plot, begin]));
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    watcher.unobserve(entry.target);
    begins.get(entry.target)();
  }
}, { rootMargin: "400px" });
for (const plot of begins.keys()) watcher.observe(plot);
