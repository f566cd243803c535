"""The files about the project agree with it: package data, changelog, citation."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from envs.registry import TASKS, task_id
from fmbench import __version__
from tests.fmbench.small_run import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
SECTIONS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
"""Of https://keepachangelog.com."""


def test_package_data_names_files_that_exist() -> None:
    for package, patterns in PROJECT["tool"]["setuptools"]["package-data"].items():
        assert "py.typed" in patterns
        for pattern in patterns:
            assert list((ROOT / package).glob(pattern)), f"{package}/{pattern}"


def test_the_citation_has_the_fields_of_cff_1_2_0_and_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["authors"] == [{"name": "fmbench contributors"}]
    assert citation["license"] == PROJECT["project"]["license"] == "MIT"
    assert citation["version"] == PROJECT["project"]["version"] == __version__
    assert all(isinstance(citation[name], str) for name in ("message", "title", "abstract"))
    assert not {"doi", "identifiers", "url", "repository-code"} & set(citation)


def test_the_changelog_is_kept_as_keepachangelog_asks() -> None:
    assert CHANGELOG.startswith("# Changelog\n")
    assert re.findall(r"^## (.*)", CHANGELOG, flags=re.MULTILINE) == [
        f"[{__version__}] - unreleased",
        "Task versions",
    ]
    titles = re.findall(r"^### (.*)", CHANGELOG, flags=re.MULTILINE)
    assert set(titles) <= set(SECTIONS)
    assert titles == [title for title in SECTIONS if title in titles]


@pytest.mark.parametrize("name", [name for name, entry in TASKS.items() if not entry.twin_of])
def test_the_changelog_has_every_version_of_a_task(name: str) -> None:
    versions = re.findall(rf"^\| `fmbench/{name}-v(\d+)` \|", CHANGELOG, flags=re.MULTILINE)
    assert versions == [str(version) for version in range(TASKS[name].version, -1, -1)]
    assert f"`{task_id(name)}`" in CHANGELOG
