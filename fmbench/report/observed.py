"""What the policies of a run observed, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fmbench.config import FEATURES, STATE
from fmbench.report.markup import escape
from fmbench.storage.run_facts import RunFacts


def observation_label(config: Mapping[str, Any]) -> str:
    """Return a short name of what policies observe: "state", the encoder of pictures, or both.

    Args:
        config: The configuration of a run, as JSON.
    """
    if config.get("observation", STATE) == STATE:
        return STATE
    encoder = _encoder_label(config)
    return f"{encoder} + {STATE}" if config.get("beside") == STATE else encoder


def _encoder_label(config: Mapping[str, Any]) -> str:
    """Return a short name of the encoder of pictures."""
    encoder = str(config["encoder"])
    if encoder == "random":  # not to be confused with random actions
        encoder = f"untrained {config['like']}"
    if config.get("encoder_model"):
        encoder += f" {config['encoder_model']}"
        encoder += " frozen" if config["observation"] == FEATURES else ""
    return encoder


def observation_note(facts: RunFacts) -> str:
    """Describe what the policies of a run observed; "" if it was the state."""
    config = facts.config
    if config.get("observation", STATE) == STATE:
        return ""
    size, label = config["image_size"], escape(_encoder_label(config))
    how = "frozen" if config["observation"] == FEATURES else "trained with the policy"
    seen = "; ".join(
        escape(f"{task}: {sight}") for task, sight in sorted((facts.sights or {}).items())
    )
    beside = "the numbers of the state that a picture does not replace"
    if config.get("beside") == STATE:
        beside = "the whole state"
    return (
        f"Observation: pictures of {size} x {size} pixels by {label} ({how}), beside {beside}."
        f" Renderer, cameras and hash of what decides the pictures: {seen or 'unknown'}."
        " Latency includes the encoder, not the drawing."
    )
