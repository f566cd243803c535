"""Labelled pictures: which states, the same ones every time, and the files of them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmbench.detection.boxes import Boxes
from fmbench.detection.classes import CLASSES
from fmbench.detection.dataset import HELD_OUT, TRAINING, PictureFiles
from fmbench.detection.pictures import PictureSettings, TaskPictures, _spread
from fmbench.detection.training import FIRST_SEED
from fmbench.errors import RunFailed
from fmbench.harness.seeds import DEMONSTRATION, VALIDATION
from tests.fmbench.small_disk import small_disk

SMALL = PictureSettings(size=32, renderer="rays", per_episode=3)


def test_training_and_held_out_episodes_have_seeds_of_their_own() -> None:
    assert FIRST_SEED == {TRAINING: DEMONSTRATION, HELD_OUT: VALIDATION}


def test_the_same_seed_draws_the_same_pictures_and_another_one_others() -> None:
    drawn = []
    for seed in (0, 0, 1):
        pictures = TaskPictures("PressEither", PictureSettings(**{**vars(SMALL), "seed": seed}))
        states = pictures.states(VALIDATION, 4, lambda done: None)
        assert len(states) == 4 * 3
        images, boxes = next(pictures.draw(states))
        assert images.shape == (12, 2, 32, 32, 3)
        drawn.append((images.tobytes(), [each.places.tobytes() for of in boxes for each in of]))
        pictures.close()
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_an_episode_has_the_same_states_among_more_episodes() -> None:
    pictures = TaskPictures("LiftCube", SMALL)
    few, more = (pictures.states(DEMONSTRATION, n, lambda done: None) for n in (2, 5))
    assert np.array_equal(few.qpos, more.qpos[: 2 * 3])
    assert all(np.array_equal(few.memory[k], more.memory[k][: 2 * 3]) for k in few.memory)
    pictures.close()


def test_states_are_spread_over_an_episode() -> None:
    rng = np.random.default_rng(0)
    for states, count in ((100, 8), (45, 5), (8, 8), (3, 7), (1, 2)):
        for _ in range(20):
            places = _spread(states, count, rng)
            assert len(places) == count
            edges = np.linspace(0, states, count + 1)
            for place, low, high in zip(places, edges[:-1], edges[1:], strict=True):
                assert int(low) <= place < states
                assert place <= high


@pytest.mark.parametrize(("size", "side"), [(32, 32), (50, 64)])
def test_files_have_the_pictures_and_boxes_padded_as_the_encoders_pad(
    size: int, side: int, tmp_path: Path
) -> None:
    files = PictureFiles(tmp_path, TRAINING, "Own")
    pictures = np.random.default_rng(0).integers(0, 256, (2, 1, size, size, 3), dtype=np.uint8)
    boxes = Boxes(np.array([0, 2]), np.array([[0.5, 0.25, 0.1, 0.2], [0.75, 0.5, 0.5, 1.0]]))
    none = Boxes(np.array([], dtype=np.int64), np.zeros((0, 4)))
    files.add(pictures, [[boxes], [none]])
    assert (files.count, files.boxes) == (2, 2)
    for k in range(2):
        image = np.asarray(Image.open(tmp_path / f"images/{TRAINING}/Own/00000{k}.png"))
        assert image.shape == (side, side, 3)
        assert np.array_equal(image[:size, :size], pictures[k, 0])
        assert (image[size:] == 114).all()
        assert (image[:, size:] == 114).all()
    first, second = sorted((tmp_path / f"labels/{TRAINING}/Own").iterdir())
    lines = [list(map(float, line.split())) for line in first.read_text().splitlines()]
    scaled = boxes.places * size / side
    assert [line[0] for line in lines] == [0, CLASSES.index("goal")]
    assert np.array([line[1:] for line in lines]) == pytest.approx(scaled, abs=1e-6)
    assert second.read_text() == ""


@pytest.mark.faults
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (8, 1, 96, 96, 3), dtype=np.uint8)
    none = Boxes(np.array([], dtype=np.int64), np.zeros((0, 4)))
    with small_disk(tmp_path / "disk", "128k") as disk:
        files = PictureFiles(disk, TRAINING, "Own")
        with pytest.raises(RunFailed, match=r"could not be written: No space left on device; "):
            files.add(pictures, [[none]] * 8)
