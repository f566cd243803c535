"""The numbers of docs/results.md about hands, delays and disturbances are those of the rows."""

from collections import Counter
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from fmbench.report.comparisons import compare_at_equal_nfe
from fmbench.report.delay.deployment import deployment_rows
from fmbench.report.over_changes import Changes, change_over_seeds, changes_of
from fmbench.report.results import Results, read_results
from fmbench.report.statistics import holm
from tests.fmbench.test_results_page import RESULTS, TEXT, signed

HANDS = RESULTS / "paper" / "hands"
DELAY, PERTURB = (RESULTS / "paper" / name for name in ("delay", "perturb"))
TASKS = ("PressEither", "TurnDial", "LiftCube", "InsertPeg")
OTHERS = ("", "Shadow", "Allegro", "Leap")
HEADLINES = {
    "flow": ("euler", 16),
    "shortcut": ("shortcut", 16),
    "drift": ("one_step", 1),
    "diffusion": ("ddpm", 100),
    "bc": ("direct", 1),
}
KEY = ["task", "policy", "sampler", "steps"]


@cache
def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False)


@cache
def run(name: str) -> Results:
    return read_results(HANDS / name)


def says(text: str) -> None:
    """Check that the page has a text."""
    assert " ".join(text.split()) in TEXT


def points(difference: float, low: float, high: float) -> str:
    return f"{signed(100 * difference)} ({signed(100 * low)} to {signed(100 * high)})"


def fewer_steps(name: str, policy: str, many: tuple[str, int], few: tuple[str, int]) -> Changes:
    """Return what many evaluations change for the checkpoints of one run, against few."""
    rows = run(name).episodes
    rows = rows[rows["policy"] == policy].set_index(["sampler", "steps"]).sort_index()
    pair = [
        rows.loc[key].pivot(index="episode_seed", columns="train_seed", values="success")
        for key in (many, few)
    ]
    on_many, on_few = (frame.to_numpy(bool) for frame in pair)
    gained, lost = on_many & ~on_few, on_few & ~on_many
    return changes_of(gained.sum(axis=0), lost.sum(axis=0), len(on_many))


def test_the_table_of_hands_has_the_rates_of_the_rows() -> None:
    matrix = table(HANDS / "matrix.csv").set_index(KEY)["success_rate"].astype(float)
    for policy, headline in HEADLINES.items():
        cells = [
            " / ".join(f"{100 * matrix[task + hand, policy, *headline]:.0f}" for hand in OTHERS)
            for task in TASKS
        ]
        says(f"| `{policy}` | {' | '.join(cells)} |")


def test_the_sentences_about_hands() -> None:
    across = table(HANDS / "across_hands.csv")
    means = across[across["task"] == ""]
    assert Counter(means["verdict"]) == {"alike": 4, "undecided": 2}
    undecided = means[means["verdict"] == "undecided"]
    assert [f"{r.hand} {r.other}" for r in undecided.itertuples()] == [
        "shadow allegro",
        "shadow leap",
    ]
    tau = {
        (r.hand, r.other): f"{r.tau:.2f} ({r.low:.2f} to {r.high:.2f})" for r in means.itertuples()
    }
    says(f"highest between Allegro and LEAP, {tau['allegro', 'leap']},")
    says(f"lowest between our hand and Allegro, {tau['fmbench', 'allegro']}")
    verdicts = Counter(
        row.verdict for name in names() for row in run(name).comparisons.itertuples()
    )
    ahead = verdicts["ahead"] + verdicts["behind"]
    says(
        f"Of {sum(verdicts.values())} pairs (task on a hand, two policies) one is ahead in {ahead}"
    )
    says(f"{verdicts['non-inferior']} are non-inferior and {verdicts['undecided']} undecided")
    for name in names():
        equal = compare_at_equal_nfe(run(name).episodes)
        assert set(equal["verdict"]) <= {"undecided", "non-inferior"}
    tasks = table(HANDS / "across_tasks.csv")
    better = tasks[tasks["quantity"] == "improvement"].set_index(["policy", "against"])
    for against in ("drift", "diffusion", "bc"):
        row = better.loc["shortcut", against]
        says(f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})")


def names() -> list[str]:
    return [task + hand for hand in OTHERS for task in TASKS]


@pytest.mark.parametrize(
    ("policy", "many", "few", "behind"),
    [
        ("flow", ("euler", 16), ("euler", 4), 4),
        ("diffusion", ("ddim", 16), ("ddim", 4), 2),
        ("shortcut", ("shortcut", 16), ("shortcut", 4), 0),
    ],
)
def test_more_evaluations_can_be_worse(
    policy: str, many: tuple[str, int], few: tuple[str, int], behind: int
) -> None:
    found = [change_over_seeds(fewer_steps(name, policy, many, few)) for name in names()]
    adjusted = holm([float(change.p) for change in found])
    worse = [
        (name, change)
        for name, change, p in zip(names(), found, adjusted, strict=True)
        if p < 0.05 and change.high < 0
    ]
    assert len(worse) == behind
    assert not any(
        p < 0.05 and change.low > 0 for change, p in zip(found, adjusted, strict=True)
    ), "more evaluations are nowhere better"
    if policy == "flow":
        for name, change in worse:
            says(f"{name} {points(*map(float, change[:3]))}")


def test_more_evaluations_make_commands_rougher() -> None:
    ratios = []
    for name in names():
        rows = run(name).episodes
        jerk = rows[rows["policy"] == "flow"].groupby("steps")["jerk"].mean()
        ratios.append(jerk[16] / jerk[4])
    says(f"{min(ratios):.1f} to {max(ratios):.1f} times the jerk")


