"""A task whose observations differ from its declared fields is rejected at construction."""

import re

import numpy as np
import pytest

from envs.fields import agent_columns_of
from envs.task import Field, FloatArray, View, pictured
from envs.tasks.press_chord import PressChord

Values = dict[str, FloatArray]
EXTRA = Field("extra", 3, "m", 1.0, "a point")


class Stated(PressChord):
    """Declare one additional field; `values` is its observation, if any."""

    values: FloatArray | None = None

    def fields(self) -> tuple[Field, ...]:
        return (*super().fields(), EXTRA)

    def observe(self, view: View) -> Values:
        extra = {} if self.values is None else {EXTRA.name: self.values}
        return super().observe(view) | extra


class Unstated(PressChord):
    def observe(self, view: View) -> Values:
        return super().observe(view) | {EXTRA.name: np.zeros((len(view), 3))}


def test_field_of_the_stated_size_is_accepted() -> None:
    task = type("Right", (Stated,), {"values": np.zeros((2, 3))})()
    assert task.obs_dim == PressChord().obs_dim + 3


@pytest.mark.parametrize("shape", [(2, 4), (2, 1), (2,), (3,), (1, 3), (2, 3, 1)])
def test_field_of_another_size_is_rejected(shape: tuple[int, ...]) -> None:
    message = (
        "PressChord: fields() states that 'extra' has the size 3, "
        f"but for 2 rows observe() gives {shape}, not (2, 3)."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        type("Wrong", (Stated,), {"values": np.zeros(shape)})()


def test_swapped_sizes_are_rejected_despite_the_right_total() -> None:
    class Swapped(PressChord):
        def observe(self, view: View) -> Values:
            values = super().observe(view)
            first, second = [n for n in values if values[n].shape[1] != self.act_dim][:2]
            return values | {first: values[second], second: values[first]}

    names = [part.name for part in PressChord().fields()]
    with pytest.raises(ValueError, match=rf"^PressChord: fields\(\) states that '{names[2]}'"):
        Swapped()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Stated, "PressChord: observe() lacks 'extra', which fields() states."),
        (Unstated, "PressChord: fields() lacks 'extra', which observe() gives."),
    ],
)
def test_missing_field_is_rejected(kind: type[PressChord], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kind()


def test_agent_columns_are_those_of_the_fields_that_no_picture_replaces() -> None:
    parts = (Field("a", 2, "1", 1.0, "kept"), pictured("b", 3, "m", 1.0, "shown"), EXTRA)
    columns = [True, True, False, False, False, True, True, True]
    assert agent_columns_of(parts).tolist() == columns
    task = PressChord()
    assert task.agent_columns.shape == (task.obs_dim,)
    assert task.agent_dim == 14 + 14 + 2 + 1
