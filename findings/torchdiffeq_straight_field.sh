#!/usr/bin/env bash
# Guess: an adaptive solver notices that a flow is straight: on a field whose velocity is constant along every path,
# `dopri5` needs one accepted step, about 8 evaluations, so that its number of evaluations measures how straight a flow is.
# Seen with torchdiffeq 0.2.5: 38 evaluations at its default tolerances (rtol 1e-7, atol 1e-9), 20 at 1e-5 and 14 at
# 1e-3, although the error is 0 at every step. The first step is chosen from the
# tolerances, and each may be at most ten times the one before. So this number has a floor that depends on the tolerances, not on the flow.
# Besides, `euler` with `step_size=1/n` from 0 to 1 makes n evaluations for every n up to 100 but 61, for which it makes
# 62 (1 / (1 / 61) is above 61). Output seen:
#   torchdiffeq 0.2.5
#   dopri5 on a constant velocity: default 38, 1e-5 20, 1e-3 14 evaluations
#   euler with step_size=1/n: other numbers than n for {61: 62}
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torchdiffeq==0.2.5 torch==2.13.0 numpy==2.4.6 scipy==1.17.1
cd "$folder"
seen=$("$folder/venv/bin/python" - 2>/dev/null <<'PY'
from importlib.metadata import version

import torch
from torchdiffeq import odeint

print("torchdiffeq", version("torchdiffeq"))
noise, data = torch.randn(2, 320, generator=torch.Generator().manual_seed(0))
time = torch.tensor([0.0, 1.0])


def evaluations(**how):
    calls = []
    odeint(lambda t, x: (calls.append(t), data - noise)[1], noise, time, **how)
    return len(calls)


counts = [
    evaluations(method="dopri5"),
    evaluations(method="dopri5", rtol=1e-5, atol=1e-5),
    evaluations(method="dopri5", rtol=1e-3, atol=1e-3),
]
print("dopri5 on a constant velocity: default {}, 1e-5 {}, 1e-3 {} evaluations".format(*counts))
euler = {n: evaluations(method="euler", options={"step_size": 1 / n}) for n in range(1, 101)}
print("euler with step_size=1/n: other numbers than n for", {n: k for n, k in euler.items() if n != k})
PY
)
echo "$seen"
expected="torchdiffeq 0.2.5
dopri5 on a constant velocity: default 38, 1e-5 20, 1e-3 14 evaluations
euler with step_size=1/n: other numbers than n for {61: 62}"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
