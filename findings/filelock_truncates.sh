#!/usr/bin/env bash
# Guess: a process that holds a `filelock.FileLock` can write who it is into the lock file, for others to read.
# Seen: with filelock 3.12.0 a process that only tries to take the lock, and fails, empties the file (it is
# opened for truncation before it is locked); with 4.2.12 the text stays. Both satisfy `filelock>=3.12`, so the
# text belongs into a file next to the lock file. Output seen:
#   filelock 3.12.0: text after another process tried: ''
#   filelock 4.2.12: text after another process tried: 'process 1'
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
seen=""
for version in 3.12.0 4.2.12; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install -q "filelock==$version"
  line=$("$folder/$version/bin/python" - "$folder/$version.lock" <<'PY'
import subprocess
import sys
from pathlib import Path

import filelock

path = Path(sys.argv[1])
lock = filelock.FileLock(path)
lock.acquire()
path.write_text("process 1")
other = (
    "import sys, filelock\n"
    "try:\n    filelock.FileLock(sys.argv[1]).acquire(timeout=0)\n"
    "except filelock.Timeout:\n    print('held by another process')\n"
)
tried = subprocess.run([sys.executable, "-c", other, str(path)], capture_output=True, text=True)
assert tried.stdout.strip() == "held by another process", tried
print(f"filelock {filelock.__version__}: text after another process tried: {path.read_text()!r}")
PY
)
  echo "$line"
  seen+="$line"$'\n'
done
expected="filelock 3.12.0: text after another process tried: ''
filelock 4.2.12: text after another process tried: 'process 1'
"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
