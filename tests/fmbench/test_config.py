"""Run configuration: presets, overrides, and errors that state what is accepted."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from envs.pictures import renderer
from fmbench.config import (
    FLAGS,
    PRESETS,
    RunConfig,
    config_from_json,
    make_config,
)
from fmbench.config.choices import ADDED, RENDERERS
from fmbench.config.flag import ACTING, AFTER, HOW, SEEN, WHAT, WHERE
from fmbench.config.run_config import SEEN_FIELDS
from fmbench.errors import FmbenchError
from policies.catalogue import BACKBONES, ENCODERS, POLICIES, Recipe

GROUPS = (WHAT, SEEN, HOW, ACTING, WHERE, AFTER)
TASKS = ("LiftCube", "PressEither", "TurnDial")


def rejection(**overrides: Any) -> str:
    with pytest.raises(FmbenchError) as caught:
        make_config("default", overrides, TASKS)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_accepted(preset: str) -> None:
    state = make_config(preset, {}, TASKS)
    seeing = make_config(preset, {"observation": "pixels"}, TASKS)
    assert state.preset == seeing.preset == preset
    for name, value in PRESETS[preset].items():
        assert getattr(seeing, name) == value
        expected = getattr(RunConfig, name) if name in SEEN_FIELDS else value
        assert getattr(state, name) == expected


def test_overrides_replace_the_preset_and_none_keeps_it() -> None:
    config = make_config("smoke", {"demos": 7, "updates": None, "nfe": (3,)}, TASKS)
    assert (config.demos, config.updates, config.nfe) == (7, PRESETS["smoke"]["updates"], (3,))


def test_every_objective_is_a_policy() -> None:
    assert make_config("default", {"policy": tuple(POLICIES)}, TASKS).policy == tuple(POLICIES)


def test_all_stands_for_every_task() -> None:
    assert make_config("default", {"task": ("all",)}, TASKS).task == TASKS


def test_the_hash_depends_on_every_value_and_nothing_else() -> None:
    config = RunConfig(observation="pixels")
    assert config.hash == RunConfig(observation="pixels").hash
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(RunConfig):
        value = getattr(config, field.name)
        if value is None:
            changed[field.name] = "x"
        elif isinstance(value, tuple):
            changed[field.name] = value * 2 or ("mass=2",)
        else:
            changed[field.name] = value + (1 if isinstance(value, int | float) else "x")
    hashes = {dataclasses.replace(config, **{name: changed[name]}).hash for name in changed}
    assert len({config.hash, *hashes}) == len(changed) + 1


def test_disturbances_are_stored_as_rows_have_them_and_none_leave_the_hash() -> None:
    plain = make_config("smoke", {}, TASKS)
    disturbed = make_config("smoke", {"perturb": ("mass=2.0", "hidden=on")}, TASKS)
    assert disturbed.perturb == ("mass=2", "hidden=on")
    assert "perturb" not in plain.to_json()
    assert plain.hash != disturbed.hash
    assert plain.cell_hash("flow") == disturbed.cell_hash("flow")
    assert config_from_json(disturbed.to_json(), TASKS) == disturbed
    with pytest.raises(FmbenchError, match="each setting once"):
        make_config("smoke", {"perturb": ("mass=2", "mass=2.0")}, TASKS)


def test_values_about_pictures_are_no_part_of_a_run_on_states() -> None:
    config = RunConfig()
    assert not set(SEEN_FIELDS) & set(config.to_json())
    assert set(config.to_json()) | set(SEEN_FIELDS) | set(ADDED) == set(FLAGS)
    assert dataclasses.replace(config, image_size=64, cameras=("main",)).hash == config.hash


def test_json_restores_the_configuration() -> None:
    values = RunConfig(nfe=(1, 4)).to_json()
    assert values["nfe"] == [1, 4]
    values_from_json = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    assert RunConfig(**values_from_json) == RunConfig(nfe=(1, 4))


MOST = {
    name: flag.most for name, flag in FLAGS.items() if flag.most is not None and not flag.is_several
}


@pytest.mark.parametrize("name", MOST)
def test_counts_outside_the_range_name_the_flag(name: str) -> None:
    flag = f"--{name.replace('_', '-')}"
    least = FLAGS[name].least
    for value in (least - 1, -3, MOST[name] + 1):
        assert rejection(**{name: value}) == (
            f"{flag} is {value}; give a whole number from {least} to {MOST[name]}"
        )


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"task": ("PressEihter",)}, "unknown task 'PressEihter'; did you mean PressEither?"),
        ({"task": ()}, "--task is empty; known: LiftCube, PressEither, TurnDial, all"),
        ({"task": ("LiftCube", "LiftCube")}, "--task is LiftCube LiftCube; give each name once"),
        ({"policy": ("flwo",)}, "unknown policy 'flwo'; did you mean flow"),
        ({"policy": ("bc", "bc")}, "--policy is bc bc; give each name once"),
        (
            {"backbone": "untet"},
            "unknown backbone 'untet'; did you mean unet? known: dit, mlp, unet",
        ),
        ({"nfe": (2, 0)}, "--nfe is 0; give a whole number from 1"),
        ({"nfe": (2, 2)}, "--nfe is 2 2; give each number once"),
        ({"nfe": ()}, "--nfe is empty; give one or more whole numbers"),
        ({"exec_horizon": 17}, "--exec-horizon is 17; give at most --pred-horizon, 16"),
        ({"seeds": 1001}, "--seeds is 1001; give a whole number from 1 to 1000"),
        ({"noise": -0.5}, "--noise is -0.5; give a number of at least 0"),
        ({"noise": float("nan")}, "--noise is nan"),
        ({"learning_rate": 0.0}, "--learning-rate is 0.0; give a number above 0"),
        ({"learning_rate": float("inf")}, "--learning-rate is inf"),
        ({"weight_decay": -0.1}, "--weight-decay is -0.1; give a number of at least 0"),
        ({"ema_decay": 1.0}, "--ema-decay is 1.0; give a number of at least 0 and below 1"),
        ({"ema_decay": float("nan")}, "--ema-decay is nan; give a number of at least 0 and below"),
    ],
)
def test_invalid_values_are_reported(overrides: dict[str, Any], message: str) -> None:
    assert message in rejection(**overrides)


SEEING = [
    ({"encoder": "vit"}, "--encoder is vit, which has no effect on --observation state; add --obs"),
    ({"cameras": ("main",)}, "--cameras is main, which has no effect on --observation state; add"),
    ({"observation": "pixel"}, "unknown observation 'pixel'; did you mean pixels?"),
    (
        {"observation": "features"},
        "--encoder is not given with --observation features; give one",
    ),
    (
        {"observation": "pixels", "encoder": "random"},
        "--encoder is 'random' with --observation pixels; give one that is trained: resnet18, vit",
    ),
    (
        {"observation": "features", "encoder": "yolo12"},
        "--encoder is 'yolo12', which needs --encoder-weights, a safetensors file (python -m fmbe",
    ),
    (
        {"observation": "features", "encoder": "vit"},
        "--encoder is 'vit', which needs --encoder-weights, a safetensors file (of a timm model)",
    ),
    (
        {"observation": "pixels", "encoder": "vit", "encoder_model": "vit_small"},
        "--encoder is 'vit' with one of --encoder-weights and --encoder-model; give both or nei",
    ),
    (
        {"observation": "features", "encoder": "random", "head": "spatial_softmax"},
        "--head is spatial_softmax, which random on --observation features does not use; it uses",
    ),
    ({"observation": "pixels", "image_size": 8}, "--image-size is 8; give a whole number from 16"),
]


@pytest.mark.parametrize(("overrides", "message"), SEEING)
def test_values_about_pictures_must_fit(overrides: dict[str, Any], message: str) -> None:
    assert message in rejection(**overrides)


def test_every_encoder_is_accepted_with_what_it_observes() -> None:
    for name, entry in ENCODERS.items():
        weights = "x.safetensors" if "weights" in entry.reads and entry.frozen else None
        config = make_config(
            "default",
            {
                "observation": "features" if entry.frozen else "pixels",
                "encoder": name,
                "encoder_weights": weights,
                "cameras": ("main", "other"),
            },
            TASKS,
        )
        assert config_from_json(config.to_json(), TASKS) == config


def test_renderers_are_those_of_the_pictures() -> None:
    assert RENDERERS == renderer.RENDERERS


def test_unknown_presets_get_near_matches() -> None:
    with pytest.raises(FmbenchError, match=r"'smok'; did you mean smoke\? known: default, paper"):
        make_config("smok", {}, TASKS)


def test_every_backbone_is_accepted_with_each_of_its_conditionings() -> None:
    for name, entry in BACKBONES.items():
        for conditioning in entry.conditionings:
            overrides = {"backbone": name, "conditioning": conditioning}
            assert make_config("default", overrides, TASKS).backbone == name


def test_a_conditioning_that_the_backbone_does_not_take_is_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = dataclasses.replace(BACKBONES["dit"], conditionings=("film",))
    monkeypatch.setitem(BACKBONES, "dit", entry)
    assert rejection(backbone="dit", conditioning="concat") == (
        "--conditioning is 'concat', which dit does not take; known: film"
    )


def test_the_run_of_the_teachers_is_identified_by_its_folder_name(
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


def test_configurations_are_restored_from_json() -> None:
    config = RunConfig(task=("LiftCube",), nfe=(3,), noise=2.0)
    assert config_from_json(config.to_json(), ("LiftCube",)) == config
    for name, value in (("width", "3"), ("nfe", 3), ("nfe", ["a"]), ("seeds", True)):
        with pytest.raises(FmbenchError, match=f"^{name} is "):
            config_from_json(config.to_json() | {name: value}, ("LiftCube",))
    with pytest.raises(FmbenchError, match="unknown task 'LiftCube'"):
        config_from_json(config.to_json(), ("Other",))


def test_every_field_has_a_help_a_group_and_limits() -> None:
    for name, flag in FLAGS.items():
        assert flag.help, name
        assert flag.group in GROUPS
        bounded = flag.kind is str or flag.most or flag.kind is float
        assert bounded, f"{name} is a count without a maximum"
        default = getattr(RunConfig, name)
        assert default is not None or flag.is_optional


def test_messages_name_the_flag_of_the_command() -> None:
    with pytest.raises(FmbenchError, match="--episodes is 0; give a whole number from 1 to 300000"):
        make_config("default", {"demos": 0}, TASKS, {"demos": "--episodes"})


EARLIER = {
    "d03a88240e90": RunConfig(),
    "3070cdf64957": RunConfig(backbone="dit"),
    "acdcacd53e4a": RunConfig(observation="pixels"),
}


def test_configurations_of_before_there_were_recipes_keep_their_hash() -> None:
    assert {config.hash: config for config in EARLIER.values()} == EARLIER
    for config in EARLIER.values():
        assert make_config("default", {"backbone": config.backbone}, TASKS).to_json() == (
            dataclasses.replace(config, observation="state").to_json()
        )


FOUND = Recipe(3e-4, 500, 0.01, 0.9995, "concat", {"small": (96, 6)})


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """Give the transformer a recipe of its own."""
    monkeypatch.setitem(BACKBONES, "dit", dataclasses.replace(BACKBONES["dit"], recipe=FOUND))
    return FOUND


def test_a_run_takes_what_it_does_not_say_from_the_recipe_of_its_backbone(found: Recipe) -> None:
    config = make_config("default", {"backbone": "dit"}, TASKS)
    for name in ("learning_rate", "warmup_updates", "weight_decay", "ema_decay", "conditioning"):
        assert getattr(config, name) == getattr(found, name)
    assert (config.width, config.depth) == found.sizes["small"]
    given = make_config("default", {"backbone": "dit", "learning_rate": 1.0, "depth": 2}, TASKS)
    assert given == dataclasses.replace(config, learning_rate=1.0, depth=2)
    base = make_config("default", {"backbone": "dit", "size": "base"}, TASKS)
    assert (base.width, base.depth, base.ema_decay) == (None, None, found.ema_decay)
    film = make_config("default", {"backbone": "dit", "conditioning": "film"}, TASKS)
    assert (film.width, film.depth, film.ema_decay) == (None, None, found.ema_decay)
    assert make_config("default", {}, TASKS) == RunConfig()


def test_a_recipe_that_changes_belongs_to_other_configurations(found: Recipe) -> None:
    before = RunConfig(backbone="dit", task=("LiftCube",))
    now = make_config("default", {"backbone": "dit", "task": ("LiftCube",)}, TASKS)
    assert now.hash != before.hash
    assert now.cell_hash("flow") != before.cell_hash("flow")
    assert config_from_json(before.to_json(), TASKS) == before
    assert config_from_json(now.to_json(), TASKS) == now
