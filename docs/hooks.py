"""Documentation build: data sheets from the tasks' docstrings, and images outside `docs/`."""

import ast
import inspect
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"\]\(\.\./([\w./-]+)\)")
SHEET = re.compile(r"^<!-- data sheet: ([\w.]+):(\w+) -->$", flags=re.MULTILINE)
ENTRY = re.compile(r"^([A-Z][a-z ]+): ")


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
    """Insert data sheets; make links to images internal, and other paths of the repository text."""
    markdown = SHEET.sub(lambda found: data_sheet(found[1], found[2]), markdown)
    markdown = re.sub(r"\]\(\.\./([\w./-]+\.png)\)", r"](\1)", markdown)
    return re.sub(r"\[([^\]]*)\]\(\.\./([\w./-]+)\)", r"\1 (`\2`)", markdown)


def data_sheet(module: str, name: str) -> str:
    """Return the docstring of a task's class as Markdown: `Key: text` lines become a list."""
    source = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    (definition,) = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == name
    ]
    lines: list[str] = []
    for line in inspect.cleandoc(ast.get_docstring(definition) or "").splitlines():
        if ENTRY.match(line):
            if not lines or not lines[-1].startswith(("- ", "    ")):
                lines.append("")
            line = ENTRY.sub(r"- **\1**: ", line)
        lines.append(line)
    return "\n".join(lines)
