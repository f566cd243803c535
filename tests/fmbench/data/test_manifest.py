"""The facts of demonstrations: types, agreement with each other, the data and the request."""

import json
import shutil
from pathlib import Path

import pytest

from fmbench.data.manifest import ACCEPTED
from fmbench.data.minari_file import METADATA_FILE
from fmbench.data.store import DemonstrationConfig, load_demonstrations
from fmbench.errors import FmbenchError
from fmbench.storage.artefacts import MANIFEST, SEAL
from fmbench.storage.sealed_json import with_seal
from tests.fmbench.data.refusal import refused
from tests.reseal import facts_of, reseal

TASK = "PressEither"


@pytest.fixture
def folder(demonstrations_folder: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may damage."""
    return Path(shutil.copytree(demonstrations_folder, tmp_path / demonstrations_folder.name))


@pytest.mark.parametrize("value", [None, True, -1, 0.5, 1e400, "4", [], {}, [None], {"a": 1}, "\n"])
@pytest.mark.parametrize("name", ACCEPTED)
def test_facts_of_other_types_are_refused(name: str, value: object, folder: Path) -> None:
    original = facts_of(folder)[name]
    if type(original) is type(value) and value in ("4", [], {}, 0.5):
        pytest.skip("of the right type")
    if name == "sha256":  # which `reseal` would write anew
        manifest = {**facts_of(folder), name: value}
        (folder / MANIFEST).write_text(json.dumps(with_seal(manifest, SEAL)))
    else:
        reseal(folder, **{name: value})
    with pytest.raises(FmbenchError) as caught:
        load_demonstrations(folder, TASK)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("name", sorted(set(ACCEPTED) - {"hash_kind", "sha256"}))
def test_a_missing_fact_is_refused(name: str, folder: Path) -> None:
    facts = facts_of(folder)
    del facts[name]
    (folder / MANIFEST).write_text(json.dumps(facts))
    reseal(folder)
    refused(folder, f"lacks '{name}'; delete")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("episodes", 3),
        ("episodes", 0),
        ("attempted", 3),
        ("failed", 1),
        ("steps", 3),
        ("steps", 10**6),
        ("episode_seeds", [1, 2, 3, 4]),
        ("episode_seeds", [1_000_003, 1_000_002, 1_000_001, 1_000_000]),
        ("episode_seeds", [1_000_000, 1_000_001]),
        ("modes", ["index"]),
        ("modes", ["index", "middle", "thumb", ""]),
    ],
)
def test_facts_that_do_not_fit_each_other_are_refused(
    name: str, value: object, folder: Path
) -> None:
    reseal(folder, **{name: value})
    refused(folder, r"manifest\.json: .* does not fit its other facts or fmbench/PressEither-v")


def test_steps_that_do_not_fit_the_data_are_refused(folder: Path) -> None:
    steps = facts_of(folder)["steps"]
    metadata = json.loads((folder / METADATA_FILE).read_text())
    (folder / METADATA_FILE).write_text(json.dumps({**metadata, "total_steps": steps + 1}))
    reseal(folder, steps=steps + 1)
    refused(folder, f"holds {steps} steps, not {steps + 1}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("total_episodes", 5),
        ("total_episodes", True),
        ("total_steps", "9"),
        ("data_format", "arrow"),
        ("env_spec", None),
        ("env_spec", "{}"),
        ("env_spec", "[["),
        (
            "env_spec",
            '{"entry_point": "os:system", "kwargs": {"env_id": "fmbench/PressEither-v2"}}',
        ),
        ("env_spec", '{"entry_point": "fmbench:make_env", "kwargs": {"env_id": "other"}}'),
    ],
)
def test_metadata_of_another_data_set_or_environment_are_refused(
    name: str, value: object, folder: Path
) -> None:
    metadata = json.loads((folder / METADATA_FILE).read_text())
    (folder / METADATA_FILE).write_text(json.dumps({**metadata, name: value}))
    reseal(folder)
    refused(folder, rf"metadata\.json: {name} is ")


def test_a_file_more_is_refused(folder: Path) -> None:
    (folder / "more.txt").touch()
    facts = facts_of(folder)
    reseal(folder, sha256={**facts["sha256"], "more.txt": ""})
    refused(folder, "holds other files than demonstrations do")


def test_a_folder_with_the_name_of_another_request_is_refused(folder: Path) -> None:
    for request in (DemonstrationConfig(TASK, 3), DemonstrationConfig(TASK, 4, 0.5)):
        with pytest.raises(FmbenchError, match=r"holds 4 episodes .* noise 1\.0, .*not what its n"):
            load_demonstrations(folder, TASK, request)
    load_demonstrations(folder, TASK, DemonstrationConfig(TASK, 4))
