#!/usr/bin/env bash
# Guess: rliable, in whose quantities results over tasks are reported, works in the environment into which pip has just
# installed it without a complaint.
# Seen: rliable 1.2.0 with pandas 3.1.1: pip installs arch 7.2.0, which calls a decorator of pandas whose arguments have
# changed, so that `rliable.library` (bootstrap intervals) cannot be imported; with pandas 2.3.3 it can. `rliable.metrics`
# can be imported with both. Output seen:
#   pandas 2.3.3, arch 7.2.0: metrics imported, library imported
#   pandas 3.1.1, arch 7.2.0: metrics imported, library TypeError
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
seen=""
for pandas in 2.3.3 3.1.1; do
  python3 -m venv "$folder/$pandas"
  "$folder/$pandas/bin/pip" install -q rliable==1.2.0 arch==7.2.0 "pandas==$pandas"
  line=$("$folder/$pandas/bin/python" - <<'PY'
import importlib
from importlib.metadata import version

found = []
for name in ("metrics", "library"):
    try:
        importlib.import_module(f"rliable.{name}")
        found.append(f"{name} imported")
    except Exception as error:
        found.append(f"{name} {type(error).__name__}")
print(f"pandas {version('pandas')}, arch {version('arch')}: {', '.join(found)}")
PY
)
  echo "$line"
  seen+="$line"$'\n'
done
expected="pandas 2.3.3, arch 7.2.0: metrics imported, library imported
pandas 3.1.1, arch 7.2.0: metrics imported, library TypeError
"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
