"""The page around its sections: one file with a strict Content-Security-Policy."""

from __future__ import annotations

import base64
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


def render_page(title: str, sections: Sequence[PageSection]) -> str:
    """Return the page.

    Args:
        title: Its heading.
        sections: Its parts, in order.
    """
    templates = environment()
    scripts = [_closed(script) for script in _scripts(templates, sections)]
    style = "\n".join((_source(templates, "page.css"), *(each.style for each in sections)))
    return templates.get_template("page.html").render(
        title=title,
        policy=content_policy(scripts),
        style=Markup(style),
        sections=sections,
        data={each.name: as_json(each.data) for each in sections},
        scripts=[Markup(script) for script in scripts],
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


def _scripts(templates: jinja2.Environment, sections: Sequence[PageSection]) -> list[str]:
    """Return the scripts of the page: its own first, then libraries, then the sections."""
    names = dict.fromkeys(name for each in sections for name in each.libraries)
    own = [_source(templates, "page.js")]
    return own + [LIBRARIES[name]() for name in names] + [_call(each) for each in sections]


def _call(section: PageSection) -> str:
    """Return the script of a section as a call of a function."""
    if not section.script:
        return ""
    name = json.dumps(section.name)
    return (
        f"(function (root, data, page) {{\n{section.script}\n}})(document.getElementById({name}), "
        f"JSON.parse(document.getElementById({name} + '-data').textContent), page);"
    )


def _source(templates: jinja2.Environment, name: str) -> str:
    """Return the text of a template that is no template."""
    assert templates.loader is not None
    return templates.loader.get_source(templates, name)[0]


def _closed(script: str) -> str:
    """Return a script that cannot end its element too early."""
    return script.replace("</script", "<\\/script")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
