"""Changes of the structure of a data file of two episodes, drawn at random."""

from dataclasses import dataclass
from typing import Any, Protocol

import h5py
import numpy as np
from hypothesis import strategies as st

ITEMS = [
    f"episode_{k}{item}"
    for k in range(2)
    for item in (
        "",
        *("/observations", "/actions", "/infos", "/infos/clean_action"),
        *("/rewards", "/terminations", "/truncations"),
    )
]
ARRAYS = [item for item in ITEMS if item.count("/") and not item.endswith("/infos")]
NEW_NAMES = ("x", "episode_2", "episode_0/x", "episode_1/infos/x")
ATTRIBUTES = ("id", "seed", "total_steps")


class Damage(Protocol):
    """A change of the file's structure."""

    def __call__(self, file: h5py.File) -> None: ...


@dataclass(frozen=True)
class Remove:
    item: str

    def __call__(self, file: h5py.File) -> None:
        del file[self.item]


@dataclass(frozen=True)
class Rename:
    item: str
    name: str

    def __call__(self, file: h5py.File) -> None:
        file.move(self.item, self.name)


@dataclass(frozen=True)
class Retype:
    item: str
    kind: str

    def __call__(self, file: h5py.File) -> None:
        values = np.nan_to_num(np.real(file[self.item][()]).astype("f8"))
        replace(file, self.item, values.astype(self.kind))


@dataclass(frozen=True)
class Reshape:
    item: str
    rows: int
    columns: int

    def __call__(self, file: h5py.File) -> None:
        values = np.array(file[self.item][()])
        shape = [max(0, len(values) + self.rows), *values.shape[1:]]
        shape[-1] = max(0, shape[-1] + self.columns)
        replace(file, self.item, np.resize(values, shape))


@dataclass(frozen=True)
class Claim:
    item: str
    rows: int

    def __call__(self, file: h5py.File) -> None:
        old = file[self.item]
        shape, kind = (self.rows, *old.shape[1:]), old.dtype
        del file[self.item]
        file.create_dataset(self.item, shape, kind, chunks=True)


@dataclass(frozen=True)
class Note:
    item: str
    name: str
    value: Any

    def __call__(self, file: h5py.File) -> None:
        if self.value is None:
            file[self.item].attrs.pop(self.name, None)
        else:
            file[self.item].attrs[self.name] = self.value


@dataclass(frozen=True)
class ExchangeAttribute:
    name: str

    def __call__(self, file: h5py.File) -> None:
        one, other = file["episode_0"].attrs, file["episode_1"].attrs
        one[self.name], other[self.name] = other[self.name], one[self.name]


@dataclass(frozen=True)
class Link:
    item: str
    to: str
    kind: str

    def __call__(self, file: h5py.File) -> None:
        del file[self.item]
        if self.kind == "soft":
            file[self.item] = h5py.SoftLink(f"/{self.to}")
        elif self.kind == "external":
            file[self.item] = h5py.ExternalLink("main_data.hdf5", f"/{self.to}")
        elif self.to in file:
            file[self.item] = file[self.to]


def replace(file: h5py.File, item: str, values: np.ndarray) -> None:
    del file[item]
    file.create_dataset(item, data=values, chunks=True if values.size else None)


item, array, attribute = map(st.sampled_from, (ITEMS, ARRAYS, ATTRIBUTES))
row = st.integers(-50, 50).filter(bool)
value = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    st.lists(st.integers(0, 9), min_size=1, max_size=3),
)
DAMAGES: st.SearchStrategy[Damage] = st.one_of(
    st.builds(Remove, item),
    st.builds(Rename, item, st.sampled_from(NEW_NAMES)),
    st.builds(Retype, array, st.sampled_from(["f2", ">f4", ">f8", "i1", "i8", "u2", "S3", "c8"])),
    st.builds(Reshape, array, row, st.integers(-2, 2)),
    st.builds(Claim, array, st.one_of(row.map(abs), st.integers(1, 2**60))),
    st.builds(Note, item, st.one_of(attribute, st.just("x")), value),
    st.builds(ExchangeAttribute, attribute),
    st.builds(Link, item, item, st.sampled_from(["soft", "external", "hard"])),
)
