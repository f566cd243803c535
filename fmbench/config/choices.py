"""What values of a run accept, and what later ones were before they were added."""

from typing import Any

from policies.catalogue import COUNTS, HOLD, OPTIONS, POLICIES, RECIPE

STATE, PIXELS, FEATURES = OBSERVATIONS = ("state", "pixels", "features")
AGENT = "agent"
"""What a policy from outside observes beside pictures, if that is not the whole `STATE`."""
RENDERERS = ("auto", "rays", "opengl")
"""Those of `envs.pictures.renderer`, which this must not import."""
PRECISIONS = ("fp32", "bf16")
PREDICTIONS = tuple(dict.fromkeys(p for entry in POLICIES.values() for p in entry.predictions))
BUDGETS = ("updates", "rows")
DROP, KEEP = UNSUCCESSFUL = ("drop", "keep")
ADDED: dict[str, Any] = {
    "demonstrations": None,
    "unsuccessful": DROP,
    "meanflow": OPTIONS["meanflow"][0],
    "training_samples": COUNTS["training_samples"].default,
    "budget": BUDGETS[0],
    "warmup_updates": RECIPE.warmup_updates,
    "weight_decay": RECIPE.weight_decay,
    "ema_decay": RECIPE.ema_decay,
    "test_block": 1,
    "delay": ("0",),
    "execution": (HOLD,),
    "latency_ms": None,
    "train_delay": 0,
    "perturb": (),
}
"""Later fields and their defaults, at which JSON leaves them out: earlier runs keep their hash."""
RECIPE_FIELDS = ("width", "depth", *(name for name in RECIPE._fields if name != "sizes"))
"""Fields that a recipe may decide."""
