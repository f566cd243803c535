"""Sheets of pictures: titles stand in their pictures, and nothing else is changed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmbench.evaluation.titled_sheet import write_titled_sheet

HEIGHT, WIDTH, GAP = 30, 40, 4


@pytest.mark.parametrize(("every", "titled"), [(1, {0, 1}), (3, {0, 3})])
def test_a_title_is_written_into_its_picture_alone(
    every: int, titled: set[int], tmp_path: Path
) -> None:
    pictures = [np.full((HEIGHT, WIDTH, 3), 200 + k, dtype=np.uint8) for k in range(5)]
    write_titled_sheet(tmp_path / "a.png", pictures, 3, ["a", "b"], every=every, shade=10)
    with Image.open(tmp_path / "a.png") as image:
        sheet = np.asarray(image)
    assert sheet.shape == (2 * HEIGHT + GAP, 3 * WIDTH + 2 * GAP, 3)
    for k in range(6):
        top, left = k // 3 * (HEIGHT + GAP), k % 3 * (WIDTH + GAP)
        part = sheet[top : top + HEIGHT, left : left + WIDTH]
        assert (part == (200 if k < 5 else 250)).all() == (k not in titled), k
