"""The report of runs as a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from fmbench.report.page.section import PageSection
from fmbench.report.page.shell import environment, render_page
from fmbench.report.results import Results, read_results
from fmbench.storage.files import write_bytes_atomic

TABLE = """
<p>{{ unfinished or "finished" }}</p>
<table>
<tr>{% for name in columns %}<th scope="col">{{ name }}</th>{% endfor %}</tr>
{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>
"""
COLUMNS = ["task", "policy", "sampler", "steps", "successes", "episodes", "low", "high"]


def write_report(run_folders: Sequence[Path], out: Path) -> Path:
    """Write the page of runs, finished or not; an earlier page is replaced at once.

    Args:
        run_folders: The folders of the runs.
        out: The page's file.

    Returns:
        The file.

    Raises:
        FmbenchError: A folder is no run, or has no finished cell yet.
    """
    sections = [
        _summary(f"run-{number}", str(folder), read_results(folder))
        for number, folder in enumerate(run_folders)
    ]
    title = run_folders[0].name if len(run_folders) == 1 else f"{len(run_folders)} runs"
    write_bytes_atomic(out, render_page(title, sections).encode())
    return out


def _summary(name: str, title: str, results: Results) -> PageSection:
    rows = results.summary[COLUMNS].itertuples(index=False)
    html = environment().from_string(TABLE).render(
        unfinished=results.unfinished, columns=COLUMNS, rows=list(rows)
    )  # fmt: skip
    return PageSection(name, title, Markup(html))
