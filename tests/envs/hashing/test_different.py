"""Definitions with different behaviour have different hashes, on sources of a few lines."""

import pytest

from tests.envs.hashing.small_sources import hash_of

OTHER = {
    "the order of operands": ("def begin(x, y): return x - y", "def begin(x, y): return y - x"),
    "order of parameters": ("def begin(x, y): return x - y", "def begin(y, x): return x - y"),
    "numbers": ("begin = 1", "begin = 1.0"),
    "truth": ("begin = 1", "begin = True"),
    "texts": ("begin = '1'", "begin = b'1'"),
    "None": ("begin = None", "begin = []"),
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
    "attributes of unknown objects": ("def begin(x): x.margin = 1", "def begin(x): x.gap = 1"),
    "arguments of unknown callees": ("def begin(x): x.add(margin=1)", "def begin(x): x.add(gap=1)"),
    "parameters passed by name to an unknown callee": (
        "def f(a, b): return a - b\ndef begin(g=f): return g(a=1, b=2)",
        "def f(b, a): return b - a\ndef begin(g=f): return g(a=1, b=2)",
    ),
    "parameters passed as a dictionary": (
        "def f(a, b): return a - b\ndef begin(): return f(**{'a': 1, 'b': 2})",
        "def f(b, a): return b - a\ndef begin(): return f(**{'a': 1, 'b': 2})",
    ),
    "fields read as strings": (
        "import dataclasses\n@dataclasses.dataclass\nclass P:\n x: int\n"
        "def begin(): return dataclasses.asdict(P(1))",
        "import dataclasses\n@dataclasses.dataclass\nclass P:\n y: int\n"
        "def begin(): return dataclasses.asdict(P(1))",
    ),
    "a class name that is read": (
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
    "overrides of an external class": (
        "import gymnasium\nclass W(gymnasium.Wrapper):\n def step(self): pass\ndef begin(): W()",
        "import gymnasium\nclass W(gymnasium.Wrapper):\n def reset(self): pass\ndef begin(): W()",
    ),
    "tables filled later": ("begin = {}", "begin = {}\nfor k in range(3):\n begin[k] = k"),
    "tables changed later": ("begin = []", "begin = []\nbegin.append(1)"),
    "special methods": (
        "class C: pass\ndef begin(): return C()()",
        "class C:\n def __call__(self): pass\ndef begin(): return C()()",
    ),
    "methods looked up by name": (
        "class C:\n def f_1(self): return 1\ndef begin(k): return getattr(C(), f'f_{k}')()",
        "class C:\n def f_1(self): return 2\ndef begin(k): return getattr(C(), f'f_{k}')()",
    ),
    "keywords": ("def begin(x, y): pass", "def begin(x, *, y): pass"),
    "precedence in a condition": (
        "def begin(a, b, c): return (a or b) and c",
        "def begin(a, b, c): return a or (b and c)",
    ),
    "global or local": ("N = 1\ndef begin():\n global N\n N = 2", "N = 1\ndef begin():\n N = 2"),
    "tables that a function fills": (
        "def fill(x): x[0] = 1\nbegin = {}",
        "def fill(x): x[0] = 1\nbegin = {}\nfill(begin)",
    ),
    "classes changed by setattr": (
        "class C: pass\ndef begin(): return C()",
        "class C: pass\nsetattr(C, 'x', 1)\ndef begin(): return C()",
    ),
    "an external base of a first-party base": (
        "import enum\nclass P(enum.IntEnum): pass\nclass Q(P):\n A = 0\n B = 1\n"
        "def begin(): return list(Q)",
        "import enum\nclass P(enum.IntEnum): pass\nclass Q(P):\n B = 1\n A = 0\n"
        "def begin(): return list(Q)",
    ),
    "overrides through a first-party base": (
        "import gymnasium\nclass V(gymnasium.Wrapper): pass\nclass W(V):\n"
        " def step(self): return 1\ndef begin(): W()",
        "import gymnasium\nclass V(gymnasium.Wrapper): pass\nclass W(V):\n"
        " def step(self): return 2\ndef begin(): W()",
    ),
    "arguments of a partial": (
        "from functools import partial\ndef f(a, b): return a - b\n"
        "def begin(): return partial(f, a=1)",
        "from functools import partial\ndef f(b, a): return b - a\n"
        "def begin(): return partial(f, a=1)",
    ),
    "arguments of a stored function": (
        "def f(a, b): return a - b\nclass C:\n def __init__(self): self.f = f\n"
        "def begin(): return C().f(a=1, b=2)",
        "def f(b, a): return b - a\nclass C:\n def __init__(self): self.f = f\n"
        "def begin(): return C().f(a=1, b=2)",
    ),
    "fields of a named tuple": (
        "from typing import NamedTuple\nclass P(NamedTuple):\n x: int\n y: int\n"
        "def begin(): return P(1, 2)._replace(x=3)",
        "from typing import NamedTuple\nclass P(NamedTuple):\n y: int\n x: int\n"
        "def begin(): return P(1, 2)._replace(x=3)",
    ),
    "attributes read by name": (
        "from operator import attrgetter\nclass C:\n x, y = 1, 2\n"
        "def begin(): return attrgetter('x')(C), C.y",
        "from operator import attrgetter\nclass C:\n y, x = 1, 2\n"
        "def begin(): return attrgetter('x')(C), C.x",
    ),
    "names handled by __getattr__": (
        "class C:\n def __getattr__(self, name): return name\n def f(self): self.x = 1\n"
        "def begin(): return C().f().x",
        "class C:\n def __getattr__(self, name): return name\n def f(self): self.y = 1\n"
        "def begin(): return C().f().y",
    ),
    "class or instance": (
        "class C:\n @classmethod\n def f(cls): pass\ndef begin(): return C.f()",
        "class C:\n @staticmethod\n def f(cls): pass\ndef begin(): return C.f()",
    ),
}


@pytest.mark.parametrize(("one", "other"), OTHER.values(), ids=OTHER)
def test_these_differ(one: str, other: str) -> None:
    assert hash_of(start=one) != hash_of(start=other)


CHANGES = "from parts import TABLE\nTABLE[0] = 1\n"


@pytest.mark.parametrize(
    "change", [CHANGES, "import parts\nparts.TABLE = [1]\n", "import parts\nparts.TABLE[0] = 1\n"]
)
def test_changes_to_another_module_count(change: str) -> None:
    parts = "TABLE = [0]\ndef begin(): return TABLE\n"
    start = "from parts import begin as first\ndef begin(): return first()\n"
    assert hash_of(start=start + change, parts=parts) != hash_of(start=start, parts=parts)


def test_calls_of_a_script_do_not_count() -> None:
    start = "import tools\nclass Task: pass\ndef begin(): return Task()\n"
    tools = "def register(task): print(task)"
    called = start + "tools.register(Task)\n"
    assert hash_of(start=called, tools=tools) == hash_of(start=start, tools=tools)
