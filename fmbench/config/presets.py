"""Presets: values of a run by one name, which its command line may override."""

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {
        "episodes": 5,
        "cameras": ("main",),
        "image_size": 64,
        "demos": 10,
        "updates": 30,
        "batch_size": 16,
        "nfe": (1, 2),
        "width": 64,
        "depth": 2,
    },
    "default": {},
    "paper": {
        "seeds": 3,
        "demos": 1000,
        "updates": 10_000,
        "batch_size": 1024,
        "size": "base",
        "nfe": (1, 2, 4, 8, 16, 32),
    },
}
"""Name to the fields of `RunConfig` that it changes, each with its value."""
