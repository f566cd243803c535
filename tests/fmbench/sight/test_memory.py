"""Pictures and features stay in their files: a policy trains from the mapped memory."""

import shutil
import sys
from pathlib import Path

import pytest
from torch import Tensor

from tests.fmbench.runs.seeing_experiment import CACHES, SEEING, cache_folders, prepared

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has maps")


def file_at(tensor: Tensor) -> str:
    """Return the path of the file that is mapped where a tensor begins."""
    address = tensor.data_ptr()
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, *_, path = line.split(maxsplit=5)
        first, end = (int(number, 16) for number in span.split("-"))
        if first <= address < end:
            return path
    return ""


@pytest.mark.parametrize("observation", SEEING)
def test_what_is_seen_is_not_copied_to_memory(
    observation: str, demonstrations_folder: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(demonstrations_folder, data / demonstrations_folder.name)
    for _ in range(2):  # drawn, then found
        windows = prepared(observation, data).windows
        (folder,) = cache_folders(data, CACHES[observation][-1])
        assert windows.seen is not None
        assert file_at(windows.seen) == str(folder / "array.npy")
        assert file_at(windows.observations) != str(folder / "array.npy")
