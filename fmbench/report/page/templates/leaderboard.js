// Sorts, filters and pages the rows; those of the file are replaced at the first change.
const rows = data.rows.map((values) => {
  const row = Object.fromEntries(data.columns.map((name, i) => [name, values[i]]));
  row.searched = [
    row.task, row.tier, row.policy, row.backbone, row.observation, row.sampler, row.verdict,
    row.marks, data.runs[row.run].name,
  ].join(" ").toLowerCase();
  return row;
});
const form = root.querySelector("form");
const body = root.querySelector("tbody");
const count = root.querySelector("[data-count]");
const steps = [...root.querySelectorAll("[data-step]")];
const headings = [...root.querySelectorAll("th[data-key]")];
const width = root.querySelectorAll("thead th").length;
const filters = [...form.querySelectorAll("select[data-key]")];
let chosen = rows;
let start = 0;

/* Values that are missing come last, whatever the direction; equal ones keep their order. */
function compare(key, sign) {
  return (a, b) => {
    const [x, y] = [a[key], b[key]];
    const [noX, noY] = [x === null || x === "", y === null || y === ""];
    if (noX || noY) return noX - noY;
    if (typeof x === "number") return sign * (x - y);
    return sign * x.localeCompare(y, "en", { numeric: true });
  };
}

function update() {
  const words = form.querySelector("[data-text]").value.toLowerCase().split(/\s+/).filter(Boolean);
  const limit = form.querySelector("[data-most]").valueAsNumber;
  const all = form.querySelector("[data-cells]").value === "all";
  const wanted = filters.filter((each) => each.value).map((each) => [each.dataset.key, each.value]);
  chosen = rows.filter((row) =>
    (all || row.headline)
    && wanted.every(([key, value]) => row[key] === value)
    && (Number.isNaN(limit) || (row.latency !== null && row.latency <= limit))
    && words.every((word) => row.searched.includes(word)));
  const sorted = headings.find((heading) => heading.ariaSort !== "none");
  if (sorted) {
    chosen.sort(compare(sorted.dataset.key, sorted.ariaSort === "ascending" ? 1 : -1));
  }
  start = 0;
  show();
}

function show() {
  const end = Math.min(start + data.page_rows, chosen.length);
  body.replaceChildren(...chosen.slice(start, end).map(draw));
  const place = chosen.length ? `Rows ${start + 1} to ${end} of ${chosen.length}` : "No row";
  count.textContent = `${place}; ${rows.length} cells in all`;
  steps[0].setAttribute("aria-disabled", String(start === 0));
  steps[1].setAttribute("aria-disabled", String(end === chosen.length));
}

function draw(row) {
  const number = { class: "number" };
  const verdict = row.verdict
    ? page.make("span", { class: "verdict", "data-word": row.verdict }, row.verdict) : "–";
  const success = page.make("td", number, bar(row), ` ${row.success_text}`);
  if (row.marks) success.append(" ", page.make("span", { class: "marks" }, row.marks));
  const text = (value) => page.make("td", {}, value || "–");
  const numeral = (value) => page.make("td", number, value || "–");
  return page.make("tr", {},
    page.make("th", { scope: "row" }, row.task), text(row.policy),
    success, page.make("td", {}, verdict), page.make("td", {}, commandOf(row)),
    numeral(row.nfe_text), text(row.sampler),
    numeral(row.latency_text), text(row.backbone), text(row.observation), text(row.tier),
    numeral(String(row.episodes)), numeral(String(row.seeds || "")),
    text(data.runs[row.run].name));
}

function bar(row) {
  const x = (share) => String(4 + 96 * share);
  const part = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const line = { y1: 6, y2: 6 };
  const drawn = part("svg", { viewBox: "0 0 104 12", width: 104, height: 12, "aria-hidden": true });
  drawn.append(part("line", { class: "scale", x1: 4, x2: 100, ...line }));
  if (row.low !== null) {
    drawn.append(part("line", { class: "interval", x1: x(row.low), x2: x(row.high), ...line }));
  }
  drawn.append(part("circle", { class: "rate", cx: x(row.rate), cy: 6, r: 3 }));
  return drawn;
}

/* A button that shows how the row is made again and what it counts. */
function commandOf(row) {
  const run = data.runs[row.run];
  const button = page.make("button", {
    type: "button", "aria-expanded": "false",
    "aria-label": `Command and rows of ${row.policy} on ${row.task}, ${run.name}`,
  }, "Command");
  button.addEventListener("click", () => {
    const line = button.closest("tr");
    const isOpen = button.ariaExpanded === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    if (isOpen) line.nextElementSibling.remove();
    else line.after(page.make("tr", {}, more(row, run)));
  });
  return button;
}

function more(row, run) {
  const cell = page.make("td", { class: "more", colspan: width });
  if (row.evidence) cell.append(page.make("p", {}, row.evidence));
  if (run.command) {
    const copy = page.make("button", { type: "button" }, "Copy command");
    copy.addEventListener("click", async () => {
      copy.textContent = await page.copy(run.command) ? "Copied" : "Could not copy";
      setTimeout(() => { copy.textContent = "Copy command"; }, 2000);
    });
    cell.append(
      page.make("p", {}, "The command of the run makes this row again:"),
      page.make("pre", {}, page.make("code", {}, run.command)), page.make("p", {}, copy));
  } else {
    cell.append(page.make("p", {}, "The run does not record its command."));
  }
  const link = page.make("a", { href: run.address }, run.file || run.name);
  const packed = run.file.endsWith(".bz2") ? " of its unpacked text" : "";
  cell.append(page.make("p", {}, "Rows that it counts: ", link, row.lines
    ? `, lines ${row.lines}${packed} (the header is line 1)`
    : ", the folder of a run that has not finished"));
  return cell;
}

function sortBy(heading) {
  const other = { ascending: "descending", descending: "ascending" };
  const now = heading.ariaSort === "none" ? heading.dataset.first : other[heading.ariaSort];
  headings.forEach((each) => each.setAttribute("aria-sort", each === heading ? now : "none"));
  update();
  page.announce(`Sorted by ${heading.innerText.trim()}, ${now}.`);
}

for (const heading of headings) {
  const button = page.make("button", { type: "button" }, heading.querySelector(".title").textContent);
  button.addEventListener("click", () => sortBy(heading));
  heading.querySelector(".title").replaceWith(button);
}
for (const select of filters) {
  const values = [...new Set(rows.map((row) => row[select.dataset.key]))].filter(Boolean);
  values.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  select.append(...values.map((value) => page.make("option", { value }, value)));
}
let waiting;
form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(update, 100); // one update for fast typing
});
form.addEventListener("reset", () => setTimeout(update));
form.addEventListener("submit", (event) => event.preventDefault());
for (const button of steps) {
  button.addEventListener("click", () => {
    if (button.ariaDisabled === "true") return; // a disabled button would lose the focus
    start += Number(button.dataset.step) * data.page_rows;
    show();
    root.querySelector(".table").scrollTop = 0;
    page.announce(count.textContent);
  });
}
if (matchMedia("(max-width: 40rem)").matches) root.querySelector("details").open = false;
update();
