"""Evaluation of a finished run on the second block of test seeds, compared with the first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fmbench.cli.folders import check_out, default_rescoring_folder
from fmbench.cli.session import Session
from fmbench.cli.torch_settings import configure_torch
from fmbench.config import ADDED
from fmbench.errors import FmbenchError
from fmbench.evaluation.plan import plan_run
from fmbench.report.blocks.draw import draw_blocks, print_blocks, read_blocks
from fmbench.runs.finish import show_run
from fmbench.runs.rescoring import Rescoring
from fmbench.runs.saved_run import open_saved_run

SECOND = 2


def run_second_block(
    folder: Path,
    changes: Mapping[str, Any],
    out: Path | None,
    session: Session,
    command: str = "",
    accept_changes: bool = False,
) -> Path:
    """Evaluate all cells of a run on the second block, print its tables and the difference.

    Resumable. A finished evaluation is only drawn again.

    Args:
        folder: The folder of the finished run.
        changes: Values that replace the run's: `device` and `encoder_weights`.
        out: The new folder; None for one next to the run.
        session: Progress display and requests to stop.
        command: The command line, for `run.json`.
        accept_changes: Whether to continue an evaluation that other code has started.

    Returns:
        The new folder.

    Raises:
        FmbenchError: The run has not finished, or is no run on the first block.
    """
    out = evaluate_second_block(folder, changes, out, session, command, accept_changes)
    blocks = read_blocks([(folder, out)])
    draw_blocks(blocks, out)
    print_blocks(blocks)
    show_run(out)
    return out


def evaluate_second_block(
    folder: Path,
    changes: Mapping[str, Any],
    out: Path | None,
    session: Session,
    command: str = "",
    accept_changes: bool = False,
    draws: bool = True,
) -> Path:
    """Evaluate all cells of a run on the second block; see `run_second_block`.

    Args:
        folder: The folder of the finished run.
        changes: Values that replace the run's.
        out: The new folder; None for one next to the run.
        session: Progress display and requests to stop.
        command: The command line, for `run.json`.
        accept_changes: Whether to continue an evaluation that other code has started.
        draws: Whether tables and figures of the evaluation alone are drawn.

    Returns:
        The new folder.

    Raises:
        FmbenchError: The run has not finished, or is no run on the first block.
    """
    run = open_saved_run(folder)
    if run.config.test_block != ADDED["test_block"]:
        raise FmbenchError(f"{folder} is on the second block of test seeds already")
    configure_torch(str(changes.get("device", run.config.device)))
    named = {name: value for name, value in changes.items() if name != "encoder_weights"}
    out = out or default_rescoring_folder(folder, "test-block", (SECOND,), named)
    check_out(out)
    request = {"test_block": SECOND}
    Rescoring(
        run, plan_run(run.config), request, {**changes, **request}, out, session, command,
        accept_changes, draws,
    ).run()  # fmt: skip
    return out
