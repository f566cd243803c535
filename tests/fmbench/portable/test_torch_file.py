"""A `.pt2` file: equal to the policy, for any number of rows, without fmbench and without paths."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from fmbench.errors import FmbenchError
from fmbench.portable.torch_file import torch_bytes
from fmbench.portable.tracing import trace
from policies.catalogue import BACKBONES, POLICIES
from policies.chunk_function import ChunkFunction
from tests.fmbench.portable.elsewhere import check_no_places, run_elsewhere
from tests.policies.small_policies import inputs, sampler_cases, small_policy

PROGRAM = """
import numpy, torch
texts = {"fmbench.json": ""}
chunk = torch.export.load("flow.pt2", extra_files=texts).module()
print(texts["fmbench.json"])
for rows in (1, 5):
    given = [torch.from_numpy(x) for x in numpy.load(f"given{rows}.npz").values()]
    numpy.save(f"chunk{rows}.npy", chunk(*given).numpy())
"""
FACTS = json.dumps({"unit": "rad"})
CALLS = ("flow", "meanflow", "gmm")
"""Policies whose networks are called in different ways: one time, two times, other outputs."""
CASES = [(objective, "mlp", sampler, steps) for objective, sampler, steps in sampler_cases()]
CASES += [
    (name, backbone, POLICIES[name].default_sampler, 1)
    for name in CALLS
    for backbone in BACKBONES
    if backbone != "mlp"
]


def test_a_file_needs_no_fmbench_and_gives_the_policys_chunks(tmp_path: Path) -> None:
    function = ChunkFunction(small_policy("flow"), "euler", 2)
    data = torch_bytes(function, {"fmbench.json": FACTS}, "flow")
    (tmp_path / "flow.pt2").write_bytes(data)
    expected = {}
    for rows in (1, 5):
        given = inputs(function.policy, rows, function.noise_shape)
        np.savez(tmp_path / f"given{rows}.npz", *(value.numpy() for value in given))
        with torch.no_grad():
            expected[rows] = function(*given).numpy()
    packages = [str(Path(torch.__file__).parents[1]), str(Path(np.__file__).parents[1])]
    assert run_elsewhere(tmp_path, PROGRAM, paths=packages) == f"{FACTS}\n"
    for rows, chunk in expected.items():
        np.testing.assert_allclose(np.load(tmp_path / f"chunk{rows}.npy"), chunk, atol=1e-5)
    archive = zipfile.ZipFile(io.BytesIO(data))
    for name in archive.namelist():
        check_no_places(archive.read(name))
    check_no_places(data)
    assert torch_bytes(function, {"fmbench.json": FACTS}, "flow") == data


# As functions of tensors, all combinations equal the policy: tests/policies/test_chunk_function.py.
@pytest.mark.thorough
@pytest.mark.parametrize(("objective", "backbone", "sampler", "steps"), CASES)
def test_every_policy_network_and_sampler(
    objective: str, backbone: str, sampler: str, steps: int
) -> None:
    function = ChunkFunction(small_policy(objective, backbone), sampler, steps)
    data = torch_bytes(function, {}, objective)
    chunk = torch.export.load(io.BytesIO(data)).module()
    for rows in (1, 3):
        given = inputs(function.policy, rows, function.noise_shape)
        with torch.no_grad():
            expected = function(*given)
            torch.testing.assert_close(chunk(*given), expected, rtol=0, atol=1e-5)


def test_code_that_fixes_the_number_of_rows_is_told_in_one_line() -> None:
    class Fixed(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.zeros(len(x), 1)

    with pytest.raises(
        FmbenchError, match=r"^mine cannot be traced for any number of rows: .*"
    ) as e:
        trace(Fixed(), (torch.zeros(2, 3),), "mine")
    assert "x.shape[0] is its rows" in str(e.value)
