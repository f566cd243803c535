#!/usr/bin/env bash
# Guess: a search with a seeded sampler that is stopped and continued from its stored study goes on with new trials,
# perhaps other ones than without the stop.
# Seen: with optuna 5.0.0 the sampler's generator begins again at its seed. As long as suggestions do not depend on
# earlier trials (always with `RandomSampler`, for the first ten with `TPESampler`), the continued study repeats the
# trials that it has: of eight trials in two parts, four are different. fmbench gives the sampler of every trial a seed
# of its own and looks only at stored trials. Output seen:
#   RandomSampler in one part: 8 trials, 8 different
#   RandomSampler in two parts: 8 trials, 4 different
#   TPESampler in one part: 8 trials, 8 different
#   TPESampler in two parts: 8 trials, 4 different
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q optuna==5.0.0
cat > "$folder/search.py" <<'PY'
import sys

import optuna

sampler, storage, trials = sys.argv[1], sys.argv[2], int(sys.argv[3])
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(
    storage=f"sqlite:///{storage}",
    study_name="recipe",
    load_if_exists=True,
    sampler=getattr(optuna.samplers, sampler)(seed=1),
)
study.optimize(lambda trial: trial.suggest_float("rate", 0.0, 1.0), n_trials=trials)
rates = [trial.params["rate"] for trial in study.trials]
print(f"{len(rates)} trials, {len(set(rates))} different")
PY
python="$folder/venv/bin/python"
seen=""
for sampler in RandomSampler TPESampler; do
  line=$("$python" "$folder/search.py" "$sampler" "$folder/$sampler-one.db" 8)
  seen+="$sampler in one part: $line"$'\n'
  "$python" "$folder/search.py" "$sampler" "$folder/$sampler-two.db" 4 > /dev/null
  line=$("$python" "$folder/search.py" "$sampler" "$folder/$sampler-two.db" 4)
  seen+="$sampler in two parts: $line"$'\n'
done
printf '%s' "$seen"
expected="RandomSampler in one part: 8 trials, 8 different
RandomSampler in two parts: 8 trials, 4 different
TPESampler in one part: 8 trials, 8 different
TPESampler in two parts: 8 trials, 4 different
"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
