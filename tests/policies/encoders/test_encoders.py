"""What holds for every encoder of the catalogue."""

import copy
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from policies.catalogue import ENCODER_CHOICES, ENCODERS
from policies.encoders import EncoderOptions, FrozenEncoder, PictureEncoder
from policies.encoders.base import EXTRACT_ROWS
from policies.registry import load
from tests.policies.encoders.scenes import (
    FROZEN,
    KINDS,
    SEEING,
    SHAPE,
    TRAINED,
    make,
    noise,
    square,
)
from tests.thorough import thoroughly

mostly = partial(thoroughly, always={*KINDS} - {"random projected"})
"""All kinds but the control with projected features, which is slow and like the one without."""
LEAST_CHANGE = 0.02
"""Change of the features by a moved square, relative to their length; averages give almost 0."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("detector")


@pytest.fixture(scope="module", params=mostly(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def encoder(kind: str, folder: Path) -> PictureEncoder:
    return make(kind, folder)


def features(encoder: PictureEncoder, pictures: Tensor) -> Tensor:
    """The numbers before anything trained, else all."""
    with torch.no_grad():
        if isinstance(encoder, FrozenEncoder):
            return encoder.extract(pictures).float()
        result: Tensor = encoder(pictures)
        return result


def change(encoder: PictureEncoder, pictures: Tensor) -> float:
    """The relative change of the features from the first picture to the second."""
    before, after = features(encoder, pictures)
    return float((before - after).norm() / before.norm())


def test_it_is_what_its_entry_says(kind: str, encoder: PictureEncoder) -> None:
    entry = ENCODERS[kind.partition(" ")[0]]
    assert encoder.frozen == entry.frozen == isinstance(encoder, FrozenEncoder)
    assert load(entry.target, entry.extra).__name__ == "build"
    assert entry.description
    assert set(entry.reads) <= set(vars(EncoderOptions()))


def test_features_have_the_shape_it_states(encoder: PictureEncoder) -> None:
    output = encoder(noise(3))
    assert output.shape == (3, encoder.feature_dim)
    assert output.dtype == torch.float32
    assert output.isfinite().all()
    if isinstance(encoder, FrozenEncoder):
        raw = encoder.extract(noise(3))
        assert (raw.shape, raw.dtype) == ((3, encoder.raw_dim), torch.float16)
        assert not raw.requires_grad
        assert encoder.extract(noise(3)[:0]).shape == (0, encoder.raw_dim)


def test_it_gives_the_same_bytes_again(kind: str, encoder: PictureEncoder, folder: Path) -> None:
    expected = features(encoder, noise(2))
    assert torch.equal(features(encoder, noise(2)), expected)
    torch.rand(3)  # not a function of torch's global generator
    assert torch.equal(features(make(kind, folder), noise(2)), expected)


def test_pictures_of_another_shape_or_type_are_rejected(encoder: PictureEncoder) -> None:
    pictures = noise(2)
    for wrong in (pictures[:, :1], pictures[:, :, 1:], pictures[0], pictures.float()):
        with pytest.raises(ValueError, match=r"pictures are \(.*expected \(N, 2, 64, 64, 3\) of u"):
            encoder(wrong)


@pytest.mark.parametrize("kind", mostly(SEEING), indirect=True)
def test_two_pictures_and_two_places_have_different_features(encoder: PictureEncoder) -> None:
    assert change(encoder, noise(2)) > LEAST_CHANGE
    for moved in ((24, 4), (4, 24)):
        assert change(encoder, square((4, 4), moved)) > LEAST_CHANGE


@pytest.mark.parametrize("kind", mostly(SEEING), indirect=True)
def test_every_camera_is_seen_by_numbers_of_its_own(encoder: PictureEncoder) -> None:
    pictures = noise(1).repeat(3, 1, 1, 1, 1)
    pictures[1:2, 0], pictures[2:, 1] = noise(1, 1)[:, 0], noise(1, 1)[:, 0]
    base, first, second = features(encoder, pictures).chunk(SHAPE.cameras, dim=1)[0].unbind()
    assert not torch.equal(first, base)
    assert torch.equal(second, base)
    base, first, second = features(encoder, pictures).chunk(SHAPE.cameras, dim=1)[1].unbind()
    assert torch.equal(first, base)
    assert not torch.equal(second, base)


def test_the_gradient_reaches_what_is_trained_and_nothing_else(encoder: PictureEncoder) -> None:
    encoder.train()
    output = encoder(noise(2))
    trained = {name for name, each in encoder.named_parameters() if each.requires_grad}
    if isinstance(encoder, FrozenEncoder):
        assert all(name.startswith("head.") for name in trained)
    if trained:
        torch.autograd.backward(output.square().mean())
    got = {name for name, p in encoder.named_parameters() if p.grad is not None and p.grad.any()}
    assert got == trained
    encoder.zero_grad()


def test_its_state_makes_another_one_equal(
    kind: str, encoder: PictureEncoder, folder: Path
) -> None:
    other = make(kind, folder)
    with torch.no_grad():
        for tensor in other.state_dict().values():
            tensor.add_(1) if tensor.is_floating_point() else None
    other.load_state_dict(encoder.state_dict())
    assert torch.equal(other(noise(2)), encoder(noise(2)))


def test_it_can_be_copied_as_averaging_does(encoder: PictureEncoder) -> None:
    assert torch.equal(copy.deepcopy(encoder)(noise(2)), encoder(noise(2)))


def test_it_computes_in_bfloat16_what_it_computes_in_float32(encoder: PictureEncoder) -> None:
    expected = encoder(noise(2)).detach()
    with torch.autocast("cpu", torch.bfloat16):
        output = encoder(noise(2)).detach().float()
        if isinstance(encoder, FrozenEncoder):
            raw = encoder.extract(noise(2))
    assert (output - expected).abs().max() <= 0.1 * expected.abs().max()
    if isinstance(encoder, FrozenEncoder):
        assert torch.equal(raw, encoder.extract(noise(2)))


@pytest.mark.parametrize("kind", mostly(FROZEN))
def test_stored_features_depend_neither_on_number_nor_order_nor_threads(
    kind: str, folder: Path, torch_threads: None
) -> None:
    encoder = make(kind, folder)
    assert isinstance(encoder, FrozenEncoder)
    pictures = noise(EXTRACT_ROWS + 3)
    expected = encoder.extract(pictures)
    for count in (1, 7):
        assert torch.equal(encoder.extract(pictures[:count]), expected[:count])
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(1))
    assert torch.equal(encoder.extract(pictures[order]), expected[order])
    torch.set_num_threads(2)
    assert torch.equal(encoder.extract(pictures), expected)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("kind", mostly(TRAINED))
def test_rows_of_one_batch_are_independent(kind: str, folder: Path) -> None:
    encoder, pictures = make(kind, folder), noise(16)
    with torch.inference_mode():
        expected = encoder(pictures)
        order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
        assert torch.equal(encoder(pictures[order]), expected[order])


@pytest.mark.parametrize("kind", mostly(FROZEN))
def test_a_frozen_network_stays_in_evaluation_mode(kind: str, folder: Path) -> None:
    encoder = make(kind, folder)
    assert isinstance(encoder, FrozenEncoder)
    expected = encoder.extract(noise(2))
    encoder.train()
    assert encoder.head.training
    assert torch.equal(encoder.extract(noise(2)), expected)
    modes = {name: each.training for name, each in encoder.named_modules() if name}
    assert {name for name, training in modes.items() if training} <= {
        name for name in modes if name.partition(".")[0] == "head"
    }


@pytest.mark.parametrize("kind", mostly(kind for kind in FROZEN if kind in SEEING))
def test_the_fingerprint_changes_with_weights_and_not_with_the_head(
    kind: str, folder: Path
) -> None:
    encoder, other = make(kind, folder), make(kind, folder)
    assert isinstance(encoder, FrozenEncoder)
    assert isinstance(other, FrozenEncoder)
    with torch.no_grad():
        for tensor in other.head.state_dict().values():
            tensor.add_(1)
    assert other.fingerprint() == encoder.fingerprint()
    with torch.no_grad():
        name = next(name for name in other.state_dict() if not name.startswith("head."))
        other.state_dict()[name].add_(0.5)
    assert other.fingerprint() != encoder.fingerprint()


def test_choices_are_options_and_the_defaults() -> None:
    for name, choices in ENCODER_CHOICES.items():
        assert getattr(EncoderOptions(), name) == choices[0]
        assert any(name in entry.reads for entry in ENCODERS.values())
