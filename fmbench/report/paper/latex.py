"""Markdown as LaTeX: the part of Markdown that a paper needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from fmbench.errors import FmbenchError
from fmbench.report.grid.headline import escape_latex

RAW = "{=latex}"
"""The language of a fenced block that is LaTeX already."""
PREAMBLE = r"""\documentclass[10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage[a4paper,margin=20mm]{geometry}
\usepackage{booktabs,graphicx,hyperref}
\DeclareUnicodeCharacter{2212}{\ensuremath{-}}
\DeclareUnicodeCharacter{03C4}{\ensuremath{\tau}}
"""
SIZE = r"width=\linewidth,height=0.55\textheight,keepaspectratio"
"""Size of a figure."""
_HEADINGS = {"h2": "section*", "h3": "subsection*", "h4": "paragraph"}
_BLOCKS = {
    "bullet_list_open": "\\begin{itemize}\n", "bullet_list_close": "\\end{itemize}\n\n",
    "ordered_list_open": "\\begin{enumerate}\n", "ordered_list_close": "\\end{enumerate}\n\n",
    "list_item_open": "\\item ", "list_item_close": "",
    "blockquote_open": "\\begin{quote}\n", "blockquote_close": "\\end{quote}\n\n",
    "paragraph_open": "", "thead_open": "", "tbody_open": "", "tr_open": "",
    "thead_close": "\\midrule\n", "tbody_close": "\\bottomrule\n",
    "table_close": "\\end{tabular}\n\\end{center}\n\n",
}  # fmt: skip
_SPANS = {
    "strong_open": "\\textbf{", "strong_close": "}", "em_open": "\\emph{", "em_close": "}",
    "link_close": "}", "softbreak": "\n", "hardbreak": "\\\\\n",
}  # fmt: skip


def latex_of(markdown: str) -> str:
    """Return a document, whose title is the first heading of the first order.

    Headings of the orders two to four, paragraphs, lists, quotations, tables, links, code, figures
    (a paragraph that is one picture; its text is the caption) and blocks of raw LaTeX are known.

    Raises:
        FmbenchError: The text has something else.
    """
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(markdown)
    body = "".join(_blocks(tokens))
    return f"{PREAMBLE}\\begin{{document}}\n{body.rstrip()}\n\\end{{document}}\n"


def _blocks(tokens: Sequence[Token]) -> Iterator[str]:
    for place, token in enumerate(tokens):
        if token.type in ("heading_open", "heading_close"):
            yield _heading(token)
        elif token.type == "inline":
            yield _inline(token.children or [], tokens[place - 1].type)
        elif token.type == "paragraph_close":
            yield "\n" if token.hidden else "\n\n"
        elif token.type == "fence":
            yield _fence(token)
        elif token.type == "table_open":
            columns = _columns(tokens[place:])
            yield f"\\begin{{center}}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n"
        elif token.type in ("th_open", "td_open"):
            yield "" if tokens[place - 1].type == "tr_open" else " & "
        elif token.type in ("th_close", "td_close"):
            yield ""
        elif token.type == "tr_close":
            yield " \\\\\n"
        elif token.type in _BLOCKS:
            yield _BLOCKS[token.type]
        else:
            raise _unknown(token)


def _heading(token: Token) -> str:
    if token.tag == "h1":
        return "\\title{" if token.nesting > 0 else "}\n\\author{}\n\\date{}\n\\maketitle\n\n"
    if token.tag not in _HEADINGS:
        raise _unknown(token)
    return f"\\{_HEADINGS[token.tag]}{{" if token.nesting > 0 else "}\n\n"


def _fence(token: Token) -> str:
    if token.info.strip() == RAW:
        return token.content + "\n"
    return f"\\begin{{verbatim}}\n{token.content}\\end{{verbatim}}\n\n"


def _columns(tokens: Sequence[Token]) -> str:
    """Return how the columns of a table are aligned."""
    letters = ""
    for token in tokens:
        if token.type == "th_open":
            letters += "r" if "right" in str(token.attrGet("style")) else "l"
        elif token.type == "thead_close":
            break
    return letters


def _inline(tokens: Sequence[Token], parent: str) -> str:
    if len(tokens) == 1 and tokens[0].type == "image" and parent == "paragraph_open":
        return _figure(tokens[0])
    return "".join(map(_span, tokens))


def _span(token: Token) -> str:
    if token.type == "text":
        return escape_latex(token.content)
    if token.type == "code_inline":
        return f"\\texttt{{{escape_latex(token.content)}}}"
    if token.type == "link_open":
        return f"\\href{{{_address(token, 'href')}}}{{"
    if token.type in _SPANS:
        return _SPANS[token.type]
    raise _unknown(token)


def _figure(token: Token) -> str:
    caption = "".join(map(_span, token.children or []))
    name = _address(token, "src").rsplit(".", 1)[0]  # LaTeX chooses between PDF and PNG
    return (
        "\\begin{figure}[htbp]\n\\centering\n"
        f"\\includegraphics[{SIZE}]{{{name}}}\n\\caption{{{caption}}}\n\\end{{figure}}"
    )


def _address(token: Token, name: str) -> str:
    return str(token.attrGet(name)).replace("%", r"\%").replace("#", r"\#")


def _unknown(token: Token) -> FmbenchError:
    where = f"line {token.map[0] + 1}" if token.map else f"{token.content!r}"
    return FmbenchError(f"a paper cannot have {token.type} ({where}); see docs/paper.md")
