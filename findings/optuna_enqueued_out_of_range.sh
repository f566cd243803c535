#!/usr/bin/env bash
# Guess: a trial that is enqueued with a value outside of the range that is suggested later is rejected, or its value is
# moved into the range.
# Seen: with optuna 5.0.0 the value is used as it is, with a warning; the stored trial states the range and a value that
# is not in it. A name that is no choice of a category is an error. So a search that begins with a recipe in use tries
# that recipe even where the range excludes it; fmbench moves it into the ranges itself. Output seen:
#   enqueued 0.5 for a range up to 0.01: used 0.5, warnings 1, stored range up to 0.01
#   enqueued 'film' for ('concat', 'add'): ValueError
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q optuna==5.0.0
seen=$("$folder/venv/bin/python" - <<'PY'
import warnings

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
study.enqueue_trial({"rate": 0.5})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    trial = study.ask()
    used = trial.suggest_float("rate", 1e-5, 1e-2, log=True)
study.tell(trial, 1.0)
stored = study.trials[0]
print(
    f"enqueued 0.5 for a range up to 0.01: used {used}, warnings {len(caught)}, "
    f"stored range up to {stored.distributions['rate'].high}"
)
study.enqueue_trial({"conditioning": "film"})
try:
    study.ask().suggest_categorical("conditioning", ("concat", "add"))
except ValueError as error:
    print(f"enqueued 'film' for ('concat', 'add'): {type(error).__name__}")
PY
)
echo "$seen"
expected="enqueued 0.5 for a range up to 0.01: used 0.5, warnings 1, stored range up to 0.01
enqueued 'film' for ('concat', 'add'): ValueError"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
