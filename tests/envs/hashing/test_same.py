"""Definitions with the same behaviour have the same hash, on sources of a few lines."""

import pytest

from envs.hashing.bindings import Place
from envs.hashing.text import code_hash
from tests.envs.hashing.small_sources import definitions, hash_of

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
    "an overridden method": (
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
    "the name of the class that raises": (
        "class C:\n def f(self): raise ValueError(type(self).__name__)\ndef begin(): C().f()",
        "class D:\n def g(self): raise ValueError(type(self).__name__)\ndef begin(): D().g()",
    ),
    "the order of identical methods": (
        "class C:\n def f(self): pass\n def g(self): pass\n def h(self): return self.f, self.g\n"
        "begin = C",
        "class C:\n def g(self): pass\n def f(self): pass\n def h(self): return self.f, self.g\n"
        "begin = C",
    ),
    "an enumeration's annotation": (
        "from enum import IntEnum\nclass P(IntEnum):\n late: int\n A = 0\nbegin = P",
        "from enum import IntEnum\nclass P(IntEnum):\n A = 0\nbegin = P",
    ),
    "nested enumeration": (
        "import enum\nclass C:\n class P(enum.IntEnum):\n  A = 0\n def f(self): return self.P.A\n"
        "def begin(): return C().f()",
        "from enum import IntEnum\nclass C:\n class Phase(IntEnum):\n  A = 0\n"
        " def f(self): return self.Phase.A\ndef begin(): return C().f()",
    ),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_these_are_the_same(one: str, other: str) -> None:
    assert hash_of(start=one) == hash_of(start=other)


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
def test_the_import_style_does_not_matter(modules: dict[str, str]) -> None:
    parts = "PARTS = 2\ndef half(x): return x / PARTS"
    expected = hash_of(start="from parts import half\ndef begin(): return half(1)", parts=parts)
    assert hash_of(parts=parts, **modules) == expected
    if "parts" in modules["start"]:
        assert hash_of(parts=parts.replace("2", "3"), **modules) != expected


def test_circular_imports_terminate() -> None:
    one, two = "from two import b\nfrom two import begin", "from start import c as b, begin"
    assert len(hash_of(start=f"{one}\nbegin = b", two=two)) == 64


def test_a_definition_without_source_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"nowhere:f cannot be read; .* define yours in a file"):
        code_hash(definitions(), [Place("nowhere", "f")])
