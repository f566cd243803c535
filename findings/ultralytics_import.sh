#!/usr/bin/env bash
# Guess: `import ultralytics` defines the package and changes nothing else in the process.
# Seen with ultralytics 8.4.190: it replaces `torch.save` by a function of its own, sets environment variables, among
# them OMP_NUM_THREADS, which every process started later inherits, changes NumPy's print options, and asks the
# network for the addresses of two name servers. Output seen:
#   ultralytics 8.4.190
#   torch.save is that of ultralytics.utils.patches
#   OMP_NUM_THREADS was not set, is 1
#   numpy's line width was 75, is 320
#   looked up: dns.google, one.one.one.one
# after three lines on a settings file that it has written.
# What follows: import it late, and put back what it changed. Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q ultralytics==8.4.190 torch==2.14.1 torchvision==0.29.1
cd "$folder"
unset OMP_NUM_THREADS
YOLO_CONFIG_DIR="$folder" "$folder/env/bin/python" - 2> "$folder/log" <<'PY' || { cat "$folder/log" >&2; exit 1; }
import os
import socket

import numpy as np
import torch

asked, resolve = set(), socket.getaddrinfo


def listen(host, *rest, **options):
    asked.add(host)
    return resolve(host, *rest, **options)


socket.getaddrinfo = listen
width = np.get_printoptions()["linewidth"]

import ultralytics  # noqa: E402

now = np.get_printoptions()["linewidth"]
print("ultralytics", ultralytics.__version__)
print("torch.save is that of", torch.save.__module__)
print("OMP_NUM_THREADS was not set, is", os.environ.get("OMP_NUM_THREADS"))
print(f"numpy's line width was {width}, is {now}")
print("looked up:", ", ".join(sorted(asked)))
assert torch.save.__module__ == "ultralytics.utils.patches", "the behaviour has changed"
assert "OMP_NUM_THREADS" in os.environ and now != width and asked, "the behaviour has changed"
PY
