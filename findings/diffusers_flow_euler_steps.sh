#!/usr/bin/env bash
# Guess: `FlowMatchEulerDiscreteScheduler` with n steps divides the path from noise to data into n equal parts, so that
# two steps are two halves, and n is the number of evaluations that count.
# Seen with diffusers 0.42.1: the noise levels are n equally spaced numbers from 1 to 0.001, followed by 0. The last
# step is a thousandth of the path. Two steps are one step in all but name, and n steps are n - 1: on the field
# dx/dt = -x, where Euler with n equal steps gives (1 + 1/n)^n, two steps give 2.001 (one 2.0, two equal ones 2.25).
# Output seen:
#   diffusers 0.42.1
#   1 steps: lengths 1.0, result 2.0000 (equal steps 2.0000, one fewer -)
#   2 steps: lengths 0.999 0.001, result 2.0010 (equal steps 2.2500, one fewer 2.0000)
#   4 steps: lengths 0.333 0.333 0.333 0.001, result 2.3710 (equal steps 2.4414, one fewer 2.3704)
#   10 steps: lengths 0.111 0.111 0.111 0.111 0.111 0.111 0.111 0.111 0.111 0.001, result 2.5814 (equal steps 2.5937, one fewer 2.5812)
# What follows: compare with it at equal lengths, by `set_timesteps(sigmas=...)`, before comparing at equal numbers.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q diffusers==0.42.1 torch==2.13.0 numpy==2.4.6 scipy==1.17.1
cd "$folder"
seen=$("$folder/venv/bin/python" - 2>/dev/null <<'PY'
import diffusers
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

print("diffusers", diffusers.__version__)
for n in (1, 2, 4, 10):
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(n)
    sigmas = scheduler.sigmas
    lengths = " ".join(f"{float(a - b):.3g}" if n > 1 else f"{float(a - b):.1f}" for a, b in zip(sigmas, sigmas[1:]))
    x = torch.ones(1, dtype=torch.float64)
    for t in scheduler.timesteps:
        x = scheduler.step(-x, t, x).prev_sample.double()
    fewer = f"{(1 + 1 / (n - 1)) ** (n - 1):.4f}" if n > 1 else "-"
    print(f"{n} steps: lengths {lengths}, result {float(x):.4f} (equal steps {(1 + 1 / n) ** n:.4f}, one fewer {fewer})")
PY
)
echo "$seen"
expected="diffusers 0.42.1
1 steps: lengths 1.0, result 2.0000 (equal steps 2.0000, one fewer -)
2 steps: lengths 0.999 0.001, result 2.0010 (equal steps 2.2500, one fewer 2.0000)
4 steps: lengths 0.333 0.333 0.333 0.001, result 2.3710 (equal steps 2.4414, one fewer 2.3704)
10 steps: lengths 0.111 0.111 0.111 0.111 0.111 0.111 0.111 0.111 0.111 0.001, result 2.5814 (equal steps 2.5937, one fewer 2.5812)"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
