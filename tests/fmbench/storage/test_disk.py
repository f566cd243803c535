"""Limits of a disk that can be met without one that is full: a real limit of a file's size."""

import errno
import os
import resource
from pathlib import Path

import pytest

from fmbench.errors import FmbenchError, RunFailed
from fmbench.storage.artefacts import staged_folder
from fmbench.storage.disk import needs_space
from fmbench.storage.files import write_bytes_atomic, write_new
from tests.fmbench.moments import forked


def test_a_limit_of_the_file_size_is_one_line_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"old")

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        with pytest.raises(RunFailed) as caught:
            write_bytes_atomic(path, bytes(5000))
        assert str(caught.value) == (
            f"{path} could not be written: File too large, though the disk has space for its "
            "5 KiB; raise that limit, the same command resumes"
        )

    assert forked(work) == 0
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["rows.csv"]


def test_a_file_of_a_staged_folder_is_named_as_it_will_be(tmp_path: Path) -> None:
    target = tmp_path / "checkpoint"

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        with (
            pytest.raises(RunFailed, match=f"^{target / 'weights'} could not"),
            staged_folder(target) as staging,
        ):
            write_new(staging / "weights", bytes(3 * 2**20))

    assert forked(work) == 0
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_place_where_nothing_may_be_written_is_bad_input(code: int) -> None:
    with (
        pytest.raises(FmbenchError, match=r"^run/a cannot be written: .*; give a folder") as caught,
        needs_space(Path("run", ".a.12.tmp"), 1),
    ):
        raise OSError(code, os.strerror(code))
    assert caught.value.exit_code == 2


def test_other_errors_are_left_as_they_are() -> None:
    with pytest.raises(IsADirectoryError), needs_space(Path("a"), 1):
        raise IsADirectoryError(errno.EISDIR, "Is a directory")
