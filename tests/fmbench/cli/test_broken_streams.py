"""Every command, with standard streams that are closed or full: its work is done all the same."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from fmbench.exit_code import ExitCode
from fmbench.run import main
from tests.fmbench.small_run import ROOT, SMALL, call, files_of, finish, start

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.usefixtures("torch_threads")]

SEARCHED = (*SMALL[: SMALL.index("--width")], *SMALL[SMALL.index("--episodes") :])
COMMANDS: dict[str, Sequence[str]] = {
    "fmbench": (),
    "fmbench.run": (*SMALL, "--no-latency", "--out", "run", "--data", "data"),
    "fmbench.evaluate": ("run", "--sampler", "heun", "--nfe", "2", "--out", "heun"),
    "fmbench.demonstrations": ("--task", "PressEither", "--episodes", "4", "--data", "data"),
    "fmbench.export": (
        *("--format", "minari", "--task", "PressEither", "--episodes", "4", "--data", "data"),
    ),
    "fmbench.experts": ("--task", "PressEither", "--episodes", "1", "--out", "experts"),
    "fmbench.figures": ("run",),
    "fmbench.report": ("run", "--out", "page.html"),
    "fmbench.matrix": ("run", "--out", "matrix"),
    "fmbench.data_curve": ("run", "--out", "curve"),
    "fmbench.observations": ("run", "--out", "observations"),
    "fmbench.detector": (
        *("--task", "PressEither", "--episodes", "1", "--pictures", "4", "--epochs", "1"),
        *("--image-size", "32", "--out", "detector.safetensors"),
    ),
    "fmbench.tune": (*SEARCHED, "--trials", "1", "--out", "search", "--data", "data"),
}
HEAVY = (
    *("fmbench.run", "fmbench.evaluate", "fmbench.demonstrations", "fmbench.experts"),
    "fmbench.export",
    "fmbench.detector",
    "fmbench.tune",
)
"""They import torch or MuJoCo: not every combination is worth their seconds."""
LIGHT = tuple(name for name in COMMANDS if name not in HEAVY)
EXTRA = {
    "fmbench.detector": "ultralytics",
    "fmbench.report": "plotly",
    "fmbench.tune": "optuna",
}
"""Commands that need a package of an extra."""
CLOSED = "error: standard output is closed\n"
FULL = "error: standard output cannot be written: No space left on device\n"
FAULTS = {
    # how a shell breaks the streams, the exit code, and the only line on standard error
    ">&-": (ExitCode.FAILED, CLOSED),
    ">/dev/full": (ExitCode.FAILED, FULL),
    "2>/dev/full": (ExitCode.DONE, ""),
    "<&- 2>&-": (ExitCode.DONE, ""),
    ">&- 2>&-": (ExitCode.FAILED, ""),
}


@pytest.fixture(scope="module")
def finished(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run and its demonstrations; only copies of it are changed."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(demonstrations_folder, folder / "data" / demonstrations_folder.name)
    with contextlib.chdir(folder):
        assert call(main, *COMMANDS["fmbench.run"]) == ExitCode.DONE
    return folder


def shell(cwd: Path, words: Sequence[str], redirection: str) -> tuple[int, str, str]:
    """Run a command of fmbench by a shell, with redirected streams."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def made(folder: Path) -> dict[str, bytes]:
    """Return what a command has written, without locks."""
    return {name: data for name, data in files_of(folder).items() if "/." not in f"/{name}"}


def errors(text: str) -> str:
    """Return the lines of standard error that are no progress."""
    return "".join(line for line in text.splitlines(True) if line.startswith(("error", "Trace")))


@pytest.mark.parametrize(
    ("name", "redirection"),
    [
        *((name, ">&-") for name in COMMANDS),
        *((name, "2>/dev/full") for name in (*LIGHT, "fmbench.run")),
    ],
)
def test_the_work_is_done_and_the_code_is_right(
    name: str, redirection: str, finished: Path, tmp_path: Path
) -> None:
    if name in EXTRA:
        pytest.importorskip(EXTRA[name], exc_type=ImportError)
    copy = Path(shutil.copytree(finished, tmp_path / "copy"))
    code, out, err = shell(copy, ("-m", name, *COMMANDS[name]), redirection)
    expected, line = FAULTS[redirection]
    assert (code, errors(err)) == (expected, line), err
    assert bool(out) == (redirection == "2>/dev/full")
    for flag, folder in zip(COMMANDS[name], COMMANDS[name][1:], strict=False):
        if flag == "--out":
            assert made(copy / folder) or (copy / folder).is_file()


@pytest.mark.parametrize("redirection", FAULTS)
@pytest.mark.parametrize("name", ["fmbench", "fmbench.figures", "fmbench.run --help"])
def test_every_broken_stream(name: str, redirection: str, finished: Path) -> None:
    words = name.split()
    code, _, err = shell(finished, ("-m", *words, *COMMANDS.get(name, ())), redirection)
    assert (code, errors(err)) == FAULTS[redirection]


@pytest.mark.parametrize("name", [*LIGHT, "fmbench.experts", "fmbench.run --help"])
def test_a_reader_that_ended_is_no_error(name: str, finished: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(finished, tmp_path / "copy"))
    reader, writer = os.pipe()
    os.close(reader)
    process = start(copy, "-m", *name.split(), *COMMANDS.get(name, ()), stdout=writer)
    os.close(writer)
    code, _, err = finish(process)
    assert (code, errors(err)) == (ExitCode.CLOSED_PIPE, "")


def test_a_new_run_with_a_full_output_is_complete_on_disk(finished: Path, tmp_path: Path) -> None:
    words = [*SMALL, "--no-latency", "--data", str(finished / "data"), "--out"]
    code, _, err = shell(tmp_path, ("-m", "fmbench.run", *words, "full"), ">/dev/full")
    assert (code, errors(err)) == (ExitCode.FAILED, FULL)
    for name in ("episodes.csv", "cells.csv"):
        assert (tmp_path / "full" / name).read_bytes() == (finished / "run" / name).read_bytes()


def test_closed_descriptors_do_not_lead_messages_into_files(tmp_path: Path) -> None:
    """A library writes to descriptor 2, which would be the first file that is opened."""
    code = (
        "import os, sys\n"
        "sys.argv = ['-m']; sys.orig_argv = ['python', '-m', 'fmbench.run']\n"
        "import fmbench\n"
        "with open('rows.csv', 'w') as file:\n"
        "    os.write(2, b'a warning')\n"
        "    file.write('a row')\n"
    )
    assert shell(tmp_path, ("-c", code), "<&- >&- 2>&-") == (ExitCode.DONE, "", "")
    assert (tmp_path / "rows.csv").read_text() == "a row"
