"""A configuration is checked whole, and every refusal names what was given and what is accepted."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from fmbench.config import (
    FLAGS,
    PRESETS,
    RunConfig,
    config_from_json,
    make_config,
)
from fmbench.config.flag import HOW, WHAT, WHERE
from fmbench.errors import FmbenchError
from policies.catalogue import BACKBONES, POLICIES

GROUPS = (WHAT, HOW, WHERE)
TASKS = ("LiftCube", "PressEither", "TurnDial")


def refusal(**overrides: Any) -> str:
    with pytest.raises(FmbenchError) as caught:
        make_config("default", overrides, TASKS)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_accepted(preset: str) -> None:
    config = make_config(preset, {}, TASKS)
    assert config.preset == preset
    for name, value in PRESETS[preset].items():
        assert getattr(config, name) == value


def test_given_values_win_over_the_preset_and_none_leaves_it() -> None:
    config = make_config("smoke", {"demos": 7, "updates": None, "nfe": (3,)}, TASKS)
    assert (config.demos, config.updates, config.nfe) == (7, PRESETS["smoke"]["updates"], (3,))


def test_every_objective_is_a_policy() -> None:
    assert make_config("default", {"policy": tuple(POLICIES)}, TASKS).policy == tuple(POLICIES)


def test_all_stands_for_every_task() -> None:
    assert make_config("default", {"task": ("all",)}, TASKS).task == TASKS


def test_hash_is_the_same_for_the_same_values_and_changes_with_each() -> None:
    config = RunConfig()
    assert config.hash == RunConfig().hash
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(RunConfig):
        value = getattr(config, field.name)
        if value is None:
            changed[field.name] = "x"
        elif isinstance(value, tuple):
            changed[field.name] = value * 2
        else:
            changed[field.name] = value + (1 if isinstance(value, int | float) else "x")
    hashes = {dataclasses.replace(config, **{name: changed[name]}).hash for name in changed}
    assert len({config.hash, *hashes}) == len(changed) + 1


def test_json_is_plain_and_comes_back() -> None:
    values = RunConfig(nfe=(1, 4)).to_json()
    assert values["nfe"] == [1, 4]
    as_given = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    assert RunConfig(**as_given) == RunConfig(nfe=(1, 4))


MOST = {
    name: flag.most for name, flag in FLAGS.items() if flag.most is not None and not flag.is_several
}


@pytest.mark.parametrize("name", MOST)
def test_counts_outside_the_range_name_the_flag(name: str) -> None:
    flag = f"--{name.replace('_', '-')}"
    for value in (0, -3, MOST[name] + 1):
        assert refusal(**{name: value}) == (
            f"{flag} is {value}; give a whole number from 1 to {MOST[name]}"
        )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"task": ("PressEihter",)}, "unknown task 'PressEihter'; did you mean PressEither?"),
        ({"task": ()}, "--task names nothing; known: LiftCube, PressEither, TurnDial, all"),
        ({"task": ("LiftCube", "LiftCube")}, "--task names one twice: LiftCube LiftCube"),
        ({"policy": ("flwo",)}, "unknown policy 'flwo'; did you mean flow"),
        ({"policy": ("bc", "bc")}, "--policy names one twice"),
        (
            {"backbone": "untet"},
            "unknown backbone 'untet'; did you mean unet? known: dit, mlp, unet",
        ),
        ({"nfe": (2, 0)}, "--nfe is 0; give a whole number from 1"),
        ({"nfe": (2, 2)}, "--nfe names a number twice: 2 2"),
        ({"nfe": ()}, "--nfe names nothing"),
        ({"exec_horizon": 17}, "--exec-horizon is 17, more than --pred-horizon 16"),
        ({"seeds": 1001}, "--seeds is 1001; give a whole number from 1 to 1000"),
        ({"noise": -0.5}, "--noise is -0.5; give a number of at least 0"),
        ({"noise": float("nan")}, "--noise is nan"),
        ({"learning_rate": 0.0}, "--learning-rate is 0.0; give a number above 0"),
        ({"learning_rate": float("inf")}, "--learning-rate is inf"),
    ],
)
def test_bad_values_are_named(given: dict[str, Any], said: str) -> None:
    assert said in refusal(**given)


def test_unknown_presets_are_refused_with_near_ones() -> None:
    with pytest.raises(FmbenchError, match=r"'smok'; did you mean smoke\? known: default, paper"):
        make_config("smok", {}, TASKS)


def test_every_backbone_is_accepted_with_each_of_its_conditionings() -> None:
    for name, entry in BACKBONES.items():
        for conditioning in entry.conditionings:
            given = {"backbone": name, "conditioning": conditioning}
            assert make_config("default", given, TASKS).backbone == name


def test_a_conditioning_that_the_backbone_does_not_take_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = dataclasses.replace(BACKBONES["dit"], conditionings=("film",))
    monkeypatch.setitem(BACKBONES, "dit", entry)
    assert refusal(backbone="dit", conditioning="concat") == (
        "--conditioning concat is not possible for dit; possible: film"
    )


def test_a_run_to_learn_from_is_known_by_its_name_however_its_path_is_spelt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spellings = ("runs/try", "runs/try/", "./runs/try", str(tmp_path / "runs" / "try"))
    configs = [RunConfig(policy=("reflow",), from_run=spelling) for spelling in spellings]
    assert len({config.hash for config in configs}) == 1
    assert configs[3].to_json()["from_run"] == "try"
    assert RunConfig(policy=("reflow",), from_run="runs/other").hash != configs[0].hash
    back = config_from_json(configs[0].to_json(), ("LiftCube",))
    assert (back.from_run, back.hash) == ("try", configs[0].hash)


def test_configurations_come_back_from_json() -> None:
    config = RunConfig(task=("LiftCube",), nfe=(3,), noise=2.0)
    assert config_from_json(config.to_json(), ("LiftCube",)) == config
    for name, value in (("width", "3"), ("nfe", 3), ("nfe", ["a"]), ("seeds", True)):
        with pytest.raises(FmbenchError, match=f"^{name} is "):
            config_from_json(config.to_json() | {name: value}, ("LiftCube",))
    with pytest.raises(FmbenchError, match="unknown task 'LiftCube'"):
        config_from_json(config.to_json(), ("Other",))


def test_every_value_is_described_once_and_checked_by_its_own_field() -> None:
    for name, flag in FLAGS.items():
        assert flag.help, name
        assert flag.group in GROUPS
        bounded = flag.kind is str or flag.most or flag.kind is float
        assert bounded, f"{name} is a count without a most"
        default = getattr(RunConfig, name)
        assert default is not None or flag.is_optional


def test_messages_name_the_flag_that_gave_the_value() -> None:
    with pytest.raises(FmbenchError, match="--episodes is 0; give a whole number from 1 to 300000"):
        make_config("default", {"demos": 0}, TASKS, {"demos": "--episodes"})
