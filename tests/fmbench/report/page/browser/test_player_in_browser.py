"""The episode player in Chromium: what it draws, its keys, and two episodes in step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest
from PIL import Image

from envs.pictures.states import PictureStates
from envs.registry import TASKS, has_extra, make_task
from fmbench.config import RunConfig
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.episodes import episode_row, play
from fmbench.evaluation.page_media import make_media
from fmbench.evaluation.recording import record
from fmbench.evaluation.scene_description import describe_scene, poses_of_episode
from fmbench.harness.seeds import TEST
from fmbench.report.page.media import Media, PagePicture, Shown
from fmbench.report.page.runs import NamedRun
from fmbench.report.page.shell import render_page
from fmbench.report.page.tasks import task_sections
from fmbench.storage.recordings import RECORDINGS_FOLDER, write_recording
from tests.fmbench.report.page.browser.axe import violations
from tests.fmbench.report.page.browser.conftest import PHONE, WIDE, Opened, OpenPage
from tests.fmbench.report.page.played import named_run

pytestmark = pytest.mark.browser

TASK = "PressEither"
TOLERANCE_M = 1e-4
NO_WEBGL = "HTMLCanvasElement.prototype.getContext = function () { return null; };"
OF_DRIVER = "GL Driver Message"
"""In what a software driver says about its speed."""
STATE = "() => page.player.state()"
PIXELS = """(side) => {
  const { canvas, drawing, episode } = page.player.sides[side];
  drawing.draw(episode.poses(page.player.state().step), page.player.state().camera, false);
  const gl = drawing.gl, pixels = new Uint8Array(4 * canvas.width * canvas.height);
  gl.readPixels(0, 0, canvas.width, canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  return Array.from(pixels).filter((_, k) => (k >> 2) % 16 === 0);
}"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of a run whose random actions are recorded; the expert is played for it."""
    folder = tmp_path_factory.mktemp("player")
    run: NamedRun = named_run(folder / "run", tasks=(TASK,), episodes=2)
    cell, config = Cell(TASK, "random"), RunConfig(task=(TASK,))
    seeds = np.array([TEST, TEST + 1])
    rows = [episode_row(e, cell) for e in play(cell, config, None, seeds, lambda n: None, None)]
    for k, recording in enumerate(record(cell, config, None, rows, "")):
        write_recording(run.folder / RECORDINGS_FOLDER / f"random{k}.npz", recording)
    media = make_media([run], folder / "page_files")
    path = folder / "page.html"
    path.write_text(render_page("Title", task_sections([run], media)), encoding="utf-8")
    return path


def faults(seen: Opened) -> list[str]:
    """Return what a page has said or asked for that it should not."""
    return [text for text in seen.errors if OF_DRIVER not in text] + seen.outside()


@pytest.fixture
def opened(page_file: Path, open_page: OpenPage) -> Callable[..., Any]:
    """Open the page, and a pair in the player."""

    def of(**options: Any) -> Any:
        seen = open_page(page_file, **options)
        seen.page.locator("[data-beside]").first.click()
        seen.page.wait_for_function("() => page.player.state().last > 0")
        return seen

    return of


def test_keys_buttons_and_slider_step_both_sides(opened: Callable[..., Any]) -> None:
    seen = opened()
    page = seen.page

    def step() -> int:
        assert page.locator("[data-part=slider]").input_value() == str(page.evaluate(STATE)["step"])
        cursors = page.locator("svg.commands line")
        places = {cursors.nth(k).get_attribute("x1") for k in (0, 1)}
        assert len(places) == 1, "both cursors are at one time"
        return int(page.evaluate(STATE)["step"])

    last = page.evaluate(STATE)["last"]
    assert last == max(page.evaluate("() => page.player.sides.map(s => s.episode.facts.length)"))
    assert page.locator("dialog figure:visible").count() == 2
    assert step() == 0
    for key, expected in ((".", 1), (".", 2), (",", 1), ("End", last), (".", last), ("Home", 0)):
        page.keyboard.press(key)
        assert step() == expected, key
    page.get_by_label("One control step forward").click()
    assert step() == 1
    page.locator("[data-part=slider]").focus()
    page.keyboard.press("ArrowRight")
    assert step() == 2
    assert "step 2 of" in page.locator("dialog output").inner_text()
    page.locator("[data-part=play]").focus()
    page.keyboard.press("Space")
    assert page.evaluate(STATE)["playing"]
    page.wait_for_function(f"() => page.player.state().step === {last}")
    page.wait_for_function("() => !page.player.state().playing")
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()
    assert page.evaluate("() => document.activeElement.dataset.beside") is not None
    assert faults(seen) == []


def test_the_states_are_drawn_and_the_view_turns(opened: Callable[..., Any]) -> None:
    seen = opened()
    page = seen.page

    def pixels(side: int = 0) -> np.ndarray:
        return np.array(page.evaluate(PIXELS, side)).reshape(-1, 4)[:, :3]

    first, last = pixels(), page.evaluate(STATE)["last"]
    assert len(np.unique(first, axis=0)) > 100
    np.testing.assert_array_equal(first, pixels(1), "both begin alike")
    page.keyboard.press("End")
    assert page.evaluate(STATE)["step"] == last
    assert (pixels() != pixels(1)).any(axis=1).mean() > 0.005
    canvas = page.locator("canvas").first
    canvas.focus()
    before = page.evaluate(STATE)["camera"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("+")
    after = page.evaluate(STATE)["camera"]
    assert after["azimuth"] < before["azimuth"]
    assert after["elevation"] > before["elevation"]
    assert after["distance"] < before["distance"]
    assert page.evaluate(STATE)["step"] == last, "the arrows turn, and do not step"
    page.keyboard.press("0")
    assert page.evaluate(STATE)["camera"] == before
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 60)
    page.mouse.up()
    assert page.evaluate(STATE)["camera"]["azimuth"] != before["azimuth"]
    page.locator("[data-part=camera]").select_option(label="right-front")
    other = page.evaluate(STATE)["camera"]["azimuth"]
    page.get_by_role("button", name="Reset view").click()
    assert page.evaluate(STATE)["camera"]["azimuth"] == other != before["azimuth"]
    assert faults(seen) == []


def test_another_episode_can_be_chosen_alone(opened: Callable[..., Any]) -> None:
    page = opened().page
    page.locator("[data-part=beside]").select_option("-1")
    page.wait_for_function("() => page.player.sides[1].episode === null")
    assert page.locator("dialog figure:visible").count() == 1
    page.locator("[data-part=episode]").select_option("2")
    page.wait_for_function(f"() => page.player.sides[0].episode.facts.title.includes({TEST + 1})")
    assert f"episode {TEST + 1}" in page.locator("figcaption[data-part=caption]").first.inner_text()


def test_films_are_loaded_when_they_are_asked_for(page_file: Path, open_page: OpenPage) -> None:
    seen = open_page(page_file)
    page = seen.page
    assert not [url for url in seen.requests if "film" in url]
    button = page.locator("[data-film]").first
    button.click()
    film = page.locator("figure.film img")
    film.wait_for()
    page.wait_for_function("() => document.querySelector('figure.film img').naturalWidth === 240")
    assert len([url for url in seen.requests if "film" in url]) == 1
    assert button.get_attribute("aria-expanded") == "true"
    assert "Film of PressEither" in (film.get_attribute("alt") or "")
    button.click()
    assert film.count() == 0
    assert faults(seen) == []


def test_without_webgl_it_says_so_and_still_steps(page_file: Path, open_page: OpenPage) -> None:
    seen = open_page(page_file, wait=False)
    page = seen.page
    page.add_init_script(NO_WEBGL)
    page.reload()
    page.wait_for_function("() => typeof page !== 'undefined' && page.player !== undefined")
    page.locator("[data-play]").first.click()
    page.locator("[data-part=problem]").wait_for()
    assert (
        "WebGL 2 does not start in this browser" in page.locator("[data-part=problem]").inner_text()
    )
    page.keyboard.press(".")
    assert page.evaluate(STATE)["step"] == 1
    assert faults(seen) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_nothing_grave_is_found(
    size: tuple[int, int], dark: bool, opened: Callable[..., Any]
) -> None:
    page = opened(size=size, dark=dark).page
    assert violations(page) == []
    page.keyboard.press("Escape")
    for k in range(page.locator("summary").count()):
        page.locator("summary").nth(k).click()
    page.locator("[data-film]").first.click()
    page.locator("figure.film img").wait_for()
    assert violations(page) == []


def test_commands_are_copied(page_file: Path, open_page: OpenPage) -> None:
    page = open_page(page_file).page
    page.locator("summary", has_text="Recorded episodes").click()
    button = page.locator("[data-copy]").first
    assert "fmbench.view" in (button.get_attribute("data-copy") or "")
    button.click()
    said = "() => document.getElementById('announcements').textContent.startsWith('Copied')"
    page.wait_for_function(said)


def test_it_fits_a_phone(opened: Callable[..., Any]) -> None:
    page = opened(size=PHONE).page
    dialog = page.locator("dialog")
    assert dialog.evaluate("d => d.scrollWidth <= d.clientWidth")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    box = dialog.bounding_box()
    assert box["width"] <= PHONE[0]
    for name in ("play", "slider", "close"):
        assert page.locator(f"[data-part={name}]").is_visible()


def test_bodies_are_where_mujoco_has_them(page_file: Path, open_page: OpenPage) -> None:
    page = open_page(page_file).page
    for name in filter(has_extra, TASKS):
        task, rng = make_task(name), np.random.default_rng(0)
        scene = describe_scene(task)
        model, data = scene.model.model, mujoco.MjData(scene.model.model)
        for seed in range(3):
            start = task.draw_start(np.random.default_rng(seed))
            qpos = start.qpos + rng.normal(scale=0.3, size=model.nq)
            mujoco.mj_normalizeQuat(model, qpos)
            memory = {key: values[None] for key, values in start.memory.items()}
            states = PictureStates(qpos[None], memory)
            scene.model.poses(states).put(0, model, data)
            mujoco.mj_kinematics(model, data)
            poses = poses_of_episode(scene, states)
            given = [scene.values, poses.fields, qpos.tolist(), poses.mocap[0].ravel().tolist()]
            found = page.evaluate("(given) => page.player.kinematics(...given)", given)
            positions, turns = (np.array([body[k] for body in found]) for k in (0, 1))
            np.testing.assert_allclose(positions, data.xpos, atol=TOLERANCE_M, err_msg=name)
            same = np.abs((turns * data.xquat).sum(axis=1))
            np.testing.assert_allclose(same, 1, atol=1e-8, err_msg=name)


def test_pictures_far_below_are_there_to_be_printed(tmp_path: Path, open_page: OpenPage) -> None:
    run = named_run(tmp_path / "run", tasks=(TASK,), episodes=2)
    Image.new("RGB", (8, 4)).save(tmp_path / "sheet.webp")
    pictures = {Shown(TASK, "expert"): PagePicture("sheet.webp", "Sheet", 8, 4, 9)}
    html = render_page("Title", task_sections([run], Media(pictures=pictures)))
    path = tmp_path / "page.html"
    tall = '<div style="height: 40000px"></div>'
    path.write_text(html.replace('<main id="main"', f'{tall}<main id="main"'), encoding="utf-8")
    seen = open_page(path)
    seen.page.wait_for_function("() => document.querySelector('.task-part img').naturalWidth === 8")
    assert seen.page.evaluate("scrollY") == 0
    assert not faults(seen)
