"""The numbers of docs/results.md about policies of other libraries and agents are those of rows."""

import tomllib
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from envs.registry import make_task
from fmbench.report.over_seeds import difference_over_seeds, seeds_of
from fmbench.report.results import read_results
from tests.fmbench.test_evidence_page import points, says, table
from tests.fmbench.test_results_page import RESULTS

PAPER = RESULTS / "paper"
GRID = Path(__file__).parents[2] / "fmbench" / "grids" / "paper.toml"
OF_LIBRARY = ("PressEither", "PickEither", "AvoidPost", "InsertPeg", "HandOver", "TurnDial")
BY_SAMPLE = "lerobot-diffusion-sample"
CHANGED = tuple(f"lerobot-diffusion-{what}" for what in ("frames", "mlp", "frames-mlp"))
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
    return shown(matrix(section).loc[(task, policy)])


def shown(row: "pd.Series[float]") -> str:
    """Return a rate with its interval, in percent."""
    value, low, high = (100 * float(row[name]) for name in ("success_rate", "low", "high"))
    return f"{value:.0f} ({low:.0f} to {high:.0f})"


def pair(task: str, a: str, b: str, turned: bool = False) -> str:
    """Return the difference of two policies of `anchors`, or that of the second to the first."""
    rows = table(PAPER / "anchors" / "comparisons.csv").set_index(["task", "policy_a", "policy_b"])
    row = rows.loc[(task, a, b)]
    low, high = (-row["high"], -row["low"]) if turned else (row["low"], row["high"])
    return points(-row["difference"] if turned else row["difference"], low, high)


def counts(seed_rates: str) -> list[int]:
    """Return the successes of each seed, in 100 episodes."""
    return [round(100 * float(rate)) for rate in seed_rates.split()]


def change(a: list[int], b: list[int]) -> str:
    """Return the difference of two policies, by the successes of their seeds in 100 episodes."""
    found = difference_over_seeds(seeds_of(a, 100), seeds_of(b, 100))
    value, low, high = (float(part.item()) for part in found[:3])
    return points(value, low, high)


def between(task: str, a: tuple[str, str], b: tuple[str, str]) -> str:
    """Return the difference of two policies on a task, each a section and a name."""
    rows = (matrix(section).loc[(task, policy)] for section, policy in (a, b))
    return change(*(counts(row["seed_rates"]) for row in rows))


def bounds(text: str) -> tuple[str, str]:
    """Return the ends of the interval in a text of `points`."""
    low, _, high = text.partition("(")[2].rstrip(")").partition(" to ")
    return low, high


def sizes(policy: str) -> str:
    rows = matrix("anchors").xs(policy, level="policy")["parameters"]
    counts = rows.loc[rows.index.isin(OF_LIBRARY)].astype(float)
    return f"{counts.min() / 1e6:.2f} to {counts.max() / 1e6:.2f}"


def test_the_table_of_lerobots_policies() -> None:
    for task in OF_LIBRARY:
        says(f"| {task} | {' | '.join(rate('anchors', task, policy) for policy in COLUMNS)} |")
    says(f"ours have {sizes('diffusion')} million parameters,")
    says(f"`DiffusionPolicy` {sizes('lerobot-diffusion')} and `ACT` {sizes('lerobot-act')}")


@pytest.mark.parametrize("section", ["anchors", "anchors-rate", "anchors-why", "anchors-time"])
def test_all_runs_are_there_and_learnt_from_the_same_demonstrations(section: str) -> None:
    planned = tomllib.loads(GRID.read_text())["sections"][section]["outside"]
    assert sorted(path.parent.name for path in (PAPER / section).glob("*/run.json")) == sorted(
        planned
    )
    for name in planned:
        facts = read_results(PAPER / section / name).run
        (task,) = facts.task_hashes
        ours = read_results(PAPER / "main" / task).run.demonstrations
        assert facts.demonstrations[task].sha256 == ours[task].sha256


