"""The page around its sections: one file with a strict Content-Security-Policy."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
from markupsafe import Markup

from fmbench.report.page.libraries import LIBRARIES
from fmbench.report.page.section import PageSection


def environment() -> jinja2.Environment:
    """Return what renders the templates of the page; it escapes every text."""
    loader = jinja2.PackageLoader("fmbench.report.page")
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)


@dataclasses.dataclass(frozen=True)
class Scripts:
    """The scripts of a page, in its order; the policy has a hash of each.

    Attributes:
        page: What the page offers to all sections.
        libraries: Scripts of others by name. The page holds them as inert text until a section
            that needs one begins: the browser can paint before it reads megabytes.
        sections: The scripts of the sections, each registered as a function.
    """

    page: Markup
    libraries: dict[str, Markup]
    sections: Markup

    @property
    def all(self) -> list[str]:
        """All of them, in order."""
        return [self.page, *self.libraries.values(), self.sections]


def render_page(title: str, sections: Sequence[PageSection], about: str = "") -> str:
    """Return the page.

    Args:
        title: Its heading.
        sections: Its parts, in order.
        about: What it shows, in one sentence below the heading.
    """
    templates = environment()
    scripts = _scripts(templates, sections)
    style = "\n".join((source(templates, "page.css"), *(each.style for each in sections)))
    return templates.get_template("page.html").render(
        title=title,
        about=about,
        policy=content_policy(scripts.all),
        style=Markup(style),
        sections=sections,
        data={each.name: as_json(each.data) for each in sections},
        scripts=scripts,
    )


def content_policy(scripts: Sequence[str]) -> str:
    """Return the Content-Security-Policy: no request, and no script but these.

    Styles of elements are allowed, because plotly sets them; pictures of its download button and
    heat maps are `blob:` and `data:`; videos and pictures lie beside the page.
    """
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self'; base-uri 'none'; form-action 'none'"
    )


def as_json(data: Mapping[str, Any]) -> Markup:
    """Return data as JSON that no HTML parser takes for an element.

    Raises:
        ValueError: A number is not finite.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _scripts(templates: jinja2.Environment, sections: Sequence[PageSection]) -> Scripts:
    """Return the scripts of the page."""
    names = dict.fromkeys(name for each in sections for name in each.libraries)
    calls = [_registration(each) for each in sections if each.script]
    return Scripts(
        _closed(source(templates, "page.js")),
        {name: _closed(LIBRARIES[name]()) for name in names},
        _closed("\n".join([*calls, "page.start();"])),
    )


def _registration(section: PageSection) -> str:
    """Return the script of a section as a function that the page calls."""
    name, libraries = json.dumps(section.name), json.dumps(list(section.libraries))
    return (
        f"page.section({name}, {libraries}, function (root, data, page) {{\n{section.script}\n}});"
    )


def source(templates: jinja2.Environment, name: str) -> str:
    """Return the text of a style or a script beside the templates."""
    assert templates.loader is not None
    return templates.loader.get_source(templates, name)[0]


def _closed(script: str) -> Markup:
    """Return a script that cannot end its element too early."""
    return Markup(script.replace("</script", "<\\/script"))


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
