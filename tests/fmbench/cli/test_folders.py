"""Folders to write in are named the same for the same work, and refused if they cannot be made."""

from pathlib import Path

import pytest

from fmbench.cli.folders import check_out, default_rescoring_folder, default_run_folder
from fmbench.config import make_config
from fmbench.errors import FmbenchError


def test_a_folder_that_can_be_made_is_accepted_and_not_made(tmp_path: Path) -> None:
    check_out(tmp_path / "a" / "b")
    check_out(tmp_path)
    assert not list(tmp_path.iterdir())


def test_folders_that_cannot_be_made_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for out in (file, file / "below"):
        with pytest.raises(FmbenchError, match=f"--out {out}: {file} is a file; give a folder"):
            check_out(out)
    with pytest.raises(FmbenchError, match=r"--data .* contains '\.\.'"):
        check_out(tmp_path / "runs" / ".." / ".." / "elsewhere", "--data")
    assert file.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_read_only_folders_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def touch(self: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "touch", touch)
    with pytest.raises(FmbenchError, match=r"cannot be written \(Permission denied\)"):
        check_out(tmp_path / "run")


def test_the_same_configuration_has_the_same_folder() -> None:
    tasks = ("LiftCube", "PressEither")
    one, two = (make_config("smoke", {"task": ("LiftCube",), "seeds": n}, tasks) for n in (1, 2))
    assert default_run_folder(one) == default_run_folder(one) != default_run_folder(two)
    assert default_run_folder(one).parent == Path("runs")


@pytest.mark.parametrize(
    ("run", "sampler", "nfe", "changes", "named"),
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
def test_default_folders_lie_beside_the_run(
    run: str, sampler: str, nfe: list[int], changes: dict[str, object], named: str
) -> None:
    assert default_rescoring_folder(Path(run), sampler, nfe, changes) == Path(named)
