"""Action-chunk policies, composed of a backbone, an objective and a sampler.

A `ChunkPolicy` maps a window of observations to a chunk of actions. It consists of an encoder, a
backbone, an objective and two normalisers, chosen by name in a `ChunkPolicyConfig`; a `ChunkActor`
runs it for many episodes at once. This package needs numpy, scipy and torch, and imports neither
`envs` nor `fmbench`. The classes exported here are imported on first use, so that
`policies.catalogue` can be read without torch.

- `policies.catalogue`: names and properties of all policies, backbones and samplers.
- `policies.encoders`: from pictures to the numbers that condition a backbone.
- `policies.backbones`: networks; `policies.plans`: the same networks, optimised for inference.
- `policies.objectives`: flow matching, diffusion, regression, retrieval.
- `policies.samplers`: solvers that carry noise to an action chunk.
- `policies.schedules`: noise schedules, and conversions between prediction types.
- `policies.chunk_function`: a policy with one sampler as a function of tensors, to be exported.
- `policies.teaching`: a student's start from its teacher; `policies.straightness`: of flow paths.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policies.actor import ChunkActor, Decision
    from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig, Sample

# MKL, which computes torch's matrix products on a CPU, may round a row differently at another
# memory alignment (seen on an AMD EPYC with AVX-512), so that an episode would depend on its row.
# MKL reads this variable before its first product.
os.environ.setdefault("MKL_CBWR", "AUTO")

__all__ = ["ChunkActor", "ChunkPolicy", "ChunkPolicyConfig", "Decision", "Sample"]
_MODULES = {"ChunkActor": "actor", "Decision": "actor"}


def __getattr__(name: str) -> Any:
    """Import one of `__all__` on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"policies.{_MODULES.get(name, 'chunk_policy')}"), name)
