"""How many steps a sampler may take, where objectives of one's own look for it."""

from policies.catalogue import ADAPTIVE, ADAPTIVE_STEPS, StepLimits

__all__ = ["ADAPTIVE", "ADAPTIVE_STEPS", "StepLimits"]
