"""What a command prints of a finished run with delays."""

import dataclasses
from pathlib import Path

import pytest

from fmbench.errors import Incomplete
from fmbench.runs.finish import show_run
from tests.fmbench.fake_run import make_rows, write_episode_rows, write_run

TASK = "PressEither"


def test_delays_follow_the_summary_and_their_errors_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path, tasks=(TASK,), episodes=3)
    plain = make_rows(tasks=(TASK,), episodes=3)[0]
    flow = [row for row in plain if row.policy == "flow" and row.steps == 10]
    late = [dataclasses.replace(row, delay=2) for row in flow]
    write_episode_rows(run, [*plain, *late])
    show_run(run)
    shown = capsys.readouterr().out
    assert shown.index("expert") < shown.index("success by delay") < shown.index("Rows, tables and")
    assert f"{run / 'delays.md'}" in shown
    failed = dataclasses.replace(
        late[0], success=False, success_end=False, time_to_success_s=None, error="ValueError: x"
    )
    write_episode_rows(run, [*plain, failed, *late[1:]])
    with pytest.raises(Incomplete, match=f"1 of {len(plain) + 3} episodes ended by an error"):
        show_run(run)
    assert "warning: with a delay or another execution, broken: 1 of 3" in capsys.readouterr().out