def test_what_the_prediction_changes() -> None:
    pairs = table(PAPER / "anchors" / "comparisons.csv").set_index(["policy_a", "policy_b"])
    by_sample = pairs.loc[("lerobot-diffusion", BY_SAMPLE)]
    assert list(by_sample["verdict"]) == ["behind"] * 6
    gains = dict(zip(by_sample["task"], by_sample["difference"].abs(), strict=True))
    least, most = min(gains, key=lambda t: gains[t]), max(gains, key=lambda t: gains[t])
    says(
        f"by {pair(least, 'lerobot-diffusion', BY_SAMPLE, True)} points on {least}, the least, and "
        f"{pair(most, 'lerobot-diffusion', BY_SAMPLE, True)} on {most}, the most"
    )
    rates = [
        read_results(PAPER / section / "AvoidPost-lerobot-diffusion").run.config["learning_rate"]
        for section in ("anchors-rate", "anchors")
    ]
    says(f"| task | LeRobot's rate, {rates[1]} | ours, {rates[0]} |")
    act = read_results(PAPER / "anchors" / "AvoidPost-lerobot-act").run.config["learning_rate"]
    says(f"of `ACT` is {act:.5f}, a hundredth of ours, that of `DiffusionPolicy` {rates[1]}")


def test_what_is_left_between_ours_and_theirs() -> None:
    pairs = table(PAPER / "anchors" / "comparisons.csv")
    left = pairs[(pairs["policy_a"] == "diffusion") & (pairs["policy_b"] == BY_SAMPLE)]
    verdicts = dict(left.set_index("task")["verdict"])
    assert verdicts == {
        **dict.fromkeys(("PressEither", "InsertPeg", "HandOver"), "ahead"),
        "AvoidPost": "non-inferior",
        **dict.fromkeys(("PickEither", "TurnDial"), "undecided"),
    }
    a, b, c = (pair(t, "diffusion", BY_SAMPLE) for t in verdicts if verdicts[t] == "ahead")
    says(f"HandOver, by {a}, {b} and {c} points")


def test_why_they_differ() -> None:
    rated, all_frames = ("anchors-rate", BY_SAMPLE), ("anchors-why", CHANGED[0])
    both, ours = ("anchors-why", CHANGED[2]), ("anchors", "diffusion")
    for task in ("PressEither", "InsertPeg"):
        cells = [rate("anchors", task, BY_SAMPLE), rate(rated[0], task, BY_SAMPLE)]
        cells += [
            *(rate("anchors-why", task, name) for name in CHANGED),
            rate(*task_of(ours, task)),
        ]
        says(f"| {task} | {' | '.join(cells)} |")
    cells = [rate(section, "AvoidPost", BY_SAMPLE) for section in ("anchors", "anchors-rate")]
    says(f"| AvoidPost | {' | '.join(cells)} | | | | {rate(*task_of(ours, 'AvoidPost'))} |")
    pressed = "PressEither"
    says(f"all frames it solves {between(pressed, all_frames, rated)} points more.")
    says(f"Our rate alone, {between(pressed, rated, ('anchors', BY_SAMPLE))}, and our MLP besides,")
    says(f"{between(pressed, ('anchors-why', CHANGED[1]), rated)}, are undecided")
    peg = "InsertPeg"
    says(f"learning rate**, {between(peg, rated, ('anchors', BY_SAMPLE))} points, **and probably")
    says(f"our MLP solves {between(peg, ('anchors-why', CHANGED[1]), rated)} points more, with all")
    says(f"frames in both {between(peg, both, all_frames)}.")
    says(f"All frames alone change it by {between(peg, all_frames, rated)}.")
    says(f"changes it by {between('AvoidPost', rated, ('anchors', BY_SAMPLE))} points; frames and")
    for task, policy, words in (
        ("AvoidPost", "lerobot-diffusion", "gains by that there, too,"),
        ("InsertPeg", "lerobot-act", "`ACT` on InsertPeg"),
    ):
        says(f"{words} {between(task, ('anchors-rate', policy), ('anchors', policy))}")
    a, b, c = counts(matrix("anchors-rate").loc[("AvoidPost", "lerobot-act"), "seed_rates"])
    says(f"`ACT` on AvoidPost solve {a}, {b} and {c} %")
    says(f"ours solves {between(pressed, ours, all_frames)} points more than LeRobot's with all")
    says(f"InsertPeg {between(peg, ours, both)} more than that with both,")
    says(f"on AvoidPost {between('AvoidPost', ours, rated)} more than that at our rate")


def task_of(policy: tuple[str, str], task: str) -> tuple[str, str, str]:
    return policy[0], task, policy[1]


def test_the_failures_without_the_last_frames() -> None:
    ended = []
    for section, policy in (("anchors-rate", BY_SAMPLE), ("anchors-why", CHANGED[0])):
        rows = read_results(PAPER / section / f"PressEither-{policy}").episodes
        failed = rows[(rows["policy"] == policy) & ~rows["success"]]
        pressed = failed[failed["stage"] == "one key down"]  # the furthest; more of it is both
        assert (pressed["mode"].fillna("") == "").all()
        assert (pressed["length"] < make_task("PressEither").horizon).all()
        ended.append((len(failed), len(pressed)))
    assert ended[1][1] == 0
    says(
        f"Of its {ended[0][0]} failures at our rate {ended[0][1]} press one key and then the other"
    )
    says(f"of the {ended[1][0]} with all frames none does")


