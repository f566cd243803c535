"""A foreign package `envs` is reported in one line, before it is imported."""

from pathlib import Path

import pytest

from fmbench.install_check import check_install
from tests.fmbench.small_run import ROOT, finish, start


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "__init__.py").write_text("raise SystemExit('foreign code ran')")
    return tmp_path


@pytest.mark.parametrize("module", ["run", "demonstrations", "figures"])
def test_commands_report_it_in_one_line(module: str, foreign: Path) -> None:
    code, out, err = finish(start(foreign, "-m", f"fmbench.{module}", "--help"))
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {foreign / 'envs'} hides the package 'envs'")
    assert str(ROOT / "envs") in err
    assert "run from another directory" in err
    assert err.count("\n") == 1


def test_imports_raise_an_import_error(foreign: Path) -> None:
    code, _, err = finish(start(foreign, "-c", "import fmbench"))
    assert code == 1
    assert err.splitlines()[-1].startswith("ImportError: ")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="nothing provides the package 'envs' that fmbench needs"):
        check_install()
