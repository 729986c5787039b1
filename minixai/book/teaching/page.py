"""A page of the pack: plain HTML that needs no server and no network, and that prints."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from minixai.book.numbers import fill
from minixai.book.site.build import MATHJAX
from minixai.book.source import Source
from minixai.book.verdict import stressed

HERE = Path(__file__).resolve().parent
MATH = (
    "<script>window.MathJax = {tex: {inlineMath: [['$', '$']]}, options: {enableMenu: false}};</script>"
    f'<script defer src="{{up}}{MATHJAX}"></script>'
)


def page(title: str, body: str, up: str = "", style: str = "page") -> str:
    """A whole page. ``up``: the way from its folder to the one where ``mathjax`` lies; "" in the same one."""
    css = "\n".join((HERE / f"{name}.css").read_text(encoding="utf-8") for name in dict.fromkeys(("page", style)))
    math = MATH.replace("{up}", up)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>\n{css}</style>\n{math}\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def html(markdown: str) -> str:
    """Markdown with formulas, numbers by name filled in, as HTML."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return str(MarkdownWithMath(renderer=renderer).render(fill(markdown)))


def said(sentence: str) -> str:
    """A sentence of an exercise (text with numbers by name and with *stress*), as HTML."""
    return stressed(fill(sentence))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """A table; its cells are HTML."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    over = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{over}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def bullets(items: Iterable[str], ordered: bool = False) -> str:
    """A list; its items are HTML."""
    tag = "ol" if ordered else "ul"
    return f"<{tag}>" + "".join(f"<li>{item}</li>" for item in items) + f"</{tag}>"


def link(target: str, text: str) -> str:
    return f'<a href="{escape(target, quote=True)}">{escape(text)}</a>'


def headings(chapter: Source) -> list[str]:
    """The headings of a chapter, as they are written after "## ", in their order."""
    lines = [line for cell in chapter.cells if cell.kind == "markdown" for line in cell.text.splitlines()]
    return [line.removeprefix("## ").strip() for line in lines if line.startswith("## ")]


def opening(chapter: Source) -> str:
    """What the chapter says before its first heading, in Markdown."""
    first = chapter.cells[0]
    return first.text.split("\n## ")[0].strip() if first.kind == "markdown" else ""
