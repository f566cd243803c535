"""The numbers of the documentation about thirteen policies on all tasks are those of the rows."""

from collections import Counter

import pandas as pd

from fmbench.report.verdicts import AHEAD, BEHIND
from tests.fmbench.test_results_page import (
    FLOWS,
    HEADLINES,
    PAGE,
    RESULTS,
    ROOT,
    TASKS,
    TEXT,
    percent,
    table_below,
)

MAIN = RESULTS / "paper" / "main"
MATRIX = pd.read_csv(MAIN / "matrix.csv", keep_default_na=False)
RATES = MATRIX.set_index(["task", "policy", "sampler", "steps"])["success_rate"].astype(float)
EVERY_TASK = MATRIX["task"].drop_duplicates().tolist()
ADROIT = [task for task in EVERY_TASK if task.startswith("Adroit")]
PAIRS = pd.read_csv(MAIN / "comparisons.csv", keep_default_na=False)
HEADLINE_PAIRS = PAIRS[PAIRS["samplers"] == "headline samplers"]
ACROSS = pd.read_csv(MAIN / "across_tasks.csv", keep_default_na=False)
MEANS = ACROSS[ACROSS["quantity"] == "mean"].set_index("policy")[["value", "low", "high"]]
TWO_STEP_SAMPLERS = (("flow", "euler"), ("diffusion", "ddim"))


def says(text: str) -> None:
    assert " ".join(text.split()) in TEXT, text


def rate(task: str, policy: str) -> float:
    return float(RATES[(task, policy, *HEADLINES[policy])])


