"""Every example does what its docstring says, started as a user starts it, from another folder."""

import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch
from stable_baselines3 import PPO

from envs.perturb.axis import About
from envs.perturb.catalogue import AXES
from envs.perturb.world import PerturbedWorld
from envs.registry import make_expert, make_task
from envs.world import World
from fmbench.evaluate import main as evaluate_main
from fmbench.harness.rollout import rollout
from fmbench.harness.seeds import VALIDATION, episode_seeds
from fmbench.run import main as run_main
from fmbench.sb3_agent import SB3Agent
from fmbench.storage.hashes import sha256_file
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow
from policies import backbones, encoders
from policies.backbones.shape import NetworkShape
from policies.backbones.sizes import count_parameters, sized
from policies.catalogue import BACKBONES, ENCODERS
from tests.envs.hand.described import CLAW
from tests.envs.perturb.block import GRAVITY, TIMESTEP_S, Block
from tests.fmbench.forked import run_forked
from tests.fmbench.runs.small_experiment import at_few_starts, figures_as_text
from tests.fmbench.small_run import LASTING, ROOT, SMALL, call

EXAMPLES = ROOT / "examples"
RUNS = {
    "add_encoder": ("bc",),
    "add_hand": ("bc",),
    "add_policy": ("l1", "bc"),
    "add_task": ("flow",),
    "seed_network": ("flow",),
    "yolo_hand": ("flow",),
}
"""Examples that start a run, with the policies that it trains.

`tests/fmbench/runs/test_seeing_extras.py` runs `yolo_hand`, which needs an extra.
"""
LOOPS = ("add_axis", "gymnasium_loop", "redraw_figures", "train_sb3", "use_checkpoint", "use_onnx")
"""`tests/fmbench/portable/test_onnx_file.py` runs `use_onnx`, which needs an extra."""
REFERENCE = ROOT / "results" / "reference"

pytestmark = pytest.mark.usefixtures("torch_threads")


def load(name: str) -> ModuleType:
    """Import an example."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def output(cwd: Path, name: str, *words: object) -> list[str]:
    """Run an example that must succeed; return the lines it prints.

    Nothing is filmed, and figures of runs are text.
    """
    path = EXAMPLES / f"{name}.py"
    code, out, error = run_forked(cwd, path, *words, FIGURES="text")
    assert code == 0, error
    return out.splitlines()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where demonstrations are made once for all tests."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two policies; only read."""
    out = tmp_path_factory.mktemp("finished") / "run"
    words = (*LASTING, "--no-latency", "--out", out, "--data", data)
    with pytest.MonkeyPatch.context() as patch:
        at_few_starts(patch)
        figures_as_text(patch)
        assert call(run_main, *words) == 0
    return out


@contextmanager
def registered_seed_network() -> Iterator[ModuleType]:
    """Import the example and register its network, for a while."""
    yield load("seed_network")
    count_parameters.cache_clear()
    del BACKBONES["seed"], backbones._ADDED["seed"]


@pytest.fixture
def seed_network() -> Iterator[ModuleType]:
    with registered_seed_network() as module:
        yield module


def test_every_example_is_tested_and_names_its_command() -> None:
    names = sorted(path.stem for path in EXAMPLES.glob("*.py"))
    assert names == sorted([*RUNS, *LOOPS])
    for name in names:
        text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
        assert f"\n    python examples/{name}.py " in text.split('"""')[1]
        assert ("from fmbench.run import main" in text) == (name in RUNS)


def run_small(tmp_path: Path, data: Path, name: str, *words: object) -> pd.DataFrame:
    """Run an example that starts a run; return the episodes of the run's folder, `run`."""
    where = ("--no-latency", "--out", "run", "--data", data)
    lines = output(tmp_path, name, *SMALL, *words, *where)
    assert lines[-1] == "Rows, tables and figures: run/"
    rows = pd.read_csv(tmp_path / "run" / "episodes.csv")
    assert set(rows["policy"]) == {"expert", "random", *RUNS[name]}
    assert rows["error"].isna().all()
    return rows


def test_a_task_of_ones_own_is_demonstrated_and_learnt(tmp_path: Path, data: Path) -> None:
    rows = run_small(tmp_path, data, "add_task", "--task", "BendIndex")
    assert set(rows["task"]) == {"BendIndex"}
    assert rows[rows["policy"] == "expert"]["success"].all()
    assert not rows[rows["policy"] == "random"]["success"].any()
    ends = rows.groupby("policy")["stage"].agg(set)
    assert ends["expert"] == {"held"}
    assert ends["random"] <= {"start", "near", "at goal"}
    assert rows["drops"].isna().all()
    assert (tmp_path / "run" / "figures" / "behaviour.png").is_file()


