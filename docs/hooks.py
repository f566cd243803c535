"""Documentation build: publish the images outside `docs/` that its pages link to."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"\]\(\.\./([\w./-]+)\)")


def linked_files() -> set[str]:
    """Return the paths, from the repository's root, that pages link to outside of `docs/`."""
    return {
        path.rstrip("/")
        for page in (ROOT / "docs").glob("*.md")
        for path in LINK.findall(page.read_text(encoding="utf-8"))
    }


def on_files(files: Files, config: Any) -> Files:
    """Copy linked images into the site; other linked files stay in the repository."""
    for path in sorted(linked_files()):
        if not (ROOT / path).exists():
            raise FileNotFoundError(f"a page of docs/ links to {path}, which does not exist")
        if (ROOT / path).suffix == ".png":
            files.append(File(path, str(ROOT), config["site_dir"], config["use_directory_urls"]))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let links to images lead into the site, and show other paths of the repository as text."""
    markdown = re.sub(r"\]\(\.\./([\w./-]+\.png)\)", r"](\1)", markdown)
    return re.sub(r"\[([^\]]*)\]\(\.\./([\w./-]+)\)", r"\1 (`\2`)", markdown)
