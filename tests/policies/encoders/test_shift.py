"""Random shifts: exact pictures, one shift per sample and camera, resumable draws."""

import numpy as np
import pytest
import torch
from torch import Tensor

from policies.encoders.shape import PictureShape
from policies.encoders.shift import SHIFT_PX, draw_shifts, shift, shifted
from tests.policies.encoders.scenes import SIDE, noise, square

SHAPE = PictureShape(cameras=2, height=11, width=13)


def windows(samples: int, window: int = 2) -> Tensor:
    return noise(samples * window, shape=SHAPE).unflatten(0, (samples, window))


def padded_and_cut(picture: np.ndarray, down: int, right: int) -> np.ndarray:
    """The definition: pad by the border, then cut out."""
    pad = SHIFT_PX
    padded = np.pad(picture, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    height, width = picture.shape[:2]
    return padded[pad - down : pad - down + height, pad - right : pad - right + width]


def test_each_picture_is_padded_by_its_border_and_cut_out() -> None:
    pictures = windows(40)
    shifts = draw_shifts(40, SHAPE.cameras, torch.Generator().manual_seed(0))
    output = shift(pictures, shifts)
    assert (output.shape, output.dtype) == (pictures.shape, torch.uint8)
    for sample, window, camera in np.ndindex(40, 2, SHAPE.cameras):
        down, right = shifts[sample, camera].tolist()
        expected = padded_and_cut(pictures[sample, window, camera].numpy(), down, right)
        np.testing.assert_array_equal(output[sample, window, camera].numpy(), expected)


@pytest.mark.parametrize(("down", "right"), [(4, 0), (-4, 3), (0, -1), (0, 0)])
def test_what_a_picture_shows_moves_by_exactly_the_shift(down: int, right: int) -> None:
    shifts = torch.tensor([[[down, right], [down, right]]])
    output = shift(square((8, 8))[None], shifts)
    assert torch.equal(output, square((8 + down, 8 + right))[None])
    assert output.shape[-2] > 8 + SIDE + SHIFT_PX


def test_samples_and_cameras_never_mix() -> None:
    values = torch.arange(30 * 2, dtype=torch.uint8).reshape(30, 1, 2, 1, 1, 1)
    pictures = values.expand(30, 3, *SHAPE.dims).contiguous()
    shifts = draw_shifts(30, 2, torch.Generator().manual_seed(1))
    assert torch.equal(shift(pictures, shifts), pictures)


def test_gathering_and_shifting_in_one_pass_is_the_same() -> None:
    pictures = noise(9, shape=SHAPE)
    rows = torch.tensor([[0, 0], [3, 4], [8, 7]])
    shifts = draw_shifts(3, SHAPE.cameras, torch.Generator().manual_seed(2))
    assert torch.equal(shifted(pictures, rows, shifts), shift(pictures[rows], shifts))


def test_all_shifts_are_equally_likely() -> None:
    shifts = draw_shifts(20_000, 2, torch.Generator().manual_seed(0))
    values, counts = shifts.unique(return_counts=True)
    assert values.tolist() == list(range(-SHIFT_PX, SHIFT_PX + 1))
    expected = shifts.numel() / len(values)
    assert ((counts - expected).abs() < 5 * expected**0.5).all()
    first, second = shifts[:, 0].double(), shifts[:, 1].double()
    assert abs(float((first * second).mean())) < 0.1  # cameras shift independently


def test_a_restored_generator_goes_on_with_the_same_shifts() -> None:
    generator = torch.Generator().manual_seed(3)
    draw_shifts(5, 2, generator)
    state = generator.get_state()
    expected = draw_shifts(5, 2, generator)
    other = torch.Generator()
    other.set_state(state)
    torch.manual_seed(0)  # the global generator has no part
    assert torch.equal(draw_shifts(5, 2, other), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_graph_draws_new_shifts_at_each_replay() -> None:
    pictures, rows = noise(9, shape=SHAPE).cuda(), torch.randint(0, 9, (5, 2)).cuda()
    generator = torch.Generator("cuda").manual_seed(0)
    shifted(pictures, rows, draw_shifts(5, 2, generator, "cuda"))
    generator.manual_seed(0)
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    with torch.cuda.graph(graph):
        output = shifted(pictures, rows, draw_shifts(5, 2, generator, "cuda"))
    eager = torch.Generator("cuda").manual_seed(0)
    for _ in range(3):
        graph.replay()
        expected = shifted(pictures, rows, draw_shifts(5, 2, eager, "cuda"))
        assert torch.equal(output, expected)
