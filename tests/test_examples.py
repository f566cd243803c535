"""The examples do what they say, through the real command."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import torch

from policies import backbones
from policies.backbones.shape import NetworkShape
from policies.backbones.sizes import count_parameters, sized
from policies.catalogue import BACKBONES
from tests.fmbench.small_run import finish, start

ROOT = Path(__file__).parent.parent
SEED_NETWORK = ROOT / "examples" / "seed_network.py"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example imported: its network is known until the test ends."""
    spec = importlib.util.spec_from_file_location("seed_network", SEED_NETWORK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "seed_network", module)
    spec.loader.exec_module(module)
    yield module
    count_parameters.cache_clear()
    del BACKBONES["seed"], backbones._ADDED["seed"]


def linear(inputs: int, outputs: int) -> int:
    return (inputs + 1) * outputs


def parameters_of_docstring(
    act_dim: int, pred_horizon: int, condition_dim: int, width: int, depth: int
) -> int:
    """The sum over the layers that the example's docstring names."""
    norm, chunk = 2 * width, pred_horizon * act_dim
    embed = linear(2, 64) + linear(64, 64)
    first = linear(chunk + condition_dim + 64, width) + norm
    return embed + first + depth * (linear(width, width) + norm) + linear(width, chunk)


@pytest.mark.parametrize("sizes", [(14, 1, 128, 256, 3), (20, 16, 140, 512, 4), (2, 3, 1, 8, 1)])
def test_the_seed_network_has_the_layers_it_names(
    example: ModuleType, sizes: tuple[int, int, int, int, int]
) -> None:
    shape = NetworkShape(*sizes)
    assert count_parameters("seed", shape) == parameters_of_docstring(*sizes)
    with torch.random.fork_rng():
        network = example.SeedNetwork(shape)
    chunk, condition = torch.zeros(5, sizes[1], sizes[0]), torch.zeros(5, sizes[2])
    for time in (torch.zeros(5), torch.zeros(5, 2)):
        assert network(chunk, time, condition).shape == chunk.shape


@pytest.mark.parametrize("size", ["small", "base"])
def test_a_size_is_as_many_parameters_as_the_mlp_has(example: ModuleType, size: str) -> None:
    shape = NetworkShape(14, 1, 128)
    counts = [count_parameters(name, sized(shape, name, size)) for name in ("mlp", "seed")]
    assert abs(counts[1] / counts[0] - 1) < 0.05


def test_the_seed_network_is_trained_saved_and_reloaded(tmp_path: Path) -> None:
    run, options = tmp_path / "run", ("--task", "TurnDial", "--preset", "smoke", "--no-latency")
    code, _, error = finish(
        start(tmp_path, SEED_NETWORK, "--policy", "flow", *options, "--episodes", 2, "--demos", 4,
              "--updates", 5, "--nfe", 1, "--out", run, "--data", tmp_path / "data")
    )  # fmt: skip
    assert code == 0, error
    config = json.loads((run / "run.json").read_text())["config"]
    assert (config["backbone"], config["pred_horizon"], config["exec_horizon"]) == ("seed", 1, 1)
    rows = pd.read_csv(run / "measurements.csv")
    (manifest,) = run.glob("checkpoints/*/manifest.json")
    policy = json.loads(manifest.read_text())["policy"]
    sizes = (policy["act_dim"], 1, 2 * policy["obs_dim"], policy["width"], policy["depth"])
    assert policy["act_dim"] == 14
    trained = rows[rows["policy"] == "flow"]
    assert set(trained["parameters"]) == {parameters_of_docstring(*sizes)}
    words = ("-m", "fmbench.evaluate", run, "--sampler", "heun", "--nfe", 2)
    code, _, error = finish(start(tmp_path, *words))
    assert code == 2
    assert "unknown backbone 'seed'; known: dit, mlp, unet" in error
