"""The numbers of docs/results.md about policies of other libraries and agents are those of rows."""

from functools import cache

import pandas as pd
import pytest

from fmbench.report.results import read_results
from tests.fmbench.test_evidence_page import points, says, table
from tests.fmbench.test_results_page import RESULTS, TASKS

PAPER = RESULTS / "paper"
COLUMNS = ("diffusion", "bc", "lerobot-act", "lerobot-diffusion", "lerobot-diffusion-sample")
HEADLINES = {"flow": 16, "diffusion": 100, "bc": 1, "lerobot-act": 1}
OF_AGENTS = ("ReachPose", "TurnDial", "LiftCube", "RelocateBall")
AGENTS = ("sb3-ppo", "sb3-sac-her", "sb3-sac-her-demos")


@cache
def matrix(section: str) -> pd.DataFrame:
    rows = table(PAPER / section / "matrix.csv")
    headlines = rows["policy"].map(lambda policy: HEADLINES.get(policy, 0))
    is_headline = (headlines == 0) | (headlines == rows["steps"].astype(int))
    return rows[is_headline].set_index(["task", "policy"])


def rate(section: str, task: str, policy: str) -> str:
    row = matrix(section).loc[(task, policy)]
    value, low, high = (100 * float(row[name]) for name in ("success_rate", "low", "high"))
    return f"{value:.0f} ({low:.0f} to {high:.0f})"


def of_library(task: str, policy: str) -> str:
    return rate("anchors", task, policy) if (task, policy) in matrix("anchors").index else ""


def test_the_table_of_lerobots_policies() -> None:
    for task in TASKS:
        says(f"| {task} | {' | '.join(of_library(task, policy) for policy in COLUMNS)} |")


def test_the_sentences_about_lerobots_policies() -> None:
    pairs = table(PAPER / "anchors" / "comparisons.csv")
    pairs = pairs[(pairs["policy_a"] == "lerobot-diffusion")]
    pairs = pairs[pairs["policy_b"] == "lerobot-diffusion-sample"].set_index("task")
    behind = pairs[pairs["verdict"] == "behind"]
    assert len(behind) == len(pairs) == 5
    gained = [points(-row.difference, -row.high, -row.low) for row in behind.itertuples()]
    says(f"all five tasks where both are measured, by {gained[0]} points on PressEither")
    for policy in COLUMNS[3:]:
        ours, theirs = (rate(name, "AvoidPost", policy) for name in ("anchors-rate", "anchors"))
        says(f"{ours} instead of {theirs}")
    parameters = [
        float(matrix("anchors").loc[("PressEither", policy)]["parameters"])
        for policy in ("diffusion", "lerobot-diffusion", "lerobot-act")
    ]
    says(" and ".join(f"{count / 1e6:.2f}" for count in parameters[1:]))


def test_the_table_of_agents() -> None:
    for task in OF_AGENTS:
        cells = [rate("agents", task, policy) for policy in (*AGENTS, "flow")]
        says(f"| {task} | {' | '.join(cells)} |")


@pytest.mark.parametrize("agent", AGENTS)
def test_the_steps_of_agents(agent: str) -> None:
    runs = [read_results(PAPER / "agents" / f"{task}-{agent}").run for task in OF_AGENTS]
    steps = [run.config["environment_steps"] for run in runs]
    if agent == "sb3-ppo":
        assert set(steps) == {300_000}
    else:
        says(f"{min(steps) // 1000},000 to {max(steps) // 1000},000")


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
    says(
        f"reaches the object in {hand[0]} and {hand[1]} of 100 test episodes and grasps it in none"
    )
    cube = [reached("LiftCube-sb3-ppo", *s) for s in (("grasped", "lifted"), ("lifted",))]
    ball = [reached("RelocateBall-sb3-ppo", s) for s in ("grasped", "lifted")]
    tips = reached("ReachPose-sb3-ppo", "all but one", "all tips")
    says(f"grasps the cube of LiftCube in {cube[0]} and lifts it in {cube[1]}")
    says(f"grasps the ball of RelocateBall in {ball[0]}")
    assert ball[1] == 0
    says(f"all fingertips but one arrive in {tips}")
    dial = read_results(PAPER / "agents" / "TurnDial-sb3-ppo").learning["success"].iloc[-1]
    says(f"{100 * dial:.0f} % of its last 100 training episodes")


def test_training_success_goes_up_and_down() -> None:
    learning = read_results(PAPER / "agents" / "RelocateBall-sb3-sac-her-demos").learning
    found = learning.set_index("environment_steps")["success"]
    says(
        f"({100 * found[80_000]:.0f} % of a hundred episodes at 80,000 steps, "
        f"{100 * found[100_000]:.0f} % at 100,000)"
    )
