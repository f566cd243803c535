"""Text of a policy's error as it stands in a row: one short line that every reader can read."""

MAX_CHARACTERS = 500
"""Most characters of the text, with its ellipsis: far below the limit of CSV readers, 131072."""


def error_text(message: str) -> str:
    """Return a message on one line of at most `MAX_CHARACTERS` printable characters.

    White space becomes single spaces. Characters that are not printable, e.g. NUL, other control
    characters and lone surrogates, are escaped as in Python. The ellipsis of a long text says how
    many characters were cut.
    """
    text = "".join(map(_printable, " ".join(message.split())))
    if len(text) <= MAX_CHARACTERS:
        return text
    kept = MAX_CHARACTERS - len(_ellipsis(len(text)))
    return text[:kept] + _ellipsis(len(text) - kept)


def _printable(character: str) -> str:
    """Return a character, escaped unless it is printable."""
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def _ellipsis(cut: int) -> str:
    """Return the end of a text of which `cut` characters were cut."""
    return f"… ({cut} more characters)"
