"""Follow code from its roots to every definition that it reaches, in an order free of names.

A function or variable is reached by a reference to it. A reference to a class reaches its bases and
attributes. A method is reached if reached code mentions its name, since the owner of a name after a
dot is not known; all methods of a root's class are reached.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence

from envs.hashing.bindings import Place
from envs.hashing.definitions import Class, Definitions, Text
from envs.hashing.tokens import Attribute, Reference, Reflection, Token


class Reach:
    """The definitions that some roots reach.

    Args:
        definitions: Where definitions are found.
        roots: Classes, functions or variables to start from.
        aside: Names of class members that are reached only where reached code may mention them.

    Attributes:
        tokens: The canonical text of all reached definitions, with names not yet replaced.
        parts: The texts that it consists of, in order.
        numbers: The number of each definition, in the order of first reference.
    """

    def __init__(
        self, definitions: Definitions, roots: Sequence[Place], aside: Collection[str] = ()
    ) -> None:
        self.definitions, self._aside = definitions, aside
        self.tokens: list[Token] = []
        self.parts: list[Text] = []
        self.numbers: dict[Place, int] = {}
        self.methods: dict[str, list[tuple[str, ...]]] = {}
        self._reflects = False  # names created at run time may refer to any method
        self._mentioned: dict[str, int] = {}
        self._lines: dict[Place, list[Place]] = {}  # of the classes that may have instances
        self._done: set[tuple[Place, str]] = set()
        self._waiting: deque[tuple[Place, str]] = deque()
        self._roots = {definitions.find(root) for root in roots}
        for root in roots:
            self._visit(definitions.find(root), is_base=False)
        self._drain()
        while rest := self._unmentioned():
            for owner, name in rest:
                self._await(owner, name)
            self._drain()

    def classes(self) -> Iterator[Class]:
        """Yield the reached classes, including base classes."""
        for place in self.numbers:
            definition = self.definitions.class_at(place)
            if definition is not None:
                yield definition

    def parameters(self, callee: Place) -> list[tuple[str, ...]]:
        """Return the parameters of a function, or of the constructor of a class."""
        definition = self.definitions[callee]
        if isinstance(definition, Text):
            return [definition.parameters]
        line = self.definitions.line(callee)
        owners = [owner for owner in map(self.definitions.class_at, line) if owner]
        for owner in owners:
            if "__init__" in owner.members:
                return [text.parameters for text in owner.members["__init__"]]
        return [tuple(name for owner in reversed(owners) for name in owner.fields)]

    def _visit(self, place: Place, is_base: bool) -> None:
        if place not in self.numbers:
            self.numbers[place] = len(self.numbers)
            self._waiting.append((place, ""))
        if not is_base and place not in self._lines and self.definitions.class_at(place):
            self._lines[place] = self.definitions.line(place)
            for owner, name in self._implicit(place):
                self._await(owner, name)
            for name in self._mentioned:
                self._look_up(place, name)

    def _implicit(self, place: Place) -> Iterator[tuple[Place, str]]:
        """Yield the methods that are called without a mention: special methods and overrides."""
        for owner in self._lines[place]:
            members = self._class(owner).members
            names = [name for name in members if is_special(name)]
            names += list(members) if self._class(owner).stays else []
            yield from ((owner, name) for name in sorted(set(names)))

    def _mention(self, name: str) -> None:
        if name not in self._mentioned:
            self._mentioned[name] = len(self._mentioned)
            for place in list(self._lines):
                self._look_up(place, name)

    def _look_up(self, place: Place, name: str) -> None:
        """Queue the members that a name refers to on instances of a class."""
        for owner in self._lines[place]:
            texts = self._class(owner).members.get(name)
            if texts:
                self._await(owner, name)
                if not any(text.goes_on for text in texts):
                    return

    def _await(self, owner: Place, name: str) -> None:
        if (owner, name) not in self._done:
            self._done.add((owner, name))
            self._waiting.append((owner, name))

    def _drain(self) -> None:
        while self._waiting:
            place, name = self._waiting.popleft()
            if name:
                for text in self._class(place).members[name]:
                    self.methods.setdefault(name, []).append(text.parameters)
                    self._take([Reference(place, True), Attribute(name, defines=True)], text)
            else:
                definition = self.definitions[place]
                head = definition.head if isinstance(definition, Class) else definition
                self._take([Reference(place, is_base=True)], head)

    def _take(self, title: list[Token], text: Text) -> None:
        self.parts.append(text)
        self.tokens += [*title, *text.tokens, "end"]
        for token in text.names:
            if isinstance(token, Reference):
                self._visit(token.place, token.is_base)
            elif isinstance(token, Attribute) and not token.defines:
                self._mention(token.name)
            self._reflects |= isinstance(token, Reflection)

    def _unmentioned(self) -> list[tuple[Place, str]]:
        """Return the remaining members of classes, in an order free of names and positions.

        Members that look identical wait until the others have been followed, which may mention
        their names.
        """
        rest = []
        for place, line in self._lines.items():
            seen: set[str] = set() if self._reflects else set(self._aside)
            for owner in line:
                for name, texts in self._class(owner).members.items():
                    matters = place in self._roots or self._reflects or not texts[0].is_method
                    if matters and name not in seen and (owner, name) not in self._done:
                        rest.append((owner, name))
                    seen.add(name)
        outlines = {part: self._outline(part) for part in rest}
        counts = Counter(outlines.values())
        unlike = [part for part, outline in outlines.items() if counts[outline] == 1]
        return sorted(unlike or outlines, key=outlines.__getitem__)

    def _outline(self, part: tuple[Place, str]) -> tuple[int, tuple[str, ...], int]:
        """Describe a member of a class by what is known of it without its names."""
        owner, name = part
        tokens = [token for text in self._class(owner).members[name] for token in text.tokens]
        known = tuple(self._known(token) for token in tokens)
        return self.numbers[owner], known, self._mentioned.get(name, -1)

    def _known(self, token: Token) -> str:
        if isinstance(token, Reference):
            return f"#{self.numbers.get(token.place, '')}"
        if isinstance(token, Attribute):
            return f".{self._mentioned.get(token.name, '')}"
        return token if isinstance(token, str) else type(token).__name__

    def _class(self, place: Place) -> Class:
        definition = self.definitions[place]
        assert isinstance(definition, Class)
        return definition


def is_special(name: str) -> bool:
    """Return whether Python itself defines the meaning of a name."""
    return name.startswith("__") and name.endswith("__")
