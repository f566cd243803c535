"""Random damage of a data file: one line, or the original numbers; never a crash."""

import os
from collections.abc import Iterator

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.registry import make_task
from fmbench.data.make import make_demonstrations
from fmbench.data.minari_file import DATA_FILE
from fmbench.data.store import DemonstrationConfig
from fmbench.storage.artefacts import MANIFEST
from tests.fmbench.data.damages import ARRAYS, DAMAGES, Claim, Damage
from tests.fmbench.data.loader import Loader, Original
from tests.reseal import reseal

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(0)]
TASK = "LiftCube"
EXAMPLES = int(os.environ.get("FMBENCH_FUZZ_EXAMPLES", "200"))


def is_original(loaded: dict[str, np.ndarray], original: Original) -> bool:
    return all(
        loaded[name].dtype == array.dtype and loaded[name].tobytes() == array.tobytes()
        for name, array in original.arrays.items()
    )


def obeys_schema(loaded: dict[str, np.ndarray], original: Original) -> bool:
    """Return whether changed numbers are such as demonstrations of the task can hold."""
    limits = make_task(TASK).observation_limits()
    return (
        all(loaded[name].shape == array.shape for name, array in original.arrays.items())
        and np.array_equal(loaded["lengths"], original.arrays["lengths"])
        and bool((np.abs(loaded["observations"]) <= limits).all())
        and all(bool((np.abs(loaded[name]) <= 1).all()) for name in ("actions", "executed"))
    )


def check_line(error: str, original: Original) -> None:
    assert error.startswith(str(original.folder)), error
    assert "\n" not in error
    assert len(error) < 800, error


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Original]:
    folder, _ = make_demonstrations(DemonstrationConfig(TASK, 2), tmp_path_factory.mktemp("fuzz"))
    data = (folder / DATA_FILE).read_bytes()
    made = Original(folder, data, (folder / MANIFEST).read_bytes(), Loader())
    loaded = made.load()
    assert isinstance(loaded, dict), loaded
    made.arrays, made.numbers = loaded, np.zeros(len(data), dtype=bool)
    with h5py.File(folder / DATA_FILE) as file:
        for item in ARRAYS:
            for k in range(file[item].id.get_num_chunks()):
                chunk = file[item].id.get_chunk_info(k)
                made.numbers[chunk.byte_offset : chunk.byte_offset + chunk.size] = True
    yield made
    made.loader.close()


@st.composite
def flips(draw: st.DrawFn) -> list[tuple[float, int]]:
    """Draw where bytes are changed, as a share of the possible places, and by which bits."""
    place = st.floats(0, 1, exclude_max=True)
    return draw(st.lists(st.tuples(place, st.integers(1, 255)), min_size=1, max_size=4))


def flipped(original: Original, places: np.ndarray, changes: list[tuple[float, int]]) -> bytes:
    """Return the file with some bytes of `places` changed."""
    data = bytearray(original.data)
    for share, bits in changes:
        data[places[int(share * len(places))]] ^= bits
    return bytes(data)


@settings(max_examples=EXAMPLES)
@given(changes=flips())
def test_a_flip_is_always_noticed(original: Original, changes: list[tuple[float, int]]) -> None:
    original.restore()
    data = flipped(original, np.arange(len(original.data)), changes)
    original.write(data)
    error = original.load()
    if data == original.data:
        assert not isinstance(error, str)
    else:
        assert isinstance(error, str)
        assert "was changed after it was written (sha256 differs)" in error


@settings(max_examples=EXAMPLES)
@given(changes=flips(), among_numbers=st.booleans())
def test_a_flip_with_a_forged_hash_is_one_line_or_changes_nothing_else(
    original: Original, changes: list[tuple[float, int]], among_numbers: bool
) -> None:
    original.restore()
    places = np.flatnonzero(original.numbers == among_numbers)
    data = flipped(original, places, changes)
    original.write(data)
    reseal(original.folder)
    loaded = original.load()
    if isinstance(loaded, str):
        check_line(loaded, original)
    elif among_numbers:
        changed = sum(one != other for one, other in zip(data, original.data, strict=True))
        different = sum(
            int((loaded[name].view(np.uint8) != array.view(np.uint8)).sum())
            for name, array in original.arrays.items()
        )
        assert different <= changed
        assert obeys_schema(loaded, original)
    else:
        assert is_original(loaded, original) or obeys_schema(loaded, original)


@settings(max_examples=EXAMPLES)
@given(damages=st.lists(DAMAGES, min_size=1, max_size=3))
def test_another_structure_with_a_forged_hash_is_one_line(
    original: Original, damages: list[Damage]
) -> None:
    original.restore()
    with h5py.File(original.folder / DATA_FILE, "a") as file:
        claimed: set[str] = set()  # reading these would take the memory that they only claim
        for damage in damages:
            item = getattr(damage, "item", "")
            if item in claimed:
                continue
            if isinstance(damage, Claim):
                claimed.add(item)
            try:
                damage(file)
            except (AttributeError, KeyError, ValueError, OSError, TypeError, RuntimeError):
                continue  # an earlier damage removed what this one would change
    reseal(original.folder)
    loaded = original.load()
    if isinstance(loaded, str):
        check_line(loaded, original)
    else:
        assert is_original(loaded, original)
