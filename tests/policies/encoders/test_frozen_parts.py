"""Frozen encoders: reduction of grids, standardisation, functions of a user, untrained weights."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from policies.encoders import EncoderError, EncoderOptions, PictureShape, make_encoder
from policies.encoders.feature_head import SPREAD_FLOOR, FeatureHead
from policies.encoders.grid import GridReduction
from policies.encoders.own import CallableEncoder
from tests.policies.encoders.scenes import noise

SHAPE = PictureShape(2, 8, 8)


def maps(*sizes: tuple[int, int, int]) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(2, *size, generator=generator) for size in sizes)


def test_the_full_grid_keeps_every_number() -> None:
    first, second = maps((8, 12, 12), (16, 3, 3))
    output = GridReduction((8, 16), "full")((first, second))
    assert torch.equal(output, torch.cat((first.flatten(1), second.flatten(1)), dim=1))


def test_the_pooled_grid_has_at_most_six_rows_and_columns() -> None:
    first, second = maps((8, 12, 24), (16, 3, 6))
    output = GridReduction((8, 16), "pooled")((first, second))
    averages = first.unflatten(3, (6, 4)).unflatten(2, (6, 2)).mean((3, 5))
    assert output.shape == (2, 8 * 36 + 16 * 18)
    torch.testing.assert_close(output[:, : 8 * 36], averages.flatten(1))
    assert torch.equal(output[:, 8 * 36 :], second.flatten(1))


def test_the_projected_grid_keeps_cells_apart_and_a_fourth_of_the_channels() -> None:
    (first,) = maps((64, 6, 6))
    reduce = GridReduction((64,), "projected")
    output = reduce((first,)).unflatten(1, (16, 6, 6))
    (weight,) = reduce.projections
    assert weight.abs().unique().tolist() == [1 / 8]
    assert torch.equal(weight, GridReduction((64,), "projected").projections[0])
    torch.testing.assert_close(
        output, torch.einsum("nchw,kc->nkhw", first, weight[:, :, 0, 0]), atol=1e-5, rtol=1e-5
    )
    first[0, :, 2, 3] += 1.0
    changed = (reduce((first,)).unflatten(1, (16, 6, 6)) != output).any(1)
    assert changed[0].nonzero().tolist() == [[2, 3]]
    assert not changed[1].any()


def test_features_are_standardised_by_the_training_data_in_any_parts() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = (torch.randn(50, 6, generator=generator) * 3 + 100).half()
    rows[:, 4] = 2.0
    head = FeatureHead(6, 2, None)
    torch.testing.assert_close(head(rows), rows.float())
    for sizes in ([50], [1, 49], [20, 0, 30]):
        head.fit(rows.split(sizes))
        output = head(rows)
        expected = rows.double().var(0, correction=0).sqrt()
        torch.testing.assert_close(1 / head.inverse_scale[:4].double(), expected[:4])
        assert output.mean(0).abs().max() < 1e-4
        assert not output[:, 4].any()
        spread = rows.double().var(0, correction=0).mean().sqrt()
        assert 1 / float(head.inverse_scale[4]) == pytest.approx(SPREAD_FLOOR * float(spread))
    head.fit([torch.ones(3, 6)])
    assert not head(torch.ones(1, 6)).any()


def test_features_of_another_shape_cannot_be_fitted() -> None:
    head = FeatureHead(6, 2, None)
    with pytest.raises(ValueError, match=r"features are \(3, 5\); expected \(n, 6\)"):
        head.fit([torch.ones(3, 5)])
    with pytest.raises(ValueError, match="features have no rows"):
        head.fit([torch.ones(0, 6)])


def test_each_camera_is_mapped_by_its_own_linear_layer() -> None:
    head = FeatureHead(6, 2, 4)
    raw = torch.randn(3, 6, generator=torch.Generator().manual_seed(0)).half()
    first, second = head.maps
    expected = torch.cat((first(raw[:, :3].float()), second(raw[:, 3:].float())), dim=1)
    assert torch.equal(head(raw), expected)
    assert head.feature_dim == 8


def test_untrained_weights_are_a_function_of_the_seed_alone() -> None:
    shape = PictureShape(1, 32, 32)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = make_encoder("random", shape)
    torch.manual_seed(6)
    second = make_encoder("random", shape)
    other = make_encoder("random", shape, EncoderOptions(seed=1))
    pictures = noise(1, shape=shape)
    assert torch.equal(first.extract(pictures), second.extract(pictures))  # type: ignore[operator]
    assert not torch.equal(first.extract(pictures), other.extract(pictures))  # type: ignore[operator]
    torch.set_rng_state(state)
    assert all(
        bool(tensor.isfinite().all()) and not bool(tensor.requires_grad)
        for name, tensor in first.named_parameters()
        if not name.startswith("head.")
    )


def brightness(pictures: Tensor) -> np.ndarray:
    """Mean of each camera's rows, as numpy."""
    means: np.ndarray = pictures.numpy().mean((3, 4)).reshape(len(pictures), -1)
    return means


def test_any_function_of_pictures_becomes_an_encoder() -> None:
    encoder = CallableEncoder(SHAPE, brightness)
    assert (encoder.raw_dim, encoder.feature_dim) == (16, 128)
    pictures = noise(21, shape=SHAPE)
    expected = torch.from_numpy(brightness(pictures)).half()
    assert torch.equal(encoder.extract(pictures), expected)
    output = encoder(pictures)
    assert output.shape == (21, 128)
    torch.autograd.backward(output.square().mean())
    assert all(p.grad is not None and p.grad.any() for p in encoder.parameters())


def test_the_modules_of_a_function_are_neither_trained_nor_saved() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(2 * 8 * 8 * 3, 4))
    encoder = CallableEncoder(SHAPE, lambda pictures: network(pictures.float() / 255))
    assert all(name.startswith("head.") for name in encoder.state_dict())
    encoder(noise(2, shape=SHAPE)).sum().backward()
    assert network[1].weight.grad is None


@pytest.mark.parametrize(
    ("result", "shown"), [(torch.zeros(2), r"\(2,\)"), (torch.zeros(1, 3), r"\(1, 3\)")]
)
def test_a_function_with_another_shape_is_rejected(result: Tensor, shown: str) -> None:
    with pytest.raises(ValueError, match=f"of 2 rows of pictures are {shown}; return "):
        CallableEncoder(SHAPE, lambda pictures: result)


def test_a_function_that_later_gives_another_shape_is_rejected() -> None:
    encoder = CallableEncoder(SHAPE, lambda pictures: torch.zeros(2, 5))
    with pytest.raises(EncoderError, match=r"^CallableEncoder gives \(2, 5\) for 16 rows of pict"):
        encoder.extract(noise(1, shape=SHAPE))


def test_a_function_that_gives_no_numbers_is_rejected() -> None:
    function: Any = lambda pictures: ["a"]  # noqa: E731
    with pytest.raises(EncoderError, match=r"^the features of pictures are of the type list; "):
        CallableEncoder(SHAPE, function)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_features_that_half_precision_cannot_hold_are_rejected(value: float) -> None:
    encoder = CallableEncoder(SHAPE, lambda pictures: torch.full((len(pictures), 2), value))
    with pytest.raises(ValueError, match="CallableEncoder gives NaN, infinity or numbers beyond"):
        encoder.extract(noise(1, shape=SHAPE))
