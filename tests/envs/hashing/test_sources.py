"""Which modules are a user's own code, and which belong to an installed distribution."""

from pathlib import Path

import pytest

from envs.hashing.sources import find_source


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules that is on the search path but not named as pip names one."""
    (tmp_path / "listed_package").mkdir()
    for name in ("listed_package/__init__.py", "listed_package/part.py", "listed_module.py"):
        (tmp_path / name).write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "own_module.py").write_text("x = 1\n", encoding="utf-8")
    record = tmp_path / "some-1.0.dist-info" / "RECORD"
    record.parent.mkdir()
    record.write_text(
        "listed_package/__init__.py,sha256=a,1\nlisted_module.py,sha256=b,1\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "is_own"),
    [
        ("own_module", True),
        ("listed_module", False),
        ("listed_package", False),
        ("listed_package.part", False),
        ("json", False),
        ("numpy", False),
        ("envs.task", True),
    ],
)
def test_what_a_distribution_lists_is_not_a_users_code(
    folder: Path, module: str, is_own: bool
) -> None:
    find_source.cache_clear()
    assert (find_source(module) is not None) == is_own
