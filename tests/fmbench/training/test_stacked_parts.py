"""Rows of numbers, and recorded draws, of which stacks are made."""

import pytest
import torch

from fmbench.training.draws import Playing, Recording
from fmbench.training.layout import ALIGNMENT, Layout


def test_tensors_of_a_row_are_aligned_views_with_the_values_that_it_was_made_of() -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = {"a": (3, 2), "none": (0, 5), "b": (), "c": (4,), "d": (1, 5, 3)}
    tensors = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    layout = Layout(tensors)
    row = layout.row(tensors)
    views = layout.views(row)
    assert row.shape == (layout.size,)
    assert layout.size % ALIGNMENT == 0
    for name, tensor in tensors.items():
        assert torch.equal(views[name], tensor)
        assert not tensor.numel() or views[name].storage_offset() % ALIGNMENT == 0
    row.zero_()
    assert not any(view.any() for view in views.values())


def test_played_draws_are_those_of_the_generator_and_no_others() -> None:
    def loss(size: int, generator: torch.Generator) -> list[torch.Tensor]:
        return [
            torch.randn((size, 2), generator=generator),
            torch.randint(3, (size,), generator=generator),
            torch.rand(size, generator=generator),
        ]

    with Recording() as recording:
        loss(20, torch.Generator())
    generator, rooms = torch.Generator().manual_seed(5), []
    for draw in recording.draws:
        room = draw.room(2)
        draw.into(room[1], generator)
        rooms.append(room[1])
    with Playing(recording.draws, rooms):
        played = loss(20, torch.Generator())
    assert all(map(torch.equal, played, loss(20, torch.Generator().manual_seed(5))))
    with Playing(recording.draws, rooms), pytest.raises(RuntimeError, match="other numbers"):
        loss(21, torch.Generator())
    with Playing([], []), pytest.raises(RuntimeError, match="other numbers"):
        loss(20, torch.Generator())
