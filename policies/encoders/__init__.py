"""Encoders: from pictures, or from a window of numbers, to what conditions the backbone.

To add one to the suite, write its module and add an entry to `policies.catalogue.encoders`.
`add_encoder` registers one outside the suite; `policies.encoders.own.CallableEncoder` makes one of
any function.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch

from policies.catalogue import ENCODERS, EncoderEntry
from policies.encoders.base import (
    EncoderError,
    FrozenEncoder,
    PictureEncoder,
    fixed_pictures,
)
from policies.encoders.shape import EncoderOptions, PictureShape
from policies.encoders.window import WindowEncoder
from policies.registry import check_new_name, load, lookup

__all__ = [
    "EncoderError",
    "EncoderOptions",
    "FrozenEncoder",
    "PictureEncoder",
    "PictureShape",
    "WindowEncoder",
    "add_encoder",
    "make_encoder",
]

Build: TypeAlias = Callable[[PictureShape, EncoderOptions], PictureEncoder]
"""Builds an encoder."""

_ADDED: dict[str, Build] = {}
"""Encoders registered by `add_encoder`; they need not be importable."""
TRAINED_READS = ("features", "head")
"""Options that an encoder trained outside the suite may use: a policy's configuration has them."""


def make_encoder(
    name: str,
    shape: PictureShape,
    options: EncoderOptions = EncoderOptions(),  # noqa: B008, it is frozen
) -> PictureEncoder:
    """Build the encoder called `name`.

    Args:
        name: A key of `policies.catalogue.ENCODERS`.
        shape: The shape of the pictures.
        options: Options; those that the encoder does not use have their defaults.

    Raises:
        ValueError: The name is unknown, an option is not used, the sizes or the weights do not fit,
            or an extra is missing.
        EncoderError: A registered encoder is built as something else, or gives other numbers
            than it must.
    """
    entry = lookup("encoder", name, ENCODERS)
    options.check_read_by(name)
    if name not in _ADDED:
        build: Build = load(entry.target, entry.extra)
        return build(shape, options)
    encoder = _ADDED[name](shape, options)
    _check(encoder, shape, entry)
    if isinstance(encoder, FrozenEncoder):
        encoder.settings["files"] = sorted(entry.files.values())
    return encoder


def add_encoder(
    name: str,
    build: Build,
    description: str = "",
    frozen: bool = True,
    reads: tuple[str, ...] = ("features",),
    files: Mapping[str, str] | None = None,
) -> None:
    """Register an encoder in the catalogue.

    Args:
        name: Its name.
        build: A function that builds it, or its class.
        description: What it is, in one line.
        frozen: Whether it is a `FrozenEncoder`; its class says so itself.
        reads: The options that it uses; each is a field of `EncoderOptions`, and one of
            `TRAINED_READS` unless it is frozen.
        files: The files that define it, as in its entry.

    Raises:
        ValueError: The name is taken or not accepted, or an option is unknown.
    """
    check_new_name("encoder", name, ENCODERS)
    frozen = bool(getattr(build, "frozen", frozen))
    known = vars(EncoderOptions()) if frozen else dict.fromkeys(TRAINED_READS)
    for option in reads:
        lookup(f"option of {'' if frozen else 'trained '}encoders", option, known)
    target = f"{build.__module__}:{getattr(build, '__qualname__', name)}"
    ENCODERS[name] = EncoderEntry(target, description, frozen, reads, files=dict(files or {}))
    _ADDED[name] = build


@torch.no_grad()
def _check(encoder: object, shape: PictureShape, entry: EncoderEntry) -> None:
    """Check what a registered encoder is, and what it gives for fixed pictures.

    Raises:
        EncoderError: It is no encoder of the kind that was registered, or its features have
            another shape or are not finite.
    """
    if not isinstance(encoder, PictureEncoder):
        raise EncoderError(
            f"it is built as {type(encoder).__name__}; return a PictureEncoder of policies.encoders"
        )
    if encoder.frozen != entry.frozen:
        kind = "a FrozenEncoder" if encoder.frozen else "trained"
        raise EncoderError(f"it is {kind}; register it with frozen={encoder.frozen}")
    pictures = fixed_pictures(shape)
    if pictures.is_meta:  # built only to be measured
        return
    modes = [(module, module.training) for module in encoder.modules()]
    given = encoder.eval()(pictures)
    for module, mode in modes:
        module.training = mode
    expected = (2, encoder.feature_dim)
    if not isinstance(given, torch.Tensor) or given.shape != expected:
        sizes = tuple(given.shape) if isinstance(given, torch.Tensor) else type(given).__name__
        raise EncoderError(f"it gives {sizes} for 2 rows of pictures; return {expected} numbers")
    if not given.isfinite().all():
        raise EncoderError("it gives NaN or infinity; return finite numbers")
