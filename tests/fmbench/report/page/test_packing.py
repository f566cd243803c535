"""Packed numbers and text, read as a page's script reads them."""

import base64
import json
import zlib
from collections.abc import Sequence

import numpy as np
import pytest

from fmbench.report.page.packing import pack_json, pack_numbers


def unpacked(text: str, shapes: Sequence[tuple[int, int, float]]) -> list[np.ndarray]:
    data, place, tables = zlib.decompress(base64.b64decode(text)), 0, []
    for rows, columns, steps in shapes:
        table = np.zeros((rows, columns))
        for column in range(columns):
            whole = 0
            for row in range(rows):
                value, shift = 0, 0
                while True:
                    byte = data[place]
                    place += 1
                    value += (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                whole += -(value + 1) // 2 if value % 2 else value // 2
                table[row, column] = whole / steps
        tables.append(table)
    assert place == len(data)
    return tables


def test_numbers_come_back_as_they_were_rounded() -> None:
    rng = np.random.default_rng(0)
    first = np.cumsum(rng.normal(scale=0.01, size=(40, 3)), axis=0)
    first += np.array([0.0, 2.5, -700.0])
    second = rng.uniform(-1, 1, size=(1, 7))
    empty = np.zeros((0, 4))
    text = pack_numbers([(first, 2**14), (second, 2**18), (empty, 512)])
    one, other, none = unpacked(text, [(40, 3, 2**14), (1, 7, 2**18), (0, 4, 512)])
    np.testing.assert_array_equal(one, np.rint(first * 2**14) / 2**14)
    np.testing.assert_array_equal(other, np.rint(second * 2**18) / 2**18)
    assert none.shape == (0, 4)


@pytest.mark.parametrize("value", [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2**31, -(2**40)])
def test_every_length_of_a_number(value: int) -> None:
    table = np.array([[value], [0], [value]], dtype=float)
    np.testing.assert_array_equal(unpacked(pack_numbers([(table, 1)]), [(3, 1, 1)])[0], table)


def test_what_stands_still_takes_little_room() -> None:
    assert len(pack_numbers([(np.full((300, 30), 1.25), 2**14)])) < 200


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        pack_numbers([(np.array([[np.nan]]), 1)])
    with pytest.raises(ValueError, match="not JSON compliant"):
        pack_json({"x": float("inf")})


def test_json_comes_back() -> None:
    values = {"a": [1, 2.5, "ä<"], "b": {}}
    assert json.loads(zlib.decompress(base64.b64decode(pack_json(values)))) == values
