"""The table of exit codes is true, and every way to end has its code."""

import ast
import errno
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from fmbench.cli.exit_codes import run_command_line
from fmbench.cli.interrupts import StopAtOnce
from fmbench.errors import FmbenchError, Incomplete, RunFailed
from fmbench.exit_code import MEANINGS, ExitCode
from fmbench.storage.critical import Interrupted, interrupt
from fmbench.storage.memory import check_memory, free_memory, lacks_memory, needs_memory
from tests.fmbench.small_run import ROOT

TOO_MUCH = 2**50
ROW = re.compile(r"^\| (\d+) \| (.*) \|$", re.MULTILINE)
COMMANDS = [*(ROOT / "fmbench").glob("*.py"), *(ROOT / "fmbench" / "cli").glob("*.py")]


def raising(error: BaseException) -> Callable[[], int]:
    def main() -> int:
        raise error

    return main


def test_the_table_of_the_documentation_has_every_code_and_its_meaning() -> None:
    page = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    _, _, section = page.partition("### Exit codes")
    rows = {int(code): text for code, text in ROW.findall(section.partition("\n**")[0])}
    assert rows == {int(code): text for code, text in MEANINGS.items()}
    assert set(MEANINGS) == set(ExitCode)


def literal_codes(tree: ast.AST) -> Iterator[int]:
    """Yield the lines where an exit code is written as a number."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("sys.exit", "SystemExit"):
            values = node.args
        elif isinstance(node, ast.Return) and node.value is not None:
            values = [node.value]
        else:
            continue
        for value in values:
            if isinstance(value, ast.Constant) and type(value.value) is int:
                yield node.lineno


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_no_command_writes_a_code_as_a_number(path: Path) -> None:
    assert list(literal_codes(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_a_code_written_as_a_number_is_found() -> None:
    source = "def main():\n    if x:\n        return 2\n    sys.exit(1)\n    raise SystemExit(3)\n"
    assert sorted(literal_codes(ast.parse(source))) == [3, 4, 5]


def test_the_errors_have_their_codes() -> None:
    codes = {kind: kind.exit_code for kind in (FmbenchError, RunFailed, Incomplete)}
    assert codes == {
        FmbenchError: ExitCode.BAD_INPUT,
        RunFailed: ExitCode.FAILED,
        Incomplete: ExitCode.INCOMPLETE,
    }


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (Interrupted(), ExitCode.INTERRUPTED, "interrupted\n"),
        (OSError(errno.ENOSPC, "No space left on device", "x.csv"), ExitCode.FAILED, "x.csv: No"),
        (OSError(errno.EMFILE, "Too many open files", "x.csv"), ExitCode.FAILED, "x.csv: Too"),
        (OSError(errno.EACCES, "Permission denied", "x.csv"), ExitCode.BAD_INPUT, "x.csv: Perm"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), ExitCode.FAILED, "there is too little m"),
        (MemoryError(), ExitCode.FAILED, "there is too little memory"),
        (torch.OutOfMemoryError("CUDA out of memory."), ExitCode.FAILED, "there is too little mem"),
        (SystemExit(2), ExitCode.BAD_INPUT, ""),
        (SystemExit(None), ExitCode.DONE, ""),
    ],
    ids=str,
)
def test_every_way_to_end_has_its_code(
    error: BaseException, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(raising(error)) == code
    err = capsys.readouterr().err
    assert err.removeprefix("error: ").startswith(text)
    assert err.count("\n") == bool(text)


def test_an_exception_by_which_a_library_reports_the_interrupt_is_the_interrupt(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def main() -> int:
        import signal

        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            raise ImportError("numpy._core.multiarray failed to import") from None
        return ExitCode.DONE

    assert run_command_line(main) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "interrupted\n"


def test_a_signal_after_the_outcome_is_decided_changes_nothing() -> None:
    import signal

    with StopAtOnce() as stop:
        stop.is_over = True
        signal.raise_signal(signal.SIGINT)
        assert not stop.requested


def test_an_interrupt_that_was_handled_does_not_end_the_process_later() -> None:
    """Python ends a process by SIGINT if a plain `KeyboardInterrupt` has passed an `exec`."""
    code = "try:\n    exec('{}')\nexcept KeyboardInterrupt:\n    raise SystemExit(130)"
    setup = "from fmbench.storage.critical import interrupt\n"
    codes = [
        subprocess.run([sys.executable, "-c", setup + code.format(raises)]).returncode
        for raises in ("raise KeyboardInterrupt", "interrupt()")
    ]
    assert codes[1] == 130
    with pytest.raises(Interrupted):
        interrupt()


@pytest.mark.parametrize(
    "allocate",
    [
        lambda: np.empty(TOO_MUCH),
        lambda: torch.empty(TOO_MUCH),
        lambda: torch.empty((2**40, 2**40)),
        lambda: bytearray(TOO_MUCH),
    ],
    ids=["numpy", "torch", "torch's sizes", "python"],
)
def test_too_little_memory_is_one_line_that_says_what_to_lower(
    allocate: Callable[[], object],
) -> None:
    with pytest.raises(RunFailed) as caught, needs_memory("training", "lower --batch-size"):
        allocate()
    assert re.fullmatch(
        r"training needs more memory than is free( \([\d.,]+ [A-Za-z]+ at once\))?; "
        r"lower --batch-size",
        str(caught.value),
    )


@pytest.mark.parametrize("error", [ValueError("bad"), OSError("gone"), RunFailed("out of memory")])
def test_other_errors_are_not_about_memory(error: Exception) -> None:
    assert not lacks_memory(error)
    with pytest.raises(type(error)) as caught, needs_memory("training", "lower --batch-size"):
        raise error
    assert caught.value is error


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/meminfo")
def test_more_than_all_memory_is_refused_before_it_is_allocated() -> None:
    free = free_memory()
    assert free is not None
    check_memory("training", free // 2, "lower --width")
    with pytest.raises(RunFailed, match=r"training needs more memory than is free \(at least .* "):
        check_memory("training", 100 * free, "lower --width")
