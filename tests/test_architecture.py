"""Who may import whom, read from the sources with `ast`."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("envs", "policies", "fmbench")
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
ALLOWED = {"envs": {"numpy", "mujoco", "gymnasium"}, "policies": {"numpy", "torch", "scipy"}}
LIGHT = (
    "records",
    "statistics",
    "tables",
    "comparisons",
    "summary",
    "terminal_summary",
    "matrix",
    "matrix_text",
    "matrix_figure",
    "results",
    "plots",
    "figures",
)
INTRODUCERS = ("fmbench.experiment", "fmbench.rescoring", "fmbench.plugins")


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk the code that runs: not what stands under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from nodes(child)


def imports(module: str) -> set[str]:
    """Return the full names of the modules that a module imports, in functions too."""
    found: set[str] = set()
    for node in nodes(ast.parse(SOURCES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            below = {f"{node.module}.{alias.name}" for alias in node.names} & set(SOURCES)
            found |= below | {str(node.module)}
    return found


def reach(start: str) -> set[str]:
    """Return what a module of fmbench imports, also through other modules of fmbench."""
    found, waiting = set[str](), [start]
    while waiting:
        new = imports(waiting.pop()) - found
        found |= new
        waiting += [name for name in new if name in SOURCES and name.startswith("fmbench.")]
    return found


def tops(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("package", ALLOWED)
def test_envs_and_policies_know_nothing_else(package: str) -> None:
    for module in (name for name in SOURCES if tops({name}) == {package}):
        foreign = tops(imports(module)) - {package} - sys.stdlib_module_names
        assert foreign <= ALLOWED[package], module


def test_the_experiment_introduces_policies_to_envs() -> None:
    below = {name for module in INTRODUCERS for name in (module, *reach(module))}
    for module in SOURCES:
        if {"envs", "policies"} <= tops(imports(module)):
            assert module in below, f"{module} knows envs and policies; that is for {INTRODUCERS}"


@pytest.mark.parametrize("name", LIGHT)
def test_rows_become_tables_and_figures_without_torch_and_mujoco(name: str) -> None:
    assert not tops(reach(f"fmbench.{name}")) & {"torch", "mujoco", "envs", "policies"}


@pytest.mark.parametrize(
    "modules", ["envs", "fmbench", ", ".join(f"fmbench.{name}" for name in LIGHT)]
)
def test_import_is_light(modules: str) -> None:
    code = f"import sys, {modules}; print({{'torch', 'mujoco'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")
