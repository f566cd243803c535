"""The command that plans training seeds and episodes."""

import pytest

from fmbench import power
from fmbench.report.power import Design, detectable_difference


def lines(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert power.main(list(words)) == 0
    return capsys.readouterr().out.splitlines()


def test_a_plan_states_what_the_design_finds(capsys: pytest.CaptureFixture[str]) -> None:
    plan = lines(capsys, "--seeds", "5", "--episodes", "100", "--comparisons", "36")
    assert plan[0] == "5 training seeds x 100 episodes, 36 comparisons (level 0.05, Holm)"
    found = detectable_difference(Design(5, 100, comparisons=36), 0.5)
    (row,) = (line for line in plan if line.startswith("0.5") and " to " in line)
    assert row.endswith(f"{100 * found:.0f} points")
    assert any(line.startswith("  10 training seeds x 50 episodes") for line in plan)
    assert max(map(len, plan)) <= 100
    assert plan == lines(capsys, "--seeds", "5", "--episodes", "100", "--comparisons", "36")


def test_one_seed_is_said_to_be_a_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    plan = lines(capsys, "--seeds", "1", "--margin", "10")
    assert "says nothing about methods" in plan[1]
    assert "equal rates   found equivalent within ±10 points" in plan


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", "0"], "--seeds is 0; give a whole number from 1 to 50"),
        (["--seeds", "x"], "--seeds is 'x'; give a whole number"),
        (["--episodes", "1"], "--episodes is 1; give a whole number from 2 to 10000"),
        (["--spread", "nan"], "--spread is nan; give a number from 0 to 0.99"),
        (["--margin", "-3"], "--margin is -3; give a number from 0.1 to 50"),
        (["--seed", "5"], "unknown flag '--seed'; did you mean --seeds or --spread?"),
    ],
)
def test_bad_input_is_one_line_with_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = power.main(words)
    except SystemExit as end:
        code = end.code
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")
