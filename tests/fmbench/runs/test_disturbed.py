"""The command `python -m fmbench.evaluate RUN --perturb`: both arms, resumed, refused."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from fmbench.evaluate import main
from fmbench.figures import main as figures_main
from fmbench.report.results import read_results
from fmbench.report.settings_split import Setting
from fmbench.runs import cell_store
from fmbench.storage.episode_files import Episodes, read_episodes
from fmbench.storage.run_facts import read_run_facts
from tests.fmbench.small_run import call, files_of

SETTINGS = ("mass=2", "obs-noise=0.1")
DISTURB = ("--perturb", *SETTINGS)

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.fixture(scope="module")
def both(lasting_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run and its disturbed evaluation; copy it before changing anything in it."""
    root = tmp_path_factory.mktemp("disturbed")
    shutil.copytree(lasting_run, root / "run")
    before = files_of(root / "run")
    assert call(main, root / "run", *DISTURB, "--out", root / "disturbed") == 0
    assert files_of(root / "run") == before
    return root


def rejection(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run a command that must be rejected in one line; return the message."""
    capsys.readouterr()
    assert call(main, *words) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err.removeprefix("error: ").strip()


def test_both_arms_are_there_and_the_plain_one_is_the_runs(both: Path) -> None:
    run, disturbed = read_episodes(both / "run"), read_episodes(both / "disturbed")
    plain = [row for row in disturbed.rows if row.is_plain]
    cells = {tuple(row.cell.values()) for row in plain}
    assert plain == [row for row in run.rows if tuple(row.cell.values()) in cells]
    assert {(row.policy, row.sampler) for row in plain} == {
        *(("expert", ""), ("random", ""), ("flow", "euler"), ("bc", "direct")),
    }
    found = {(row.policy, row.perturb) for row in disturbed.rows if not row.is_plain}
    policies = {(name, text) for name in ("flow", "bc") for text in SETTINGS}
    assert found == {*policies, ("expert", "mass=2")}
    for name, text in found:
        seeds = [r.episode_seed for r in disturbed.rows if (r.policy, r.perturb) == (name, text)]
        assert seeds == [r.episode_seed for r in plain if r.policy == name]
    results = read_results(both / "disturbed")
    assert list(results.settings) == [Setting(perturb="mass=2"), Setting(perturb="obs-noise=0.1")]
    assert len(results.summary) == 4
    evaluated = len(list((both / "disturbed" / "cells").glob("*.csv")))
    assert read_run_facts(both / "disturbed").planned_cells == evaluated == 5
    names = ("disturbances.csv", "disturbances.md", "disturbance_pairs.csv")
    assert all((both / "disturbed" / name).is_file() for name in names)


def without_times(folder: Path) -> dict[str, bytes]:
    names = ("episodes.csv", "cells.csv", "disturbances.csv", "disturbances.md", "summary.md")
    return {name: (folder / name).read_bytes() for name in names}


def test_a_stopped_evaluation_resumes_to_the_same_bytes_and_is_redrawn(
    both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real, calls = cell_store.evaluate, []

    def stop_at_the_fourth(*arguments: object) -> Episodes:
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    words = (both / "run", *DISTURB, "--out", tmp_path / "again")
    monkeypatch.setattr(cell_store, "evaluate", stop_at_the_fourth)
    assert call(main, *words) != 0
    monkeypatch.undo()
    capsys.readouterr()
    assert call(figures_main, tmp_path / "again") == 2  # the plain cells are copied at the end
    assert "no finished cell without delay and disturbance yet" in capsys.readouterr().err
    assert call(main, *words) == 0
    assert without_times(tmp_path / "again") == without_times(both / "disturbed")
    (tmp_path / "again" / "disturbances.md").unlink()
    assert call(figures_main, tmp_path / "again") == 0
    assert without_times(tmp_path / "again") == without_times(both / "disturbed")
    assert "holds another run" in rejection(capsys, *words[:2], "mass=3", *words[-2:])


def test_rows_do_not_depend_on_the_number_of_simulations(
    both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fmbench.evaluation.episodes.MAX_SIMS", 2)
    assert call(main, both / "run", *DISTURB, "--out", tmp_path / "two") == 0
    one, two = (read_episodes(folder).rows for folder in (both / "disturbed", tmp_path / "two"))
    assert one == two


def test_more_episodes_than_the_run_has_are_evaluated_in_both_arms(
    both: Path, tmp_path: Path
) -> None:
    words = ("--perturb", "mass=2", "--episodes", "7", "--out", tmp_path / "more")
    assert call(main, both / "run", *words) == 0
    rows = read_episodes(tmp_path / "more").rows
    earlier = read_episodes(both / "disturbed").rows
    assert {*Counter(tuple(row.cell.values()) for row in rows).values()} == {7}
    assert [row for row in earlier if row.perturb == "mass=2"] == [
        row for row in rows if row.perturb == "mass=2" and row.episode_seed < 3_000_005
    ]


REJECTED = [
    (("size=2",), "--perturb size=2: PressEither lacks this axis, because only LiftC"),
    (("push=0.3",), "--perturb push=0.3: PressEither lacks this axis, because it has no free obj"),
    (("mas=2",), "unknown axis 'mas'; did you mean mass?"),
    (
        ("mass=2", "--sampler", "heun"),
        "--perturb evaluates every policy with its main sampler, without delay; lea",
    ),
    (("mass=2", "--test-block", "2"), "evaluates the run as it is; leave out --perturb"),
    ((), "--perturb is empty; give one or more values"),
]


@pytest.mark.parametrize(("words", "message"), REJECTED)
def test_bad_input_is_rejected_before_any_work(
    words: tuple[str, ...], message: str, both: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(both.iterdir())
    assert message in rejection(capsys, both / "run", "--perturb", *words)
    assert sorted(both.iterdir()) == before


def test_policies_that_see_pictures_meet_physics_but_not_disturbed_numbers(
    seeing_runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(seeing_runs / "features", tmp_path / "run"))
    message = rejection(capsys, copy, "--perturb", "mass=2", "obs-noise=0.1")
    assert "obs-noise=0.1 changes observed numbers" in message
    assert "axes for them: act-noise mass friction kp push start" in message
    message = rejection(capsys, copy, "--perturb", "size=2")
    assert "size=2 changes shapes, which are drawn as without it, but the policies" in message
    assert call(main, copy, "--perturb", "friction=2", "--out", tmp_path / "out") == 0
    rows = read_episodes(tmp_path / "out").rows
    assert {row.perturb for row in rows if row.train_seed >= 0} == {"", "friction=2"}
    assert not any(row.error for row in rows)
