"""The numbers of docs/results.md about policies of other libraries and agents are those of rows."""

from functools import cache

import pandas as pd
import pytest

from fmbench.report.over_seeds import difference_over_seeds, seeds_of
from fmbench.report.results import read_results
from tests.fmbench.test_evidence_page import points, says, table
from tests.fmbench.test_results_page import RESULTS

PAPER = RESULTS / "paper"
OF_LIBRARY = ("PressEither", "PickEither", "AvoidPost", "InsertPeg", "HandOver")
COLUMNS = ("diffusion", "bc", "lerobot-act", "lerobot-diffusion", "lerobot-diffusion-sample")
OF_AGENTS = ("ReachPose", "TurnDial", "LiftCube", "RelocateBall")
AGENTS = ("sb3-ppo", "sb3-sac-her", "sb3-sac-her-demos")
STEPS = {"flow": 16, "diffusion": 100}
"""At how many evaluations a policy is compared, if it has several."""


@cache
def matrix(section: str) -> pd.DataFrame:
    rows = table(PAPER / section / "matrix.csv")
    wanted = rows["policy"].map(STEPS).fillna(rows["steps"]).astype(int)
    return rows[wanted == rows["steps"].astype(int)].set_index(["task", "policy"])


def rate(section: str, task: str, policy: str) -> str:
    row = matrix(section).loc[(task, policy)]
    value, low, high = (100 * float(row[name]) for name in ("success_rate", "low", "high"))
    return f"{value:.0f} ({low:.0f} to {high:.0f})"


def of_library(task: str, policy: str) -> str:
    return rate("anchors", task, policy) if (task, policy) in matrix("anchors").index else ""


def pair(task: str, a: str, b: str, turned: bool = False) -> str:
    """Return the difference of two policies of `anchors`, or that of the second to the first."""
    rows = table(PAPER / "anchors" / "comparisons.csv").set_index(["task", "policy_a", "policy_b"])
    row = rows.loc[(task, a, b)]
    low, high = (-row["high"], -row["low"]) if turned else (row["low"], row["high"])
    return points(-row["difference"] if turned else row["difference"], low, high)


def at_our_rate(policy: str) -> str:
    """Return what our learning rate changes on AvoidPost."""
    rates = [
        [float(rate) for rate in matrix(section).loc[("AvoidPost", policy)]["seed_rates"].split()]
        for section in ("anchors-rate", "anchors")
    ]
    ours, theirs = (seeds_of([round(100 * rate) for rate in each], 100) for each in rates)
    value, low, high, _ = (float(part.item()) for part in difference_over_seeds(ours, theirs))
    return points(value, low, high)


def sizes(policy: str) -> str:
    rows = matrix("anchors").xs(policy, level="policy")["parameters"]
    counts = rows.loc[rows.index.isin(OF_LIBRARY)].astype(float)
    return f"{counts.min() / 1e6:.2f} to {counts.max() / 1e6:.2f}"


def test_the_table_of_lerobots_policies() -> None:
    for task in OF_LIBRARY:
        says(f"| {task} | {' | '.join(of_library(task, policy) for policy in COLUMNS)} |")
    says(f"ours have {sizes('diffusion')} million parameters,")
    says(f"`DiffusionPolicy` {sizes('lerobot-diffusion')} and `ACT` {sizes('lerobot-act')}")
    runs = [path.parent.name for path in (PAPER / "anchors").glob("*/run.json")]
    says(f"{len(runs)} of 18 runs")


def test_they_learnt_from_the_same_demonstrations() -> None:
    for section in ("anchors", "anchors-rate"):
        for path in (PAPER / section).glob("*/run.json"):
            facts = read_results(path.parent).run
            (task,) = facts.task_hashes
            ours = read_results(PAPER / "main" / task).run.demonstrations
            assert facts.demonstrations[task].sha256 == ours[task].sha256


