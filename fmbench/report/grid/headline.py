"""One small table of a section: the headline success of every policy, as CSV, Markdown and LaTeX.

A headline is the success at a policy's default sampler with its largest number of steps.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fmbench.report.looks import Looks
from fmbench.report.markup import markdown_table
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.rows import REFERENCES
from policies.catalogue import POLICIES

LINE_NAMES = {
    "matrix": {"task": "Task", "backbone": "Network"},
    "curve": {"task": "Task", "demos": "Demonstrations"},
    "observations": {"task": "Task", "observation": "Observation"},
    "settings": {"task": "Task", "setting": "Setting"},
}
"""What draws a section: the columns of its rows that name a line, and their headings."""
CAVEAT = "*"
POLICIES_PER_TABLE = 7
"""As many fit side by side on a page."""
OUTSIDE_MEANING = " Policies from outside have networks of their own."
_ESCAPED = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "–": "--", "±": r"$\pm$", "°": r"$^\circ$", "‡": r"\ddag{}",
}  # fmt: skip


@dataclass(frozen=True)
class Headline:
    """The table of a section.

    Attributes:
        title: The section's title.
        names: Headings of the columns that name a line, e.g. task and number of demonstrations.
        policies: Labels of the policies, in order.
        lines: What names each line, and the text of each policy; empty where it was not measured.
        meaning: What a cell has.
    """

    title: str
    names: tuple[str, ...]
    policies: tuple[str, ...]
    lines: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    meaning: str = "Success in percent, with its 95 % interval."


def headline(
    title: str, rows: Sequence[Mapping[str, str]], names: Mapping[str, str], looks: Looks
) -> Headline:
    """Return the table of a section.

    Args:
        title: The section's title.
        rows: The rows that its drawing has written: column to text.
        names: One of `LINE_NAMES`.
        looks: Labels and order of its policies.
    """
    best: dict[tuple[tuple[str, ...], str], Mapping[str, str]] = {}
    for row in rows:
        key = (tuple(row[name] for name in names), row["policy"])
        if key not in best or _rank(row) > _rank(best[key]):
            best[key] = row
    learned = {policy for _, policy in best} - set(REFERENCES)
    references = [name for name in REFERENCES if any(policy == name for _, policy in best)]
    columns = [*references, *sorted(learned, key=looks.order)]
    of_task = {(line[0], policy): row for (line, policy), row in best.items()}
    beside = _beside_others(best, looks)
    lines = []
    for line in dict.fromkeys(
        line for line, policy in best if policy in learned and (line[0], policy) not in beside
    ):
        found = [
            of_task.get((line[0], policy))
            if policy in REFERENCES or (line[0], policy) in beside
            else best.get((line, policy))
            for policy in columns
        ]
        lines.append((line, tuple(map(_text, found))))
    labels = tuple(map(looks.label, columns))
    meaning = Headline.meaning + OUTSIDE_MEANING * bool(beside)
    return Headline(title, tuple(names.values()), labels, tuple(lines), meaning)


def _beside_others(
    best: Mapping[tuple[tuple[str, ...], str], Mapping[str, str]], looks: Looks
) -> set[tuple[str, str]]:
    """Return task and name of the policies from outside that need no line of their own.

    Each has one network, which says nothing of the others; so it stands in the lines of ours.
    """
    keys = [(line[0], policy) for line, policy in best if policy not in REFERENCES]
    tasks = {task for task, policy in keys if not looks.is_outside(policy)}
    keys = [(task, policy) for task, policy in keys if looks.is_outside(policy)]
    return {key for key in keys if key[0] in tasks and keys.count(key) == 1}


def write_headline(folder: Path, table: Headline) -> list[Path]:
    """Write `headline.csv`, `headline.md` and `headline.tex`; return the paths."""
    texts = {"csv": _csv(table), "md": _markdown(table), "tex": latex(table)}
    paths = []
    for end, text in texts.items():
        paths.append(folder / f"headline.{end}")
        write_bytes_atomic(paths[-1], text.encode())
    return paths


def latex(table: Headline) -> str:
    """Return a LaTeX table with the rules of booktabs; several below each other if it is wide."""
    step = POLICIES_PER_TABLE
    lines = [f"% {table.title}. {note(table)} Needs \\usepackage{{booktabs}}."]
    for at in range(0, len(table.policies), step):
        part = range(at, min(at + step, len(table.policies)))
        header = [*table.names, *(table.policies[k] for k in part)]
        lines += [
            f"\\begin{{tabular}}{{{'l' * len(table.names)}{'r' * len(part)}}}",
            "\\toprule",
            _latex_line(header),
            "\\midrule",
            *(_latex_line([*names, *(cells[k] for k in part)]) for names, cells in table.lines),
            "\\bottomrule",
            "\\end{tabular}",
        ]
    return "\n".join(lines) + "\n"


def escape_latex(text: str) -> str:
    """Return a text as LaTeX prints it."""
    return "".join(_ESCAPED.get(character, character) for character in text)


def _latex_line(cells: Sequence[str]) -> str:
    return " & ".join(map(escape_latex, cells)) + r" \\"


def _csv(table: Headline) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*(name.lower() for name in table.names), *table.policies])
    writer.writerows([*names, *cells] for names, cells in table.lines)
    return file.getvalue()


def _markdown(table: Headline) -> str:
    body = [[*names, *cells] for names, cells in table.lines]
    text = markdown_table([*table.names, *table.policies], body)
    return f"# {table.title}\n\n{text}\n\n{note(table)}\n"


def note(table: Headline) -> str:
    """Return what the cells of a table mean, in one line."""
    has_caveat = any(cell.endswith(CAVEAT) for _, cells in table.lines for cell in cells)
    caveat = f" {CAVEAT}: with a caveat, see the section's table."
    return table.meaning + caveat * has_caveat


def _rank(row: Mapping[str, str]) -> tuple[bool, int]:
    entry = POLICIES.get(row["policy"])
    return (entry is not None and row["sampler"] == entry.default_sampler, int(row["steps"]))


def _text(row: Mapping[str, str] | None) -> str:
    """Return success and interval in percent, and a mark if the row has a caveat."""
    if row is None:
        return ""
    rate, low, high = (100 * float(row[name]) for name in ("success_rate", "low", "high"))
    return f"{rate:.1f} ({low:.0f}–{high:.0f}){CAVEAT if row.get('caveat') else ''}"
