"""A whole grid: its rows are those of plain runs, however it was divided, stopped and continued."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.errors import Incomplete, RunFailed
from fmbench.runs.grid.check import choose_cells
from fmbench.runs.grid.estimate import read_job_rows
from fmbench.runs.grid.options import GridOptions
from fmbench.runs.grid.work import GridWork
from fmbench.storage.episode_files import compress_run
from fmbench.storage.files import write_json_atomic
from fmbench.storage.grid_folder import GRID_FILE, read_grid_facts
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import OriginRow
from fmbench.storage.run_facts import read_run_facts, write_run_facts
from tests.fmbench.runs.grid.small_grid import (
    ORDERS,
    TEXT,
    do_grid,
    rejected,
    rows_of,
    small_grid,
)
from tests.fmbench.runs.small_experiment import Log, comparable, run
from tests.fmbench.small_run import files_of

pytestmark = pytest.mark.usefixtures("in_process")


def test_a_run_is_that_of_the_command_in_its_run_json(
    finished: Path, data: Path, tmp_path: Path
) -> None:
    config = small_grid(tmp_path).runs[0].config
    run(config, tmp_path / "run", data)
    compress_run(tmp_path / "run")
    found, plain = files_of(finished / "main" / "PressEither"), files_of(tmp_path / "run")
    for name in ("episodes.csv.bz2", "cells.csv.bz2", "training.csv.bz2", "diagnostics.csv.bz2"):
        assert found[name] == plain[name], name
    assert (
        comparable(finished / "main" / "PressEither")["measurements.csv.bz2"]
        == (comparable(tmp_path / "run")["measurements.csv.bz2"])
    )
    facts, there = (read_run_facts(f) for f in (finished / "main/PressEither", tmp_path / "run"))
    unequal = {"command", "seconds", "sha256"}
    values = ({k: v for k, v in f.to_json().items() if k not in unequal} for f in (facts, there))
    assert next(values) == next(values)
    assert facts.command.startswith(
        "python -m fmbench.run --policy flow reflow bc --task PressEith"
    )


def test_shards_merge_to_what_one_machine_finds(
    finished: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = small_grid(tmp_path)
    done = []
    for index in (1, 2):
        do_grid(grid, tmp_path / f"shard{index}", data, shard=(index, 2), keeps_rows_only=True)
        done.append(set(ORDERS))
        ORDERS.clear()
    assert done[0]
    assert done[1]
    assert not done[0] & done[1]
    assert not list(tmp_path.glob("shard*/jobs/*/checkpoints"))
    without = do_grid(grid, tmp_path / "half", data, merge=(tmp_path / "shard1",), slots=())
    assert f"{tmp_path / 'shard1'}: {len(done[0])} jobs taken" in without
    assert ORDERS == []
    assert f"{len(done[1])} jobs are missing; this machine has no CUDA" in capsys.readouterr().err
    assert 0 < len(list((tmp_path / "half").glob("*/*/run.json"))) < len(grid.runs) + len(done[0])
    merge = (tmp_path / "shard1", tmp_path / "shard2")
    text = do_grid(grid, tmp_path / "whole", data, merge=merge)
    assert ORDERS == []
    assert f"{merge[0]}: {len(done[0])} jobs taken" in text
    assert rows_of(tmp_path / "whole") == rows_of(finished)
    recordings = [path for path in files_of(tmp_path / "whole" / "main") if path.endswith(".npz")]
    policies = {Path(path).name.split("-")[1] for path in recordings}
    assert policies == {"flow", "reflow", "bc"}
    assert not list((tmp_path / "whole" / "settings").rglob("*.npz"))


def test_a_grid_that_has_grown_does_only_what_is_new(
    finished: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    text = do_grid(small_grid(tmp_path), out, data)
    assert "6 of 6 jobs are done" in text
    assert ORDERS == []
    more = small_grid(tmp_path, f"{TEXT}[sections.more]\npolicy = ['bc', 'knn']\n")
    do_grid(more, out, data, only=("more",))
    assert [name.split("-")[1] for name in ORDERS] == ["knn"]
    assert set(read_grid_facts(out).runs) == {
        "main/PressEither", "settings/PressEither-updates6", "settings/PressEither-updates8",
        "more/PressEither",
    }  # fmt: skip
    for change, message in (
        ("updates = 6\n", "its run main/PressEither has configuration"),
        ("[6, 8]", "it has the run settings/PressEither-updates8, which the grid file lacks"),
    ):
        other = small_grid(
            tmp_path, TEXT.replace(change, change.replace("8", "9", 1).replace("= 6", "= 7"))
        )
        assert message in rejected(lambda grid=other: do_grid(grid, out, data))


def test_a_run_that_was_only_planned_may_become_another(
    finished: Path, data: Path, tmp_path: Path
) -> None:
    out, changed = tmp_path / "out", TEXT.replace("[6, 8]", "[6, 7]")
    shutil.copytree(finished, out)
    shutil.rmtree(out / "settings" / "PressEither-updates8")
    grid = small_grid(tmp_path, changed)
    message = rejected(lambda: do_grid(grid, out, data))
    assert "it has the run settings/PressEither-updates8, which the grid file lacks" in message
    shutil.rmtree(out / "jobs")
    (out / "jobs.csv").unlink()
    merge = (finished,)
    message = rejected(lambda: do_grid(grid, out, data, merge=merge))
    assert "it has the run settings/PressEither-updates8, which the grid file lacks" in message
    do_grid(grid, out, data, only=("settings",))
    assert list(read_grid_facts(out).runs)[-1] == "settings/PressEither-updates7"


def test_a_job_that_fails_twice_leaves_the_rest_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fmbench.runs import experiment

    def fails(self: object, task: str, name: str, *_: object) -> object:
        if name == "bc":
            raise RunFailed("bc: the loss became NaN")
        return original(self, task, name, *_)

    original = experiment.Trainer.train
    monkeypatch.setattr(experiment.Trainer, "train", fails)
    with pytest.raises(Incomplete, match="2 failed, the first is PressEither-bc-"):
        do_grid(small_grid(tmp_path), tmp_path / "out", data)
    assert not (tmp_path / "out" / "main" / "PressEither").exists()
    monkeypatch.setattr(experiment.Trainer, "train", original)
    ORDERS.clear()
    do_grid(small_grid(tmp_path), tmp_path / "out", data)
    assert [name.split("-")[1] for name in ORDERS] == ["bc", "bc"]
    assert (tmp_path / "out" / "main" / "headline.md").exists()


def test_an_unfinished_job_or_changed_rows_are_not_assembled(
    finished: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    (job,) = out.glob("jobs/PressEither-flow-reflow-*")
    with (job / "episodes.csv").open("a") as file:
        file.write("PressEither,flow\n")
    shutil.rmtree(out / "main")
    assert "episodes.csv" in rejected(lambda: do_grid(small_grid(tmp_path), out, data))


def test_jobs_of_other_demonstrations_are_not_put_together(
    finished: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    shutil.rmtree(out / "main")
    (references, *_), (trained, *_) = (
        list(out.glob(f"jobs/*-{x}-*")) for x in ("references", "bc")
    )
    for job, policies in ((references, {"expert", "random"}), (trained, {"bc"})):
        rows = read_rows(job / OriginRow.file_name, OriginRow)
        assert {row.policy for row in rows} == policies
    for job in out.glob("jobs/*-bc-*"):
        facts = read_run_facts(job)
        write_run_facts(job, dataclasses.replace(facts, sights={"PressEither": "other eyes"}))
    message = rejected(lambda: do_grid(small_grid(tmp_path), out, data))
    assert "differ in sights: " in message
    assert "delete one of them, and the same command makes it again" in message


def test_finished_jobs_stay_as_they_were_divided_when_a_grid_grows(
    data: Path, tmp_path: Path
) -> None:
    text = TEXT.replace('"flow", "reflow", "bc"', '"flow"').partition("[sections.settings]")[0]
    do_grid(small_grid(tmp_path, text), tmp_path / "out", data)
    ORDERS.clear()
    more = f"{text}[sections.more]\npolicy = ['reflow', 'flow']\n"
    do_grid(small_grid(tmp_path, more), tmp_path / "out", data)
    assert [name.split("-")[1:-1] for name in ORDERS] == [["reflow"]]
    ORDERS.clear()
    do_grid(small_grid(tmp_path, more), tmp_path / "whole", data, merge=(tmp_path / "out",))
    assert ORDERS == []
    whole = small_grid(tmp_path, more.replace("[sections.more]", "[sections.all]"))
    do_grid(whole, tmp_path / "new", data)
    assert [name.split("-")[1:-1] for name in ORDERS] == [["flow", "reflow"], ["references"]]
    runs = (tmp_path / "whole" / "more", tmp_path / "new" / "all")
    grown, new = (comparable(folder / "PressEither") for folder in runs)
    assert grown == new
    merge = (tmp_path / "whole",)
    smaller = small_grid(tmp_path, text)
    message = rejected(lambda: do_grid(smaller, tmp_path / "x", data, merge=merge))
    assert "it has the run more/PressEither, which the grid file lacks" in message
    assert not (tmp_path / "x").exists()


def test_rows_only_keeps_what_unfinished_jobs_need(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fmbench.runs import experiment

    def fails(*_: object, **__: object) -> None:
        raise RunFailed("no rows are written")

    original = experiment.finish_run
    monkeypatch.setattr(experiment, "finish_run", fails)
    grid = small_grid(tmp_path)
    with pytest.raises(Incomplete, match="6 failed"):
        do_grid(grid, tmp_path / "out", data, keeps_rows_only=True)
    assert len(list(tmp_path.glob("out/jobs/*/checkpoints"))) == 4
    monkeypatch.setattr(experiment, "finish_run", original)
    do_grid(grid, tmp_path / "out", data, keeps_rows_only=True)
    assert not list(tmp_path.glob("out/jobs/*/checkpoints"))
    assert list(tmp_path.glob("out/main/PressEither/recordings/*.npz"))


def test_damage_is_named_healed_or_left_out(
    finished: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, grid = tmp_path / "out", small_grid(tmp_path)
    shutil.copytree(finished, out)
    before = rows_of(out)
    (out / "main" / "PressEither" / "cells.csv.bz2").unlink()
    (out / "settings" / "PressEither-updates6" / "episodes.csv.bz2").write_bytes(b"")
    (out / "jobs.csv").write_text("job\n")
    for job in out.glob("jobs/*"):
        shutil.rmtree(job / "checkpoints", ignore_errors="references" in job.name)
    shutil.rmtree(out / "main" / "PressEither" / "recordings")
    do_grid(grid, out, data)
    err = capsys.readouterr().err
    assert "warning: 1 runs were not recorded, because their checkpoints are not here" in err
    assert "jobs.csv" in err
    after = rows_of(out)
    assert after["settings"] == before["settings"]
    job = next(out.glob("jobs/*-bc-*"))
    (job / "run.json").unlink()
    message = rejected(lambda: do_grid(grid, out, data))
    assert message.endswith(
        "has no run.json; delete the folder, and the same command does this job again"
    )
    (next(out.glob("jobs/*flow*")) / "cells.csv").write_text("changed")
    merged = rejected(lambda: do_grid(grid, tmp_path / "merged", data, merge=(out,)))
    assert str(out) in merged


def test_durations_are_kept_and_shown(
    finished: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = read_job_rows(finished)
    assert [row.seconds for row in rows] == [0.5] * 6
    interrupts = Interrupts()
    grid, session = small_grid(tmp_path), Session(Log(interrupts), interrupts)
    for out, state in (
        (finished, "0 to do: about 0 minutes in 2 processes (from 6 jobs done"),
        (tmp_path / "none", "6 to do: about"),
    ):
        GridWork(grid, out, data, session, GridOptions(slots=({}, {}))).show()
        printed = capsys.readouterr().out
        assert state in printed
        assert printed.count("PressEither-") == 6
    assert not (tmp_path / "none").exists()


def test_folders_that_are_no_grid_are_rejected(finished: Path, data: Path, tmp_path: Path) -> None:
    grid = small_grid(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    message = rejected(lambda: do_grid(grid, tmp_path / "taken", data))
    assert message == f"{tmp_path / 'taken'} is not empty and holds no grid; give another --out"
    message = rejected(lambda: do_grid(grid, tmp_path / "new", data, merge=(tmp_path / "taken",)))
    assert "which holds no grid" in message
    changed = tmp_path / "changed"
    shutil.copytree(finished, changed)
    facts = (changed / GRID_FILE).read_text().replace("A small grid", "Another")
    (changed / GRID_FILE).write_text(facts)
    assert "was changed after it was written" in rejected(lambda: do_grid(grid, changed, data))
    write_json_atomic(changed / GRID_FILE, {})
    assert GRID_FILE in rejected(lambda: do_grid(grid, changed, data))
    message = rejected(lambda: choose_cells(tmp_path / "new", 1, 0))
    assert message == f"{tmp_path / 'new'} holds no grid to check; give its folder as --out"