def won(pairs: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Return task, policy ahead and policy behind of every pair where one is ahead."""
    found = pairs[pairs["verdict"].isin([AHEAD, BEHIND])]
    return [
        (row.task, *(names if row.verdict == AHEAD else names[::-1]))
        for row in found.itertuples()
        for names in [(row.policy_a, row.policy_b)]
    ]


def pair(task: str, a: str, b: str) -> pd.Series:
    rows = HEADLINE_PAIRS.set_index(["task", "policy_a", "policy_b"])
    return rows.loc[(task, a, b)]


def test_the_table_of_all_tasks_has_the_rates_of_the_rows() -> None:
    table = PAGE.partition("### Three networks")[0].partition("| task | `flow`")[2]
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.partition("\n\n")[0].splitlines()
    ]
    policies = ["flow", *(cell.strip("`") for cell in lines[0] if cell)]
    assert sorted(policies) == sorted(HEADLINES)
    *of_tasks, means = lines[2:]
    assert [task for task, *_ in of_tasks] == EVERY_TASK
    assert len(EVERY_TASK) == 21
    for task, *cells in of_tasks:
        assert cells == [percent([rate(task, policy)], 0) for policy in policies], task
    assert means == ["mean", *(percent([MEANS["value"][name]], 0) for name in policies)]


def test_the_table_of_evaluations_has_the_rates_of_the_rows() -> None:
    table = table_below("On six of these tasks, with 1 / 4 / 16 evaluations")
    assert sorted(table) == sorted(HEADLINES)
    for policy, cells in table.items():
        sampler, steps = HEADLINES[policy]
        choices = [(sampler, k) for k in (1, 4, 16)] if policy in FLOWS else [(sampler, steps)]
        if policy == "diffusion":
            choices = [("ddim", 1), ("ddim", 4), ("ddim", 16), *choices]
        for task, cell in zip(TASKS, cells, strict=True):
            rates = [RATES[(task, policy, *choice)] for choice in choices]
            assert cell == percent(rates, 0), (policy, task)


def test_verdicts_on_all_tasks_are_counted_as_in_the_rows() -> None:
    words = Counter(HEADLINE_PAIRS["verdict"])
    ahead = won(HEADLINE_PAIRS)
    says(
        f"In {len(ahead)} of {len(HEADLINE_PAIRS):,} pairs (task, two policies) one policy is "
        f"ahead, {words['equivalent']} are equivalent, in {words['non-inferior']} one is "
        f"non-inferior, and {words['undecided']} are undecided."
    )
    behind = Counter(worse for _, _, worse in ahead)
    says(f"In {behind['knn']} of the {len(ahead)} retrieval (`knn`) is behind.")
    learnt = HEADLINE_PAIRS[~HEADLINE_PAIRS[["policy_a", "policy_b"]].eq("knn").any(axis=1)]
    among = won(learnt)
    says(f"one is ahead in {len(among)} of {len(learnt):,} pairs; behind are")
    losers = Counter(worse for _, _, worse in among)
    names = ("consistency", "drift", "bc", "gmm", "mip")
    consistency, *others = (f"`{name}` in {losers[name]}" for name in names)
    says(f"behind are {consistency}, {', '.join(others)} and `flow` in one (HandOver")
    assert losers["flow"] == 1
    assert sum(losers.values()) == sum(losers[name] for name in (*names, "flow"))
    best = [name for name in HEADLINES if not behind[name]]
    assert len(best) == 6
    says(f"{', '.join(f'`{name}`' for name in best[:3])}")
    for name in best:
        assert f"`{name}`" in TEXT.partition("behind none on any task**")[2][:90]
    lost = pair("HandOver", "flow", "mip")
    difference, low, high = (-100 * lost[name] for name in ("difference", "low", "high"))
    assert lost["verdict"] == BEHIND
    says(f"(HandOver, behind `mip` by {difference:.1f} points, {high:.1f} to {low:.1f})")


def test_the_seeds_that_disagree_are_named() -> None:
    marked = MATRIX[MATRIX["caveat"].str.contains("seeds disagree")]
    shown = {
        (row.task, row.policy)
        for row in marked.itertuples()
        if (row.sampler, row.steps) == HEADLINES[row.policy]
    }
    assert shown == {("PressEither", "drift"), ("HandOver", "consistency")}
    says("The seeds of `drift` on PressEither and of `consistency` on HandOver disagree.")


def test_neither_flow_nor_diffusion_is_ahead() -> None:
    equal = PAIRS[PAIRS["samplers"] != "headline samplers"]
    words = Counter(equal["verdict"])
    assert not won(equal)
    assert all({"flow", "diffusion"} != set(names) for _, *names in won(HEADLINE_PAIRS))
    says(
        f"Of {len(equal)} such comparisons {words['equivalent']} are equivalent, in "
        f"{words['non-inferior']} one is non-inferior, and {words['undecided']} are undecided."
    )
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "neither flow nor diffusion is ahead of the other on any, and six policies" in readme


def test_what_is_said_about_few_steps() -> None:
    means = [
        percent([RATES[:, policy, sampler, k].mean() for k in (1, 2, 4, 8, 16)], 0)
        for policy, sampler in TWO_STEP_SAMPLERS
    ]
    says(f"the mean of `flow` is {means[0]} % with 1 / 2 / 4 / 8 / 16 Euler steps, that of DDIM")
    says(f"that of DDIM {means[1]} %.")
    few, many = (100 * RATES["HandOver", "flow", "euler", k] for k in (4, 16))
    says(f"on HandOver four Euler steps solve {few:.0f} % and 16 solve {many:.0f} %;")
    few, many = 100 * RATES["AdroitDoor", "diffusion", "ddim", 4], rate("AdroitDoor", "diffusion")
    says(f"four DDIM steps solve {few:.0f} % and DDPM's 100 solve {100 * many:.0f} %.")


def test_what_is_said_about_two_ways() -> None:
    one, four = (
        [100 * RATES[(task, *names, k)] for task in TASKS[:3] for names in TWO_STEP_SAMPLERS]
        for k in (1, 4)
    )
    says(f"DDIM solves {min(one):.0f} to {max(one):.0f} % and four solve at least 92 %")
    assert 92 <= min(four) < 93
    assert MATRIX[MATRIX["modes"] != ""]["task"].nunique() == 5
    for name in ("flow", "diffusion"):
        assert {pair(task, name, "bc")["verdict"] for task in TASKS[:2]} == {AHEAD}
        on_avoid_post = pair("AvoidPost", name, "bc")
        assert (on_avoid_post["verdict"], on_avoid_post["favours"]) == ("non-inferior", name)


def test_what_is_said_about_regression_on_adroit() -> None:
    rates = [100 * rate(task, "bc") for task in ADROIT]
    says(f"`bc` solves {min(rates):.0f} to {max(rates):.0f} % of the five tasks")
    assert not any(worse == "bc" for task, _, worse in won(HEADLINE_PAIRS) if task in ADROIT)
    good = [pair(task, "flow", "bc")["favours"] == "bc" for task in ADROIT]
    assert (len(good), sum(good)) == (5, 4)
    bc, flow, diffusion = (100 * rate("AdroitDoor", name) for name in ("bc", "flow", "diffusion"))
    says(f"it solves {bc:.0f} %, `flow` {flow:.0f} and `diffusion` {diffusion:.0f} %.")


def test_means_over_all_tasks_are_those_of_the_rows() -> None:
    def mean(policy: str) -> str:
        value, low, high = 100 * MEANS.loc[policy].astype(float)
        return f"`{policy}` {value:.1f} ({low:.1f} to {high:.1f})"

    says(mean("imle").replace(" (", " % (95 % interval "))
    for name in ("maniflow", "shortcut", "diffusion", "flow", "bc"):
        says(mean(name))
    assert set(MATRIX.loc[MATRIX["policy"] == "imle", "rows_per_update"].astype(float)) == {9.0}
    ranked = MEANS["value"].astype(float).sort_values(ascending=False).index[:4]
    assert list(ranked) == ["imle", "maniflow", "shortcut", "diffusion"]


def test_what_is_said_about_rotating_a_cube() -> None:
    text = " ".join((ROOT / "docs" / "tasks.md").read_text(encoding="utf-8").split())
    flow, diffusion, bc = (rate("RotateCube", name) for name in ("flow", "diffusion", "bc"))
    assert f"regression reach {flow:.2f}, {diffusion:.2f} and {bc:.2f}: diffusion is non-" in text
    pairs = [("flow", "diffusion"), ("flow", "bc"), ("diffusion", "bc")]
    words = [pair("RotateCube", *names)["verdict"] for names in pairs]
    assert words == ["undecided", "undecided", "non-inferior"]
