"""Runs with a user's encoder: remembered, refused after a change, and its faults in one line."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from fmbench import evaluate, run
from fmbench.storage.files import read_json
from fmbench.storage.hashes import sha256_file
from tests.fmbench.registered import ENCODER, registrations
from tests.fmbench.small_run import SMALL, call, files_of

FILE = "my_eyes.py"
PLUGIN = ("--plugin", FILE)
SEEN = ("--observation", "features", "--encoder", "colours", "--image-size", "16")
WORDS = (*SMALL, "--policy", "bc", *SEEN, "--no-latency")

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.fixture(scope="module")
def finished(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a user's encoder and its finished run; copy it before a change."""
    folder = tmp_path_factory.mktemp("user")
    shutil.copytree(demonstrations_folder.parent, folder / "data")
    (folder / FILE).write_text(ENCODER)
    with pytest.MonkeyPatch.context() as patch, registrations():
        patch.chdir(folder)
        patch.setenv("MUJOCO_GL", "disabled")
        assert call(run.main, *PLUGIN, *WORDS, "--out", "run") == 0
    return folder


@pytest.fixture(autouse=True)
def folder(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy as the working directory, in a process that has loaded nothing."""
    copy = Path(shutil.copytree(finished, tmp_path / "user"))
    monkeypatch.chdir(copy)
    monkeypatch.setenv("MUJOCO_GL", "disabled")
    with registrations():
        yield copy


def rejection(
    capsys: pytest.CaptureFixture[str], command: ModuleType, *words: object, code: int = 2
) -> str:
    """Run a command that must fail in one line; return it."""
    capsys.readouterr()
    assert call(command.main, *words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert err.count("error: ") == 1
    return err.splitlines()[-1].removeprefix("error: ")


def write(text: str) -> str:
    """Replace the user's file; return the first digits of the hash of the new one."""
    Path(FILE).write_text(text)
    return sha256_file(Path(FILE))[:8]


def stored_features() -> set[str]:
    return {path.name for path in Path("data").glob("[!.]*-features-*")}


def test_a_run_remembers_the_file_of_its_encoder_and_opens_with_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert read_json(Path("run/run.json"))["plugins"] == [
        {
            "kind": "encoder",
            "name": "colours",
            "file": FILE,
            "sha256": sha256_file(Path(FILE)),
            "others": {},
        }
    ]
    before = files_of(Path("run"))
    assert call(run.main, *PLUGIN, *WORDS, "--out", "run") == 0
    assert "run is complete" in capsys.readouterr().err
    assert files_of(Path("run")) == before
    assert call(evaluate.main, *PLUGIN, "run", "--sampler", "direct", "--out", "again") == 0
    rows = (Path("run/episodes.csv").read_text(), Path("again/episodes.csv").read_text())
    assert rows[0] == rows[1]


def test_a_run_is_not_opened_without_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    message = (
        "run uses the encoder colours of my_eyes.py, which is not loaded; add --plugin my_eyes.py"
    )
    assert rejection(capsys, evaluate, "run", "--sampler", "direct") == message
    assert rejection(capsys, run, *WORDS, "--out", "run") == message
    unknown = rejection(capsys, run, *WORDS, "--out", "new")
    assert unknown.startswith("unknown encoder 'colours'")


@pytest.mark.parametrize(
    "changed", [ENCODER + "# a comment\n", ENCODER.replace("return means", "return means * 2")]
)
def test_a_changed_file_is_refused_with_both_hashes(
    changed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    was, is_now = sha256_file(Path(FILE))[:8], write(changed)
    difference = (
        f"run was made with other code (my_eyes.py: sha256 {was} there, {is_now} now); give "
        "--plugin the file that it was made with, or "
    )
    words = (*WORDS, "--out", "run")
    assert rejection(capsys, run, *PLUGIN, *words).startswith(difference)
    with registrations():
        words = ("run", "--sampler", "direct")
        assert rejection(capsys, evaluate, *PLUGIN, *words).startswith(difference)


@pytest.mark.thorough
def test_stored_features_are_not_reused_for_another_function(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = stored_features()
    assert len(before) == 1
    with registrations():
        assert call(run.main, *PLUGIN, *WORDS, "--out", "same") == 0
    assert "features: found in data" in capsys.readouterr().err
    assert stored_features() == before
    # equal for the two rows of pictures by which functions are told apart without their files
    write(ENCODER.replace("    return means", "    return means * (1 + (means < 100))"))
    assert call(run.main, *PLUGIN, *WORDS, "--out", "other") == 0
    assert len(stored_features()) == 2
    sights = [read_json(Path(name, "run.json"))["sights"] for name in ("run", "same", "other")]
    assert sights[0] == sights[1] != sights[2]


CLASS = """
import torch
from policies.encoders import PictureEncoder
from fmbench.plugins import register_encoder

class Flat(PictureEncoder):
    def __init__(self, shape, options):
        super().__init__(shape, options.features)
        self.layer = torch.nn.Linear(3, options.features)

    def forward(self, pictures):
        return self.layer(pictures.float().mean((1, 2, 3)) / 255)

register_encoder("colours", build=Flat)
"""
BODY = "    means = pictures.float().mean((2, 3)).flatten(1)\n"
IS_DRAWN = "(pictures[0] == pictures[1]).float().mean() > 0.5"
"""Whether pictures are of a scene, not those that every encoder is tried with."""
OF = "--encoder is colours, of my_eyes.py; "
FAILED = "failed at my_eyes.py, line "
FAULTS = {
    "raises": (BODY, "    {}['a']\n", f"seeing with colours {FAILED}5: KeyError: 'a'"),
    "value": (BODY, "    int('x')\n", f"seeing with colours {FAILED}5: ValueError: invalid lit"),
    "shape": ("return means", "return means[0]", f"{OF}the features of 2 rows of pictures are (3,"),
    "type": ("return means", "return ['a']", f"{OF}the features of pictures are of the type list"),
    "rows": (
        "return means",
        "return means if len(means) < 3 else means[:, :1]",
        f"{OF}CallableEncoder gives (16, 1) for 16 rows of pictures; return (16, 3) numbers",
    ),
    "nan": ("return means", "return means / 0 * 0", f"{OF}CallableEncoder gives NaN, infinity or "),
    "late": (
        BODY,
        f"    if len(pictures) > 2 and {IS_DRAWN}: [][1]\n{BODY}",
        f"seeing with colours {FAILED}5: IndexError: list index out of range",
    ),
    "late-nan": (
        "return means",
        f"return means * float('nan') if len(means) > 2 and {IS_DRAWN} else means",
        f"{OF}CallableEncoder gives NaN, infinity or numbers beyond 65504; ",
    ),
    "no-encoder": (
        '"colours", colours',
        '"colours", build=lambda shape, options: 3',
        f"{OF}it is built as int; return a PictureEncoder of policies.encoders",
    ),
    "build": (
        '"colours", colours',
        '"colours", build=lambda shape, options: shape.need_at_least(999, "colours")',
        f"seeing with colours {FAILED}8: ValueError: the height of the pictures is 16; colours ta",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_users_function_is_one_line(
    fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, message = FAULTS[fault]
    assert old in ENCODER
    write(ENCODER.replace(old, new))
    before = stored_features()
    shown = rejection(capsys, run, *PLUGIN, *WORDS, "--out", "new", code=1)
    assert shown.startswith(message)
    assert stored_features() == before


TRAINED = ("--observation", "pixels", "--encoder", "colours", "--image-size", "16")


@pytest.mark.thorough
def test_a_trained_encoder_of_a_user_is_trained_saved_and_scored_again() -> None:
    write(CLASS)
    words = (*SMALL, "--policy", "bc", *TRAINED, "--no-latency", "--out", "trained")
    assert call(run.main, *PLUGIN, *words) == 0
    again = ("trained", "--sampler", "direct", "--out", "again")
    assert call(evaluate.main, *PLUGIN, *again) == 0
    rows = (Path("trained/episodes.csv").read_text(), Path("again/episodes.csv").read_text())
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "/ 255)",
            "/ 255)[:, 1:]",
            f"{OF}it gives (2, 127) for 2 rows of pictures; return (2, 128",
        ),
        ("/ 255)", "/ 0) * 0", f"{OF}it gives NaN or infinity; return finite numbers"),
        (
            "build=Flat",
            "build=lambda s, o: Flat(s, o)",
            "--encoder is 'colours' with --observation",
        ),
        (
            "        return",
            "        if self.training and len(pictures) > 8: {}['a']\n        return",
            f"PressEither bc {FAILED}12: KeyError: 'a'",
        ),
    ],
)
def test_a_fault_of_a_trained_encoder_is_one_line(
    old: str, new: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(CLASS.replace(old, new))
    words = (*SMALL, "--policy", "bc", *TRAINED, "--no-latency", "--out", "trained")
    code = 2 if message.startswith("--encoder is 'colours' with") else 1
    assert rejection(capsys, run, *PLUGIN, *words, code=code).startswith(message)


def test_a_function_that_fails_in_episodes_ends_the_run_and_is_no_failed_episode(
    capsys: pytest.CaptureFixture[str],
) -> None:
    when = "any(Path('new/checkpoints').glob('*/manifest.json'))"
    failing = ENCODER.replace(BODY, f"    if {when}: [][1]\n{BODY}")
    write(f"from pathlib import Path{failing}")
    shown = rejection(capsys, run, *PLUGIN, *WORDS, "--out", "new", code=1)
    assert shown.startswith(f"PressEither bc {FAILED}5: IndexError: list index out of range")
    assert Path("new/checkpoints").exists()
    assert not list(Path("new/cells").glob("*bc*"))
    assert call(evaluate.main, *PLUGIN, "new", "--sampler", "direct") == 2  # it has not finished
