// The commands of an episode as lines over time, with a cursor.

function drawCommands(svg, actions, last, text) {
  const line = (name, values) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.entries(values).forEach(([key, value]) => element.setAttribute(key, value));
    return element;
  };
  const x = (step) => ((100 * step) / Math.max(1, last)).toFixed(2);
  const lines = Array.from({ length: actions.length ? actions[0].length : 0 }, (_, column) => {
    const points = actions.flatMap((row, k) => {
      const y = (20 - 19 * row[column]).toFixed(2);
      return [`${x(k)},${y}`, `${x(k + 1)},${y}`];
    });
    return line("polyline", { points: points.join(" ") });
  });
  svg.replaceChildren(...lines, line("line", { x1: 0, x2: 0, y1: 0, y2: 40 }));
  svg.setAttribute("aria-label", text);
}

function moveCursor(svg, step, last) {
  const cursor = svg.querySelector("line");
  for (const name of ["x1", "x2"]) cursor?.setAttribute(name, ((100 * step) / Math.max(1, last)).toFixed(2));
}
