#!/usr/bin/env bash
# Guess: an HDF5 array that is open but has not been read takes almost no memory, so a file's arrays can all be opened
# to check their shapes before any is read.
# Seen: with h5py 3.16.0 each open chunked array takes about 85 KB, most of it the empty table of its chunk cache. A
# file of 1,000 episodes with six arrays each took 500 MB before anything was read. `rdcc_nslots=1` when the file is
# opened leaves about 23 KB. Output seen:
#   h5py 3.16.0, HDF5 2.0.0
#   6000 open arrays: 515 MB
#   6000 open arrays, rdcc_nslots=1: 140 MB
# What follows: fmbench reads chunks past the cache and asks for no table, and opens one episode at a time where it
# can. Fails if an open array takes less than 40 KB by default, or not less than half of it without the table.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q h5py==3.16.0 numpy==2.4.6
cat > "$folder/open.py" <<'PY'
import json
import os
import sys

import h5py
import numpy as np

path, options = sys.argv[1], json.loads(sys.argv[2])
COUNT = 6000
if not os.path.exists(path):
    with h5py.File(path, "w") as file:
        for k in range(COUNT):
            file.create_dataset(f"array_{k}", data=np.zeros((50, 20), np.float32), chunks=(50, 20))


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


with h5py.File(path, "r", **options) as file:
    before = resident()
    arrays = [file[f"array_{k}"] for k in range(COUNT)]
    print((resident() - before) // 2**20)
PY
python="$folder/venv/bin/python"
"$python" -c 'import h5py; print(f"h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}")'
"$python" "$folder/open.py" "$folder/a.hdf5" '{}' > /dev/null
plain=$("$python" "$folder/open.py" "$folder/a.hdf5" '{}')
bare=$("$python" "$folder/open.py" "$folder/a.hdf5" '{"rdcc_nslots": 1, "rdcc_nbytes": 0}')
echo "6000 open arrays: $plain MB"
echo "6000 open arrays, rdcc_nslots=1: $bare MB"
[ "$plain" -ge 235 ] && [ $((2 * bare)) -lt "$plain" ] || { echo "the behaviour has changed" >&2; exit 1; }
