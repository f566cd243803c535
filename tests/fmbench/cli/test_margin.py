"""The margin of verdicts as an option of the commands that redraw."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fmbench import data_curve, figures, matrix, observations, power
from fmbench.cli.numbers import MARGIN
from fmbench.report import verdicts
from tests.fmbench.fake_run import write_run

Main = Callable[[list[str]], int]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = write_run(tmp_path / "run", train_seeds=(0, 1, 2), episodes=60)
    path = folder / "run.json"
    facts = json.loads(path.read_text())
    facts["config"] = {"task": ["fmbench/LiftCube-v0"], "backbone": "mlp", "demos": 200}
    path.write_text(json.dumps(facts))
    return folder


def drawn(main: Main, run: Path, out: Path | None, *margin: str) -> tuple[str, list[bytes]]:
    """Return the Markdown of a command, and all files in its folder but its input."""
    place = [] if out is None else ["--out", str(out)]
    assert main([str(run), *place, *margin]) == 0
    folder = out or run
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    (text,) = (path for path in paths if path.suffix == ".md")
    return text.read_text(), [path.read_bytes() for path in paths]


@pytest.mark.parametrize("main", [figures.main, matrix.main, observations.main])
def test_the_margin_decides_and_stands_in_the_footer(
    main: Main, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fmbench.report.draw.drawable", lambda _: [])
    out = None if main is figures.main else tmp_path / "out"
    text, files = drawn(main, run, out)
    assert drawn(main, run, out, "--margin", "5") == (text, files)
    assert "the margin of ±5 points" in text
    assert "lies above −5 points" in text
    wide, _ = drawn(main, run, out, "--margin", "49.5")
    assert "the margin of ±49.5 points" in wide
    assert "±5 points" not in wide
    assert "equivalent" not in text.partition("Otherwise")[0]
    assert "equivalent" in wide.partition("Otherwise")[0]


@pytest.mark.parametrize("main", [figures.main, matrix.main, observations.main, power.main])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("0", "--margin is 0; give a number from 0.1 to 50"),
        ("nan", "--margin is nan; give a number from 0.1 to 50"),
        ("51", "--margin is 51; give a number from 0.1 to 50"),
        ("wide", "--margin is 'wide'; give a number"),
    ],
)
def test_a_bad_margin_is_one_line_with_exit_code_2_before_any_work(
    main: Main, given: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = {power.main: [], figures.main: [str(tmp_path / "none")]}
    words = place.get(main, [str(tmp_path / "none"), "--out", str(tmp_path / "out")])
    assert main([*words, "--margin", given]) == 2
    assert capsys.readouterr().err.splitlines() == [f"error: {message}"]
    assert list(tmp_path.iterdir()) == []


def test_a_table_without_margin_has_no_such_option(tmp_path: Path) -> None:
    assert data_curve.main([str(tmp_path), "--out", str(tmp_path / "out"), "--margin", "5"]) == 2


def test_the_default_is_that_of_the_verdicts() -> None:
    assert MARGIN["margin"].default / 100 == verdicts.MARGIN
