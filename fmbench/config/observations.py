"""What a run's policies observe: its encoder, and the values that fit it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from fmbench.config.choices import FEATURES, STATE
from fmbench.config.run_config import FLAGS, SEEN_FIELDS, RunConfig
from fmbench.errors import FmbenchError
from policies.catalogue import ENCODERS, EncoderEntry

PIXELS_ENCODER = "resnet18"
"""The encoder of pixels unless another one is given."""
OPTION_FIELDS = {
    "features": "features",
    "head": "head",
    "feature_grid": "grid",
    "like": "like",
    "encoder_weights": "weights",
    "encoder_model": "model",
}
"""Fields of `RunConfig` that are options of encoders, each with the option's name."""
OF_EVERY_PICTURE = ("observation", "encoder", "cameras", "image_size", "renderer")


def resolve_observation(config: RunConfig, given: Mapping[str, Any]) -> RunConfig:
    """Return a configuration with its encoder; check that the values about pictures fit it.

    Args:
        config: The configuration; each of its values is accepted by itself.
        given: The values that the user gave, by field.

    Raises:
        FmbenchError: A value has no effect on what is observed, or the encoder does not fit it.
    """
    if config.observation == STATE:
        for name in SEEN_FIELDS:
            if name != "observation" and given.get(name, default(name)) != default(name):
                raise FmbenchError(
                    f"{FLAGS[name].name} is {_shown(given[name])}, which has no effect on "
                    "--observation state; add --observation pixels or features"
                )
        return dataclasses.replace(
            config, **{name: default(name) for name in SEEN_FIELDS if name != "observation"}
        )
    encoder = _encoder(config)
    entry = ENCODERS[encoder]
    known = [flag for flag, option in OPTION_FIELDS.items() if option in entry.reads]
    known += [] if config.observation == FEATURES else ["encoder_learning_rate"]
    for name in SEEN_FIELDS:
        value = getattr(config, name)
        if name not in (*OF_EVERY_PICTURE, *known) and value != default(name):
            accepted = ", ".join(FLAGS[each].name for each in known) or "no options"
            raise FmbenchError(
                f"{FLAGS[name].name} is {_shown(value)}, which {encoder} on "
                f"--observation {config.observation} does not use; it uses {accepted}"
            )
    _check_weights(config, encoder, entry)
    return dataclasses.replace(config, encoder=encoder)


def default(name: str) -> Any:
    """Return the default of a field of `RunConfig`."""
    return getattr(RunConfig, name)


def can_be_frozen(entry: EncoderEntry) -> bool:
    """Return whether an encoder's features can be stored: always, or if it has weights."""
    return entry.frozen or "frozen" in entry.reads


def _encoder(config: RunConfig) -> str:
    """Return the encoder, the default one of pixels if none is given."""
    is_frozen = config.observation == FEATURES
    fitting = [
        name
        for name, entry in ENCODERS.items()
        if (can_be_frozen(entry) if is_frozen else not entry.frozen)
    ]
    if config.encoder is None and not is_frozen:
        return PIXELS_ENCODER
    if config.encoder not in fitting:
        state = "frozen" if is_frozen else "trained"
        given = "not given" if config.encoder is None else repr(config.encoder)
        raise FmbenchError(
            f"--encoder is {given} with --observation {config.observation}; give one that is "
            f"{state}: {', '.join(fitting)}"
        )
    return config.encoder


def _check_weights(config: RunConfig, encoder: str, entry: EncoderEntry) -> None:
    """Reject an encoder without the weights that it cannot do without."""
    is_detector = "weights" in entry.reads and entry.frozen
    is_model = config.observation == FEATURES and not entry.frozen
    if (is_detector or is_model) and config.encoder_weights is None:
        example = "python -m fmbench.detector makes it" if is_detector else "of a timm model"
        raise FmbenchError(
            f"--encoder is {encoder!r}, which needs --encoder-weights, a safetensors file "
            f"({example})"
        )
    if "model" in entry.reads and (config.encoder_weights is None) != (
        config.encoder_model is None
    ):
        raise FmbenchError(
            f"--encoder is {encoder!r} with one of --encoder-weights and --encoder-model; give "
            "both or neither"
        )


def _shown(value: object) -> str:
    """Return a value as written on the command line."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
