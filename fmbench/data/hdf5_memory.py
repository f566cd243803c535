"""Minari's HDF5 files, made in memory: a full disk is then an error, which the caller can handle.

HDF5 may crash the process if the disk is full while it writes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
from minari.dataset._storages import hdf5_storage

from fmbench.storage.files import write_new


@contextmanager
def hdf5_in_memory() -> Iterator[None]:
    """Let Minari make new HDF5 files in memory; each is written at once when it is complete.

    Their bytes are those of a file that is made on the disk.
    """
    library = hdf5_storage.h5py
    hdf5_storage.h5py = SimpleNamespace(**{**vars(library), "File": _new_file})
    try:
        yield
    finally:
        hdf5_storage.h5py = library


@contextmanager
def _new_file(path: Path, mode: str, **options: Any) -> Iterator[Any]:
    """Yield a new file in memory, and write it to the empty file `path` afterwards.

    Raises:
        RunFailed: The disk is full.
    """
    if mode != "a" or path.stat().st_size:
        raise ValueError(f"Minari opens {path} in another way than to fill an empty file")
    with h5py.File(path, mode, driver="core", backing_store=False, **options) as file:
        yield file
        file.flush()
        image = file.id.get_file_image()
    write_new(path, image)
