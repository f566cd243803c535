#!/usr/bin/env bash
# Guess: a p-value that is not a number stays one in Holm's correction over a table, and its hypothesis is not rejected: nothing
# was tested there.
# Seen with statsmodels 0.15.0 (scipy 1.17.1): `multipletests(..., method="holm")` rejects it, as soon as all other hypotheses of
# the table are rejected. Such a p-value is what scipy's paired t-test gives for two policies that score alike with every
# training seed, so that the table calls them different where they are equal. It also counts as one of the tests, by which
# the others are multiplied. "holm-sidak" does the same, "bonferroni" does not reject it; "fdr_bh" does not either, but
# makes all adjusted values nan. Output seen:
#   statsmodels 0.15.0, scipy 1.17.1
#   p-values: [0.0, 0.00018, nan] of differences of about 0.2, about 0.2, and exactly 0
#   holm: rejected [True, True, True], adjusted [1e-05, 0.00037, nan]
#   holm-sidak: rejected [True, True, True], adjusted [1e-05, 0.00037, nan]
#   bonferroni: rejected [True, True, False], adjusted [1e-05, 0.00055, nan]
#   fdr_bh: rejected [True, True, False], adjusted [nan, nan, nan]
# What follows: refuse a p-value that is not a number before the correction, as fmbench.report.statistics.holm does, or take it as 1.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q statsmodels==0.15.0 scipy==1.17.1 numpy==2.4.6 pandas==3.1.1 patsy==1.0.3
cd "$folder"
seen=$("$folder/venv/bin/python" -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from scipy.stats import ttest_rel
from statsmodels.stats.multitest import multipletests

print(f"statsmodels {version('statsmodels')}, scipy {version('scipy')}")
scores = {
    "ahead": ([0.91, 0.90, 0.92, 0.91, 0.93], [0.70, 0.71, 0.71, 0.69, 0.72]),
    "also ahead": ([0.80, 0.84, 0.82, 0.79, 0.83], [0.61, 0.60, 0.65, 0.60, 0.58]),
    "equal": ([1.0] * 5, [1.0] * 5),
}
p_values = [float(ttest_rel(a, b).pvalue) for a, b in scores.values()]
print("p-values:", np.round(p_values, 5).tolist(), "of differences of about 0.2, about 0.2, and exactly 0")
for method in ("holm", "holm-sidak", "bonferroni", "fdr_bh"):
    rejected, adjusted = multipletests(p_values, method=method)[:2]
    print(f"{method}: rejected {rejected.tolist()}, adjusted {np.round(adjusted, 5).tolist()}")
PY
)
echo "$seen"
expected="statsmodels 0.15.0, scipy 1.17.1
p-values: [0.0, 0.00018, nan] of differences of about 0.2, about 0.2, and exactly 0
holm: rejected [True, True, True], adjusted [1e-05, 0.00037, nan]
holm-sidak: rejected [True, True, True], adjusted [1e-05, 0.00037, nan]
bonferroni: rejected [True, True, False], adjusted [1e-05, 0.00055, nan]
fdr_bh: rejected [True, True, False], adjusted [nan, nan, nan]"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
