"""Models of timm from a file: exactly its weights, or one line; nothing is downloaded."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from policies.encoders import (
    EncoderOptions,
    FrozenEncoder,
    PictureEncoder,
    PictureShape,
    make_encoder,
)
from tests.policies.encoders.scenes import noise, square

timm = pytest.importorskip("timm", exc_type=(ImportError, RuntimeError))
NAME = "test_vit"
"""A small model of timm's own tests: patch 16, width 64."""
SHAPE = PictureShape(2, 160, 160)


def model(name: str = NAME, **options: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return timm.create_model(name, **options).eval()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of a model with its classifier, as published files have it."""
    path = tmp_path_factory.mktemp("timm") / "model.safetensors"
    save_file(model().state_dict(), path)
    return path


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError(f"the network is asked for {arguments}")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)


def make(weights: Path, shape: PictureShape = SHAPE, **options: Any) -> PictureEncoder:
    values = {"weights": str(weights), "model": NAME, **options}
    return make_encoder("vit", shape, EncoderOptions(**values))


def tokens(pictures: Tensor) -> Tensor:
    """What the original model computes for one camera, as timm's own transform gives pictures."""
    original = model()
    mean, std = (
        torch.tensor(original.pretrained_cfg[key]).reshape(3, 1, 1) for key in ("mean", "std")
    )
    with torch.no_grad():
        pixels = (pictures.permute(0, 3, 1, 2).float() / 255).contiguous()
        features: Tensor = original.forward_features((pixels - mean) / std)
    return features[:, original.num_prefix_tokens :]


def test_the_features_are_those_of_the_original_model(weights: Path) -> None:
    encoder, pictures = make(weights, frozen=True, grid="full"), noise(3, shape=SHAPE)
    assert isinstance(encoder, FrozenEncoder)
    expected = tokens(pictures.flatten(0, 1))
    with torch.no_grad():
        (maps,) = encoder.network(pictures.flatten(0, 1))  # type: ignore[operator]
    assert torch.equal(maps.flatten(2).transpose(1, 2), expected)
    rows = expected.transpose(1, 2).reshape(3, -1)
    assert (encoder.extract(pictures).float() - rows).abs().max() < 1e-3 * rows.abs().max()
    assert encoder.feature_dim == 256


def test_a_frozen_model_is_not_trained_and_a_trained_one_is(weights: Path) -> None:
    pictures = noise(1, shape=SHAPE)
    for frozen in (True, False):
        encoder = make(weights, frozen=frozen).train()
        assert isinstance(encoder, FrozenEncoder) == encoder.frozen == frozen
        torch.autograd.backward(encoder(pictures).square().mean())
        got = {
            name.partition(".")[0] for name, p in encoder.named_parameters() if p.grad is not None
        }
        assert got == ({"head"} if frozen else {"network", "heads"})


def test_positions_are_resampled_to_the_size_of_the_pictures(weights: Path) -> None:
    shape = PictureShape(1, 64, 96)
    encoder = make(weights, shape)
    corners = square((8, 8), (40, 60), shape=shape)
    with torch.no_grad():
        first, second = encoder(corners)
    assert first.shape == (128,)
    assert float((first - second).norm() / first.norm()) > 0.01


def test_the_same_file_gives_the_same_bytes(weights: Path) -> None:
    first, second = make(weights, frozen=True), make(weights, frozen=True)
    assert isinstance(first, FrozenEncoder)
    assert isinstance(second, FrozenEncoder)
    assert first.fingerprint() == second.fingerprint()
    pictures = noise(3, shape=SHAPE)
    assert torch.equal(first.extract(pictures)[:1], second.extract(pictures[:1]))


def rejected(weights: Path, shape: PictureShape = SHAPE, **options: Any) -> str:
    with pytest.raises(ValueError, match=r"\S") as caught:
        make(weights, shape, **options)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    return str(caught.value)


def test_a_size_that_the_patch_does_not_divide_is_rejected(weights: Path) -> None:
    message = rejected(weights, PictureShape(1, 100, 96))
    assert message == (
        "the height of the pictures is 100; test_vit (patch 16 x 16) takes multiples of 16, "
        "e.g. 96 or 112"
    )


def test_weights_of_another_architecture_are_rejected(weights: Path, tmp_path: Path) -> None:
    """timm alone takes the first two without an error and leaves random weights."""
    path = tmp_path / "other.safetensors"
    tensors = model().state_dict()
    last = sorted(name for name in tensors if name.startswith("blocks."))[-1]
    save_file({k: v for k, v in tensors.items() if k != last}, path)
    assert f"does not hold the weights of {NAME}: it lacks {last} (1 of" in rejected(path)
    save_file({**tensors, "blocks.99.norm.weight": torch.zeros(64)}, path)
    assert "it has besides them blocks.99.norm.weight (1 of" in rejected(path)
    save_file(model("test_resnet").state_dict(), path)
    assert "does not hold the weights of test_vit: it lacks" in rejected(path)
    save_file({**tensors, "norm.weight": torch.zeros(7)}, path)
    assert "does not hold the weights of test_vit" in rejected(path)
    save_file({**tensors, "norm.weight": torch.full((64,), float("nan"))}, path)
    assert "contains NaN or infinity in norm.weight" in rejected(path)


def test_names_that_are_no_vision_transformer_of_timm_are_rejected(weights: Path) -> None:
    assert "unknown model of timm ''; timm.list_models() has" in rejected(weights, model="")
    assert "did you mean vit_small" in rejected(weights, model="vit_small_patch14_dino2")
    assert "hf-hub:timm/x" in rejected(weights, model="hf-hub:timm/x")
    assert "which has no patch tokens; give a vision" in rejected(weights, model="test_resnet")


def test_missing_files_and_pickles_are_rejected(weights: Path, tmp_path: Path) -> None:
    assert "which is no file; nothing is downloaded" in rejected(tmp_path / "no.safetensors")
    pickled = tmp_path / "model.pth"
    torch.save(model().state_dict(), pickled)
    assert "give a file that ends in .safetensors" in rejected(pickled)
    disguised = tmp_path / "model.safetensors"
    disguised.write_bytes(pickled.read_bytes())
    assert "is not a safetensors file" in rejected(disguised)
    assert "grid is 'full', which needs frozen weights" in rejected(weights, grid="full")
