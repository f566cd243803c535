"""Configuration values that may differ between runs that are drawn together, by what draws them.

How policies act may always differ; see `fmbench.report.comparable`.
"""

from __future__ import annotations

MATRIX = ("task", "policy", "backbone", "seeds", "preset", "device", "from_run")
CURVE = ("task", "demos", "nfe", "preset", "device")
"""The points of a curve must still be at one sampler and number of steps for each policy."""
DEPLOYMENT = ("task", "seeds", "preset", "device", "from_run")
DELAY = (*DEPLOYMENT, "train_delay")
RETENTION = DEPLOYMENT
