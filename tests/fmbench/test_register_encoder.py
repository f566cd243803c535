"""`register_encoder`: what it takes, what it rejects, and the files that it remembers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fmbench.cli.plugin_files import load_plugin
from fmbench.plugins import register_encoder
from fmbench.storage.hashes import sha256_file
from policies.catalogue import ENCODERS
from policies.encoders import EncoderOptions, PictureEncoder, PictureShape, make_encoder
from tests.fmbench.registered import registrations

SHAPE = PictureShape(2, 8, 8)


@pytest.fixture(autouse=True)
def _nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with registrations():
        yield


def colours(pictures: Tensor) -> Tensor:
    return pictures.float().mean((2, 3)).flatten(1)


class Linear(PictureEncoder):
    """A trained encoder of a user."""

    def __init__(self, shape: PictureShape, options: EncoderOptions) -> None:
        super().__init__(shape, options.features)
        self.layer = nn.Linear(3 * shape.cameras, options.features)

    def forward(self, pictures: Tensor) -> Tensor:
        features: Tensor = self.layer(colours(pictures) / 255)
        return features


def test_features_of_a_function_are_mapped_to_the_numbers_that_are_asked_for_in_all() -> None:
    register_encoder("colours", colours)
    assert ENCODERS["colours"].frozen
    pictures = torch.full((3, *SHAPE.dims), 7, dtype=torch.uint8)
    for numbers in (128, 5):
        encoder = make_encoder("colours", SHAPE, EncoderOptions(features=numbers))
        assert encoder(pictures).shape == (3, numbers)
        assert torch.equal(encoder.extract(pictures).float(), torch.full((3, 6), 7.0))  # type: ignore[operator]
        assert encoder.training


def test_a_class_is_trained_or_frozen_as_it_says() -> None:
    register_encoder("linear", build=Linear)
    assert not ENCODERS["linear"].frozen
    encoder = make_encoder("linear", SHAPE, EncoderOptions(features=4))
    assert encoder.training
    assert encoder(torch.zeros((2, *SHAPE.dims), dtype=torch.uint8)).requires_grad
    register_encoder("made", build=lambda shape, options: Linear(shape, options), frozen=False)
    assert isinstance(make_encoder("made", SHAPE), Linear)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "the encoder 'own' has neither of features and build; give one of them"),
        ({"features": colours, "build": Linear}, "has both of features and build; give one of"),
        ({"features": 3}, "features of the encoder 'own' is 3; give a function"),
        ({"build": "own"}, "build of the encoder 'own' is 'own'; give a function"),
        ({"features": Linear}, "is a class, Linear; give it as build"),
        ({"features": colours, "frozen": False}, "frozen or reads, which belong to build"),
        ({"features": colours, "reads": ("seed",)}, "frozen or reads, which belong to build"),
        ({"build": Linear, "reads": ("grid",)}, "unknown option of trained encoders 'grid'"),
        ({"build": Linear, "reads": ("feature",)}, "did you mean features"),
    ],
)
def test_values_that_do_not_fit_are_rejected(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        register_encoder("own", **values)
    assert "\n" not in str(caught.value)
    assert "own" not in ENCODERS


def test_names_that_are_taken_or_not_accepted_are_rejected() -> None:
    with pytest.raises(ValueError, match="an encoder named 'random' is registered already"):
        register_encoder("random", colours)
    with pytest.raises(ValueError, match=r"the name of the encoder is 'a/b'; give at most 64"):
        register_encoder("a/b", colours)


BESIDE = """
from torch import nn

class Base(nn.Module):
    def forward(self, pictures):
        return pictures.float().mean((2, 3)).flatten(1)

def scaled(pictures, factor):
    return pictures.float().mean((2, 3)).flatten(1) * factor
"""
USERS = """
from functools import partial
from beside import Base, scaled
from fmbench.plugins import register_encoder

class Own(Base):
    pass

register_encoder("module", Own())
register_encoder("partial", partial(scaled, factor=2))
register_encoder("method", Own().forward)
"""


def test_the_files_of_a_function_an_object_and_its_classes_are_remembered() -> None:
    Path("beside.py").write_text(BESIDE)
    Path("users_own.py").write_text(USERS)
    load_plugin("users_own.py")
    paths = [Path(name).absolute() for name in ("users_own.py", "beside.py")]
    for name in ("module", "partial", "method"):
        assert ENCODERS[name].files == {str(path): sha256_file(path) for path in paths}
        assert make_encoder(name, SHAPE).feature_dim == 128