def test_our_diffusion_at_their_learning_rate() -> None:
    rows = table(PAPER / "rates" / "settings.csv")
    rows = rows[rows["steps"].astype(int) == 100].set_index(["task", "setting"])
    change_of_average = []
    for task in ("PressEither", "AvoidPost", "InsertPeg"):
        for network, label in (("mlp", "MLP"), ("unet", "U-Net")):
            cells = []
            for learning_rate in ("0.001", "0.0001"):
                names = [f"{network}-learningrate{learning_rate}-emadecay{e}" for e in (0.999, 0)]
                found = [rows.loc[(task, n)] if (task, n) in rows.index else None for n in names]
                cells += ["" if row is None else shown(row) for row in found]
                if found[1] is not None:
                    averaged, last = (float(row["success_rate"]) for row in found)
                    change_of_average.append(abs(averaged - last))
            says(f"| {task}, {label} | {' | '.join(cells)} |")
    assert len(change_of_average) == 9
    assert max(change_of_average) <= 0.0201
    slow, fast = "learningrate0.0001-emadecay0.999", "learningrate0.001-emadecay0.999"
    changed = [
        change(*(counts(rows.loc[(task, f"{n}-{rate}"), "seed_rates"]) for rate in (slow, fast)))
        for task in ("InsertPeg", "AvoidPost", "PressEither")
        for n in ("mlp", "unet")
    ]
    says(f"by {changed[0]} points with the MLP and {changed[1]} with the U-Net, on AvoidPost by")
    says(f"on AvoidPost by {changed[2]} and {changed[3]}: there")
    assert all("−" in low and "+" in high for low, high in map(bounds, changed[4:]))


def test_their_size_at_our_time() -> None:
    rows = matrix("anchors-time")
    rows = rows[rows.index.get_level_values("policy").str.startswith("lerobot")]
    for task in ("PressEither", "InsertPeg"):
        assert max(rows.loc[task]["success_rate"].astype(float)) <= 0.01
    dial = rows.loc["TurnDial"]["success_rate"].astype(float)
    assert sorted(dial)[-2] <= 0.01
    says(f"predicts the sample solves {rate('anchors-time', 'TurnDial', BY_SAMPLE)} %")
    millions = {policy: round(float(n) / 1e6) for (_, policy), n in rows["parameters"].items()}
    assert millions["lerobot-act"] == 40
    large = [float(n) / 1e6 for (_, policy), n in rows["parameters"].items() if "act" not in policy]
    says(f"40 million parameters for `ACT` and {min(large):.0f} to {max(large):.0f} million for")
    updates = [
        [int(number) for number in table(path)["updates"]]
        for path in (PAPER / "anchors-time").glob("*/measurements.csv.bz2")
    ]
    says(f"within 10 %): {min(map(min, updates))} to {max(map(max, updates))} updates")
    says(f"differ in updates by up to a factor of {max(max(u) / min(u) for u in updates):.1f}")


def test_the_table_of_agents() -> None:
    for task in OF_AGENTS:
        cells = [rate("agents", task, policy) for policy in (*AGENTS, "flow")]
        says(f"| {task} | {' | '.join(cells)} |")
    demos = matrix("agents").xs("sb3-sac-her-demos", level="policy")["success_rate"].astype(float)
    assert min(demos) >= 0.8
    says("at least 80 % on all four tasks")


@pytest.mark.parametrize("agent", AGENTS)
def test_the_steps_of_agents(agent: str) -> None:
    steps = {
        task: read_results(PAPER / "agents" / f"{task}-{agent}").run.config["environment_steps"]
        for task in OF_AGENTS
    }
    if agent == "sb3-sac-her-demos":
        says(f"the same training, but {steps.pop('RelocateBall'):,} steps in its 20 minutes")
    if agent == "sb3-ppo":
        assert set(steps.values()) == {300_000}
    else:
        says(f"{min(steps.values()) // 1000},000 to {max(steps.values()) // 1000},000")


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
    says(f"solved {cube[0]} on LiftCube (test: {cube[1]} %)")
    says(f"and {ball[0]} on RelocateBall ({ball[1]} %)")
    dial = both("TurnDial", "sb3-ppo")
    says(f"`ppo` {dial[0]} on TurnDial ({dial[1]} %)")
