"""Other pictures or features: a run is refused, what is stored is not used, nothing changes."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mujoco
import pytest

from envs.cameras import Camera
from envs.registry import make_task
from envs.tasks.press_either import PressEither
from fmbench import evaluate
from fmbench.config import FEATURES, PIXELS
from fmbench.errors import FmbenchError
from fmbench.sight import opening
from fmbench.storage.files import read_json
from tests.fmbench.runs.seeing_experiment import CACHES, SEEING, cache_folders, quickly_seeing
from tests.fmbench.runs.small_experiment import run
from tests.fmbench.runs.test_experiment import rejection
from tests.fmbench.small_run import call, files_of
from tests.reseal import change_run
from tests.thorough import thoroughly


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with quickly_seeing():
        yield


@pytest.fixture(autouse=True)
def tasks_as_they_are() -> Iterator[None]:
    yield
    make_task.cache_clear()


def changed_scene(monkeypatch: pytest.MonkeyPatch, change: Callable[[mujoco.MjSpec], None]) -> None:
    """Let the scene of PressEither look otherwise; its physics stays."""
    build = PressEither.build_scene

    def build_changed(task: PressEither) -> mujoco.MjSpec:
        spec = build(task)
        change(spec)
        return spec

    monkeypatch.setattr(PressEither, "build_scene", build_changed)
    make_task.cache_clear()


def other_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    changed_scene(monkeypatch, lambda spec: setattr(spec.materials[0], "rgba", [0.7, 0.8, 0.8, 1]))


def other_light(monkeypatch: pytest.MonkeyPatch) -> None:
    changed_scene(monkeypatch, lambda spec: setattr(spec.lights[0], "diffuse", [0.5, 0.5, 0.4]))


def other_view(monkeypatch: pytest.MonkeyPatch) -> None:
    changed_scene(monkeypatch, lambda spec: setattr(spec.cameras[0], "fovy", 39))


def other_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    options = opening.encoder_options
    monkeypatch.setattr(opening, "encoder_options", lambda given: replace(options(given), seed=1))


LOOKS = {"colour": other_colour, "light": other_light, "view": other_view, "seed": other_weights}


@pytest.mark.faults
@pytest.mark.parametrize("what", thoroughly(LOOKS, always=["seed"]))
def test_what_looks_otherwise_is_refused_and_drawn_anew(
    what: str, seeing_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(seeing_runs / FEATURES, tmp_path / "run"))
    data = Path(shutil.copytree(seeing_runs / "data", tmp_path / "data"))
    (there,) = read_json(out / "run.json")["sights"].values()
    before = files_of(data)
    found = [len(cache_folders(data, kind)) for kind in CACHES[FEATURES]]
    LOOKS[what](monkeypatch)
    message = rejection(SEEING[FEATURES], out, data)
    _, _, there_hash = there.split()
    assert f"PressEither: rays main {there_hash} there, rays main " in message
    with pytest.raises(KeyboardInterrupt):
        run(SEEING[FEATURES], tmp_path / "new", data, "flow training")
    assert files_of(data).items() > before.items()
    drawn = 0 if what == "seed" else 1
    made = [len(cache_folders(data, kind)) for kind in CACHES[FEATURES]]
    assert made == [found[0] + drawn, found[1] + 1]


def test_a_run_whose_pictures_look_otherwise_is_not_scored_again(
    seeing_runs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = Path(shutil.copytree(seeing_runs / PIXELS, tmp_path / "run"))
    before = files_of(tmp_path)
    other_colour(monkeypatch)
    words = (out, "--sampler", "heun", "--nfe", 2, "--out", tmp_path / "scored")
    assert call(evaluate.main, *words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith(f"error: {out} was made with other pictures of PressEither (rays main ")
    assert files_of(tmp_path) == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_size": 40}, "image_size: 32 there, 40 now"),
        ({"cameras": ("main", "right-front")}, "cameras: ['main'] there, ['main', 'right-front']"),
        ({"feature_grid": "full"}, "feature_grid: projected there, full now"),
        ({"features": 9}, "features: 8 there, 9 now"),
    ],
)
def test_other_values_are_refused(
    changes: dict[str, Any], words: str, seeing_runs: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(seeing_runs / FEATURES, tmp_path / "run"))
    message = rejection(replace(SEEING[FEATURES], **changes), out, seeing_runs / "data")
    assert f"{out} holds another run (" in message
    assert words in message


@pytest.mark.thorough
def test_weights_of_other_pictures_are_not_trained_further(
    seeing_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, config = tmp_path / "run", replace(SEEING[FEATURES], policy=("bc",))
    with pytest.raises(KeyboardInterrupt):
        run(config, out, seeing_runs / "data", "bc training")
    facts = read_json(out / "run.json")
    other_weights(monkeypatch)
    sights = opening.Sights(config)
    change_run(out, sights=sights.identities)  # as if only the checkpoint knew
    sights.close()
    assert facts["sights"] != read_json(out / "run.json")["sights"]
    data = Path(shutil.copytree(seeing_runs / "data", tmp_path / "data"))
    before = files_of(out / "checkpoints")
    with pytest.raises(FmbenchError, match=r'other settings \(sight: "rays main ') as caught:
        run(config, out, data)
    assert "\n" not in str(caught.value)
    assert files_of(out / "checkpoints") == before


def test_another_camera_of_the_task_is_another_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(SEEING[PIXELS], cameras=("right-front",))
    moved = PressEither.cameras["right-front"]._replace(distance=0.31)
    identities = []
    for camera in (PressEither.cameras["right-front"], moved):
        assert isinstance(camera, Camera)
        monkeypatch.setattr(PressEither, "cameras", {"right-front": camera})
        make_task.cache_clear()
        sights = opening.Sights(config)
        identities.append(sights.identities["PressEither"])
        sights.close()
    assert identities[0] != identities[1]


def test_the_other_renderer_is_another_sight() -> None:
    sights = {}
    for renderer in ("rays", "opengl"):
        try:
            opened = opening.Sights(replace(SEEING[PIXELS], renderer=renderer))
        except FmbenchError as error:
            pytest.skip(str(error))
        sights[renderer] = opened.identities["PressEither"]
        opened.close()
    assert [identity.split()[0] for identity in sights.values()] == list(sights)
    assert len({identity.split()[-1] for identity in sights.values()}) == len(sights)
