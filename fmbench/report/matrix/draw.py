"""Draw one table and one figure of runs on several backbones.

Like the tables of one run, these are functions of the runs' rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from fmbench.report.across_tasks.figure import render_across_tasks
from fmbench.report.across_tasks.table import AcrossTasksRow, across_tasks_of_runs
from fmbench.report.caveat_column import write_with_caveats
from fmbench.report.combined import Combined
from fmbench.report.comparable import read_alike, without_repeats
from fmbench.report.comparisons import compare_at_equal_nfe
from fmbench.report.looks import Looks
from fmbench.report.matrix.figure import render_matrix
from fmbench.report.matrix.pairs import PairRow, pair_rows, pair_rows_of_outside
from fmbench.report.matrix.rows import MatrixRow, matrix_rows, row_type_of, summary_key
from fmbench.report.matrix.text import matrix_markdown
from fmbench.report.matrix.ways import one_evaluation, render_ways
from fmbench.report.may_differ import MATRIX as MAY_DIFFER
from fmbench.report.outside import is_outside, outside_pairs
from fmbench.report.rendering import write_figure
from fmbench.report.results import Results
from fmbench.report.verdicts import MARGIN
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.row_files import write_rows
from fmbench.storage.rows import key_of


def draw_matrix(
    runs: Sequence[Path],
    out: Path,
    warn: Callable[[str], None] = lambda line: None,
    margin: float = MARGIN,
    formats: Sequence[str] = ("png",),
) -> list[Path]:
    """Read runs and draw their matrix, as `draw_matrix_of` does.

    Args:
        runs: Folders of runs.
        out: Output folder.
        warn: Called with each caveat of what is drawn.
        margin: Largest difference of success rates that does not matter, in (0, 1).
        formats: Formats of the figures.

    Returns:
        The paths written.

    Raises:
        FmbenchError: As `read_runs` and `draw_matrix_of`.
    """
    return draw_matrix_of(read_runs(runs, margin), out, warn, formats)


def read_runs(
    runs: Sequence[Path],
    margin: float = MARGIN,
    only: Mapping[Path, Sequence[str]] | None = None,
) -> list[Results]:
    """Read the runs of a matrix.

    Args:
        runs: Their folders.
        margin: Largest difference of success rates that does not matter, in (0, 1).
        only: Folder of a run to those of its policies that are read; all where there is none.

    Raises:
        FmbenchError: A folder is not a run, or the runs differ in more than `MAY_DIFFER`.
    """
    return read_alike(runs, MAY_DIFFER, "backbone", "backbone", margin, True, only)


def draw_matrix_of(
    all_results: Sequence[Results],
    out: Path,
    warn: Callable[[str], None] = lambda line: None,
    formats: Sequence[str] = ("png",),
) -> list[Path]:
    """Write `matrix.csv`, `comparisons.csv`, `matrix.md` and the figure `matrix`.

    Bridge rates at one network evaluation are also drawn, in `ways`. Finished runs with several
    tasks are also compared over all of them: in a section of `matrix.md`, and in `across_tasks.csv`
    and the figure `across_tasks`. Where there is nothing to draw, an earlier file of these is
    removed.

    Args:
        all_results: The runs, as `read_runs` returns them.
        out: Output folder.
        warn: Called with each caveat of what is drawn.
        formats: Formats of the figures.

    Returns:
        The paths written.

    Raises:
        FmbenchError: Two runs have the same policy on the same backbone and task.
    """
    rows = without_repeats(
        (row for results in all_results for row in matrix_rows(results)),
        lambda row: f"{f'{row.policy} {row.backbone}'.rstrip()} on {row.task}",
    )
    paths = [out / MatrixRow.file_name, out / "matrix.md"]
    combined = Combined(all_results, lambda run: f"with {run.run.config['backbone']}", summary_key)
    caveats = [combined.row_caveats.get(key_of(row), "") for row in rows]
    write_with_caveats(paths[0], rows, caveats, row_type_of(rows))
    looks = Looks(*(results.run for results in all_results))
    own = [results for results in all_results if not is_outside(results)]
    across = across_tasks_of_runs(own, looks) if own else None
    pairs = outside_pairs(all_results)
    equal_nfe = [compare_at_equal_nfe(run.outcomes, margin=run.margin) for run in all_results]
    text = matrix_markdown(rows, all_results, equal_nfe, combined, across, pairs)
    write_bytes_atomic(paths[1], text.encode())
    single, over_tasks = one_evaluation(rows), across.rows if across else []
    ways = partial(render_ways, single, combined, looks) if single else None
    matrix = partial(render_matrix, rows, combined, looks)
    paths += write_figure(out / "matrix", formats, matrix)
    paths += write_figure(out / "ways", formats, ways)
    table = out / AcrossTasksRow.file_name

    def drawn(file_format: str) -> bytes:
        return render_across_tasks(over_tasks, looks, combined.caveats, False, file_format)

    if over_tasks:
        write_rows(table, over_tasks, AcrossTasksRow)
        paths.append(table)
    else:  # that of an earlier call would contradict the matrix
        table.unlink(missing_ok=True)
    paths += write_figure(out / "across_tasks", formats, drawn if over_tasks else None)
    paths.append(out / PairRow.file_name)
    compared = [*pair_rows(all_results, equal_nfe), *pair_rows_of_outside(pairs)]
    write_rows(paths[-1], compared, PairRow)
    combined.warn(warn)
    for line in dict.fromkeys(line for pair in pairs for line in pair.differences):
        warn(line)
    return paths
