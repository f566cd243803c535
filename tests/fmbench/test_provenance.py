"""A number says what produced it, without naming the machine or its user."""

import getpass
import platform
import re
import subprocess

import pytest

from fmbench import provenance


def test_commit_marks_edited_sources_and_survives_without_git(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert re.fullmatch(r"[0-9a-f]{12}(-dirty)?|unknown", provenance.commit())
    monkeypatch.setattr(provenance, "_git", lambda root, *words: "abc" if "HEAD" in words else "M")
    assert provenance.commit() in ("abc-dirty", "unknown")

    def no_git(*words: object, **options: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.undo()
    monkeypatch.setattr(subprocess, "run", no_git)
    assert provenance.commit() == "unknown"


def test_versions_name_what_decides_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "PACKAGES", ("torch", "no-such-package"))
    found = provenance.versions()
    assert found["python"] == platform.python_version()
    assert found["torch"][0].isdigit()
    assert found["no-such-package"] == "not installed"


def test_machine_is_described_not_named() -> None:
    found = provenance.machine()
    assert set(found) == {"system", "processor", "cores"}
    assert found["cores"] != 0
    text = str(found).split()
    assert platform.node() not in text
    assert getpass.getuser() not in text
