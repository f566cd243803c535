"""Chunk policies: one network, several objectives, several samplers.

A `ChunkPolicy` maps a window of observations to a chunk of actions. It is an encoder, a backbone,
an objective and two normalisers, chosen by name in a `ChunkPolicyConfig`; a `ChunkActor` runs it
for many episodes at once. This package needs numpy, scipy and torch, and knows nothing of
environments or of fmbench. What is imported here is loaded when it is first used, so that
`policies.catalogue` is read without torch.

- `policies.catalogue`: the names of all of it, with their facts.
- `policies.backbones`: networks; `policies.plans`: the same, faster, for inference.
- `policies.objectives`: flow matching, diffusion, regression, retrieval.
- `policies.samplers`: from noise to a chunk.
- `policies.schedules`: the noise schedule and what a network may predict.
- `policies.teaching`: how one policy learns from another; `policies.straightness`: of its paths.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policies.actor import ChunkActor, Decision
    from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig, Sample

# MKL, torch's matrix products on a CPU, may round a row by where it lies in memory (seen on an AMD
# EPYC with AVX-512), and an episode would depend on its row. MKL asks before its first product.
os.environ.setdefault("MKL_CBWR", "AUTO")

__all__ = ["ChunkActor", "ChunkPolicy", "ChunkPolicyConfig", "Decision", "Sample"]
_MODULES = {"ChunkActor": "actor", "Decision": "actor"}


def __getattr__(name: str) -> Any:
    """Import one of `__all__` when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"policies.{_MODULES.get(name, 'chunk_policy')}"), name)
