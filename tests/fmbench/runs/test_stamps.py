"""Rows state what made them; a run goes on with other code only if that is accepted."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fmbench.errors import FmbenchError
from fmbench.storage import stamps
from fmbench.storage.files import read_json
from fmbench.storage.provenance import versions_of
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import OriginRow
from fmbench.storage.stamps import Stamp, code_hash, merge, present_stamp
from tests.fmbench.runs.small_experiment import CONFIG, run, without_opengl
from tests.fmbench.small_run import files_of
from tests.reseal import change_run

ONE = Stamp("aaaa", "python=3.11.7 torch=2.13.0", "c1")
OTHER = Stamp("bbbb", "python=3.11.7 torch=2.14.0", "c2")


@pytest.fixture(autouse=True)
def no_opengl(monkeypatch: pytest.MonkeyPatch) -> None:
    without_opengl(monkeypatch)


@pytest.fixture
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


@pytest.fixture
def made_with(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Stamp], None]]:
    """Return a function that sets the code and packages of this process."""

    def set_stamp(stamp: Stamp) -> None:
        present_stamp.cache_clear()
        monkeypatch.setattr(stamps, "code_hash", lambda: stamp.code_hash)
        monkeypatch.setattr(stamps, "versions", lambda: versions_of(stamp.versions))
        monkeypatch.setattr(stamps, "commit", lambda: stamp.commit)

    yield set_stamp
    present_stamp.cache_clear()


Set = Callable[[Stamp], None]


@pytest.mark.parametrize("stop_in", ["never", "flow training", "euler2-seed0 episodes"])
def test_other_code_is_rejected_and_named(
    stop_in: str, data: Path, tmp_path: Path, made_with: Set
) -> None:
    made_with(ONE)
    with contextlib.suppress(KeyboardInterrupt):
        run(CONFIG, tmp_path, data, stop_in)
    before = files_of(tmp_path)
    made_with(OTHER)
    with pytest.raises(FmbenchError) as caught:
        run(CONFIG, tmp_path, data)
    message = str(caught.value)
    assert "code_hash: aaaa there, bbbb now; torch: 2.13.0 there, 2.14.0 now" in message
    assert "--accept-changes" in message
    assert "commit c1" in message
    assert files_of(tmp_path) == before


def test_accepted_changes_are_stamped_on_the_rows_they_made(
    data: Path, tmp_path: Path, made_with: Set
) -> None:
    made_with(ONE)
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, tmp_path, data, "euler2-seed0 episodes")
    made_with(OTHER)
    run(CONFIG, tmp_path, data, accept_changes=True)
    origins = {row.policy: row for row in read_rows(tmp_path / "cells.csv", OriginRow)}
    assert (origins["expert"].code_hash, origins["expert"].commit) == ("aaaa", "c1")
    # trained by one, rolled out by the other
    assert (origins["flow"].code_hash, origins["flow"].commit) == ("aaaa/bbbb", "c1/c2")
    assert origins["flow"].versions == "python=3.11.7 torch=2.13.0/2.14.0"
    facts = read_json(tmp_path / "run.json")
    assert [stamp["code_hash"] for stamp in facts["made_with"]] == ["aaaa", "bbbb"]
    assert "is complete" in run(CONFIG, tmp_path, data)  # accepted once, known from now on
    made_with(ONE)
    assert "is complete" in run(CONFIG, tmp_path, data)


def test_a_training_that_two_versions_did_is_stamped_with_both(
    data: Path, tmp_path: Path, made_with: Set
) -> None:
    made_with(ONE)
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, tmp_path, data, "flow training")
    made_with(OTHER)
    run(CONFIG, tmp_path, data, accept_changes=True)
    manifest = read_json(tmp_path / "checkpoints" / "PressEither-flow-seed0" / "manifest.json")
    assert [stamp["code_hash"] for stamp in manifest["made_with"]] == ["aaaa", "bbbb"]


def test_rows_of_code_that_the_run_does_not_know_are_rejected(
    data: Path, tmp_path: Path, made_with: Set
) -> None:
    made_with(ONE)
    run(CONFIG, tmp_path / "one", data)
    made_with(OTHER)
    run(CONFIG, tmp_path / "other", data)
    cell = "cells/PressEither-random.csv"
    (tmp_path / "other" / cell).write_bytes((tmp_path / "one" / cell).read_bytes())
    with pytest.raises(FmbenchError, match=r"random\.csv holds rows of something else .*aaaa"):
        run(CONFIG, tmp_path / "other", data)


def test_a_run_that_does_not_state_its_code_is_rejected(data: Path, tmp_path: Path) -> None:
    run(CONFIG, tmp_path, data)
    change_run(tmp_path, made_with=None)
    with pytest.raises(FmbenchError, match="does not state the code that made it"):
        run(CONFIG, tmp_path, data)


def test_several_stamps_name_each_part_once() -> None:
    assert merge([ONE]) == ONE
    assert merge([ONE, OTHER, ONE]) == Stamp(
        "aaaa/bbbb", "python=3.11.7 torch=2.13.0/2.14.0", "c1/c2"
    )
    assert ONE.differences(OTHER) == [
        "code_hash: aaaa there, bbbb now",
        "torch: 2.13.0 there, 2.14.0 now",
    ]
    assert not ONE.differences(Stamp("aaaa", ONE.versions, "another commit"))


def test_the_code_hash_covers_what_decides_rows_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [name for name, _ in stamps._sources()]
    assert len(names) == len(set(names)) > 150
    for deciding in ("envs/world.py", "policies/objectives/flow.py", "fmbench.harness/rollout.py"):
        assert deciding in names
    for other in ("fmbench.report", "fmbench.cli", "fmbench.run/", "tests"):
        assert not [name for name in names if name.startswith(other)]
    before = code_hash()
    source = tmp_path / "world.py"
    source.write_text("GRAVITY = 9.81\n")
    monkeypatch.setattr(stamps, "_sources", lambda: iter([("envs/world.py", source)]))
    first = code_hash()
    source.write_bytes(b"GRAVITY = 9.81\r\n")
    assert code_hash() == first != before
    source.write_text("GRAVITY = 9.80\n")
    assert code_hash() != first
