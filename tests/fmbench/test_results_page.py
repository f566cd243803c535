"""The numbers of docs/results.md about networks and equal rows are those of the rows."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fmbench.report.over_seeds import Seeds, difference_over_seeds, seeds_of
from fmbench.report.statistics import holm
from fmbench.report.verdicts import AHEAD, BEHIND, verdict_of

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"
PAGE = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.split())
TASKS = ("PressEither", "PickEither", "AvoidPost", "InsertPeg", "HandOver", "TurnDial")
FOLDERS = ("policy_matrix", "policy_matrix_rows")
KEY = ["task", "backbone", "policy", "sampler", "steps"]
EQUAL_UPDATES, EQUAL_ROWS = (
    pd.read_csv(RESULTS / folder / "matrix.csv", keep_default_na=False).set_index(KEY).sort_index()
    for folder in FOLDERS
)
FLOWS = {
    "flow": "euler",
    "reflow": "euler",
    "meanflow": "average",
    "shortcut": "shortcut",
    "maniflow": "average",
    "consistency": "consistency",
}
HEADLINES = {
    **{policy: (sampler, 16) for policy, sampler in FLOWS.items()},
    **{"drift": ("one_step", 1), "imle": ("one_step", 1), "diffusion": ("ddpm", 100)},
    **{"mip": ("two_step", 2), "bc": ("direct", 1), "gmm": ("mixture", 1), "knn": ("nearest", 1)},
}
"""Policy to the sampler and steps by which it is compared."""
COSTLY = ("reflow", "meanflow", "shortcut", "maniflow", "drift", "imle", "consistency", "mip")
"""Policies that have fewer updates at equal rows."""


def seed_rates(matrix: pd.DataFrame, *key: object) -> np.ndarray:
    return np.array([float(rate) for rate in matrix.loc[key, "seed_rates"].split()])


def headline(matrix: pd.DataFrame, policy: str, task: str, backbone: str = "mlp") -> float:
    return float(matrix.loc[(task, backbone, policy, *HEADLINES[policy]), "success_rate"])


def seeds(matrix: pd.DataFrame, *key: object) -> Seeds:
    return seeds_of(100 * seed_rates(matrix, *key), 100)


def difference(a: Seeds, b: Seeds) -> tuple[float, float, float, float]:
    """Return the difference of two methods, in points, its interval and its p-value."""
    value, low, high, p = (float(np.ravel(part)[0]) for part in difference_over_seeds(a, b))
    return 100 * value, 100 * low, 100 * high, p


def percent(rates: list[float], digits: int) -> str:
    return " / ".join(f"{100 * rate:.{digits}f}" for rate in rates)


def signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


def table_below(text: str) -> dict[str, list[str]]:
    """Return the cells of the first table below a text, by the first word of their line."""
    table = PAGE.partition(text)[2].partition("\n|")[2].partition("\n\n")[0]
    lines = [line.strip("|").split("|") for line in table.splitlines()[2:]]
    return {cells[0].split("`")[1]: [cell.strip() for cell in cells[1:]] for cells in lines}


def test_the_table_of_networks_has_the_rates_of_the_rows() -> None:
    table = table_below("### Three networks")
    assert list(table) == ["flow", "diffusion", "bc", "maniflow", "drift", "imle"]
    for policy, cells in table.items():
        for task, cell in zip(("PressEither", "PickEither", "TurnDial"), cells, strict=True):
            rates = [headline(EQUAL_UPDATES, policy, task, net) for net in ("mlp", "dit", "unet")]
            assert cell == percent(rates, 1), (policy, task)


def test_the_transformer_is_within_five_points_by_its_means_and_not_by_its_intervals() -> None:
    texts, lows = [], []
    for task in ("PressEither", "PickEither", "TurnDial"):
        for policy in ("flow", "diffusion", "bc"):
            other = max(("mlp", "unet"), key=lambda net: headline(EQUAL_UPDATES, policy, task, net))
            on_dit, on_other = (
                seeds(EQUAL_UPDATES, task, net, policy, *HEADLINES[policy])
                for net in ("dit", other)
            )
            value, low, high, _ = difference(on_dit, on_other)
            assert value > -5
            lows.append(low)
            if task == "PickEither":
                texts.append((signed(value), f"{signed(low)} to {signed(high)}"))
    assert max(lows) < -5
    flow, diffusion, bc = texts
    assert (
        f"the differences to the better of the other networks are {flow[0]} (95 % interval "
        f"{flow[1]}), {diffusion[0]} ({diffusion[1]}) and {bc[0]} points ({bc[1]})."
    ) in TEXT


@pytest.mark.parametrize(
    ("task", "policy", "networks", "text"),
    [
        ("PickEither", "imle", ("mlp", "dit"), "{} points less with the transformer than with the"),
        ("PickEither", "imle", ("unet", "dit"), "{} less than with the U-Net ({})"),
        ("PickEither", "drift", ("dit", "mlp"), "`drift` {} more than with the MLP ({})"),
        ("PickEither", "bc", ("dit", "mlp"), "`bc` {} more ({})"),
        (
            "PressEither",
            "drift",
            ("unet", "dit"),
            "`drift` solves {} less than with the U-Net ({})",
        ),
    ],
)
def test_differences_between_networks_are_those_of_the_rows(
    task: str, policy: str, networks: tuple[str, str], text: str
) -> None:
    pair = (seeds(EQUAL_UPDATES, task, net, policy, *HEADLINES[policy]) for net in networks)
    value, low, high, _ = difference(*pair)
    assert low > 0
    assert text.format(f"{value:.0f}", f"{low:.0f} to {high:.0f}") in TEXT
    assert f"({low:.0f} to {high:.0f})" in TEXT


def test_the_table_of_equal_rows_has_the_rates_and_updates_of_the_rows() -> None:
    table = table_below("### Equal rows of the network")
    assert tuple(table) == COSTLY
    for policy, (updates, *cells) in table.items():
        (made,) = set(EQUAL_ROWS.xs(policy, level="policy")["updates"].astype(float))
        assert updates == f"{made:,.0f}"
        for task, cell in zip(TASKS, cells, strict=True):
            rates = [headline(matrix, policy, task) for matrix in (EQUAL_UPDATES, EQUAL_ROWS)]
            assert cell == percent(rates, 0).replace(" / ", " → "), (policy, task)


def changes(cells: dict[str, tuple[str, int]]) -> pd.DataFrame:
    """Return what equal rows change in each policy and task, Holm-adjusted, in points."""
    rows = []
    for policy, configuration in cells.items():
        for task in TASKS:
            key = (task, "mlp", policy, *configuration)
            rows.append(
                (policy, task, *difference(seeds(EQUAL_ROWS, *key), seeds(EQUAL_UPDATES, *key)))
            )
    table = pd.DataFrame(rows, columns=["policy", "task", "value", "low", "high", "p"])
    verdicts = [
        verdict_of(low / 100, high / 100, float(p), 0.05)[0]
        for low, high, p in zip(table["low"], table["high"], holm(list(table["p"])), strict=True)
    ]
    return table.assign(verdict=verdicts).set_index(["policy", "task"])


def test_what_equal_rows_change_is_said_with_the_intervals_of_the_rows() -> None:
    table = changes({policy: HEADLINES[policy] for policy in COSTLY})
    assert len(table) == 48
    assert "the 48 differences of the table" in TEXT
    behind = table[table["verdict"] == BEHIND]
    assert Counter(policy for policy, _ in behind.index) == {"imle": 4, "drift": 3}
    assert not (table["verdict"] == AHEAD).any()
    for policy, interval in (("imle", "95 % interval "), ("drift", "")):
        task = behind.loc[policy]["value"].idxmin()
        row = behind.loc[(policy, task)]
        text = f"by up to {-row.value:.0f} ({interval}{-row.high:.0f} to {-row.low:.0f}, {task})"
        assert text.replace(" (95", " points (95") in TEXT
    mip = [-table.loc[("mip", task), "value"] for task in TASKS[:3]]
    assert f"solves {min(mip):.0f} to {max(mip):.0f} points less of the three tasks" in TEXT
    other = table.loc[[policy for policy in COSTLY if policy in FLOWS]]
    assert -7 < other["value"].min() < -6
    for task, text in (
        ("InsertPeg", "gains {} on InsertPeg ({})"),
        ("HandOver", "{} on HandOver ({})"),
    ):
        row = table.loc[("consistency", task)]
        interval = f"{row.low:+.0f} to {row.high:+.0f}".replace("-", "−")
        assert text.format(f"{row.value:.0f}", interval) in TEXT
    at_one = changes(
        {policy: (sampler, 1) for policy, sampler in FLOWS.items() if policy != "flow"}
    )
    assert not set(at_one["verdict"]) & {AHEAD, BEHIND}


def verdicts(folder: str) -> tuple[dict[tuple[str, str, str], str], int]:
    """Return who is ahead in which pairs of policies of the MLP, and how many are undecided."""
    ahead, undecided, task = {}, 0, ""
    of_mlp = False
    for line in (RESULTS / folder / "matrix.md").read_text(encoding="utf-8").splitlines():
        task = line[3:] if line.startswith("## ") else task
        if line.startswith("- "):
            of_mlp = line.startswith("- mlp, headline samplers: 78 pairs")
            undecided += int(line.rpartition("undecided in ")[2]) if of_mlp else 0
        if of_mlp and (found := re.match(r"  - (\w+) ahead of (\w+)", line)):
            better, worse = found.groups()
            ahead[(task, *sorted((better, worse)))] = better
    return ahead, undecided


def test_what_the_transformer_does_where_ways_part_is_that_of_the_rows() -> None:
    def numbers(policy: str, network: str) -> tuple[str, ...]:
        row = EQUAL_UPDATES.loc[("PickEither", network, policy, "one_step", 1)]
        names = ("success_rate", "low", "high", "bridge_rate", "bridge_low", "bridge_high")
        rate, *others = (100 * float(row[name]) for name in (*names, "minor_way"))
        return f"{rate:.1f}", *(f"{value:.0f}" for value in others)

    of_unet, of_dit = numbers("drift", "unet"), numbers("drift", "dit")
    for text in (
        "{0[0]} % ({0[1]} to {0[2]}) with the U-Net and {1[0]} % ({1[1]} to {1[2]}) with the",
        "are on a way {0[6]} and {1[6]} % are on the rarer one,",
        "and {0[3]} % ({0[4]} to {0[5]}) and {1[3]} % ({1[4]} to {1[5]}) of all are on none",
    ):
        assert text.format(of_unet, of_dit) in TEXT
    of_unet, of_dit = numbers("imle", "unet"), numbers("imle", "dit")
    assert of_unet[3] == of_dit[3]
    for text in (
        "{1[3]} % of its first chunks are on no way with the U-Net ({0[4]} to {0[5]})",
        f"with the transformer ({{1[4]}} to {{1[5]}}), where it solves {float(of_dit[0]):.0f} %",
    ):
        assert text.format(of_unet, of_dit) in TEXT


def test_verdicts_at_equal_rows_are_counted_as_in_the_tables() -> None:
    (before, open_before), (after, still_open) = map(verdicts, FOLDERS)
    pairs = len(TASKS) * 78
    new, gone = after.keys() - before.keys(), before.keys() - after.keys()
    assert all(before[key] == after[key] for key in after.keys() & before.keys())
    worse = Counter(name for key in new for name in key[1:] if name != after[key])
    losers = sum(worse[name] for name in ("imle", "drift", "mip"))
    assert (
        f"In {len(after)} of {pairs} pairs (task, two policies) one policy is ahead, at equal "
        f"updates in {len(before)}: {len(new)} are new, in {losers} of which `imle`, `drift` or "
        f"`mip` is behind, {len(gone)} are gone, and none is reversed;"
    ) in TEXT
    behind = [
        sum("imle" in key and better != "imle" for key, better in ahead.items())
        for ahead in (before, after)
    ]
    assert behind[0] == 0
    assert f"is behind another in {behind[1]} of its {12 * len(TASKS)} pairs" in TEXT
    assert f"{still_open} pairs are undecided ({open_before} at equal updates)" in TEXT