def test_a_hand_of_ones_own_is_described_in_few_lines_and_used(tmp_path: Path, data: Path) -> None:
    path = Path(shutil.copy(EXAMPLES / "add_hand.py", tmp_path))
    assert len(path.read_text(encoding="utf-8").splitlines()) < 40
    words = (*SMALL, "--policy", "bc", "--task", "ReachPose", "--no-latency", "--data", data)
    code, _, error = run_forked(tmp_path, path, *words, "--out", "run")
    assert (code, error.count("\n")) == (2, 1)
    assert f"error: hand claw: there is no model file {tmp_path}/claw.xml; give the path" in error
    (tmp_path / "claw.xml").write_text(CLAW, encoding="utf-8")
    code, _, error = run_forked(tmp_path, path, *words, "--out", "run", FIGURES="text")
    assert code == 0, error
    rows = pd.read_csv(tmp_path / "run" / "episodes.csv")
    assert set(rows["task"]) == {"ReachPoseClaw"}
    assert rows["error"].isna().all()
    assert rows[rows["policy"] == "expert"]["success"].all()


def test_a_policy_of_ones_own_is_trained_and_shown(tmp_path: Path, data: Path) -> None:
    rows = run_small(tmp_path, data, "add_policy")
    assert set(rows["task"]) == {"PressEither"}
    assert "| L1 regression |" in (tmp_path / "run" / "summary.md").read_text(encoding="utf-8")


@pytest.mark.thorough
def test_features_of_ones_own_are_stored_and_seen(tmp_path: Path, data: Path) -> None:
    path = EXAMPLES / "add_encoder.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) < 40
    words = (*SMALL, "--policy", "bc", "--no-latency", "--out", "run", "--data", data)
    flags = ("--plugin", path, "--observation", "features", "--encoder", "tiles")
    code, _, error = run_forked(tmp_path, "-m", "fmbench.run", *flags, *words)
    assert code == 0, error
    (features,) = data.glob("[!.]*-features-*")
    assert f"PressEither features: saved in {features}" in error
    rows = pd.read_csv(tmp_path / "run" / "episodes.csv")
    assert set(rows["policy"]) == {"expert", "random", "bc"}
    assert rows["error"].isna().all()
    (manifest,) = (tmp_path / "run").glob("checkpoints/*/manifest.json")
    policy = json.loads(manifest.read_text())["policy"]
    assert (policy["encoder"], policy["seen_dim"], policy["features"]) == ("tiles", 3 * 8 * 8, 128)
    # as a program, it is the same run
    code, _, error = run_forked(tmp_path, path, *words)
    assert (code, "run is complete" in error) == (0, True), error


@pytest.mark.thorough
def test_an_axis_of_ones_own_is_short_and_disturbs_a_run(tmp_path: Path, finished: Path) -> None:
    path = EXAMPLES / "add_axis.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) < 30
    words = (finished, "--perturb", "gravity=1.5", "mass=2", "--out", "out")
    output(tmp_path, "add_axis", *words)
    rows = pd.read_csv(tmp_path / "out" / "disturbances.csv")
    assert set(rows["perturb"]) == {"gravity=1.5", "mass=2"}
    assert set(rows["policy"]) == {"expert", "flow", "bc"}
    hashes = json.loads((tmp_path / "out" / "run.json").read_text())["rescores"]["axes"]
    assert hashes == [f"add_axis.py {sha256_file(path)}"]
    # as a plug-in it is the same evaluation; without it there is no such axis
    flags = ("--plugin", path, *words)
    code, _, error = run_forked(tmp_path, "-m", "fmbench.evaluate", *flags)
    assert (code, "out is complete" in error) == (0, True), error
    code, _, error = run_forked(tmp_path, "-m", "fmbench.evaluate", *words)
    assert (code, error.count("\n")) == (2, 1)
    assert "unknown axis 'gravity'" in error


def test_a_body_falls_by_the_gravity_of_the_example() -> None:
    try:
        load("add_axis")
        world = PerturbedWorld(Block(height=50.0), 2, "gravity=1.5", About(), 1)
    finally:
        del AXES["gravity"]
    world.reset(world.all_rows, np.arange(2))
    for _ in range(4):
        world.step(world.all_rows, np.zeros((2, 1)))
    speed = world.batch.bind("qvel")[:, 2]
    np.testing.assert_allclose(speed, -1.5 * GRAVITY * 20 * TIMESTEP_S, rtol=1e-9)


