"""Replace the names in the reached code, and hash the resulting text."""

import hashlib
from collections.abc import Collection, Sequence

from envs.hashing.bindings import Place
from envs.hashing.data_files import data_digests
from envs.hashing.definitions import Definitions
from envs.hashing.expressions import OWN_NAMES
from envs.hashing.reach import Reach, is_special
from envs.hashing.tokens import Attribute, Keyword, Parameter, Reference, Reflection, Title, Token

LOOKED_UP = {"__getattr__", "__getattribute__", "__setattr__"}  # methods that receive names


def code_text(definitions: Definitions, roots: Sequence[Place], aside: Collection[str] = ()) -> str:
    """Return the canonical text of all code that the roots reach, with data file digests."""
    reach = Reach(definitions, roots, aside)
    return "\n".join([*Names(reach).replaced(), *data_digests(reach.parts)])


def code_hash(definitions: Definitions, roots: Sequence[Place], aside: Collection[str] = ()) -> str:
    """Return the hash of all code that the roots reach, 64 hexadecimal digits."""
    return hashlib.sha256(code_text(definitions, roots, aside).encode()).hexdigest()


class Names:
    """The replacement of each name in the reached code.

    A name after a dot is first-party if a reached class or an assignment to `self` defines it; it
    is numbered in the order of appearance. Other names are kept, and so are first-party names that
    external code, or a string created at run time, may look up.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        tokens = [token for token in reach.tokens if not isinstance(token, str)]
        mentions = [token for token in tokens if isinstance(token, Attribute)]
        classes = list(reach.classes())
        defined = {token.name for token in mentions if token.defines}
        defined |= {name for kind in classes for name in (*kind.members, *kind.fields)}
        stay = {token.name for token in mentions if token.stays}
        stay |= {name for kind in classes if kind.stays for name in (*kind.members, *kind.fields)}
        is_reflecting = any(isinstance(token, Reflection) for token in tokens)
        is_reflecting |= any(LOOKED_UP.intersection(kind.members) for kind in classes)
        self._defined = defined
        self._own = set() if is_reflecting else {n for n in defined - stay if not is_special(n)}
        self._titles = any(token.name in OWN_NAMES for token in mentions)
        self._numbers: dict[str, int] = {}
        self._told: set[str] = set()  # parameters passed by name to an unknown callee
        self._tells_all = False
        for token in tokens:
            if isinstance(token, Keyword):
                self._note(token)

    def replaced(self) -> list[str]:
        """Return the tokens as text."""
        return [self._word(token) for token in self._reach.tokens]

    def _word(self, token: Token) -> str:
        if isinstance(token, str):
            return token
        if isinstance(token, Reference):
            return f"#{self._reach.numbers[token.place]}"
        if isinstance(token, Attribute):
            return self._attribute(token)
        if isinstance(token, Keyword):
            places = self._positions(token)
            return f"given {places}" if places else f"{token.name}="
        if isinstance(token, Parameter):
            return token.name if self._is_told(token.name) else ""
        return token.name if isinstance(token, Title) and self._titles else ""

    def _attribute(self, token: Attribute) -> str:
        if token.name not in self._own:
            return f".{token.name}"
        number = self._numbers.setdefault(token.name, len(self._numbers))
        is_told = token.defines and self._is_told(token.name)
        return f".{number} {token.name}" if is_told else f".{number}"

    def _is_told(self, name: str) -> bool:
        return self._tells_all or name in self._told

    def _signatures(self, token: Keyword) -> list[tuple[str, ...]]:
        """Return the parameters of every possible callee."""
        if isinstance(token.callee, Place):
            return self._reach.parameters(token.callee)
        return self._reach.methods.get(token.callee or "", [])

    def _positions(self, token: Keyword) -> list[int]:
        signatures = self._signatures(token)
        return sorted({names.index(token.name) for names in signatures if token.name in names})

    def _note(self, token: Keyword) -> None:
        """Record the names that must be kept because a call passes arguments by name."""
        if token.name == "**":
            self._tells_all |= token.callee is None
            self._told.update(name for names in self._signatures(token) for name in names)
        elif not self._positions(token) and not self._is_outside(token):
            self._told.add(token.name)

    def _is_outside(self, token: Keyword) -> bool:
        """Return whether the callee is a method that no reached class has or creates."""
        makes = (*self._reach.methods, *self._defined, "_replace")
        return isinstance(token.callee, str) and token.callee not in makes
