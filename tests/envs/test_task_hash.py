"""What counts in a definition and what does not, on sources of a few lines."""

import subprocess
import sys
from pathlib import Path

import pytest

from envs.hashing.definitions import Definitions
from envs.hashing.namespace import Place
from envs.hashing.sources import Source, find_source
from envs.hashing.text import code_hash
from envs.task_hash import task_hash

HERE = Path(__file__).resolve().parent


def definitions(**modules: str) -> Definitions:
    """Return the definitions of modules given as text."""

    def find(name: str) -> Source | None:
        text = modules.get(name)
        return None if text is None else Source(text.encode(), HERE / f"{name}.py")

    return Definitions(find)


def hash_of(**modules: str) -> str:
    return code_hash(definitions(**modules), [Place("start", "begin")])


SAME = {
    "comprehension": ("def begin(x): return [x for x in x]", "def begin(y): return [a for a in y]"),
    "walrus": (
        "def begin(x): return [y for a in x if (y := a)], y",
        "def begin(x): return [b for k in x if (b := k)], b",
    ),
    "lambda": ("begin = lambda x, y=1: x - y", "begin = lambda a, b=1: a - b"),
    "nested": (
        "def begin(n):\n def inner(k):\n  nonlocal n\n  n = k\n  return n\n return inner",
        "def begin(a):\n def deep(b):\n  nonlocal a\n  a = b\n  return a\n return deep",
    ),
    "exception": (
        "def begin():\n try: pass\n except ValueError as error: return error",
        "def begin():\n try: pass\n except ValueError as e: return e",
    ),
    "match": (
        "def begin(x):\n match x:\n  case [a, *b]: return b\n  case {'k': v, **r}: return r, v",
        "def begin(x):\n match x:\n  case [c, *d]: return d\n  case {'k': w, **s}: return s, w",
    ),
    "globals": ("N = 1\ndef begin():\n global N\n N = 2", "M = 1\ndef begin():\n global M\n M = 2"),
    "string": ("begin = 'ab'", "begin = 'a' 'b'"),
    "f-string": ("def begin(x): return f'a{x}b'", "def begin(y): return 'a' f'{y}' 'b'"),
    "import style": (
        "import numpy as np\nfrom os import path\nbegin = np.linalg.norm, path.join",
        "from numpy.linalg import norm\nimport os\nbegin = norm, os.path.join",
    ),
    "import inside": (
        "def begin():\n import numpy as np\n return np.pi",
        "from numpy import pi\ndef begin(): return pi",
    ),
    "keyword": (
        "def f(a, b): return a - b\ndef begin(): return f(a=1, b=2)",
        "def f(x, y): return x - y\ndef begin(): return f(x=1, y=2)",
    ),
    "method's keyword": (
        "class C:\n def go(self, far): return far\ndef begin(): return C().go(far=1)",
        "class K:\n def move(self, wide): return wide\ndef begin(): return K().move(wide=1)",
    ),
    "dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n x: int\n y: float = 1\n"
        "def begin(): return P(x=2).y",
        "import dataclasses as d\n@d.dataclass\nclass Q:\n 'Prose.'\n a: float\n b: 'int' = 1\n"
        "def begin(): return Q(a=2).b",
    ),
    "attribute by string": (
        "class C:\n def __init__(self): self.x = 1\ndef begin(): return getattr(C(), 'x')",
        "class C:\n def __init__(me): me.z = 1\ndef begin(): return getattr(C(), 'z')",
    ),
    "inheritance": (
        "class A:\n def f(self): return 1\nclass B(A):\n def f(self): return super().f()\n"
        "def begin(): return B().f()",
        "class X:\n def g(self): return 1\nclass Y(X):\n def g(self): return super().g()\n"
        "def begin(): return Y().g()",
    ),
    "what is overridden": (
        "class A:\n def f(self): return 1\nclass B(A):\n def f(self): return 2\n"
        "def begin(): return B().f()",
        "class A:\n def f(self): return 3\nclass B(A):\n def f(self): return 2\n"
        "def begin(): return B().f()",
    ),
    "recursion": (
        "def begin(n): return other(n)\ndef other(n): return begin(n)",
        "def begin(n): return again(n)\ndef again(k): return begin(k)",
    ),
    "types": (
        "from typing import TYPE_CHECKING, cast\nif TYPE_CHECKING:\n from a import T\n"
        "def begin(x: 'T') -> 'T':\n y: T\n y = cast('T', x)\n return y",
        "def begin(x):\n y = x\n return y",
    ),
    "idle statements": ("def begin():\n 'Prose.'\n pass", "def begin(): ..."),
    "nested enumeration": (
        "import enum\nclass C:\n class P(enum.IntEnum):\n  A = 0\n def f(self): return self.P.A\n"
        "def begin(): return C().f()",
        "from enum import IntEnum\nclass C:\n class Phase(IntEnum):\n  A = 0\n"
        " def f(self): return self.Phase.A\ndef begin(): return C().f()",
    ),
}

