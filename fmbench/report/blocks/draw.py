"""Draw what a run and its evaluation on the second block of test seeds say, from their rows."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fmbench.config import config_hash
from fmbench.errors import FmbenchError
from fmbench.report.blocks.rows import BlockRow, block_rows, broken_on_a_block
from fmbench.report.blocks.text import (
    HEADER,
    TITLE,
    blocks_markdown,
    conclusion,
    overall_row,
    texts,
)
from fmbench.report.caveats import version_lines
from fmbench.report.looks import Looks
from fmbench.report.results import Results, read_results
from fmbench.report.verdicts import MARGIN
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.row_files import write_rows
from fmbench.storage.rows import CellRow
from fmbench.storage.run_facts import RUN_FILE, read_run_facts

MOST_SHOWN = 40
"""Most headlines in the terminal; of more those that differ most are shown."""
_PLAIN_WIDTH = 100


@dataclasses.dataclass(frozen=True)
class TwoBlocks:
    """Runs of different tasks on both blocks.

    Attributes:
        pairs: Each run, and its evaluation on the second block.
        rows: The cells of both, and the mean over them.
        caveats: What a reader must know beside the numbers.
        margin: Largest difference of success rates that does not matter.
    """

    pairs: list[tuple[Results, Results]]
    rows: list[BlockRow]
    caveats: list[str]
    margin: float

    @property
    def looks(self) -> Looks:
        """Names of the policies."""
        return Looks(*(first.run for first, _ in self.pairs))


def read_blocks(folders: Sequence[tuple[Path, Path]], margin: float = MARGIN) -> TwoBlocks:
    """Read runs and their evaluations on the second block, and compare them.

    Args:
        folders: The folder of each run and that of its evaluation; no two are of one task.
        margin: Largest difference of success rates that does not matter, in (0, 1).

    Raises:
        FmbenchError: One has not finished, or two are not of the same checkpoints.
    """
    pairs = [_read_pair(first, second) for first, second in folders]
    caveats = dict.fromkeys(line for pair in pairs for line in _caveats(*pair))
    return TwoBlocks(pairs, block_rows(pairs), list(caveats), margin)


def _read_pair(first: Path, second: Path) -> tuple[Results, Results]:
    """Read a run and its evaluation."""
    runs = read_results(first), read_results(second)
    for folder, results in zip((first, second), runs, strict=True):
        if results.unfinished:
            raise FmbenchError(f"{folder} has not finished; its own command resumes it")
    stated = runs[1].run.rescores or {}
    if runs[1].run.choice.test_block == 1 or stated.get("config_hash") != config_hash(
        runs[0].run.config
    ):
        raise FmbenchError(
            f"{second} is no evaluation of {first} on the second block of test seeds (its "
            f"{RUN_FILE} names run {stated.get('run')!r}, configuration "
            f"{stated.get('config_hash')}); evaluate the run in another --out"
        )
    of_first, of_second = (_identities(results) for results in runs)
    if other := [cell for cell in of_second if of_first.get(cell) != of_second[cell]]:
        raise FmbenchError(
            f"{first} and {second} have different checkpoints of {' '.join(map(str, other[0]))}; "
            "evaluate the run in another --out"
        )
    return runs


def draw_blocks(blocks: TwoBlocks, out: Path) -> list[Path]:
    """Write `test_blocks.csv` and `test_blocks.md` into a folder; return the paths."""
    table, text = out / BlockRow.file_name, (out / BlockRow.file_name).with_suffix(".md")
    write_rows(table, blocks.rows, BlockRow)
    words = blocks_markdown(blocks.rows, blocks.pairs, blocks.looks, blocks.caveats, blocks.margin)
    write_bytes_atomic(text, words.encode())
    return [table, text]


def redraw_blocks(
    run_dir: Path, margin: float = MARGIN, warn: Callable[[str], None] = lambda line: None
) -> list[Path]:
    """Draw the difference to the first block again, if `run_dir` is of the second one.

    Args:
        run_dir: The folder of any run.
        margin: Largest difference of success rates that does not matter, in (0, 1).
        warn: Called with a line if the run itself is not beside it.

    Returns:
        The paths written.
    """
    facts = read_run_facts(run_dir) if os.path.lexists(run_dir / RUN_FILE) else None
    if facts is None or not facts.complete or facts.choice.test_block == 1:
        return []
    name = str((facts.rescores or {}).get("run"))
    first = run_dir.resolve().parent / Path(name).name
    if not first.is_dir():
        warn(f"the run {name} is not beside {run_dir}: the difference to it is not drawn again")
        return []
    return draw_blocks(read_blocks([(first, run_dir)], margin), run_dir)


def print_blocks(blocks: TwoBlocks, console: Console | None = None) -> None:
    """Print the headlines on both blocks and what they say, at most 100 columns wide."""
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    out = console or Console(width=width, highlight=False)
    table = Table(
        title=Text(TITLE, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        collapse_padding=True,
    )
    for i, name in enumerate(HEADER):
        table.add_column(Text(name.replace(" [", "\n[")), justify="left" if i < 3 else "right")
    broken = broken_on_a_block(blocks.pairs)
    shown, left_out = _shown(blocks.rows)
    for row in shown:
        table.add_row(*(Text(text) for text in texts(row, blocks.looks, broken)))
    out.print(table)
    if left_out:
        out.print(Text(f"and {left_out} headlines that differ less"))
    out.print(Text(conclusion(blocks.rows, blocks.looks, blocks.margin) + "\n"))
    for line in blocks.caveats:
        out.print(Text(f"warning: {line}", style="yellow"))


def _shown(rows: Sequence[BlockRow]) -> tuple[list[BlockRow], int]:
    """Return the rows for the terminal, and how many headlines are left out."""
    headlines = [row for row in rows if row.headline]
    by_size = sorted(headlines, key=lambda row: -abs(row.difference))[:MOST_SHOWN]
    chosen = [row for row in headlines if row in by_size]
    overall = overall_row(rows)
    return chosen + ([overall] if overall else []), len(headlines) - len(chosen)


def _identities(results: Results) -> dict[tuple[object, ...], tuple[object, ...]]:
    """Return what makes the numbers of each cell: task, weights and data."""
    names = ["task_hash", "weights_hash", "demonstrations_hash"]
    table = results.origins
    cells = table[list(CellRow.key)].itertuples(index=False, name=None)
    return dict(zip(cells, table[names].itertuples(index=False, name=None), strict=True))


def _caveats(first: Results, second: Results) -> list[str]:
    """Return one line for each thing that differs between the blocks besides their starts."""
    lines = version_lines(pd.concat([first.origins, second.origins]))
    devices = [run.run.choice.device for run in (first, second)]
    if devices[0] != devices[1]:
        lines.append(f"evaluated on several devices: {devices[0]} first, {devices[1]} second")
    return [*lines, *first.caveats, *(line for line in second.caveats if line not in lines)]
