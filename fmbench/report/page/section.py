"""A part of the page: its text, and the script that makes it answer to its reader."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup


@dataclasses.dataclass(frozen=True)
class PageSection:
    """A part of the page.

    Attributes:
        name: Its identifier on the page: lower-case letters, digits and hyphens.
        title: Its heading.
        html: Its content, made by a template that escapes every text.
        style: Its rules of style; selectors begin with `#NAME`.
        script: The body of a JavaScript function of `root`, the element of the section, `data`,
            and `page`, what the page offers to all (see `page.js`). It runs once, after the first
            paint; then the element has the attribute `data-ready`.
        data: What the script reads, as JSON.
        libraries: Scripts of others that it needs, names of `fmbench.report.page.libraries`. Its
            own script then waits until the reader comes near to the section.
    """

    name: str
    title: str
    html: Markup
    style: str = ""
    script: str = ""
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    libraries: Sequence[str] = ()
