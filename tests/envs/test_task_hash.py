"""The hash of a task follows its code, and neither its prose nor the Python that reads it."""

import ast
from pathlib import Path

import pytest

from envs.registry import TASKS, suite
from envs.task_hash import _code, structure, task_hash

SOURCE = """
def half(x: float, *rest: int) -> float:
    return f"{x / 2:.1f}" if rest else None
"""


def test_structure_is_the_same_text_on_every_python() -> None:
    assert structure(ast.parse(SOURCE)) == (
        "Module(body=[FunctionDef(name='half', args=arguments("
        "args=[arg(arg='x', annotation=Name(id='float', ctx=Load()))], "
        "vararg=arg(arg='rest', annotation=Name(id='int', ctx=Load()))), "
        "body=[Return(value=IfExp(test=Name(id='rest', ctx=Load()), body=JoinedStr(values=["
        "FormattedValue(value=BinOp(left=Name(id='x', ctx=Load()), op=Div(), "
        "right=Constant(value=2)), conversion=-1, format_spec=JoinedStr(values=["
        "Constant(value='.1f')]))]), orelse=Constant()))], "
        "returns=Name(id='float', ctx=Load()))])"
    )


def test_structure_skips_the_fields_that_newer_pythons_add() -> None:
    tree = ast.parse(SOURCE)
    written = structure(tree)
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    newer = type("FunctionDef", (ast.AST,), {"_fields": (*ast.FunctionDef._fields, "added")})
    fields = {name: getattr(function, name, None) for name in ast.FunctionDef._fields}
    tree.body[0] = newer(**fields, added=[])
    assert structure(tree) == written


def test_structure_tells_code_apart() -> None:
    texts = ["x = 1", "x = 1.0", "x = True", "x = '1'", "x = None", "x = []", "x += 1", "y = 1"]
    assert len({structure(ast.parse(text)) for text in texts}) == len(texts)
    assert structure(ast.parse("x  =  (1)  # one")) == structure(ast.parse("x = 1"))


def test_docstrings_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    bodies = {"hash_bare": "", "hash_told": '"""What f does."""', "hash_other": "return 1"}
    for name, first in bodies.items():
        (tmp_path / f"{name}.py").write_text(f"def f():\n    {first}\n    return 2\n")
    bare, told, other = (structure(_code(name)) for name in bodies)
    assert bare == told != other


def test_tasks_have_hashes_of_their_own() -> None:
    own = [name for name in suite() if not TASKS[name].extra]
    assert len({task_hash(name) for name in own}) == len(own)
