"""The catalogue matches the code that it refers to, and is read without torch."""

import ast
import subprocess
import sys
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import policies
from policies import ChunkPolicy, ChunkPolicyConfig, catalogue
from policies.backbones import add_backbone, make_backbone, resolve_conditioning
from policies.backbones.shape import NetworkShape
from policies.backbones.sizes import count_parameters, sized
from policies.catalogue import (
    BACKBONES,
    COUNTS,
    OPTIONS,
    POLICIES,
    SAMPLERS,
    PolicyEntry,
    StepLimits,
)
from policies.objectives import add_objective, load_objective
from policies.objectives.base import Network, Noise, Objective
from policies.objectives.flow_times import TIME_SAMPLINGS
from policies.objectives.options import ObjectiveOptions
from policies.registry import load
from policies.samplers import load_sampler
from policies.samplers.grids import GRIDS
from policies.schedules import SCHEDULES

ATTRIBUTES = ("predictions", "limits", "default_sampler", "planned", "reads", "teacher", "trains")


@pytest.fixture
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the entries that a test adds to the catalogue."""
    for module, table in (
        ("policies.catalogue", "POLICIES"),
        ("policies.catalogue", "BACKBONES"),
        ("policies.objectives", "_ADDED"),
        ("policies.backbones", "_ADDED"),
    ):
        entries = getattr(sys.modules[module], table)
        for name in ("own", "own2"):
            monkeypatch.setitem(entries, name, None)
            del entries[name]  # monkeypatch removes it again at the end


def test_it_imports_only_dataclasses_and_typing() -> None:
    paths = sorted(Path(catalogue.__file__).parent.glob("*.py"))
    assert len(paths) == 6
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    imports = {ast.unparse(n) for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)}
    assert {text for text in imports if not text.startswith("from policies.catalogue.")} == {
        "from dataclasses import dataclass, field",
        "from typing import NamedTuple",
    }


def test_importing_it_does_not_load_torch_and_configures_mkl() -> None:
    code = (
        "import os, sys, policies.catalogue; "
        "print({'torch', 'numpy', 'scipy'} & set(sys.modules), os.environ['MKL_CBWR'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set() AUTO\n", "")


def test_the_package_exports_its_classes_on_first_use() -> None:
    assert policies.ChunkPolicy is ChunkPolicy
    assert {getattr(policies, name).__name__ for name in policies.__all__} == set(policies.__all__)
    with pytest.raises(AttributeError, match="no attribute 'ChunkPolcy'"):
        policies.ChunkPolcy  # noqa: B018


@pytest.mark.parametrize("name", POLICIES)
def test_an_objective_has_the_attributes_of_its_entry(name: str) -> None:
    entry, objective = POLICIES[name], load_objective(name)
    assert issubclass(objective, Objective)
    assert f"{objective.__module__}:{objective.__name__}" == entry.target
    for attribute in ATTRIBUTES:
        assert getattr(objective, attribute) == getattr(entry, attribute), attribute


@pytest.mark.parametrize("name", POLICIES)
def test_the_references_of_an_entry_exist(name: str) -> None:
    entry = POLICIES[name]
    assert entry.default_sampler in entry.limits
    assert set(entry.planned or ()) <= set(entry.limits)
    assert set(entry.reads) <= {*OPTIONS, *COUNTS}
    assert entry.teacher is None or entry.teacher in POLICIES
    assert entry.limits == {sampler: SAMPLERS[sampler].limits for sampler in entry.limits}


def test_no_two_policies_share_a_place_or_a_colour() -> None:
    for attribute in ("place", "colour"):
        values = [getattr(entry, attribute) for entry in POLICIES.values()]
        assert len(set(values)) == len(values)
    assert not set(catalogue.MORE_COLOURS) & {entry.colour for entry in POLICIES.values()}
    places = [entry.place for entry in POLICIES.values()]
    assert places == sorted(places)


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_is_used_and_can_be_loaded(name: str) -> None:
    assert any(name in entry.limits for entry in POLICIES.values())
    if SAMPLERS[name].target:
        assert load_sampler(name).__name__.lower() == name.replace("_", "")


def test_options_grids_and_conditionings_match_the_code() -> None:
    assert [option.name for option in fields(ObjectiveOptions)] == [*OPTIONS, *COUNTS]
    for option, table in (("time_sampling", TIME_SAMPLINGS), ("schedule", SCHEDULES)):
        assert tuple(table) == OPTIONS[option]
    defaults = [*(values[0] for values in OPTIONS.values()), *(c.default for c in COUNTS.values())]
    assert astuple(ObjectiveOptions()) == tuple(defaults)
    assert tuple(GRIDS) == catalogue.GRIDS
    for entry in BACKBONES.values():
        assert entry.conditioning in entry.conditionings
        assert set(entry.conditionings) <= set(catalogue.CONDITIONINGS)


def test_a_missing_extra_is_reported_with_its_install_command() -> None:
    with pytest.raises(ValueError, match=r"nothing_here.* -e '\.\[vision\]'"):
        load("nothing_here:Class", "vision")
    with pytest.raises(ModuleNotFoundError):
        load("nothing_here:Class")


@pytest.mark.parametrize("kind", ["ImportError('libGL.so.1: no\\nfile')", "RuntimeError('nms')"])
def test_a_package_that_cannot_be_imported_is_one_line(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_extra.py").write_text(f"raise {kind}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    message = r"broken_extra:build cannot be imported: (libGL.so.1: no file|nms); try .*\[vision\]'"
    with pytest.raises(ValueError, match=message) as caught:
        load("broken_extra:build", "vision")
    assert "\n" not in str(caught.value)
    with pytest.raises((ImportError, RuntimeError)):
        load("broken_extra:build")


class Zero(Objective):
    """An objective outside the suite."""

    predictions = ("sample",)
    limits = {"once": StepLimits(default=1, highest=1)}  # noqa: RUF012
    default_sampler = "once"

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        return network(actions, actions.new_zeros(len(actions)), condition).square().mean()

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        return network(noise(), condition.new_zeros(len(condition)), condition)


@pytest.mark.usefixtures("_restored")
def test_a_registered_objective_gets_an_entry_from_its_class() -> None:
    add_objective("own", Zero)
    last = POLICIES["knn"].place
    assert POLICIES["own"] == PolicyEntry(
        f"{__name__}:Zero", Zero.predictions, Zero.limits, "once", last + 10, "#332288"
    )
    add_objective("own2", Zero, "Own", "#123456", place=15)
    entry = POLICIES["own2"]
    assert (entry.label, entry.colour, entry.place) == ("Own", "#123456", 15)
    assert load_objective("own") is Zero
    ChunkPolicy(ChunkPolicyConfig(3, 2, objective="own", width=8, depth=1))
    with pytest.raises(ValueError, match="'own' is registered already"):
        add_objective("own", Zero)


@pytest.mark.usefixtures("_restored")
def test_invalid_objectives_are_rejected() -> None:
    class Unfinished(Zero):
        default_sampler = "onec"

    with pytest.raises(ValueError, match="default_sampler of Unfinished 'onec'; did you mean once"):
        add_objective("own", Unfinished)
    with pytest.raises(ValueError, match="Objective lacks predictions, limits, default_sampler"):
        add_objective("own", Objective)

    class NoSampling(Objective):
        predictions, limits, default_sampler = Zero.predictions, Zero.limits, Zero.default_sampler
        loss = Zero.loss

    with pytest.raises(ValueError, match="NoSampling lacks sample; define each of them"):
        add_objective("own", NoSampling)
    with pytest.raises(ValueError, match="colour is 'blue'; give one as '#rrggbb'"):
        add_objective("own", Zero, colour="blue")
    assert "own" not in POLICIES


class Linear(nn.Module):
    """A backbone outside the suite: two layers per action."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        size = shape.act_dim + 1 + shape.condition_dim
        self.layers = nn.Sequential(
            nn.Linear(size, shape.width), nn.Linear(shape.width, shape.output_dim)
        )

    def forward(self, noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        context = torch.cat((time[:, None], condition), dim=1)[:, None]
        context = context.expand(-1, noisy_actions.shape[1], -1)
        output: Tensor = self.layers(torch.cat((noisy_actions, context), dim=-1))
        return output


@pytest.mark.usefixtures("_restored")
def test_a_registered_backbone_is_built_sized_and_saved_like_the_others() -> None:
    add_backbone("own", Linear)
    assert isinstance(make_backbone("own", NetworkShape(2, 4, 3, 8)), Linear)
    shape = sized(NetworkShape(2, 4, 3), "own", "small")
    mlp = count_parameters("mlp", sized(shape, "mlp", "small"))
    assert abs(count_parameters("own", shape) / mlp - 1) < 0.05
    config = ChunkPolicyConfig(3, 2, pred_horizon=4, backbone="own", width=8, depth=1)
    policy, other = ChunkPolicy(config), ChunkPolicy(ChunkPolicyConfig.from_json(config.to_json()))
    other.load_state_dict(policy.state_dict())
    noise = torch.ones(1, 4, 2)
    with torch.inference_mode():
        chunks = [p.sample(torch.ones(1, 2, 3), lambda: noise).actions for p in (policy, other)]
    assert torch.equal(*chunks)
    sizes = {"small": (5, 1), "base": (9, 2)}
    add_backbone("own2", Linear, sizes=sizes)
    assert sized(shape, "own2", "base") == replace(shape, width=9, depth=2)


@pytest.mark.usefixtures("_restored")
def test_invalid_backbones_are_rejected() -> None:
    with pytest.raises(ValueError, match="'mlp' is registered already"):
        add_backbone("mlp", Linear)
    with pytest.raises(ValueError, match="unknown conditioning 'fillm'; did you mean film"):
        add_backbone("own", Linear, conditionings=("fillm",))
    with pytest.raises(ValueError, match="sizes has small; give small, base"):
        add_backbone("own", Linear, sizes={"small": (5, 1)})
    given: Any = [1]
    with pytest.raises(ValueError, match=r"sizes in the backbone 'own' is \[1\]; give a dict"):
        add_backbone("own", Linear, sizes=given)
    given = {"small": (5, 1), "base": 7}
    with pytest.raises(ValueError, match="base in the backbone 'own' is 7; give width and depth"):
        add_backbone("own", Linear, sizes=given)
    add_backbone("own", Linear)
    with pytest.raises(ValueError, match="unknown conditioning of own 'film'; known: concat"):
        resolve_conditioning("own", "film")
