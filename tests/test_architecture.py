"""Allowed imports: one rule per folder, and a test that each rule can fail."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fmbench import __main__ as fmbench_main
from tests.source_tree import PACKAGES, SourceTree

ROOT = Path(__file__).parent.parent
CATALOGUE = "policies.catalogue"
"""Plain data without imports: the only part of `policies` that light modules may import."""

AXES = "envs.perturb.catalogue"
"""Plain data likewise, that command lines may import of `envs`."""

OURS: dict[str, set[str]] = {
    # what a folder or module may import of this project, besides itself
    "envs": set(),
    "envs.hand.model_files": {"envs"},
    "policies": set(),
    CATALOGUE: set(),
    "policies.encoders": {"policies"},
    "policies.encoders.timm_vit": {"policies"},
    "policies.encoders.yolo_network": {"policies"},
    "fmbench.exit_code": set(),
    "fmbench.errors": {"fmbench.exit_code"},
    "fmbench.install_check": {"fmbench.exit_code"},
    "fmbench.config": {"fmbench.errors", AXES, CATALOGUE},
    "fmbench.storage": {"fmbench.errors"},
    "fmbench.harness": {"fmbench.errors", "envs"},
    "fmbench.report": {"fmbench.errors", "fmbench.config", "fmbench.storage", CATALOGUE},
    "fmbench.report.page": {
        "fmbench.errors",
        "fmbench.report",
        "fmbench.config",
        "fmbench.storage",
        CATALOGUE,
    },
    "fmbench.report.rendering": {"fmbench.storage"},
    "fmbench.report.paper": {"fmbench.errors", "fmbench.report", "fmbench.storage"},
    "fmbench.report.page.libraries": {"fmbench.errors"},
    "fmbench.cli": {
        "fmbench.exit_code",
        "fmbench.errors",
        "fmbench.config",
        "fmbench.storage",
        "envs.registry",
        "envs.on_hands",
        AXES,
        CATALOGUE,
    },
    "fmbench.data": {"fmbench.errors", "fmbench.storage", "fmbench.harness", "envs"},
    "fmbench.lerobot": {
        "fmbench.errors",
        "fmbench.storage",
        "fmbench.harness",
        "fmbench.data",
        "envs",
    },
    "fmbench.lerobot_policy": {
        "fmbench.errors",
        "fmbench.storage",
        "fmbench.harness",
        "fmbench.lerobot",
        "envs",
        "policies",
    },
    "fmbench.lerobot.parquet": {"fmbench.errors"},
    "fmbench.lerobot.films": set(),
    "fmbench.detection": {
        "fmbench.errors",
        "fmbench.storage",
        "fmbench.cli",
        "fmbench.harness",
        "envs",
        "policies",
    },
    "fmbench.detection.conversion": {"fmbench.errors", "fmbench.storage", "policies"},
    "fmbench.detection.ultralytics_training": {
        "fmbench.detection",
        "fmbench.storage",
        "policies",
    },
    "fmbench.training": {
        "fmbench.errors",
        "fmbench.storage",
        "fmbench.config",
        "fmbench.data",
        "policies",
    },
    "fmbench.sight": {
        "fmbench.errors",
        "fmbench.storage",
        "fmbench.config",
        "fmbench.harness",
        "fmbench.data",
        "envs",
        "policies",
    },
    "fmbench.evaluation": {
        "fmbench.errors",
        "fmbench.storage",
        "fmbench.config",
        "fmbench.harness",
        "fmbench.data",
        "fmbench.report",
        "fmbench.training",
        "fmbench.sight",
        "envs",
        "policies",
    },
    "fmbench.runs": {
        "fmbench.exit_code",
        "fmbench.errors",
        "fmbench.storage",
        "fmbench.config",
        "fmbench.cli",
        "fmbench.data",
        "fmbench.lerobot",
        "fmbench.lerobot_policy",
        "fmbench.report",
        "fmbench.training",
        "fmbench.rl",
        "fmbench.sb3_agent",
        "fmbench.sight",
        "fmbench.evaluation",
        "envs",
        "policies",
    },
    "fmbench.rl": {
        "fmbench.errors",
        "fmbench.storage",
        "fmbench.cli",
        "fmbench.harness",
        "fmbench.data",
        "fmbench.training",
        "envs",
    },
    "fmbench.rl.recipes": set(),
    "fmbench.rl.vec_env": {"envs"},
}
COMMANDS = (*map(fmbench_main.module_of, fmbench_main.COMMANDS), "fmbench.__main__")
OURS |= {name: {"fmbench", "envs.registry", AXES, CATALOGUE} for name in COMMANDS}
LIBRARIES: dict[str, set[str]] = {
    # what a folder may import of other packages, besides the standard library; where several places
    # hold a module, the innermost one decides
    "envs": {"numpy", "mujoco", "gymnasium"},
    "envs.hand.model_files": {"mujoco", "mujoco_menagerie"},
    "policies": {"numpy", "torch", "scipy"},
    CATALOGUE: set(),
    "policies.encoders": {"numpy", "torch", "safetensors"},
    "policies.encoders.timm_vit": {"torch", "timm"},
    "policies.encoders.yolo_network": {"numpy", "torch", "ultralytics"},
    "fmbench.config": set(),
    "fmbench.errors": set(),
    "fmbench.storage": {"numpy", "pydantic", "filelock"},
    "fmbench.harness": {"numpy"},
    "fmbench.report": {"numpy", "scipy", "pandas", "matplotlib", "rich"},
    "fmbench.report.rendering": {"matplotlib", "PIL"},
    "fmbench.report.page": {"numpy", "pandas", "jinja2", "markupsafe"},
    "fmbench.report.page.libraries": {"plotly"},
    "fmbench.report.paper": {"jinja2", "markdown_it"},
    "fmbench.data": {"numpy", "gymnasium", "h5py", "minari"},
    "fmbench.lerobot": {"numpy"},
    "fmbench.lerobot.parquet": {"numpy", "pyarrow"},
    "fmbench.lerobot.films": {"numpy", "av"},
    "fmbench.lerobot_policy": {"numpy", "torch", "safetensors"},
    "fmbench.detection": {"numpy", "mujoco", "PIL"},
    "fmbench.detection.conversion": {"torch"},
    "fmbench.detection.ultralytics_training": {"torch", "ultralytics"},
    "fmbench.rl": {"numpy", "torch", "gymnasium", "stable_baselines3", "pydantic"},
    "fmbench.rl.recipes": set(),
}
ONLY_IN = {
    "av": {"fmbench.lerobot.films"},
    "optuna": {"fmbench.runs.tuning.suggestions"},
    "pyarrow": {"fmbench.lerobot.parquet"},
    "plotly": {"fmbench.report.page.libraries"},
    "ray": {"fmbench.runs.grid.on_ray"},
    "tensorboard": {"fmbench.runs.event_files"},
    "mujoco_menagerie": {"envs.hand.model_files"},
    "timm": {"policies.encoders.timm_vit"},
    "ultralytics": {
        "policies.encoders.yolo_network",
        "fmbench.detection.ultralytics_training",
    },
}
"""Packages of an extra, each with the modules that import it: one has the license AGPL-3.0."""
MAX_LAYERS = 8


def is_in(module: str, place: str) -> bool:
    """Return whether a module is `place` or below it; the command of a folder is above it."""
    return module == place or (module.startswith(f"{place}.") and not is_command(module))


def is_command(module: str) -> bool:
    """Return whether a module is the command of a folder."""
    return module.endswith(".__main__")


def breaches(imports: Mapping[str, set[str]]) -> list[str]:
    """List every import, of a module to the names that it imports, that a rule forbids."""
    forbidden = []
    for module, names in imports.items():
        for place, allowed in OURS.items():
            internal = {name for name in names if name.partition(".")[0] in PACKAGES}
            if is_in(module, place):
                forbidden += [
                    f"{module} imports {name}"
                    for name in sorted(internal)
                    if not any(is_in(name, other) for other in (place, *allowed))
                ]
        tops = {name.partition(".")[0] for name in names}
        if places := [place for place in LIBRARIES if is_in(module, place)]:
            external = tops - set(PACKAGES) - sys.stdlib_module_names
            external -= LIBRARIES[max(places, key=len)]
            forbidden += [f"{module} imports {name}" for name in sorted(external)]
        else:
            alone = sorted(name for name in tops if module not in ONLY_IN.get(name, {module}))
            forbidden += [f"{module} imports {name}" for name in alone]
    return forbidden


def test_every_import_is_allowed() -> None:
    tree = SourceTree(ROOT)
    assert breaches(tree.imports) == []
    assert tree.cycle() == []


def test_every_folder_has_a_rule() -> None:
    folders = {
        f"fmbench.{path.parent.name}" for path in (ROOT / "fmbench").glob("*/__init__.py")
    } | {"envs", "policies"}
    assert folders <= set(OURS)
    assert set(LIBRARIES) <= set(OURS)


def test_no_two_classes_of_fmbench_share_a_name() -> None:
    places: dict[str, list[str]] = {}
    for module, path in SourceTree(ROOT).files.items():
        nodes = ast.parse(path.read_text(encoding="utf-8")).body if is_in(module, "fmbench") else []
        for node in nodes:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(module)
    assert len(places) > 100
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}


def test_there_are_at_most_eight_layers() -> None:
    assert max(SourceTree(ROOT).layers().values()) <= MAX_LAYERS


def test_catalogue_imports_only_the_standard_library() -> None:
    imports = SourceTree(ROOT).imports
    modules = [module for module in imports if is_in(module, CATALOGUE)]
    assert len(modules) == 6
    names = {name for module in modules for name in imports[module] if not is_in(name, CATALOGUE)}
    assert names <= {"__future__", "dataclasses", "collections.abc", "typing"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> SourceTree:
    root = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "*.npz")
        shutil.copytree(ROOT / package, root / package, ignore=ignored)
    return SourceTree(root)


def with_import(copy: SourceTree, place: str, name: str) -> list[str]:
    """Return the breaches when the last module of `place` imports `name`; restore it after."""
    module = [module for module in copy.files if is_in(module, place)][-1]
    path = copy.files[module]
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\n\ndef late() -> None:\n    import {name}\n", encoding="utf-8")
    forbidden = breaches({module: copy.read_imports(module)})
    path.write_text(text, encoding="utf-8")
    return [breach for breach in forbidden if breach == f"{module} imports {name}"]


FORBIDDEN = [
    (place, other)
    for place, allowed in OURS.items()
    for other in (
        "envs.world",
        "policies.actor",
        "fmbench.errors",
        "fmbench.runs.experiment",
        "fmbench.run",
    )
    if not any(is_in(other, name) for name in (place, *allowed))
]


@pytest.mark.parametrize(("place", "name"), FORBIDDEN)
def test_forbidden_import_is_found(place: str, name: str, copy: SourceTree) -> None:
    assert with_import(copy, place, name)


@pytest.mark.parametrize("place", LIBRARIES)
def test_forbidden_library_is_found(place: str, copy: SourceTree) -> None:
    assert with_import(copy, place, "tensorflow")


@pytest.mark.parametrize("place", sorted({*OURS, "policies.encoders.vit"} - {"policies.encoders"}))
@pytest.mark.parametrize("name", sorted(ONLY_IN))
def test_an_extra_is_imported_only_where_it_may_be(name: str, place: str, copy: SourceTree) -> None:
    assert bool(with_import(copy, place, name)) == (place not in ONLY_IN[name])


def test_every_rule_has_an_import_that_breaks_it() -> None:
    assert {place for place, _ in FORBIDDEN} == set(OURS)


def test_import_cycle_is_found(copy: SourceTree) -> None:
    path = copy.files["fmbench.errors"]
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\nfrom fmbench.storage.files import read_json\n", encoding="utf-8")
    tree = SourceTree(path.parent.parent)
    cycle = tree.cycle()
    path.write_text(text, encoding="utf-8")
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"fmbench.storage.files", "fmbench.errors"}
    with pytest.raises(ValueError, match="is an import cycle"):
        tree.layers()


LIGHT = [
    "envs",
    AXES,
    "fmbench",
    *sorted(name for name in SourceTree(ROOT).files if is_in(name, CATALOGUE)),
    *sorted(name for name in SourceTree(ROOT).files if is_in(name, "fmbench.report")),
    *COMMANDS,
]


def test_import_is_light() -> None:
    code = "\n".join(
        [
            "import importlib, sys",
            f"for name in {LIGHT!r}:",
            "    importlib.import_module(name)",
            "    heavy = {'torch', 'mujoco'} & set(sys.modules)",
            "    assert not heavy, f'{name} imports {heavy}'",
        ]
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
