"""CI runs every command of the documentation, quick where it trains by a preset."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.fmbench.small_run import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / ".ci" / "readme_commands.py"
    spec = importlib.util.spec_from_file_location("readme_commands", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_commands_of_all_blocks_are_taken_in_order_with_continued_lines(script: ModuleType) -> None:
    text = "# Title\n```bash\na --one \\\n  --two\n\nb\n```\n```python\nc\n```\n```bash\nd\n```\n"
    assert [line.split() for line in script.commands(text)] == [
        ["a", "--one", "--two"],
        ["b"],
        ["d"],
    ]


@pytest.mark.parametrize(
    ("command", "is_long"),
    [
        (".venv/bin/python -m fmbench.run --policy flow", True),
        (".venv/bin/python -m fmbench run --policy flow", True),
        ("pip install -e . && .venv/bin/python -m fmbench.run --policy flow", True),
        (".venv/bin/python -m fmbench.run --policy flow --preset smoke", False),
        (".venv/bin/python -m fmbench.evaluate runs/try --sampler heun --nfe 1", False),
        (".venv/bin/python -m fmbench.experts --task all", False),
    ],
)
def test_a_run_without_a_preset_gets_the_smoke_preset(
    script: ModuleType, command: str, is_long: bool
) -> None:
    assert script.quick(command) == command + " --preset smoke" * is_long


def test_a_command_of_two_files_is_run_once(script: ModuleType) -> None:
    texts = ["```bash\na\nb\n```\n", "```bash\nc\na\n```\n"]
    assert script.of_files(texts) == ["a", "b", "c"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_gets_the_preset_if_it_takes_the_flags_of_a_run(
    script: ModuleType, path: Path
) -> None:
    command = f".venv/bin/python examples/{path.name}"
    takes_flags = "from fmbench.run import main" in path.read_text(encoding="utf-8")
    assert script.quick(command) == command + " --preset smoke" * takes_flags
