"""An `.onnx` file: equal to the policy, without torch and fmbench, without paths in it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
from fmbench import export as command  # noqa: E402
from fmbench import run as run_command  # noqa: E402
from fmbench.portable.hub_folder import open_hub_folder  # noqa: E402
from fmbench.portable.onnx_file import onnx_bytes  # noqa: E402 - after the check for onnx
from policies.catalogue import BACKBONES, POLICIES  # noqa: E402
from policies.chunk_function import ChunkFunction  # noqa: E402
from tests.fmbench.portable.elsewhere import OURS, check_no_places, run_elsewhere  # noqa: E402
from tests.fmbench.small_run import LASTING, ROOT, call, finish, start  # noqa: E402
from tests.policies.small_policies import inputs, sampler_cases, small_policy  # noqa: E402

pytestmark = pytest.mark.thorough
FACTS = {"fmbench": json.dumps({"unit": "rad"})}
OTHER_NETWORKS = [b for b in BACKBONES if b != "mlp"]
CALLS = ("flow", "meanflow", "gmm")
"""Policies whose networks are called in different ways: one time, two times, other outputs."""
CASES = [(objective, "mlp", sampler, steps) for objective, sampler, steps in sampler_cases()]
CASES += [(name, b, POLICIES[name].default_sampler, 1) for name in CALLS for b in OTHER_NETWORKS]
PROGRAM = """
import numpy, onnxruntime
session = onnxruntime.InferenceSession("flow.onnx", providers=["CPUExecutionProvider"])
print(session.get_modelmeta().custom_metadata_map["fmbench"])
given = dict(numpy.load("given.npz"))
numpy.save("chunk.npy", session.run(None, given)[0])
"""


def answers(data: bytes, given: tuple[torch.Tensor, ...]) -> np.ndarray:
    """Return the actions of a file's bytes."""
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    assert names == ["observations", "noise"][: len(given)]
    feed = {name: value.numpy() for name, value in zip(names, given, strict=True)}
    (actions,) = session.run(["actions"], feed)
    return actions


# The network is a function of the file, and every sampler calls it: each sampler with one network,
# and each network with one sampler, are all combinations.
@pytest.mark.parametrize(("objective", "backbone", "sampler", "steps"), CASES)
def test_every_sampler_and_every_network(
    objective: str, backbone: str, sampler: str, steps: int
) -> None:
    function = ChunkFunction(small_policy(objective, backbone), sampler, steps)
    data = onnx_bytes(function, FACTS, objective)
    check_no_places(data)
    compare(data, function, 1e-5 if function.steps <= 16 else 1e-4)


@pytest.fixture(scope="module")
def trained(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose networks have learnt: many steps of one that has not increase rounding."""
    out, data = tmp_path_factory.mktemp("trained") / "run", demonstrations_folder.parent
    words = (*LASTING, "--policy", "flow", "diffusion", "--demos", "4", "--out", out)
    assert call(run_command.main, *words, "--data", data) == 0
    return out


@pytest.mark.parametrize(
    ("name", "sampler", "steps", "bound"),
    [
        ("flow", "euler", 16, 1e-5),
        ("diffusion", "ddim", 16, 1e-5),
        ("diffusion", "ddpm", 100, 1e-4),
    ],
)
def test_many_steps_of_a_trained_network(
    name: str, sampler: str, steps: int, bound: float, trained: Path, tmp_path: Path
) -> None:
    words = ("--format", "hub", "--policy", trained, "--name", name, "--out", tmp_path / "hub")
    assert call(command.main, *words) == 0
    policy, _ = open_hub_folder(tmp_path / "hub")
    function = ChunkFunction(policy, sampler, steps)
    compare(onnx_bytes(function, FACTS, name), function, bound)


def compare(data: bytes, function: ChunkFunction, bound: float) -> None:
    """Compare the actions of a file's bytes with those of the function."""
    for rows in (1, 3):
        given = inputs(function.policy, rows, function.noise_shape)
        with torch.no_grad():
            expected = function(*given).numpy()
        np.testing.assert_allclose(answers(data, given), expected, rtol=0, atol=bound)


def test_a_file_needs_neither_torch_nor_fmbench(tmp_path: Path) -> None:
    function = ChunkFunction(small_policy("flow"), "euler", 2)
    data = onnx_bytes(function, FACTS, "flow")
    (tmp_path / "flow.onnx").write_bytes(data)
    given = inputs(function.policy, 4, function.noise_shape)
    names = ("observations", "noise")
    np.savez(tmp_path / "given.npz", **{n: x.numpy() for n, x in zip(names, given, strict=True)})
    packages = [str(Path(module.__file__).parents[1]) for module in (np, ort)]
    out = run_elsewhere(tmp_path, PROGRAM, (*OURS, "torch", "onnx"), packages)
    assert out == f"{FACTS['fmbench']}\n"
    with torch.no_grad():
        expected = function(*given).numpy()
    np.testing.assert_allclose(np.load(tmp_path / "chunk.npy"), expected, rtol=0, atol=1e-5)
    assert onnx_bytes(function, FACTS, "flow") == data


def test_a_runs_file_steps_the_environment(finished_run: Path, tmp_path: Path) -> None:
    file = tmp_path / "flow.onnx"
    assert call(command.main, "--format", "onnx", "--policy", finished_run, "--out", file) == 0
    code, out, error = finish(start(tmp_path, ROOT / "examples" / "use_onnx.py", "flow.onnx"))
    assert code == 0, error
    assert re.fullmatch(r"fmbench/PressEither-v\d+: (success|failure) after \d+ steps?\n", out)
    assert file.with_name("flow.onnx.md").read_text(encoding="utf-8").startswith("---\nlibrary_na")
    content = file.read_bytes()
    check_no_places(content)
    assert call(command.main, "--format", "onnx", "--policy", finished_run, "--out", file) == 2
    again = tmp_path / "again.onnx"
    assert call(command.main, "--format", "onnx", "--policy", finished_run, "--out", again) == 0
    assert again.read_bytes() == content
