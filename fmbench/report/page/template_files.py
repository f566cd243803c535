"""Styles and scripts beside the templates of a page."""

from importlib.resources import files


def template_text(name: str) -> str:
    """Return the text of a style or a script."""
    return (files("fmbench.report.page") / "templates" / name).read_text(encoding="utf-8")
