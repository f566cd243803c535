"""Normalizer: round trips, constant dimensions, and unseen data."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from policies.normalizer import Mode, Normalizer

MODES: tuple[Mode, ...] = ("standardize", "minmax")


@pytest.fixture
def data() -> torch.Tensor:
    rows = torch.randn(11, 3, 5, generator=torch.Generator().manual_seed(0))
    rows[..., 1] = 0.1  # constant, not representable exactly
    rows[..., 3] *= 1e-2
    return rows


def test_standardize_gives_mean_zero_and_deviation_one(data: torch.Tensor) -> None:
    normalizer = Normalizer(5, "standardize")
    normalizer.fit(data)
    rows = normalizer.normalize(data).reshape(-1, 5)
    torch.testing.assert_close(rows.mean(0), torch.zeros(5), atol=1e-5, rtol=0)
    expected = torch.tensor([1.0, 0.0, 1.0, 1.0, 1.0])
    torch.testing.assert_close(rows.std(0, correction=0), expected)


def test_minmax_spans_minus_one_to_one(data: torch.Tensor) -> None:
    normalizer = Normalizer(5, "minmax")
    normalizer.fit(data)
    rows = normalizer.normalize(data).reshape(-1, 5)
    expected = torch.tensor([1.0, 0.0, 1.0, 1.0, 1.0])
    torch.testing.assert_close(rows.amax(0), expected)
    torch.testing.assert_close(rows.amin(0), -expected)


@pytest.mark.parametrize("mode", MODES)
def test_round_trip_restores_data_and_constants_exactly(data: torch.Tensor, mode: Mode) -> None:
    normalizer = Normalizer(5, mode)
    normalizer.fit(data)
    back = normalizer.unnormalize(normalizer.normalize(data))
    torch.testing.assert_close(back, data)
    assert torch.equal(back[..., 1], data[..., 1])
    anything = normalizer.unnormalize(torch.full((3, 5), 0.7))
    assert torch.equal(anything[:, 1], data[:3, 0, 1])


@given(arrays(np.float32, (4, 2), elements=st.floats(-100, 100, width=32)))
def test_round_trip_holds_for_any_data(rows: np.ndarray) -> None:
    for mode in MODES:
        normalizer = Normalizer(2, mode)
        normalizer.fit(rows)
        back = normalizer.unnormalize(normalizer.normalize(torch.from_numpy(rows)))
        # The half range of a "constant" dimension is up to 1e-6 of its size.
        np.testing.assert_allclose(back.numpy(), rows, atol=3e-4, rtol=1e-5)


def test_unseen_values_are_clipped_and_unseen_constants_ignored(data: torch.Tensor) -> None:
    normalizer = Normalizer(5, "standardize", clip=5.0)
    normalizer.fit(data)
    normalized = normalizer.normalize(torch.full((1, 5), 1e6))
    assert normalized.tolist() == [[5.0, 0.0, 5.0, 5.0, 5.0]]


def test_state_is_saved_with_the_weights(data: torch.Tensor) -> None:
    fitted, fresh = Normalizer(5, "minmax"), Normalizer(5, "minmax")
    fitted.fit(data)
    assert torch.equal(fresh.normalize(data), data)
    fresh.load_state_dict(fitted.state_dict())
    assert torch.equal(fresh.normalize(data), fitted.normalize(data))


def test_bad_data_are_rejected(data: torch.Tensor) -> None:
    normalizer = Normalizer(5, "minmax")
    with pytest.raises(ValueError, match=r"data are \(11, 3, 4\); expected \(\.\.\., 5\)"):
        normalizer.fit(data[..., :4])
    with pytest.raises(ValueError, match="with at least one row"):
        normalizer.fit(torch.zeros(0, 5))
    data[2, 1, 4] = torch.nan
    with pytest.raises(ValueError, match=r"dimensions \[4\]"):
        normalizer.fit(data)