def test_the_features_of_the_example_are_mean_colours_of_tiles() -> None:
    try:
        tiles = load("add_encoder").tiles
    finally:
        del ENCODERS["tiles"], encoders._ADDED["tiles"]
    pictures = torch.randint(256, (3, 2, 16, 32, 3), generator=torch.Generator().manual_seed(0))
    blocks = pictures.reshape(3, 2, 8, 2, 8, 4, 3).double().mean((3, 5)) / 255
    expected = blocks.permute(0, 1, 4, 2, 3).reshape(3, -1)
    torch.testing.assert_close(tiles(pictures.to(torch.uint8)).double(), expected)


def test_the_seed_network_is_trained_saved_and_reloaded(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_small(tmp_path, data, "seed_network", "--policy", "flow")
    run = tmp_path / "run"
    config = json.loads((run / "run.json").read_text())["config"]
    assert (config["backbone"], config["pred_horizon"], config["exec_horizon"]) == ("seed", 1, 1)
    rows = pd.read_csv(run / "measurements.csv")
    (manifest,) = run.glob("checkpoints/*/manifest.json")
    policy = json.loads(manifest.read_text())["policy"]
    sizes = (policy["act_dim"], 1, 2 * policy["obs_dim"], policy["width"], policy["depth"])
    assert policy["act_dim"] == 14
    trained = rows[rows["policy"] == "flow"]
    assert set(trained["parameters"]) == {parameters_of_docstring(*sizes)}
    words = (run, "--sampler", "heun", "--nfe", 2, "--out", tmp_path / "again")
    assert call(evaluate_main, *words) == 2  # this process does not know the network
    file = EXAMPLES / "seed_network.py"
    assert capsys.readouterr().err == (
        f"error: {run} uses the backbone seed of {file}, which is not loaded; add --plugin {file}\n"
    )
    with registered_seed_network():
        assert call(evaluate_main, *words) == 0
    (row,) = pd.read_csv(tmp_path / "again" / "measurements.csv").itertuples()
    assert (row.sampler, row.parameters) == ("heun", parameters_of_docstring(*sizes))


def linear(inputs: int, outputs: int) -> int:
    return (inputs + 1) * outputs


def parameters_of_docstring(
    act_dim: int, pred_horizon: int, condition_dim: int, width: int, depth: int
) -> int:
    """The sum over the layers that the docstring of the seed's network names."""
    norm, chunk = 2 * width, pred_horizon * act_dim
    embed = linear(2, 64) + linear(64, 64)
    first = linear(chunk + condition_dim + 64, width) + norm
    return embed + first + depth * (linear(width, width) + norm) + linear(width, chunk)


@pytest.mark.parametrize("sizes", [(14, 1, 128, 256, 3), (20, 16, 140, 512, 4), (2, 3, 1, 8, 1)])
def test_the_seed_network_has_the_layers_it_names(
    seed_network: ModuleType, sizes: tuple[int, int, int, int, int]
) -> None:
    shape = NetworkShape(*sizes)
    assert count_parameters("seed", shape) == parameters_of_docstring(*sizes)
    with torch.random.fork_rng():
        network = seed_network.SeedNetwork(shape)
    chunk, condition = torch.zeros(5, sizes[1], sizes[0]), torch.zeros(5, sizes[2])
    for time in (torch.zeros(5), torch.zeros(5, 2)):
        assert network(chunk, time, condition).shape == chunk.shape


@pytest.mark.parametrize("size", ["small", "base"])
def test_a_size_is_as_many_parameters_as_the_mlp_has(seed_network: ModuleType, size: str) -> None:
    shape = NetworkShape(14, 1, 128)
    counts = [count_parameters(name, sized(shape, name, size)) for name in ("mlp", "seed")]
    assert abs(counts[1] / counts[0] - 1) < 0.05


@pytest.mark.parametrize("policy", ["flow", "bc"])
def test_a_checkpoint_in_a_loop_of_ones_own_does_what_the_rows_of_its_run_say(
    policy: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (finished, "--policy", policy, "--episodes", 5)
    if policy == "flow":
        lines = output(tmp_path, "use_checkpoint", *words)
    else:
        assert call(load("use_checkpoint").main, *words) == 0
        lines = capsys.readouterr().out.splitlines()
    rows = [
        row
        for row in read_rows(finished / EpisodeRow.file_name, EpisodeRow)
        if (row.policy, row.sampler) in (("flow", "euler"), ("bc", "direct"))
        and row.policy == policy
    ]
    assert len(rows) == 5
    assert max(row.decisions for row in rows) > 2
    expected = [
        f"episode seed {row.episode_seed}: {'success' if row.success else 'failure'} "
        f"after {row.length} steps, return {row.episode_return:.3g}"
        for row in rows
    ]
    successes = sum(row.success for row in rows)
    assert lines == [*expected, f"{policy} on fmbench/PressEither-v2: {successes}/5"]


def test_the_gymnasium_loop_does_what_the_harness_does(tmp_path: Path) -> None:
    lines = output(tmp_path, "gymnasium_loop", "--task", "PressEither", "--episodes", 3)
    world = World(make_task("PressEither"), 3, 1)
    episodes = rollout(world, make_expert(world), episode_seeds(VALIDATION, 3))
    assert lines == [
        *(f"episode seed {e.episode_seed}: success after {e.length} steps" for e in episodes),
        "expert on fmbench/PressEither-v2: 3/3 one at a time, 3/3 in one batch",
    ]


def test_the_gymnasium_loop_takes_random_actions_too(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--task", "PressEither", "--agent", "random", "--episodes", 2)
    assert call(load("gymnasium_loop").main, *words) == 0
    *episodes, last = capsys.readouterr().out.splitlines()
    assert [": failure after " in line for line in episodes] == [True, True]
    assert last == "random on fmbench/PressEither-v2: 0/2 one at a time, 0/2 in one batch"


def test_an_agent_of_stable_baselines3_is_trained_saved_and_scored(tmp_path: Path) -> None:
    lines = output(tmp_path, "train_sb3", "--steps", 1, "--episodes", 2, "--out", "agent")
    assert lines[0] == "fmbench/ReachPose-v1, 512 steps of PPO"
    assert lines[1].startswith("random   success 0/2 (95 %: 0.000-0.658), mean progress 0.")
    agent = PPO.load(tmp_path / "agent" / "ppo.zip", device="cpu")
    again = load("train_sb3").score("PPO", SB3Agent(agent), World(make_task("ReachPose"), 2), 2)
    assert lines[2:] == [again, "agent/ppo.zip"]


def test_a_figure_of_ones_own_shows_the_rates_and_intervals_of_the_summary(tmp_path: Path) -> None:
    lines = output(tmp_path, "redraw_figures", REFERENCE, "--out", "new/figure.png")
    assert lines[-1] == "new/figure.png"
    assert (tmp_path / lines[-1]).read_bytes().startswith(b"\x89PNG")
    summary = pd.read_csv(REFERENCE / "summary.csv").dropna(subset=["latency_ms_p50"])
    printed = [line.split() for line in lines[1:-1]]
    assert len(printed) == 50
    of_cell = {tuple(words[:4]): [float(word) for word in words[7:]] for words in printed}
    for row in summary.itertuples():
        cell = (row.task, row.policy, row.sampler, str(row.steps))
        assert of_cell[cell] == pytest.approx([row.success_rate, row.low, row.high], abs=6e-4)


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("gymnasium_loop", ("--task", "LiftCub"), "unknown task 'LiftCub'; did you mean LiftCube"),
        ("gymnasium_loop", ("--agent", "me"), "unknown agent 'me'; known: expert, random"),
        ("gymnasium_loop", ("--episodes", "0"), "The number of episodes is 0; give 1 to 1000000."),
        ("gymnasium_loop", ("--taks", "LiftCube"), "unknown flag '--taks'; did you mean --task"),
        ("train_sb3", ("--steps", "0"), "--steps is 0; give a whole number from 1"),
        ("train_sb3", ("--task", "Dial"), "unknown task 'Dial'; did you mean TurnDial"),
        ("use_checkpoint", ("none",), "none does not exist; give the folder of a finished run"),
        ("redraw_figures", ("none", "--out", "x.png"), "none does not exist; give the folder of a"),
        ("redraw_figures", (REFERENCE,), "--out must be given; see --help"),
        (
            "redraw_figures",
            (ROOT / "results" / "policy_matrix" / "PickEither-mlp", "--out", "x.png"),
            "the run has several training seeds; give a run with one",
        ),
        (
            "redraw_figures",
            (ROOT / "results" / "demonstrations" / "LiftCube-10", "--out", "x.png"),
            "the run has no latency; give a run made without --no-latency",
        ),
    ],
)
def test_a_mistake_is_answered_in_one_line(
    name: str,
    words: tuple[object, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(load(name).main, *words) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith(f"error: {message}")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_only_policies_tasks_and_seeds_of_the_run_are_loaded(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main = load("use_checkpoint").main
    for words, message in [
        (("--policy", "diffusion"), f"unknown policy of {finished} 'diffusion'; known: bc, flow"),
        (("--task", "LiftCube"), f"unknown task of {finished} 'LiftCube'; known: PressEither"),
        (("--train-seed", "1"), "PressEither-flow-seed1 does not exist; give a run that still has"),
    ]:
        assert call(main, finished, *words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line
