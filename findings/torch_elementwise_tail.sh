#!/usr/bin/env bash
# Guess: an elementwise function of torch has one result for one number, so that in a batch of one fixed size a row has the
# same result wherever it stands.
# Seen with torch 2.13.0 on a CPU (x86): of arrays of more than 32 numbers, the last ones that fill no group of 32 are computed
# by other code than the others, which rounds differently: `mish` of one number differs in its last bit for a third of all numbers,
# `silu`, `sigmoid`, `softplus` and `elu` for some per cent; `relu`, `tanh` and `gelu` for none. Output seen:
#   torch 2.13.0
#   of 2000 numbers, repeated 40 times, with another result in the last 8 places: mish 735, silu 84, sigmoid 77, softplus 277, elu 103, tanh 0, gelu 0, relu 0
#   of 64 times: 0
# What follows: pad batches to a multiple of 32 rows, or give each row one place in all of its batches, as
# fmbench.lerobot_policy does for networks of LeRobot.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
cd "$folder"
seen=$("$folder/venv/bin/python" - <<'PY'
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
print("torch", torch.__version__.partition("+")[0])
numbers = torch.randn(2000, generator=torch.Generator().manual_seed(0))
names = ("mish", "silu", "sigmoid", "softplus", "elu", "tanh", "gelu", "relu")
functions = {name: getattr(F, name) for name in names}


def differ(function, count):
    """Return how many numbers have two results in an array that repeats them `count` times."""
    results = torch.stack([function(number.repeat(count)) for number in numbers])
    return int((results != results[:, :1])[:, -8:].any(1).sum())


counts = {name: differ(function, 40) for name, function in functions.items()}
listed = ", ".join(f"{name} {count}" for name, count in counts.items())
print(f"of 2000 numbers, repeated 40 times, with another result in the last 8 places: {listed}")
print(f"of 64 times: {sum(differ(function, 64) for function in functions.values())}")
assert counts["mish"] > 0 and counts["silu"] > 0
PY
)
echo "$seen"
grep -q "of 64 times: 0" <<< "$seen"
