#!/usr/bin/env bash
# Guess: a study in a journal file outlives a disk that is full for a while: the record that was cut off is ignored or overwritten,
# and the search goes on, as it does with SQLite.
# Seen with optuna 5.0.0: the next process takes no notice of the cut record and writes its own behind it, on the same line.
# From then on the file cannot be read, and with it all trials of the study are lost. Three trials; then a process whose
# files may not grow any more, as on a full disk; then two processes without a limit; output seen:
#   optuna 5.0.0
#   journal: 3 trials; limited: failed; then: JSONDecodeError; then: JSONDecodeError
#   sqlite: 3 trials; limited: failed; then: goes on; then: goes on
# What follows: keep a search that runs for days in SQLite, or cut an unfinished last line off before going on.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q optuna==5.0.0
cd "$folder"
cat > search.py <<'PY'
import resource
import signal
import sys
from pathlib import Path

import optuna
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

kind, more = sys.argv[1], int(sys.argv[2])
optuna.logging.disable_default_handler()
if more:
    size = Path(kind).stat().st_size + more
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then a write beyond the limit is an error, as on a full disk
try:
    storage = JournalStorage(JournalFileBackend(kind)) if kind == "journal" else RDBStorage("sqlite:///sqlite")
    study = optuna.create_study(storage=storage, study_name="recipe", load_if_exists=True)
    study.optimize(lambda trial: trial.suggest_float("rate", 0, 1), n_trials=200 if more else 3)
    trials = sum(trial.state.name == "COMPLETE" for trial in study.trials)
    print(f"{trials} trials" if trials < 7 else "goes on")
except Exception as error:
    print("failed" if more else type(error).__name__)
PY
seen=$(
  echo "optuna 5.0.0"
  for kind in journal sqlite; do
    more=$([ $kind = journal ] && echo 50 || echo 4096) # less than a record; one page
    first=$("$folder/venv/bin/python" -W ignore search.py "$kind" 0)
    limited=$("$folder/venv/bin/python" -W ignore search.py "$kind" "$more" 2> /dev/null)
    second=$("$folder/venv/bin/python" -W ignore search.py "$kind" 0)
    third=$("$folder/venv/bin/python" -W ignore search.py "$kind" 0)
    echo "$kind: $first; limited: $limited; then: $second; then: $third"
  done
)
echo "$seen"
expected="optuna 5.0.0
journal: 3 trials; limited: failed; then: JSONDecodeError; then: JSONDecodeError
sqlite: 3 trials; limited: failed; then: goes on; then: goes on"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
