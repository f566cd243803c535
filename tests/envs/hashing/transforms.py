"""Transformations that rewrite or move code without changing its behaviour."""

import ast
import re

from tests.envs.hashing.edits import Texts, text_edit


class NoAnnotations(ast.NodeTransformer):
    """Remove every annotation that is not evaluated."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        node.body = [
            ast.Assign([part.target], part.value)
            if isinstance(part, ast.AnnAssign) and part.value
            else part
            for part in node.body
        ]
        return self.generic_visit(node)


def retold(tree: ast.Module) -> ast.Module:
    """Replace every docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(
            node
        ):
            node.body[0] = ast.Expr(ast.Constant("Another docstring."))
    return tree


def turn_round(body: list[ast.stmt], kind: type[ast.stmt]) -> None:
    """Reverse the order of the statements of one kind."""
    places = [k for k, part in enumerate(body) if isinstance(part, kind)]
    parts = [body[k] for k in reversed(places)]
    for k, part in zip(places, parts, strict=True):
        body[k] = part


def turned_round(tree: ast.Module) -> ast.Module:
    """Reverse the order of a module's functions, and of its imports."""
    turn_round(tree.body, ast.FunctionDef)
    turn_round(tree.body, ast.ImportFrom)
    return tree


def methods_turned_round(tree: ast.Module) -> ast.Module:
    """Reverse the order of every class's methods."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            turn_round(node.body, ast.FunctionDef)
    return tree


def libraries_by_other_names(text: str) -> str:
    """Import numpy and mujoco under other names."""
    text = re.sub(r"\bnp\.", "numpy.", text.replace("import numpy as np\n", "import numpy\n"))
    text = re.sub(r"\bmujoco\.(?=[mM]j)", "engine.", text)
    return text.replace("import mujoco\n", "import mujoco as engine\n")


def ours_by_module(files: Texts) -> None:
    """Import first-party modules as modules or relatively, instead of by name."""
    path = "envs/experts/carry.py"
    text = files[path].replace("from envs.rotations import distance, wrap\n", "")
    text = text.replace("from envs.experts.base", "from .base")
    files[path] = re.sub(r"\b(wrap|distance)\(", r"turns.\1(", text).replace(
        "import numpy as np\n", "import numpy as np\nimport envs.rotations as turns\n", 1
    )


def move_function(files: Texts) -> None:
    """Move the function `lifted_share` to its own module, and import it from there."""
    parts = "envs/tasks/cube_parts.py"
    text = files[parts]
    start, end = text.index("def lifted_share("), text.index("def tip_clearance(")
    files[parts] = text[:start] + text[end:]
    files["envs/heights.py"] = (
        "import numpy as np\nfrom envs.task import FloatArray\nfrom envs.tasks import cube_parts\n"
        + text[start:end].replace("CUBE_HALF_SIZE_M", "cube_parts.CUBE_HALF_SIZE_M")
    )
    numpy = "import numpy as np\n"
    for path, text in files.items():
        if "    lifted_share,\n" in text:
            text = text.replace("    lifted_share,\n", "")
            text = text.replace(numpy, f"{numpy}from envs.heights import lifted_share\n", 1)
            files[path] = text


def move_module(files: Texts) -> None:
    """Move the rotations into their own package."""
    files["envs/geometry/__init__.py"] = ""
    files["envs/geometry/turning.py"] = files.pop("envs/rotations.py")
    text_edit(lambda text: text.replace("envs.rotations", "envs.geometry.turning"))(files)


def make_package(files: Texts) -> None:
    """Turn an expert's module into a package that re-exports its names."""
    files["envs/experts/carry/carrying.py"] = files.pop("envs/experts/carry.py")
    files["envs/experts/carry/__init__.py"] = "from envs.experts.carry.carrying import *\n"


def move_phases(files: Texts) -> None:
    """Move an expert's phases into their own module."""
    path = "envs/experts/carry.py"
    start, end = (files[path].index(part) for part in ("class CarryPhase", "class CarryExpert"))
    files["envs/experts/stages.py"] = (
        "from envs.experts.base import Phase\n" + files[path][start:end]
    )
    text = files[path][:start] + files[path][end:]
    imported = "import numpy as np\nfrom envs.experts.stages import CarryPhase\n"
    files[path] = text.replace("import numpy as np\n", imported, 1)