def test_the_table_of_delays_has_the_rates_of_the_rows() -> None:
    rows = table(DELAY / "delays.csv").set_index(
        ["policy", "sampler", "steps", "execution", "delay"]
    )
    shown = {
        "flow": ("euler", 10), "shortcut": ("shortcut", 2), "drift": ("one_step", 1),
        "imle": ("one_step", 1), "diffusion": ("ddpm", 100), "bc": ("direct", 1),
    }  # fmt: skip
    for policy, headline in shown.items():
        for execution in ("hold", "rtc", "ensemble"):
            if execution == "rtc" and policy not in ("flow", "diffusion"):
                continue
            cells = [
                f"{100 * float(rows.loc[(policy, *headline, execution, d), 'success_rate']):.0f}"
                for d in (0, 1, 2, 4, 8)
            ]
            says(f"| `{policy}`, {execution} | {' | '.join(cells)} |")


def test_the_sentences_about_delays() -> None:
    rows = table(DELAY / "delays.csv").set_index(["policy", "execution", "delay", "steps"])
    names = ("difference", "difference_low", "difference_high")

    def change(*key: object) -> str:
        row = rows.loc[key]
        return points(*(float(row[name]) for name in names))

    flow, diffusion = ("flow", "hold", 4, 10), ("diffusion", "hold", 4, 100)
    says(f"plain execution changes `flow` by {change(*flow)} points and `diffusion` by")
    says(f"`diffusion` by {change(*diffusion)}, rtc by {change('flow', 'rtc', 4, 10)} and")
    says(f"and {change('diffusion', 'rtc', 4, 100)}.")
    says(f"ensemble changes `flow` by {change('flow', 'ensemble', 0, 10)} points without any delay")
    assert rows.loc["flow", "ensemble", 0, 10]["verdict"] == "behind"


def test_the_sentences_about_disturbances() -> None:
    kept = table(PERTURB / "retention.csv").set_index(["perturb", "policy"])

    def share(perturb: str, policy: str) -> str:
        row = kept.loc[perturb, policy]
        return (
            f"{float(row['retention']):.2f} ({float(row['low']):.2f} to {float(row['high']):.2f})"
        )

    for perturb in ("obs-stale=4", "hidden=on", "kp=0.5"):
        flow, diffusion = (f"`{name}` {share(perturb, name)}" for name in ("flow", "diffusion"))
        says(f"`{perturb}` leaves {flow}, {diffusion}")
        says(f"and `bc` {share(perturb, 'bc')}")
    says(f"most is left to `drift`, {share('obs-stale=4', 'drift')}")
    says(
        f"`bc` keeps {share('start=1.5', 'bc')} of its success, `flow` {share('start=1.5', 'flow')}"
    )


def test_what_disturbances_do_to_whom() -> None:
    rows = table(PERTURB / "retention.csv")
    kept = rows[rows["policy"] != "expert"].pivot(
        index="perturb", columns="policy", values="retention"
    ).astype(float)  # fmt: skip
    harmless = kept.index[((kept - 1).abs() <= 0.05).all(axis=1)]
    says(f"{len(harmless)} of the {len(kept)} settings change no policy's success by more than a")
    axes = [text for text in kept.index if text.partition("=")[0] in ("mass", "friction", "push")]
    assert {*axes, "obs-noise=0.03"} <= set(harmless)
    losing = kept[(kept < 0.95).any(axis=1)]
    assert (losing.idxmin(axis=1) == "bc").all()
    assert kept.loc["obs-stale=4"].idxmax() == "drift"
    cells = table(PERTURB / "disturbances.csv")
    broken = cells[(cells["policy"] == "expert") & (cells["disturbed_rate"].astype(float) < 0.8)]
    assert set(zip(broken["perturb"], broken["task"], strict=True)) == {
        ("act-noise=2", "InsertPeg"),
        ("start=1.5", "OpenDoor"),
    }


def test_the_table_of_latencies_has_the_numbers_of_the_rows() -> None:
    folder = RESULTS / "deployment"
    names = {"euler": "Euler", "ddim": "DDIM", "ddpm": "DDPM", "direct": ""}
    runs = {"MLP": "mlp/PressEither", "U-Net": "unet/PressEither"}
    rows = [
        (f"{network}, `{row.policy}` {names[row.sampler]} {row.steps}".replace("  1", ""), row)
        for network, run in runs.items()
        for row in deployment_rows([read_results(folder / run)])
    ]
    for size, run in (("our", "lerobot-225.09"), ("published", "lerobot-17500")):
        found = deployment_rows([read_results(folder / run)])
        (row,) = (row for row in found if row.sampler == "ddpm")
        rows.append((f"LeRobot's latency, {size} size: `diffusion` DDPM 100", row))
    for name, row in rows:
        change = points(
            row.difference or 0.0, row.difference_low or 0.0, row.difference_high or 0.0
        )
        latency = f"{row.latency_ms:.1f}" if row.latency_ms < 100 else f"{row.latency_ms:,.0f}"
        rates = f"{100 * row.plain_rate:.0f} | {100 * row.success_rate:.0f}"
        says(f"| {name} | {latency} | {row.delay} | {rates} | {change} |")
    ours = [row.delay for name, row in rows if not name.startswith("LeRobot")]
    assert set(ours) == {1}, "few evaluations do not count with these networks"