def test_what_the_prediction_and_the_learning_rate_change() -> None:
    pairs = table(PAPER / "anchors" / "comparisons.csv").set_index(["policy_a", "policy_b"])
    by_sample = pairs.loc[("lerobot-diffusion", "lerobot-diffusion-sample")]
    assert list(by_sample["verdict"]) == ["behind"] * 4
    says("all four tasks where both are measured")
    for task, words in (("PressEither", "points on PressEither"), ("PickEither", "on PickEither")):
        says(f"{pair(task, 'lerobot-diffusion', 'lerobot-diffusion-sample', True)} {words}")
    for policy, what in (
        ("lerobot-diffusion-sample", "the sample solves"),
        ("lerobot-diffusion", "the noise"),
    ):
        ours, theirs = (rate(name, "AvoidPost", policy) for name in ("anchors-rate", "anchors"))
        says(f"{what} {ours} instead of {theirs} %, by {at_our_rate(policy)} points")
    rates = [
        read_results(PAPER / section / "AvoidPost-lerobot-diffusion").run.config["learning_rate"]
        for section in ("anchors-rate", "anchors")
    ]
    says(f"with {rates[0]} in place of {rates[1]}")
    act = read_results(PAPER / "anchors" / "AvoidPost-lerobot-act").run.config["learning_rate"]
    says(f"rate of `ACT` is {act:.5f}, a hundredth of ours")


def test_what_is_left_between_ours_and_theirs() -> None:
    pairs = table(PAPER / "anchors" / "comparisons.csv")
    left = pairs[
        (pairs["policy_a"] == "diffusion") & (pairs["policy_b"] == "lerobot-diffusion-sample")
    ].set_index("task")["verdict"]
    assert dict(left) == {
        "PressEither": "ahead",
        "InsertPeg": "ahead",
        "AvoidPost": "non-inferior",
        "PickEither": "undecided",
    }
    gaps = [pair(t, "diffusion", "lerobot-diffusion-sample") for t in ("PressEither", "InsertPeg")]
    says(f"by {gaps[0]} and {gaps[1]} points")


def test_the_table_of_agents() -> None:
    for task in OF_AGENTS:
        cells = [rate("agents", task, policy) for policy in (*AGENTS, "flow")]
        says(f"| {task} | {' | '.join(cells)} |")
    demos = matrix("agents").xs("sb3-sac-her-demos", level="policy")["success_rate"].astype(float)
    assert sum(demos >= 0.8) == 3
    says("at least 80 % on three tasks")


@pytest.mark.parametrize("agent", AGENTS)
def test_the_steps_of_agents(agent: str) -> None:
    steps = {
        task: read_results(PAPER / "agents" / f"{task}-{agent}").run.config["environment_steps"]
        for task in OF_AGENTS
    }
    if agent == "sb3-ppo":
        assert set(steps.values()) == {300_000}
    else:
        says(f"{min(steps.values()) // 1000},000 to {max(steps.values()) // 1000},000")
    if agent == "sb3-sac-her-demos":
        says(f"after {steps['RelocateBall']:,} of its 300,000 steps")


def reached(run: str, *stages: str) -> int:
    """Return in how many test episodes of an agent the furthest stage is one of some."""
    rows = read_results(PAPER / "agents" / run).episodes
    return int(rows[~rows["policy"].isin(["expert", "random"])]["stage"].isin(stages).sum())


def test_how_far_the_agents_that_fail_get() -> None:
    hand = []
    for task in ("LiftCube", "RelocateBall"):
        learning = read_results(PAPER / "agents" / f"{task}-sb3-sac-her").learning
        assert learning["success"].max() == 0
        assert reached(f"{task}-sb3-sac-her", "grasped", "lifted", "at goal", "held") == 0
        hand.append(reached(f"{task}-sb3-sac-her", "reached"))
    says(f"reaches the object in {hand[0]} and {hand[1]} of 100 test episodes")
    cube = [reached("LiftCube-sb3-ppo", *s) for s in (("grasped", "lifted"), ("lifted",))]
    ball = [reached("RelocateBall-sb3-ppo", s) for s in ("grasped", "lifted")]
    tips = reached("ReachPose-sb3-ppo", "all but one", "all tips")
    says(f"grasps the cube of LiftCube in {cube[0]} and lifts it in {cube[1]}")
    says(f"grasps the ball of RelocateBall in {ball[0]}")
    assert ball[1] == 0
    says(f"at least all fingertips but one arrive in {tips}")


def test_success_in_training_and_in_the_test() -> None:
    def both(task: str, agent: str) -> tuple[str, str]:
        last = read_results(PAPER / "agents" / f"{task}-{agent}").learning["success"].iloc[-1]
        return f"{100 * last:.0f} %", rate("agents", task, agent).split()[0]

    ball, cube = (both(task, "sb3-sac-her-demos") for task in ("RelocateBall", "LiftCube"))
    says(f"solved {ball[0]} on RelocateBall (test: {ball[1]} %)")
    says(f"and {cube[0]} on LiftCube ({cube[1]} %)")
    dial = both("TurnDial", "sb3-ppo")
    says(f"`ppo` {dial[0]} on TurnDial ({dial[1]} %)")
