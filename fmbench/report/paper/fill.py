"""Fill the numbers of a text in from the tables of a grid.

A text is Markdown with placeholders of jinja2, e.g.
`{{ line("main/matrix.csv", task="LiftCube", policy="flow", steps=1)|rate }}`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from fmbench.errors import FmbenchError
from fmbench.report.paper.tables import Tables
from fmbench.report.paper.words import FILTERS

Include = Callable[[str], str]
"""Returns what stands for the headline table of a section, given its name."""
Setting = Callable[[str, str], Any]
"""Returns what the runs of a section share, given its name and that of the value."""
OF_EXPRESSIONS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What expressions of a text come to, e.g. a division by zero or a filter of something else."""


def fill(text: str, path: Path, tables: Tables, include: Include, setting: Setting) -> str:
    """Return a text with its numbers.

    Args:
        text: The text with its placeholders.
        path: Where it comes from, for messages.
        tables: What it may ask for.
        include: Called by `{{ headline("SECTION") }}`.
        setting: Called by `{{ setting("SECTION", "NAME") }}`.

    Raises:
        FmbenchError: A placeholder is none, or asks for what is not there.
    """
    environment = SandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters.update(FILTERS)
    asked = {"line": tables.line, "lines": tables.lines, "headline": include, "setting": setting}
    try:
        return environment.from_string(text).render(asked)
    except (FmbenchError, jinja2.TemplateError, *OF_EXPRESSIONS) as error:
        place = _line_of(error)
        said = error if isinstance(error, FmbenchError | jinja2.TemplateError) else repr(error)
        raise FmbenchError(f"{path}{f', line {place}' * bool(place)}: {said}") from None


def _line_of(error: BaseException) -> int:
    """Return the line of a text at which it could not be filled; 0 if it is not known."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.lineno
    traceback, line = error.__traceback__, 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == "<template>":
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
