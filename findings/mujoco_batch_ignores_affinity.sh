#!/usr/bin/env bash
# Guess: `mujoco.batch.Batch(model, n, nthread=0)`, starts as many threads as the
# process may use: one if it is bound to one processor, as schedulers of clusters and `taskset` do it.
# Seen with mujoco 4.0.0: it counts the processors of the machine. A process that is bound to one of N starts
# N - 1 threads beside its own, which then share that processor. Output seen on a machine with two:
#   mujoco 4.0.0, 2 processors, bound to 1
#   threads that a batch starts: 1 with nthread=0, 0 with nthread=1
# What follows: several processes on one machine, each bound to its part, start N threads each; give `nthread`
# the length of os.sched_getaffinity(0).
# Fails if that changes. Needs Linux and two processors.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q mujoco==4.0.0
cd "$folder"
"$folder/env/bin/python" - <<'PY'
import os

processors = len(os.sched_getaffinity(0))
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import mujoco
from mujoco.batch import Batch

model = mujoco.MjModel.from_xml_string(
    "<mujoco><worldbody><body><freejoint/><geom size='.1'/></body></worldbody></mujoco>"
)


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def started(nthread: int) -> int:
    before = threads()
    batch = Batch(model, 16, nthread=nthread, persistent=True)
    batch.step()
    found = threads() - before
    del batch
    return found


one, all_of_them = started(1), started(0)
print(f"mujoco {mujoco.__version__}, {processors} processors, bound to {len(os.sched_getaffinity(0))}")
print(f"threads that a batch starts: {all_of_them} with nthread=0, {one} with nthread=1")
assert processors > 1, "needs two processors"
assert (one, all_of_them) == (0, os.cpu_count() - 1), "the behaviour has changed"
PY
