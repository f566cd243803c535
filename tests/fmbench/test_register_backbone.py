"""`register_backbone`: a network of one's own brings its recipe, which a run takes and states."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from fmbench import run
from fmbench.config import RunConfig, make_config
from fmbench.plugins import register_backbone
from fmbench.storage.files import read_json
from policies.backbones.mlp import ResidualMLP
from policies.backbones.sizes import count_parameters
from policies.catalogue import BACKBONES, RECIPE, Recipe
from tests.fmbench.registered import registrations
from tests.fmbench.small_run import SMALL, call

OWN = Recipe(3e-4, 2, 0.02, 0.99, "film", {"small": (40, 2)})
FILE = f"""
from fmbench.plugins import register_backbone
from policies.backbones.mlp import ResidualMLP
from policies.catalogue import Recipe
register_backbone("own", ResidualMLP, ("concat", "film"), recipe={OWN!r})
"""


@pytest.fixture(autouse=True)
def _nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with registrations():
        yield
    count_parameters.cache_clear()


def register(**more: Any) -> None:
    register_backbone("own", ResidualMLP, ("concat", "film"), **more)


def test_a_run_takes_the_recipe_of_a_users_network_where_it_does_not_say_otherwise() -> None:
    register(recipe=OWN)
    config = make_config("default", {"backbone": "own"}, ("LiftCube",))
    stated = (config.learning_rate, config.warmup_updates, config.weight_decay, config.ema_decay)
    assert stated == OWN[:4]
    assert (config.conditioning, config.width, config.depth) == ("film", 40, 2)
    values = {"backbone": "own", "ema_decay": 0.5, "size": "base"}
    other = make_config("default", values, ("LiftCube",))
    assert (other.ema_decay, other.learning_rate, other.width) == (0.5, 3e-4, None)
    assert make_config("default", {}, ("LiftCube",)) == RunConfig()


def test_whole_numbers_of_a_recipe_give_the_hash_of_the_same_flags() -> None:
    register(recipe=Recipe(learning_rate=1, weight_decay=0, ema_decay=0))
    config = make_config("default", {"backbone": "own"}, ("LiftCube",))
    flags = {"learning_rate": 1.0, "weight_decay": 0.0, "ema_decay": 0.0}
    stated = make_config("default", {"backbone": "own", **flags}, ("LiftCube",))
    assert config.cell_hash("flow") == stated.cell_hash("flow")


def test_a_network_without_a_recipe_is_trained_like_the_mlp() -> None:
    register()
    assert BACKBONES["own"].recipe == RECIPE
    assert make_config("default", {"backbone": "own"}, ("LiftCube",)) == RunConfig(backbone="own")


def test_a_run_states_the_recipe_of_a_plug_in(demonstrations_folder: Path) -> None:
    Path("own.py").write_text(FILE, encoding="utf-8")
    place = ("--plugin", "own.py", "--data", demonstrations_folder.parent, "--out", "run")
    words = ("--backbone", "own", "--policy", "bc", "--weight-decay", "0.5", "--no-latency")
    assert call(run.main, *SMALL, *words, *place) == 0
    config = read_json(Path("run/run.json"))["config"]
    assert (config["learning_rate"], config["warmup_updates"]) == (3e-4, 2)
    assert (config["weight_decay"], config["ema_decay"]) == (0.5, 0.99)
    assert (config["conditioning"], config["width"]) == ("film", 16), "SMALL states the width"
    manifest = json.loads(Path("run/checkpoints/PressEither-bc-seed0/manifest.json").read_text())
    assert manifest["training"]["learning_rate"] == 3e-4
    assert manifest["training"]["ema_decay"] == 0.99


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"learning_rate": 1}, "the recipe of the backbone 'own' is {'learning_rate': 1}; give a"),
        (Recipe(learning_rate=0), "learning_rate in the .* 'own' is 0; give a number above 0"),
        (Recipe(learning_rate=float("nan")), "learning_rate in .* is nan; give a number above 0"),
        (Recipe(learning_rate="1"), "learning_rate in .* is '1'; give a number above 0"),  # type: ignore[arg-type]
        (Recipe(warmup_updates=2.0), "warmup_updates in .* is 2.0; give a whole number from 0"),  # type: ignore[arg-type]
        (Recipe(warmup_updates=True), "warmup_updates in .* is True; give a whole number"),
        (Recipe(weight_decay=-1), "weight_decay in .* is -1; give a number of at least 0"),
        (Recipe(ema_decay=1), "ema_decay in .* is 1; give a number of at least 0 and below 1"),
        (Recipe(conditioning="fillm"), "unknown conditioning in .* 'fillm'; did you mean film"),
        (Recipe(sizes=[("small", (4, 1))]), r"sizes in the .* is \[.*; give a dict or None"),  # type: ignore[arg-type]
        (Recipe(sizes={"tiny": (4, 1)}), "unknown size in the recipe .* 'tiny'; .*base, small"),
        (Recipe(sizes={"small": 4}), "small in the .* is 4; give width and depth"),  # type: ignore[dict-item]
        (Recipe(sizes={"small": (4, 0)}), r"small in the .* is \(4, 0\); give width and depth"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_rejected(recipe: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        register(recipe=recipe)
    assert "own" not in BACKBONES


def test_a_conditioning_must_be_one_of_the_networks_own() -> None:
    with pytest.raises(ValueError, match=r"unknown conditioning in the recipe .* known: concat$"):
        register_backbone("own", nn.Identity, recipe=Recipe(conditioning="film"))  # type: ignore[arg-type]
