"""JSON files that no fmbench has written: each is one line that names the file, at once."""

import json
import os
import time
from pathlib import Path

import pytest

from fmbench.errors import FmbenchError
from fmbench.storage.run_facts import RUN_FILE, SCHEMA, SEAL, read_run_facts
from fmbench.storage.sealed_json import with_seal
from tests.fmbench.storage.test_run_facts import FACTS

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def refusal(folder: Path) -> str:
    started = time.monotonic()
    with pytest.raises(FmbenchError) as caught:
        read_run_facts(folder)
    assert time.monotonic() - started < 5
    message = str(caught.value)
    assert message.startswith(str(folder / RUN_FILE))
    assert message.isprintable()
    assert len(message) < 400
    return message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON: Expecting value"),
        (b"\0", "is not JSON"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'{"seconds": 1e400}', "'1e400' is too large a number"),
        (b'{"hash_kind": ' + b"9" * 5000 + b"}", "is too large a number"),
        (b'{"hash_kind": ' + b"9" * 4000 + b"}", "is too large a number"),
        (b'{"commit": "a", "commit": "b"}', "'commit' is there more than once"),
        (b'{"' + b"x" * 100_000 + b'": 1, "' + b"x" * 100_000 + b'": 1}', "more than once"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is not JSON: "),
        (b'{"a": ' + b"[" * 50 + b"]" * 50 + b"}", "nested more than 32 levels deep"),
        (b'{"commit": "\\ud800"}', "is not JSON in UTF-8: surrogates not allowed"),
        (b'{"commit": "\xed\xa0\x80"}', "is not JSON in UTF-8"),
        (b'{"commit": "\xff"}', "is not JSON in UTF-8"),
        (b'\xef\xbb\xbf{"commit": "a"}', "is not JSON: Unexpected UTF-8 BOM"),
        ('{"commit": "a"}'.encode("utf-16"), "is not JSON in UTF-8"),
        (b"3", "must hold a JSON object, not a int"),
    ],
)
def test_foreign_content_is_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_bytes(content)
    assert message in refusal(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seconds": {}}, "seconds is {}; input should be a valid number"),
        ({"seconds": []}, "seconds is []; input should be a valid number"),
        ({"seconds": "1"}, "seconds is '1'; input should be a valid number"),
        ({"seconds": -1}, "seconds is -1; give a number of at least 0"),
        ({"seconds": True}, "seconds is True; input should be a valid number"),
        ({"planned_cells": 0}, "planned_cells is 0; give a number of at least 1"),
        (
            {"control_periods": {"LiftCube": 0}},
            "control_periods.LiftCube is 0; give a number of at",
        ),
        (
            {"control_periods": {"LiftCube": "1"}},
            "control_periods.LiftCube is '1'; input should be",
        ),
        ({"planned_cells": 1.0}, "planned_cells is 1.0; input should be a valid integer"),
        ({"complete": 1}, "complete is 1; input should be a valid boolean"),
        ({"task_hashes": {"LiftCube": "ab"}}, "task_hashes.LiftCube is 'ab'; give the 64 hexa"),
        ({"config": {"seeds": {}}}, "config.seeds is {}; give a number, a text or a list"),
        ({"config": {"seeds": "1"}}, "config: seeds is '1'; input should be a valid integer"),
        ({"config": {"seeds": True}}, "config.seeds is True; give a number, a text or a list"),
        ({"config": {"task": "LiftCube"}}, "config: task is 'LiftCube'; input should be a valid"),
        ({"policies": {"bc": {"label": "a"}}}, "the look of 'bc': colour is missing"),
        (
            {"policies": {"bc": {"label": "a", "colour": "red", "place": 1}}},
            "the look of 'bc': colour is 'red'; give a colour such as",
        ),
        ({"demonstrations": {"T": {"episodes": -1}}}, "demonstrations.T.episodes is -1; give a"),
        ({"made_with": [{"code_hash": 3}]}, "made_with.0.code_hash is 3; input should be"),
        (
            {"plugins": [{"kind": "file"}]},
            "plugins.0.kind is 'file'; give task, policy, backbone, encoder or axis",
        ),
        ({"versions": {"torch": 2}}, "versions.torch is 2; input should be a valid string"),
        ({"schema": SCHEMA + 1}, f"schema is {SCHEMA + 1}; this fmbench reads up to {SCHEMA}: use"),
        ({"schema": "1"}, "schema is '1'; input should be a valid integer"),
        ({"schema": SCHEMA, "sky": 1}, "sky is unknown; fmbench does not write it"),
        ({"schema": SCHEMA, "a\nb" * 99: 1}, "is unknown; fmbench does not write it"),
    ],
)
def test_a_foreign_value_is_named(change: dict[str, object], message: str, tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text(json.dumps(with_seal(FACTS.to_json() | change, SEAL)))
    assert message in refusal(tmp_path)


def test_a_file_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / RUN_FILE).open("wb") as file:
        file.truncate(2**30)
    assert f"has {2**30} bytes; at most {2**24} are accepted" in refusal(tmp_path)


def test_many_repeated_names_are_found_at_once(tmp_path: Path) -> None:
    names = [f'"{k}": 1' for k in range(200_000)]
    (tmp_path / RUN_FILE).write_text(f"{{{', '.join([*names, names[-1]])}}}")
    assert "'199999' is there more than once" in refusal(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "dangling", "device"])
def test_what_is_no_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / RUN_FILE
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"loop": path.name, "dangling": "nowhere", "device": "/dev/zero"}[kind])
    refusal(tmp_path)
