"""Files of weights and of detectors: exact contents, and one line for each that does not fit."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from policies.encoders.detector_file import KEY, Manifest, detector_bytes, read_manifest
from policies.encoders.weight_files import check_names, read_into, read_shapes


def network(width: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))


def write(path: Path, tensors: dict[str, Tensor]) -> Path:
    save_file(tensors, path)
    return path


def test_weights_are_read_exactly(tmp_path: Path) -> None:
    first, second = network(), network()
    first(torch.randn(4, 2))  # one batch was seen
    path = write(tmp_path / "a.safetensors", first.state_dict())
    read_into(path, second, "the network")
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )
    assert read_shapes(path)["0.weight"] == (3, 2)


def test_half_precision_is_accepted(tmp_path: Path) -> None:
    first, second = network().half(), network()
    read_into(write(tmp_path / "a.safetensors", first.state_dict()), second, "the network")
    assert torch.equal(second[0].weight, first[0].weight.float())  # type: ignore[index, union-attr]


def test_files_that_do_not_fit_are_one_line_and_change_nothing(tmp_path: Path) -> None:
    path, tensors = tmp_path / "a.safetensors", network().state_dict()
    bad = {**tensors, "0.bias": torch.tensor([1.0, float("nan"), 0.0])}
    other = network(4).state_dict()
    cases = {
        r"it lacks 0\.bias \(1 of 7 tensors\)": {k: v for k, v in tensors.items() if k != "0.bias"},
        r"it has besides them extra \(1 of 7": {**tensors, "extra": torch.zeros(1)},
        r"0\.weight is \(4, 2\), not \(3, 2\)": other,
        r"contains NaN or infinity in 0\.bias": bad,
    }
    for message, given in cases.items():
        target = network()
        before = {name: value.clone() for name, value in target.state_dict().items()}
        with pytest.raises(ValueError, match=message) as caught:
            read_into(write(path, given), target, "the network")
        assert str(caught.value).startswith(f"{path} ")
        assert "\n" not in str(caught.value)
        assert all(torch.equal(v, before[k]) for k, v in target.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"x" * 7, b"\x08" + b"\0" * 7 + b"no json!", b"PK\3\4"])
def test_files_of_other_kinds_are_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    for read in (read_shapes, read_manifest):
        with pytest.raises(ValueError, match=r"a\.safetensors is not a safetensors file: ") as e:
            read(path)
        assert "\n" not in str(e.value)


def test_missing_files_and_pickles_are_never_opened(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"missing\.safetensors', which is no file; nothing is"):
        read_shapes(tmp_path / "missing.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(ValueError, match="which is no file"):
        read_shapes(tmp_path / "folder.safetensors")
    torch.save({"a": torch.zeros(1)}, tmp_path / "best.pt")
    with pytest.raises(ValueError, match=r"best\.pt'; give a file that ends in \.safetensors"):
        read_shapes(tmp_path / "best.pt")


def test_only_names_of_allowed_parts_are_ignored() -> None:
    check_names("f", ["a", "head.weight", "head"], ["a"], "n", ("head",))
    with pytest.raises(ValueError, match=r"has besides them headless\.weight"):
        check_names("f", ["a", "headless.weight"], ["a"], "n", ("head",))
    with pytest.raises(ValueError, match=r"it lacks t0, t1, t2, \.\.\. \(9 of 9 tensors\)"):
        check_names("f", [], [f"t{i}" for i in range(9)], "n")


def test_a_detector_file_is_the_same_bytes_each_time_and_says_what_it_is(tmp_path: Path) -> None:
    manifest = Manifest(("cube", "ball"), "yolo12s", {"z": 1, "a": [0.5, "x"]})
    tensors = {"b": torch.ones(2), "a": torch.zeros(3)}
    content = detector_bytes(manifest, tensors)
    assert content == detector_bytes(manifest, dict(reversed(tensors.items())))
    path = tmp_path / "detector.safetensors"
    path.write_bytes(content)
    assert read_manifest(path) == manifest
    assert read_shapes(path) == {"a": (3,), "b": (2,)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (None, "has no manifest of a detector"),
        ("[", "the manifest of .* is not accepted"),
        ("[]", "the manifest of .* is not accepted"),
        ({"classes": ["a"]}, "is not accepted: 'architecture' is missing"),
        ({"classes": "abc", "architecture": "yolo12n"}, "classes is no list of names"),
        ({"classes": [], "architecture": "yolo12n"}, "give one or more different names"),
        ({"classes": ["a", "a"], "architecture": "yolo12n"}, "give one or more different names"),
        ({"classes": ["a"], "architecture": "yolo11n"}, "unknown architecture of a detector 'yolo"),
        ({"classes": ["a"], "architecture": 3}, "architecture is no name"),
    ],
)
def test_manifests_are_checked(values: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    text = values if isinstance(values, str) else json.dumps(values)
    save_file({"a": torch.zeros(1)}, path, None if values is None else {KEY: text})
    with pytest.raises(ValueError, match=message) as caught:
        read_manifest(path)
    assert "\n" not in str(caught.value)
