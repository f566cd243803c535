"""Where models of hands come from, what their hash covers, and damaged ones."""

import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from envs.hand.menagerie import ALLEGRO, SHADOW
from envs.hand.model_files import PACKAGE, Menagerie, ModelFile, model_digest, model_files

CUBE = "v -1 -1 -1\nv 1 -1 -1\nv -1 1 -1\nv -1 -1 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
PALM = (
    '<mujoco><compiler meshdir="meshes"/><include file="parts.xml"/>'
    '<worldbody><body><geom type="mesh" mesh="palm"/></body></worldbody></mujoco>'
)
PARTS = '<mujoco><asset><mesh name="palm" file="palm.obj"/></asset></mujoco>'


def robot(root: Path) -> Path:
    """Write a model folder `claw` with an included file and a mesh; return its main file."""
    folder = root / "claw"
    (folder / "meshes").mkdir(parents=True)
    (folder / "right_hand.xml").write_text(PALM)
    (folder / "parts.xml").write_text(PARTS)
    (folder / "meshes" / "palm.obj").write_text(CUBE)
    (folder / "meshes" / "other.obj").write_text(CUBE)
    return folder / "right_hand.xml"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Menagerie:
    robot(tmp_path)
    monkeypatch.setenv("MENAGERIE_ROOT", str(tmp_path))
    return Menagerie("claw")


def test_the_hash_covers_all_files_that_the_model_names_and_no_others(source: Menagerie) -> None:
    path = source._checked()
    assert [file.name for file in model_files(path)] == ["palm.obj", "parts.xml", "right_hand.xml"]
    present = source.digest()
    assert len(present) == 64
    for name, matters in (
        ("right_hand.xml", True),
        ("parts.xml", True),
        ("meshes/palm.obj", True),
        ("meshes/other.obj", False),
    ):
        file = path.parent / name
        before = file.read_bytes()
        file.write_bytes(before + b"\n")
        assert (source.digest() != present) == matters, name
        file.write_bytes(before.replace(b"\n", b"\r\n"))
        assert source.digest() == present
        file.write_bytes(before)
    assert source.spec().compile().nmesh == 1


def test_the_hash_does_not_depend_on_where_the_folder_is(tmp_path: Path) -> None:
    digests = {model_digest(robot(tmp_path / name)) for name in ("here", "there")}
    assert len(digests) == 1
    assert ModelFile(tmp_path / "here" / "claw" / "right_hand.xml").digest() in digests


@pytest.mark.real_hand
def test_the_models_of_two_hands_differ() -> None:
    assert ALLEGRO.source.digest() != SHADOW.source.digest()


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (
            lambda f: (f / "right_hand.xml").unlink(),
            "claw is damaged: right_hand.xml is missing; copy",
        ),
        (lambda f: (f / "parts.xml").unlink(), "is damaged: Could not open .*parts.xml'; copy"),
        (
            lambda f: (f / "meshes" / "palm.obj").unlink(),
            "palm.obj, which right_hand.xml names, is",
        ),
        (lambda f: (f / "right_hand.xml").write_text(PALM[:60]), "is damaged: Problem reading XML"),
        (lambda f: shutil.rmtree(f), r"MENAGERIE_ROOT=.* has no folder claw; set it to a copy"),
    ],
)
def test_a_damaged_folder_is_one_line(
    damage: Any, expected: str, source: Menagerie, tmp_path: Path
) -> None:
    damage(tmp_path / "claw")
    for use in (source.spec, source.digest):
        with pytest.raises(ValueError, match=expected) as caught:
            use()
        assert "\n" not in str(caught.value)


def test_without_a_copy_and_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MENAGERIE_ROOT", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    source = Menagerie("leap_hand")
    assert not source.is_at_hand()
    with pytest.raises(ValueError, match=r"pip install 'fmbench\[hands\]'; or set MENAGERIE_ROOT"):
        source.spec()


def small_package(robot: Any) -> ModuleType:
    """Return a module with the names of the package that are used here."""
    module = ModuleType(PACKAGE)
    module.MenagerieError = type("MenagerieError", (Exception,), {})  # type: ignore[attr-defined]
    module.Cache = lambda: robot  # type: ignore[attr-defined]
    module.get = lambda name: robot  # type: ignore[attr-defined]
    return module


class Robot:
    """A model of the package, and its cache."""

    def __init__(self, folder: Path | None, changed: list[str] | None = None) -> None:
        self.folder, self.changed, self.error = folder, changed or [], Exception

    def path(self, cache: Any) -> Path:
        assert cache is self
        if self.folder is None:
            raise self.error("https://example.org/claw.tar.xz: \n<urlopen error>")
        return self.folder

    def verify(self, robot: Any) -> list[str]:
        assert robot is self
        return self.changed


@pytest.mark.parametrize("state", ["whole", "offline", "changed"])
def test_the_package_downloads_a_model(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = robot(tmp_path)
    here = Robot(None if state == "offline" else path.parent, ["x.obj"] * (state == "changed"))
    module = small_package(here)
    here.error = module.MenagerieError
    monkeypatch.delenv("MENAGERIE_ROOT", raising=False)
    monkeypatch.setitem(sys.modules, PACKAGE, module)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    source = Menagerie("claw")
    assert source.is_at_hand()
    if state == "whole":
        assert source.spec().compile().nmesh == 1
        return
    lines = {
        "offline": r"could not be downloaded \(https.*connect to a network, or set MENAGERIE_ROOT",
        "changed": "is damaged: x.obj is missing or was changed; delete the folder",
    }
    with pytest.raises(ValueError, match=lines[state]) as caught:
        source.spec()
    assert "\n" not in str(caught.value)


def test_the_package_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(PACKAGE, reason="needs the extra 'hands'")
    monkeypatch.delenv("MENAGERIE_ROOT", raising=False)
    monkeypatch.setenv("MENAGERIE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MENAGERIE_BASE_URL", (tmp_path / "none").as_uri())
    with pytest.raises(
        ValueError, match=r"leap_hand is not here and could not be downloaded .*none"
    ):
        Menagerie("leap_hand").spec()
    with pytest.raises(ValueError, match=r"does not have the model: Unknown robot .*leap_hand"):
        Menagerie("leep_hand").spec()
