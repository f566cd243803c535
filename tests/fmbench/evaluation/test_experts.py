"""The experts command, and registration of tasks and policies."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from envs.experts.lift_cube import LiftCubeExpert
from envs.pictures.renderer import open_renderer
from envs.pictures.states import picture_states
from envs.registry import make_task
from envs.tasks.lift_cube import LiftCube
from envs.world import World
from fmbench.evaluation.camera_sheet import draw_camera_sheet
from fmbench.evaluation.expert_rows import ExpertRow, markdown, measure_expert
from fmbench.experts import main
from fmbench.harness.seeds import VALIDATION
from fmbench.plugins import register_policy, register_task
from fmbench.storage.row_files import read_rows
from policies.objectives.bc import BehaviourCloning


def test_measure_expert_counts_modes_and_has_an_interval() -> None:
    row = measure_expert("PressEither", 0.0, 20)
    index, middle = (int(part.split()[1]) for part in row.modes.split(" / "))
    assert index + middle == row.successes == 20
    assert 0.8 < row.low < row.high == 1.0
    assert row.unstable == 0
    assert "| PressEither | 0 | 20/20 |" in markdown([row])


def test_experts_command_writes_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--task", "PressEither", "--episodes", "4", "--out", str(tmp_path / "out")]) == 0
    rows = read_rows(tmp_path / "out" / "experts.csv", ExpertRow)
    assert [row.noise for row in rows] == [0.0, 1.0]
    assert "4/4" in capsys.readouterr().out


def test_experts_command_films(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--task", "PressEither", "ReachPose", "--episodes", "2", "--film"]
    assert main(arguments) == 2
    assert "--out" in capsys.readouterr().err
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    for task in arguments[1:3]:
        with Image.open(tmp_path / "tasks" / f"{task}.png") as image:
            assert image.size == (8 * 204 - 4, 200)
            assert len(image.getcolors(1 << 20) or []) > 100
    with Image.open(tmp_path / "tasks.png") as mosaic, Image.open(image.filename) as last:
        assert mosaic.size == (7 * 204 - 4, 200)
        whole, sheet = (np.asarray(image.convert("RGB"), float) for image in (mosaic, last))
    differences = np.abs(whole[50:, :200] - sheet[50:, 5 * 204 : 5 * 204 + 200])
    assert differences.mean() < 2  # each has a palette of its own
    with Image.open(tmp_path / "cameras.png") as cameras:
        assert cameras.size == (4 * (3 * 96 + 4) - 4, 96)


def test_camera_sheet_shows_what_each_camera_sees_at_the_start(tmp_path: Path) -> None:
    draw_camera_sheet(tmp_path / "cameras.png", ["LiftCube", "TurnDial", "ReachPose"])
    with Image.open(tmp_path / "cameras.png") as image:
        sheet = np.asarray(image.convert("RGB"))
    assert sheet.shape == (2 * 96 + 4, 4 * (3 * 96 + 4) - 4, 3)
    below_title = slice(20, 96)
    for place, (name, camera) in enumerate(
        [("LiftCube", "main"), ("LiftCube", "right-front"), ("TurnDial", "main")]
    ):
        world = World(make_task(name))
        world.reset(world.all_rows, np.array([VALIDATION]))
        renderer = open_renderer(world.task, (camera,), 96, "rays")
        picture = renderer.draw(picture_states(world, world.all_rows))[0, 0]
        renderer.close()
        cell = sheet[below_title, place * 292 : place * 292 + 96]
        assert np.array_equal(cell, picture[below_title] // 4 * 4), (name, camera)
        assert not np.array_equal(cell, sheet[below_title, place * 292 + 96 :][:, :96])


def test_experts_command_rejects_an_unknown_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--task", "PressEithr"]) == 2
    assert "PressEither" in capsys.readouterr().err


def test_registering_a_known_name_is_rejected() -> None:
    with pytest.raises(ValueError, match="registered already"):
        register_task(LiftCube, LiftCubeExpert)
    with pytest.raises(ValueError, match="registered already"):
        register_policy("flow", BehaviourCloning)
