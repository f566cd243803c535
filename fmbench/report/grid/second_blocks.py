"""What the second block of test seeds says about the runs of a grid: a table for each section."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fmbench.report.blocks.draw import draw_blocks, read_blocks
from fmbench.report.blocks.text import conclusion
from fmbench.report.verdicts import MARGIN
from fmbench.storage.grid_folder import SECOND_BLOCK, GridFacts, SectionFacts
from fmbench.storage.run_facts import RUN_FILE, read_run_facts


def draw_second_blocks(out: Path, facts: GridFacts, margin: float = MARGIN) -> Iterator[str]:
    """Write `test_blocks.csv` and `.md` of every section; yield what each says in words.

    A section whose runs differ in more than their tasks has them in the folder of each evaluation.

    Args:
        out: The folder of the grid.
        facts: The content of its `grid.json`.
        margin: Largest difference of success rates that does not matter, in (0, 1).
    """
    for section in facts.sections:
        pairs = _pairs(out, section)
        if not pairs:
            continue
        tasks = [task for first, _ in pairs for task in read_run_facts(first).choice.task or []]
        groups = [pairs] if len(set(tasks)) == len(pairs) else [[pair] for pair in pairs]
        for group in groups:
            blocks = read_blocks(group, margin)
            folder = out / section.name if len(groups) == 1 else group[0][1]
            draw_blocks(blocks, folder)
            name = section.name if len(groups) == 1 else f"{section.name}/{group[0][0].name}"
            yield f"{name}: {conclusion(blocks.rows, blocks.looks, margin)}"


def _pairs(out: Path, section: SectionFacts) -> list[tuple[Path, Path]]:
    """Return the runs of a section that were evaluated on both blocks."""
    folders = [out / section.name / name for name in section.runs]
    pairs = [(folder, folder.with_name(f"{folder.name}{SECOND_BLOCK}")) for folder in folders]
    return [pair for pair in pairs if all((folder / RUN_FILE).is_file() for folder in pair)]
