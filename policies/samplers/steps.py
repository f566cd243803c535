"""Step limits of samplers, re-exported for objectives outside the suite."""

from policies.catalogue import ADAPTIVE, ADAPTIVE_STEPS, StepLimits

__all__ = ["ADAPTIVE", "ADAPTIVE_STEPS", "StepLimits"]