OTHER = {
    "which name": ("def begin(x, y): return x - y", "def begin(x, y): return y - x"),
    "order of parameters": ("def begin(x, y): return x - y", "def begin(y, x): return x - y"),
    "numbers": ("begin = 1", "begin = 1.0"),
    "truth": ("begin = 1", "begin = True"),
    "texts": ("begin = '1'", "begin = b'1'"),
    "nothing": ("begin = None", "begin = []"),
    "parts of a value": ("begin, b = 1, 2", "b, begin = 1, 2"),
    "items of a value": ("begin, b = f()", "b, begin = f()"),
    "decorator": (
        "from functools import cache\ndef begin(): pass",
        "from functools import cache\n@cache\ndef begin(): pass",
    ),
    "swapped attributes": (
        "class C:\n def __init__(self, a, b): self.x, self.y = a, b\n"
        " def f(self): return self.x - self.y\ndef begin(): return C(1, 2).f()",
        "class C:\n def __init__(self, a, b): self.x, self.y = a, b\n"
        " def f(self): return self.y - self.x\ndef begin(): return C(1, 2).f()",
    ),
    "attributes of others": ("def begin(x): x.margin = 1", "def begin(x): x.gap = 1"),
    "arguments of others": ("def begin(x): x.add(margin=1)", "def begin(x): x.add(gap=1)"),
    "parameters given by name to what is not known": (
        "def f(a, b): return a - b\ndef begin(g=f): return g(a=1, b=2)",
        "def f(b, a): return b - a\ndef begin(g=f): return g(a=1, b=2)",
    ),
    "parameters given as a dictionary": (
        "def f(a, b): return a - b\ndef begin(): return f(**{'a': 1, 'b': 2})",
        "def f(b, a): return b - a\ndef begin(): return f(**{'a': 1, 'b': 2})",
    ),
    "fields read as strings": (
        "import dataclasses\n@dataclasses.dataclass\nclass P:\n x: int\n"
        "def begin(): return dataclasses.asdict(P(1))",
        "import dataclasses\n@dataclasses.dataclass\nclass P:\n y: int\n"
        "def begin(): return dataclasses.asdict(P(1))",
    ),
    "a class's name that is read": (
        "class P: pass\ndef begin(): return P.__name__",
        "class Q: pass\ndef begin(): return Q.__name__",
    ),
    "members of an enumeration": (
        "import enum\nclass P(enum.Enum):\n A = 0\ndef begin(): return P.A.name",
        "import enum\nclass P(enum.Enum):\n B = 0\ndef begin(): return P.B.name",
    ),
    "order of an enumeration": (
        "import enum\nclass P(enum.Enum):\n A = 0\n B = 1\ndef begin(): return list(P)",
        "import enum\nclass P(enum.Enum):\n B = 1\n A = 0\ndef begin(): return list(P)",
    ),
    "what code outside overrides": (
        "import gymnasium\nclass W(gymnasium.Wrapper):\n def step(self): pass\ndef begin(): W()",
        "import gymnasium\nclass W(gymnasium.Wrapper):\n def reset(self): pass\ndef begin(): W()",
    ),
    "tables filled later": ("begin = {}", "begin = {}\nfor k in range(3):\n begin[k] = k"),
    "tables changed later": ("begin = []", "begin = []\nbegin.append(1)"),
    "methods that python calls": (
        "class C: pass\ndef begin(): return C()()",
        "class C:\n def __call__(self): pass\ndef begin(): return C()()",
    ),
    "methods that are looked up by name": (
        "class C:\n def f_1(self): return 1\ndef begin(k): return getattr(C(), f'f_{k}')()",
        "class C:\n def f_1(self): return 2\ndef begin(k): return getattr(C(), f'f_{k}')()",
    ),
    "keywords": ("def begin(x, y): pass", "def begin(x, *, y): pass"),
    "how a condition binds": (
        "def begin(a, b, c): return (a or b) and c",
        "def begin(a, b, c): return a or (b and c)",
    ),
    "global or local": ("N = 1\ndef begin():\n global N\n N = 2", "N = 1\ndef begin():\n N = 2"),
    "class or instance": (
        "class C:\n @classmethod\n def f(cls): pass\ndef begin(): return C.f()",
        "class C:\n @staticmethod\n def f(cls): pass\ndef begin(): return C.f()",
    ),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_these_are_the_same(one: str, other: str) -> None:
    assert hash_of(start=one) == hash_of(start=other)


@pytest.mark.parametrize(("one", "other"), OTHER.values(), ids=OTHER)
def test_these_differ(one: str, other: str) -> None:
    assert hash_of(start=one) != hash_of(start=other)


@pytest.mark.parametrize(
    "modules",
    [
        {"start": "from parts import half\ndef begin(): return half(1)"},
        {"start": "import parts\ndef begin(): return parts.half(1)"},
        {"start": "import parts as p\ndef begin():\n from parts import half as h\n return h(1)"},
        {"start": "from again import *\ndef begin(): return half(1)",
         "again": "from parts import *"},
        {"start": "from again import h\ndef begin(): return h(1)",
         "again": "import parts\nfrom parts import half as h"},
        {"start": "def half(x): return x / TWO\nTWO = 2\ndef begin(): return half(1)"},
    ],
)  # fmt: skip
def test_a_definition_is_the_same_however_it_is_imported(modules: dict[str, str]) -> None:
    parts = "PARTS = 2\ndef half(x): return x / PARTS"
    expected = hash_of(start="from parts import half\ndef begin(): return half(1)", parts=parts)
    assert hash_of(parts=parts, **modules) == expected
    if "parts" in modules["start"]:
        assert hash_of(parts=parts.replace("2", "3"), **modules) != expected


def test_modules_that_import_each_other_end() -> None:
    one, two = "from two import b\nfrom two import begin", "from start import c as b, begin"
    assert len(hash_of(start=f"{one}\nbegin = b", two=two)) == 64


def test_what_has_no_source_is_refused() -> None:
    with pytest.raises(ValueError, match=r"nowhere:f cannot be read; .* define yours in a file"):
        code_hash(definitions(), [Place("nowhere", "f")])


def test_installed_libraries_are_not_ours() -> None:
    assert find_source("numpy") is None
    assert find_source("json") is None
    assert find_source("no_such_module") is None
    assert find_source("envs.registry") is not None
    assert find_source(__name__) is not None


PLUG_IN = """
import sys
from envs.tasks.lift_cube import LiftCube
from envs.experts.lift_cube import LiftCubeExpert
from beside import HEIGHT
from envs.registry import add_task
from envs.task_hash import task_hash
class Higher(LiftCube):
    name = "Higher"
    height = HEIGHT
add_task(Higher, LiftCubeExpert)
print(task_hash("Higher"))
"""


def test_a_task_of_a_script_counts_with_what_lies_beside_it(tmp_path: Path) -> None:
    def run(name: str, height: str, text: str = PLUG_IN) -> str:
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.py").write_text(text)
        (folder / "beside.py").write_text(f"HEIGHT = {height}\n")
        done = subprocess.run(
            [sys.executable, str(folder / f"{name}.py")],
            env={"PYTHONPATH": str(HERE.parents[1]), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    first = run("first", "1.0")
    assert run("second", "1.0", PLUG_IN.replace("class Higher", "# told\nclass Higher")) == first
    assert run("third", "2.0") != first


def test_the_python_and_its_hash_seed_do_not_matter() -> None:
    program = "from envs.task_hash import task_hash; print(task_hash('TurnDial'))"
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": str(HERE.parents[1]), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stdout.strip() == task_hash("TurnDial"), done.stderr


def test_hashes_import_no_simulator() -> None:
    program = "import sys; from envs.task_hash import task_hash; task_hash('LiftCube'); "
    program += "print([name for name in ('mujoco', 'numpy', 'torch') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(HERE.parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_what_besides_a_task_decides_can_be_added() -> None:
    assert len(task_hash("LiftCube")) == 64
    assert task_hash("LiftCube") != task_hash("LiftCube", "envs.scene:SUBSTEPS")
    with pytest.raises(ValueError, match=r"unknown task 'LiftCub'.*LiftCube"):
        task_hash("LiftCub")
