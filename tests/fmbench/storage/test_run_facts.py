"""`run.json`: read as written; old files are accepted, foreign ones rejected."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from fmbench.errors import FmbenchError
from fmbench.storage.files import read_json
from fmbench.storage.run_facts import (
    RUN_FILE,
    SCHEMA,
    SEAL,
    MadeDemonstrations,
    RunFacts,
    read_run_facts,
    write_run_facts,
)
from tests.fmbench.small_run import ROOT

FACTS = RunFacts(
    preset="smoke",
    policies={"flow": {"label": "flow", "colour": "#0072B2", "place": 10}},
    config={"seeds": 1, "nfe": [1, 2], "from_run": None},
    task_hashes={"LiftCube": "ab" * 32},
    hash_kind=2,
    command="python -m fmbench.run",
    commit="abc",
    versions={"torch": "2.13"},
    machine={"cores": 2},
    demonstrations={"LiftCube": MadeDemonstrations(4, 5, 1, "cd" * 32)},
)


def test_facts_are_read_as_they_were_written(tmp_path: Path) -> None:
    for facts in (
        FACTS,
        RunFacts(),
        dataclasses.replace(FACTS, complete=True, seconds=1.5, teachers={"a": "b"}),
        dataclasses.replace(FACTS, demonstrations=None, rescores={"sampler": "heun"}),
        dataclasses.replace(
            FACTS, demonstrations={"LiftCube": MadeDemonstrations(4, None, None, "cd" * 32)}
        ),
    ):
        write_run_facts(tmp_path, facts)
        assert read_run_facts(tmp_path) == facts


def test_unknown_facts_are_not_written() -> None:
    values = dataclasses.replace(FACTS, demonstrations=None).to_json()
    assert not {"rescores", "teachers", "demonstrations", "seconds"} & set(values)
    assert values["complete"] is False


def test_facts_are_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        FACTS.complete = True  # type: ignore[misc]


@pytest.mark.parametrize("path", sorted((ROOT / "results").rglob(RUN_FILE))[::15])
def test_committed_runs_are_read_completely(path: Path) -> None:
    facts = read_run_facts(path.parent)
    assert facts.complete
    values = {name: value for name, value in read_json(path).items() if name != SEAL}
    assert {name: value for name, value in facts.to_json().items() if name in values} == values


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"config": [1]}, "config is [1]; "),
        ({"complete": "yes"}, "complete is 'yes'; input should be a valid boolean"),
        ({"commit": 3}, "commit is 3; input should be a valid string"),
        ({"policies": []}, "policies is []; "),
        ({"hash_kind": "2"}, "hash_kind is '2'; input should be a valid integer"),
        ({"demonstrations": {"LiftCube": [1]}}, "demonstrations.LiftCube is [1]; "),
        (
            {"demonstrations": {"LiftCube": {"attempted": 3}}},
            "demonstrations.LiftCube.episodes is missing; fmbench writes it",
        ),
    ],
)
def test_values_of_another_type_are_rejected(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / RUN_FILE
    path.write_text(json.dumps(FACTS.to_json() | change))
    with pytest.raises(FmbenchError) as caught:
        read_run_facts(tmp_path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize("name", sorted({*FACTS.to_json(), SEAL, "sky"}))
def test_a_value_that_was_changed_after_it_was_written_is_found(name: str, tmp_path: Path) -> None:
    write_run_facts(tmp_path, dataclasses.replace(FACTS, schema=SCHEMA))
    path = tmp_path / RUN_FILE
    values = json.loads(path.read_text())
    for changed in (
        {**values, name: {"bc": 1}},
        {key: value for key, value in values.items() if key != name},
    ):
        path.write_text(json.dumps(changed))
        if changed != values:
            with pytest.raises(
                FmbenchError, match=rf"run\.json was changed after .* {SEAL} differs"
            ):
                read_run_facts(tmp_path)
    path.write_text(json.dumps(dict(reversed(values.items())), indent=None))
    assert read_run_facts(tmp_path).config == FACTS.config, "order and spaces say nothing"


def test_files_of_the_schema_before_have_no_hash(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text(json.dumps({**FACTS.to_json(), "schema": SCHEMA - 1}))
    assert read_run_facts(tmp_path) == dataclasses.replace(FACTS, schema=SCHEMA - 1)


def test_missing_null_and_unknown_values_are_ignored(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text('{"config": null, "colour_of_the_sky": "blue"}')
    assert read_run_facts(tmp_path) == RunFacts()


def test_a_run_is_identified_by_the_values_that_determine_its_numbers() -> None:
    assert FACTS.identity == {"config": FACTS.config, "task_hashes": FACTS.task_hashes}
    learned = dataclasses.replace(FACTS, teachers={"flow": "ef"})
    assert "teachers" not in learned.identity, "its own teachers follow from the configuration"
    from_another = dataclasses.replace(learned, config={**FACTS.config, "from_run": "try"})
    assert from_another.identity["teachers"] == {"flow": "ef"}
    again = dataclasses.replace(FACTS, rescores={"sampler": "heun"})
    assert list(again.identity) == ["rescores", "config", "task_hashes"]
