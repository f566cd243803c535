"""Output folders: default names, and rejection of folders that cannot be written."""

from pathlib import Path

import pytest

from fmbench.cli.folders import (
    check_data,
    check_out,
    default_rescoring_folder,
    default_run_folder,
)
from fmbench.config import make_config
from fmbench.errors import FmbenchError


def test_a_folder_that_can_be_created_is_accepted_and_not_created(tmp_path: Path) -> None:
    check_out(tmp_path / "a" / "b")
    check_out(tmp_path)
    assert not list(tmp_path.iterdir())


def test_folders_that_cannot_be_created_are_rejected(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for out in (file, file / "below"):
        with pytest.raises(
            FmbenchError, match=rf"--out is {out}; give a folder \({file} is a file\)"
        ):
            check_out(out)
    with pytest.raises(FmbenchError, match=r"--data is .*; give a path without '\.\.'"):
        check_out(tmp_path / "runs" / ".." / ".." / "elsewhere", "--data")
    assert file.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_read_only_folders_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def touch(self: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "touch", touch)
    with pytest.raises(
        FmbenchError, match=r"give a folder that can be written \(.*: Permission denied\)"
    ):
        check_out(tmp_path / "run")


def test_a_data_folder_that_exists_is_not_probed(tmp_path: Path) -> None:
    before = tmp_path.stat()
    check_data(tmp_path)
    after = tmp_path.stat()
    assert (before.st_mtime_ns, before.st_ctime_ns) == (after.st_mtime_ns, after.st_ctime_ns)
    (tmp_path / "file").touch()
    with pytest.raises(FmbenchError, match=r"--data is .*; give a folder \(.* is a file\)"):
        check_data(tmp_path / "file")
    with pytest.raises(FmbenchError, match=r"--data is .*; give a path without '\.\.'"):
        check_data(tmp_path / "..")
    with pytest.raises(FmbenchError, match=r"--data is /proc/x; give a folder that can be"):
        check_data(Path("/proc/x"))


def test_the_same_configuration_has_the_same_folder() -> None:
    tasks = ("LiftCube", "PressEither")
    one, two = (make_config("smoke", {"task": ("LiftCube",), "seeds": n}, tasks) for n in (1, 2))
    assert default_run_folder(one) == default_run_folder(one) != default_run_folder(two)
    assert default_run_folder(one).parent == Path("runs")


@pytest.mark.parametrize(
    ("run", "sampler", "nfe", "changes", "folder"),
    [
        ("runs/try", "heun", [4, 2], {}, "runs/try-heun-2-4"),
        (
            "runs/try/",
            "rk4",
            [4],
            {"episodes": 9, "device": "cuda:1"},
            "runs/try-rk4-4-devicecuda-1-episodes9",
        ),
        ("a/b", "rk45:1e-5,1e-5", [], {}, "a/b-rk45-1e-5,1e-5"),
        (".", "rk4", [4], {}, f"{Path.cwd()}-rk4-4"),
    ],
)
def test_default_folders_are_next_to_the_run(
    run: str, sampler: str, nfe: list[int], changes: dict[str, object], folder: str
) -> None:
    assert default_rescoring_folder(Path(run), sampler, nfe, changes) == Path(folder)
