"""Provenance: commit, versions and machine, without the name of the machine or its user."""

import getpass
import platform
import re
import subprocess
from pathlib import Path

import pytest

from fmbench.storage import provenance


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


def test_commit_is_that_of_the_repository_around_the_file() -> None:
    folder = Path(provenance.__file__).parent
    head = ["git", "-C", str(folder), "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(head, capture_output=True, text=True)
    expected = done.stdout.strip() if done.returncode == 0 else "unknown"
    assert provenance.commit().removesuffix("-dirty") == expected


def test_commit_is_unknown_outside_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))
    assert provenance.commit() == "unknown"


def test_versions_list_python_and_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "PACKAGES", ("torch", "no-such-package"))
    facts = provenance.versions()
    assert facts["python"] == platform.python_version()
    assert facts["torch"][0].isdigit()
    assert facts["no-such-package"] == "not installed"


def test_the_machine_is_described_without_its_name() -> None:
    facts = provenance.machine()
    assert set(facts) == {"system", "processor", "cores"}
    assert facts["cores"] != 0
    text = str(facts).split()
    assert platform.node() not in text
    assert getpass.getuser() not in text
