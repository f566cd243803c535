"""Chunk policies: one network, several objectives, several samplers.

A `ChunkPolicy` maps a window of observations to a chunk of actions. It is an encoder, a backbone,
an objective and two normalisers, chosen by name in a `ChunkPolicyConfig`; a `ChunkActor` runs it
for many episodes at once. This package needs numpy, scipy and torch, and knows nothing of
environments or of fmbench.

- `policies.backbones`: networks; a table of names.
- `policies.objectives`: flow matching, diffusion, regression, retrieval; a table of names.
- `policies.samplers`: from noise to a chunk; tables of names.
- `policies.schedules`: the noise schedule and what a network may predict.
- `policies.teaching`: how one policy learns from another; `policies.straightness`: of its paths.
"""

import os

from policies.actor import ChunkActor, Decision
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig, Sample

# MKL, torch's matrix products on a CPU, may round a row by where it lies in memory (seen on an AMD
# EPYC with AVX-512), and an episode would depend on its row. MKL asks before its first product.
os.environ.setdefault("MKL_CBWR", "AUTO")

__all__ = ["ChunkActor", "ChunkPolicy", "ChunkPolicyConfig", "Decision", "Sample"]
