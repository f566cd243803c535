"""Parquet files: made in memory, one row group an episode, and read one column at a time.

The only module that imports pyarrow, a package of the extra `export`.
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fmbench.errors import FmbenchError, shown

Columns = Mapping[str, NDArray[Any]]
TYPES = {"float32": pa.float32(), "int64": pa.int64(), "bool": pa.bool_()}


def encode_frames(features: Mapping[str, Mapping[str, Any]], episodes: Iterable[Columns]) -> bytes:
    """Return a data file: a row group an episode, numbers alone as such, several as a fixed list.

    Args:
        features: Name to `dtype` and `shape` of each column.
        episodes: The columns of each episode, `(n, k)` or `(n,)`.
    """
    schema = pa.schema([(name, _type(feature)) for name, feature in features.items()])
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, schema) as writer:
        for columns in episodes:
            arrays = [_array(columns[field.name], field.type) for field in schema]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return buffer.getvalue()


def encode_rows(rows: Sequence[Mapping[str, Any]], types: Mapping[str, str]) -> bytes:
    """Return a file of rows whose columns hold whole numbers, numbers, texts or lists of them."""
    kinds = {
        "int": pa.int64(),
        "float": pa.float64(),
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "floats": pa.list_(pa.float32()),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in types.items()])
    return _encoded(pa.Table.from_pylist(list(rows), schema=schema))


def encode_tasks(sentences: Sequence[str]) -> bytes:
    """Return the table of tasks, which pandas reads with the sentences as its index."""
    table = pa.table({"task_index": pa.array(range(len(sentences)), pa.int64()), "task": sentences})
    columns = [
        {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": numpy_type}
        for name, kind, numpy_type in (
            ("task_index", "int64", "int64"),
            ("task", "unicode", "object"),
        )
    ]
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [{**column, "metadata": None} for column in columns],
        "pandas_version": "2.2.0",
    }
    return _encoded(table.replace_schema_metadata({"pandas": json.dumps(pandas)}))


def column_parts(files: Sequence[Path], name: str, at_once: int) -> Iterator[NDArray[Any]]:
    """Yield a column of several files, `(n, k)` with at most `at_once` of its values at a time."""
    width = _width(pq.read_schema(files[0]).field(name).type)
    for first in range(0, width, at_once):
        parts = []
        for file in files:
            opened = pq.ParquetFile(file)
            for group in range(opened.num_row_groups):
                table = opened.read_row_group(group, columns=[name])
                values = _values(table.column(name), width)
                parts.append(values[:, first : first + at_once].copy())
        yield np.concatenate(parts)


def read_columns(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read columns of a file, each `(n,)`, or `(n, k)` if its rows are lists of k numbers.

    Raises:
        FmbenchError: The file cannot be read, lacks a column, or a column has empty or uneven rows.
    """
    schema = read_schema(path)
    for name in names:
        if name not in schema.names:
            raise FmbenchError(
                f"{path} lacks the column {name!r}; it has {', '.join(schema.names) or 'none'}"
            )
    try:
        table = pq.read_table(path, columns=list(names))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    columns = {}
    for name in names:
        column, kind = table.column(name), schema.field(name).type
        if column.null_count:
            raise FmbenchError(f"{path}: {name} has {column.null_count} empty rows; give all")
        columns[name] = _numbers(path, name, column, kind)
    return columns


def read_schema(path: Path) -> Any:
    """Return the schema of a file.

    Raises:
        FmbenchError: It is no Parquet file.
    """
    try:
        return pq.read_schema(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _numbers(path: Path, name: str, column: Any, kind: Any) -> NDArray[Any]:
    is_list = pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)
    inner = kind.value_type if is_list or pa.types.is_large_list(kind) else kind
    checks = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean)
    if not any(check(inner) for check in checks):
        raise FmbenchError(f"{path}: {name} is of type {shown(str(kind))}; accepted are numbers")
    if inner is kind:
        return np.asarray(column.to_numpy())
    if not len(column):
        return np.zeros((0, 0), np.float32)
    lengths = {len(row) for row in column.chunk(0).slice(0, 1)}
    (width,) = lengths
    flat = pa.chunked_array([chunk.flatten() for chunk in column.chunks])
    if flat.null_count or len(flat) != width * len(column) or not _is_even(column, kind, width):
        raise FmbenchError(f"{path}: {name} has rows of several lengths, or empty numbers")
    return np.asarray(flat.to_numpy()).reshape(len(column), width)


def _is_even(column: Any, kind: Any, width: int) -> bool:
    """Return whether all rows of a column of lists have one length."""
    if pa.types.is_fixed_size_list(kind):
        return True
    return all(
        (np.diff(chunk.offsets.to_numpy()) == width).all() for chunk in column.chunks if len(chunk)
    )


def _unreadable(path: Path, error: Exception) -> FmbenchError:
    reason = " ".join(str(error).split())[:200]
    return FmbenchError(f"{path} is not a Parquet file that can be read: {reason}")


def _encoded(table: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _type(feature: Mapping[str, Any]) -> Any:
    kind, (size,) = TYPES[feature["dtype"]], feature["shape"]
    return kind if size == 1 else pa.list_(kind, size)


def _width(kind: Any) -> int:
    return int(kind.list_size) if pa.types.is_fixed_size_list(kind) else 1


def _array(values: NDArray[Any], kind: Any) -> Any:
    if not pa.types.is_fixed_size_list(kind):
        return pa.array(np.ascontiguousarray(values).reshape(-1), kind)
    if values.ndim != 2 or values.shape[1] != kind.list_size:
        raise ValueError(f"a column is {values.shape}; expected rows of {kind.list_size}")
    flat = pa.array(np.ascontiguousarray(values).reshape(-1), kind.value_type)
    return pa.FixedSizeListArray.from_arrays(flat, kind.list_size)


def _values(column: Any, width: int) -> NDArray[Any]:
    if width == 1 and not pa.types.is_fixed_size_list(column.type):
        return np.asarray(column.to_numpy()).reshape(-1, 1)
    flat = column.combine_chunks().flatten()
    return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(-1, width)
