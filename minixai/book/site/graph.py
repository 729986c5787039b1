"""Which chapter needs which: the headers of the chapters, drawn. Every column is one step further from the start."""

from collections.abc import Mapping, Sequence
from html import escape
from textwrap import wrap

from minixai.book.source import Source

WIDE, HIGH, ACROSS, DOWN = 160, 64, 200, 78  # of a box, and from one box to the next
LETTERS = 17  # of a title in one line of its box


def columns(needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """{chapter: how many steps it takes from a chapter that needs nothing}, the longest way.

    Raises ValueError where chapters need each other, or one that is not there.
    """
    steps: dict[str, int] = {}
    left = dict(needs)
    while left:
        ready = [name for name, asked in left.items() if all(one in steps for one in asked)]
        if not ready:
            raise ValueError(f"chapters {', '.join(left)} need each other, or a chapter that is not there")
        for name in ready:
            steps[name] = max((steps[one] + 1 for one in left.pop(name)), default=0)
    return steps


def places(needs: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, int]]:
    """{chapter: left upper corner of its box}; in a column, chapters that need the same stand together."""
    column, found, stacked = columns(needs), dict[str, tuple[int, int]](), dict[int, int]()
    for name in sorted(needs, key=lambda n: (column[n], max(needs[n], default=""), n)):
        row = stacked.get(column[name], 0)
        stacked[column[name]] = row + 1
        found[name] = (column[name] * ACROSS, row * DOWN)
    return found


def drawn(chapters: Sequence[Source]) -> str:
    """The graph as SVG, each box a link to its chapter, with all of it said in words for who cannot see it."""
    needs = {c.name[:2]: c.about["needs"] for c in chapters}
    at = places(needs)
    width = max(x for x, _ in at.values()) + WIDE + 4
    height = max(y for _, y in at.values()) + HIGH + 4
    words = "; ".join(f"{name} needs {' and '.join(asked)}" for name, asked in needs.items() if asked)
    lines = "".join(_arrow(at[one], at[name]) for name, asked in needs.items() for one in asked)
    boxes = "".join(_box(c, *at[c.name[:2]]) for c in chapters)
    return (
        f'<svg class="needs" viewBox="-2 -2 {width} {height}" role="group" aria-labelledby="needs-title needs-words">'
        f'<title id="needs-title">Which chapter needs which</title><desc id="needs-words">{escape(words)}.</desc>'
        f"{lines}{boxes}</svg>"
    )


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x, y), (u, v) = (start[0] + WIDE, start[1] + HIGH // 2), (end[0], end[1] + HIGH // 2)
    bend = (ACROSS - WIDE) // 2
    way = f"M{x},{y} C{x + bend},{y} {u - bend},{v} {u},{v}"
    return f'<path d="{way}" fill="none" stroke="currentColor" stroke-opacity="0.45" stroke-width="1.5"/>'


def _box(chapter: Source, x: int, y: int) -> str:
    title = chapter.about["title"].split(":")[0].split("?")[0]
    lines = wrap(f"{chapter.name[:2]} {title}", LETTERS)[:3]
    text = "".join(
        f'<text x="{x + 10}" y="{y + HIGH // 2 + 5 + 9 * (2 * row - len(lines) + 1)}">{escape(line)}</text>'
        for row, line in enumerate(lines)
    )
    return (
        f'<a href="chapters/{chapter.name}.html"><rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="6" '
        f'fill="var(--color-background-secondary)" stroke="currentColor"/>{text}</a>'
    )
