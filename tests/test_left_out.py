"""What plain `pytest` leaves out runs in CI's second part: every mark and every combination."""

import os
import re
import shlex
import subprocess
import time
from itertools import combinations, pairwise

import pytest

from tests.fmbench.small_run import ROOT
from tests.test_project_files import PROJECT

OPTIONS = PROJECT["tool"]["pytest"]["ini_options"]
MARKS = [line.partition(":")[0] for line in OPTIONS["markers"]]
EXTRAS = (ROOT / ".ci" / "extras").read_text(encoding="utf-8")
LINES = EXTRAS.partition("<<'EXTRAS'\n")[2].partition("\nEXTRAS\n")[0].splitlines()
OF_LEROBOT = EXTRAS.partition("<<'LEROBOT'\n")[2].partition("\nLEROBOT\n")[0].splitlines()
ARGUMENTS = [line.split("|")[2] for line in LINES]
"""Of pytest, in each environment of an extra."""


def expression(arguments: str) -> str:
    """Return what follows the last `-m` of arguments of pytest, by default that of addopts."""
    words = shlex.split(f"{OPTIONS['addopts']} {arguments}")
    return [after for word, after in pairwise(words) if word == "-m"][-1]


def is_selected(marks: tuple[str, ...], arguments: str) -> bool:
    """Return whether a test with these marks runs with these arguments."""
    names = {mark: mark in marks for mark in MARKS}
    return bool(eval(expression(arguments) or "True", {"__builtins__": {}}, names))


def is_of_all_files(arguments: str) -> bool:
    """Return whether the arguments name no file or folder of tests but `tests`."""
    return {word for word in shlex.split(arguments) if word.startswith("tests")} <= {"tests"}


def never_run(lines: list[str]) -> list[tuple[str, ...]]:
    """Return the sets of marks with which a test runs neither by default nor by a line."""
    of_all = [line for line in lines if is_of_all_files(line)]
    every = [x for size in range(len(MARKS) + 1) for x in combinations(MARKS, size)]
    left_out = [marks for marks in every if not is_selected(marks, "")]
    assert {("thorough",), ("real_hand",), ("slow", "faults")} <= set(left_out)
    return [marks for marks in left_out if not any(is_selected(marks, line) for line in of_all)]


def test_what_is_left_out_by_default_runs_with_the_extras() -> None:
    assert never_run(ARGUMENTS) == []


@pytest.mark.parametrize(
    ("line", "missed"),
    [
        ("-m real_hand", [("real_hand",), ("slow", "real_hand")]),
        (
            "-m 'faults or thorough or browser'",
            [("thorough",), ("slow", "thorough"), ("slow", "faults"), ("browser",)],
        ),
    ],
)
def test_without_its_line_it_does_not(line: str, missed: list[tuple[str, ...]]) -> None:
    without = [arguments for arguments in ARGUMENTS if line not in arguments]
    assert len(without) == len(ARGUMENTS) - 1
    assert set(never_run(without)) >= set(missed)


@pytest.mark.parametrize("extra", ["vision,yolo", "dist", "export,onnx,tune"])
def test_all_tests_of_an_extra_that_no_other_line_has_run_with_it(extra: str) -> None:
    (line,) = [line for line in LINES if line.startswith(f"{extra}|")]
    assert expression(line.split("|")[2]) == ""


def test_the_tests_with_lerobot_run_with_each_version_that_has_requirements() -> None:
    folder = ROOT / "tests" / "fmbench" / "lerobot"
    versions = {path.stem.partition("-")[2] for path in folder.glob("requirements-*.txt")}
    assert {line.split("|")[0] for line in OF_LEROBOT} == versions
    assert len(versions) == 2
    for line in OF_LEROBOT:
        arguments = line.split("|")[2]
        assert sorted(ROOT.glob(arguments.split()[0])) == sorted(
            folder.glob("test_with_lerobot*.py")
        )
        assert expression(arguments) == ""


@pytest.mark.parametrize(("ago", "begun"), [(0, True), (90, False)])
def test_an_extra_that_is_too_late_is_named_at_the_end(ago: int, begun: bool) -> None:
    script = """
        source .ci/stages.sh
        if in_time "extra: adroit"; then stage "extra: adroit"; fi
        close extras
    """
    times = {"CI_BEGAN": str(int(time.time()) - ago), "CI_LATEST_S": "60"}
    words = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, **times}, capture_output=True, text=True, check=True
    )
    late = "== left out, 60 s had passed ==\n  extra: adroit\n"
    assert done.stdout.endswith("extra: adroit\n")
    assert done.stdout.startswith("== extra: adroit ==") == begun
    assert (late in done.stdout) == (not begun)
    assert (done.stderr == "left out, 60 s have passed: extra: adroit\n") == (not begun)


def test_every_extra_and_version_is_begun_in_time_or_named() -> None:
    loops = re.findall(r"^while .*; do\n(.*)$", EXTRAS, re.MULTILINE)
    assert loops == [
        '  in_time "extra: $extra" || continue',
        '  in_time "LeRobot $version" || continue',
    ]


def test_a_line_of_some_files_or_without_the_mark_does_not_count() -> None:
    for arguments in ("tests/policies -m thorough", "tests -n 2", "-m 'not thorough'"):
        assert ("thorough",) in never_run([arguments])
    for arguments in ("-n 2 -m thorough", "tests -m ''"):
        assert ("thorough",) not in never_run([arguments])
