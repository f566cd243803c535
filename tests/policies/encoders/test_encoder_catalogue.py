"""Encoders by name: options, registration, missing packages and weights."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from torch import Tensor

from policies import encoders
from policies.catalogue import ENCODERS, EncoderEntry
from policies.encoders import (
    EncoderError,
    EncoderOptions,
    PictureShape,
    add_encoder,
    make_encoder,
)
from policies.encoders.own import CallableEncoder
from policies.registry import load
from tests.policies.encoders.scenes import noise

SHAPE = PictureShape(1, 8, 8)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    tables: tuple[dict[str, Any], ...] = (ENCODERS, encoders._ADDED)
    before = [dict(table) for table in tables]
    yield
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)


def means(pictures: Tensor) -> Tensor:
    return pictures.float().mean((2, 3)).flatten(1)


def build(shape: PictureShape, options: EncoderOptions) -> CallableEncoder:
    return CallableEncoder(shape, means, options)


def test_a_registered_encoder_is_built_like_the_others() -> None:
    files = {"mine.py": "0" * 64}
    add_encoder("mine", build, "mean colours", files=files)
    assert ENCODERS["mine"] == EncoderEntry(
        f"{__name__}:build", "mean colours", frozen=True, reads=("features",), files=files
    )
    encoder = make_encoder("mine", SHAPE, EncoderOptions(features=5))
    assert encoder(noise(2, shape=SHAPE)).shape == (2, 5)
    with pytest.raises(ValueError, match=r"^an encoder named 'mine' is registered already"):
        add_encoder("mine", build)


def test_the_fingerprint_changes_with_the_files_that_define_a_registered_encoder() -> None:
    prints = []
    for name, sha256 in (("mine", "0"), ("moved", "0"), ("changed", "1")):
        add_encoder(name, build, files={f"{name}.py": sha256 * 64})
        encoder = make_encoder(name, SHAPE)
        assert isinstance(encoder, CallableEncoder)
        prints.append(encoder.fingerprint())
    assert prints[0] == prints[1] != prints[2]


def test_what_a_registered_function_builds_is_checked() -> None:
    wrong: Any = lambda shape, options: means  # noqa: E731
    add_encoder("wrong", wrong)
    with pytest.raises(EncoderError, match=r"^it is built as function; return a PictureEncoder of"):
        make_encoder("wrong", SHAPE)
    add_encoder("trained", build, frozen=False)
    with pytest.raises(EncoderError, match=r"^it is a FrozenEncoder; register it"):
        make_encoder("trained", SHAPE)


def test_invalid_registrations_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"the name of the encoder is '\.\./x'; give at most 64"):
        add_encoder("../x", build)
    with pytest.raises(ValueError, match="unknown option of encoders 'feature'; did you mean feat"):
        add_encoder("mine", build, reads=("feature",))
    assert "mine" not in ENCODERS


def test_an_unknown_encoder_is_rejected_with_near_names() -> None:
    with pytest.raises(ValueError, match="unknown encoder 'resnet'; did you mean resnet18"):
        make_encoder("resnet", SHAPE)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet18", {"grid": "full"}, "grid is 'full', which the encoder resnet18 does not use; "),
        ("vit", {"head": "spatial_softmax"}, "which the encoder vit does not use; it uses: feat"),
        ("vit", {"frozen": True}, "frozen is True without weights; give the safetensors file"),
        ("boxes", {"features": 3}, "features is 3, which the encoder boxes does not use"),
        ("yolo12", {}, "weights is empty; the encoder yolo12 needs the safetensors file"),
        ("boxes", {}, "weights is empty; the encoder boxes needs the safetensors file"),
    ],
)
def test_options_that_have_no_effect_are_rejected(
    name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        make_encoder(name, SHAPE, EncoderOptions(**options))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "flatt"}, "unknown head 'flatt'; did you mean flat"),
        ({"grid": "pool"}, "unknown grid 'pool'; did you mean pooled"),
        ({"like": "resnet"}, "unknown like 'resnet'; did you mean resnet18"),
        ({"features": 0}, "features is 0; give an integer of at least 1"),
        ({"seed": -1}, "seed is -1; give an integer of at least 0"),
        ({"threshold": 1.5}, r"threshold is 1\.5; give a number in \[0, 1\)"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EncoderOptions(**options)


@pytest.mark.parametrize("size", [0, -1, 2.0, True])
def test_shapes_are_checked(size: Any) -> None:
    for name in ("cameras", "height", "width"):
        with pytest.raises(ValueError, match=f"^{name} is {size!r}; give a positive integer"):
            PictureShape(**{name: size})


EXTRAS = [
    ("ultralytics", "yolo", "random", EncoderOptions(like="yolo12")),
    ("ultralytics", "yolo", "boxes", EncoderOptions(weights="any.safetensors")),
    ("ultralytics", "yolo", "yolo12", EncoderOptions(weights="any.safetensors")),
    ("timm", "vision", "vit", EncoderOptions(weights="any.safetensors", model="test_vit")),
]


@pytest.mark.parametrize(("package", "extra", "name", "options"), EXTRAS)
def test_a_missing_extra_is_one_line_with_its_installation(
    package: str,
    extra: str,
    name: str,
    options: EncoderOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load.cache_clear()
    for module in list(sys.modules):
        ours = module in ("policies.encoders.yolo_network", "policies.encoders.timm_vit")
        if ours or module.startswith(f"{package}."):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)  # as where it is not installed
    message = rf"needs {package}(\.\w+)*: python -m pip install -e '\.\[{extra}\]'$"
    with pytest.raises(ValueError, match=message):
        make_encoder(name, PictureShape(1, 32, 32), options)
    load.cache_clear()
