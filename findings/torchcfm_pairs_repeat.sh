#!/usr/bin/env bash
# Guess: pairing a batch of noise with a batch of data by exact optimal transport is an assignment: every noise and every
# datum of the batch is used once.
# Seen with torchcfm 1.0.7: the plan between two batches of equal size is such an assignment, but pairs are drawn from it with
# replacement (`sample_plan(..., replace=True)` is the default, and the flow matchers use it). Of 256 pairs 163 are
# different, 93 are repeats, and 93 data of the batch are not trained on (1/e of them, on average). With
# `replace=False` all 256 are. Output seen:
#   torchcfm 1.0.7
#   plan: 256 entries above 0, one in each row True
#   drawn with replacement: 163 different of 256; without: 256
#   ExactOptimalTransportConditionalFlowMatcher: 163 different data of 256
# What follows: a batch is in effect smaller than with independent pairs, where each datum is used once; compare at that.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torchcfm==1.0.7 POT==0.9.7.post1 torch==2.13.0 numpy==2.4.6 scipy==1.17.1
cd "$folder"
seen=$("$folder/venv/bin/python" - 2>/dev/null <<'PY'
from importlib.metadata import version

import numpy as np
import torch
from torchcfm.conditional_flow_matching import ExactOptimalTransportConditionalFlowMatcher
from torchcfm.optimal_transport import OTPlanSampler

print("torchcfm", version("torchcfm"))
noise, data = torch.randn(2, 256, 4, generator=torch.Generator().manual_seed(0))
sampler = OTPlanSampler("exact")
plan = sampler.get_map(noise, data)
print(f"plan: {(plan > 0).sum()} entries above 0, one in each row {bool(((plan > 0).sum(1) == 1).all())}")


def different(rows):
    return len(torch.unique(rows, dim=0))


np.random.seed(0)
_, drawn = sampler.sample_plan(noise, data)
_, once = sampler.sample_plan(noise, data, replace=False)
print(f"drawn with replacement: {different(drawn)} different of 256; without: {different(once)}")
np.random.seed(0)
matcher = ExactOptimalTransportConditionalFlowMatcher(sigma=0.0)
time, at, velocity = matcher.sample_location_and_conditional_flow(noise, data)
used = at + (1 - time[:, None]) * velocity  # the end of each path
print(f"ExactOptimalTransportConditionalFlowMatcher: {different((used * 1e3).round())} different data of 256")
PY
)
echo "$seen"
expected="torchcfm 1.0.7
plan: 256 entries above 0, one in each row True
drawn with replacement: 163 different of 256; without: 256
ExactOptimalTransportConditionalFlowMatcher: 163 different data of 256"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
