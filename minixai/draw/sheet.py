"""Where things stand on a figure: equal panels in rows, a title above, small print below, all in inches."""

from collections.abc import Iterable
from itertools import count
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from minixai.draw.page import blank
from minixai.draw.style import QUIET

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL, MARGIN = 2.0, 0.2  # inches: the side of a panel; round the figure
CELL, CLOSE = 2.75, 2.3  # inches from one panel to the next, with a colour bar between them and without
TITLE, LINE, HEADING, FOOT = 0.35, 0.13, 0.6, 0.3  # inches: the title, a small line, above each row, below all
ABOVE, NAME, LETTERS = 0.2, 0.15, 26  # inches above a panel's name and for each line of it; how long a line may be


class Sheet:
    """A figure of equal panels, placed in inches."""

    def __init__(
        self, rows: int, columns: int, *, title: str, alt: str, foot: str, choices: str = "",
        cell: float = CELL, heading: float = HEADING, room: float = 0, side: float = PANEL,
    ) -> None:  # fmt: skip
        """``choices`` stand below the title, which may be empty, and ``foot`` below all; ``alt`` is the whole in words.

        ``heading``: inches above each row. ``room``: inches kept free on the right of the title. ``side``: of a panel.
        """
        self.columns, self.cell, self.heading, self.side, self.places = columns, cell, heading, side, count()
        self.width = 2 * MARGIN + (columns - 1) * cell + side + (CELL - PANEL)
        title, choices, foot = self.lines(title, 9, room), self.lines(choices, 14), self.lines(foot, 14)
        self.start = TITLE + 0.2 * title.count("\n") if title else 0.0
        self.start += LINE * (choices.count("\n") + 1) if choices else 0
        self.height = self.start + rows * (heading + side) + FOOT + LINE * foot.count("\n")
        self.figure = blank(self.width, self.height, alt)
        self.write(MARGIN, 0.12, title, size=11, weight="bold", va="top")
        self.write(MARGIN, self.start, choices, size=7.5, color=QUIET, va="bottom")
        self.write(MARGIN, self.height - 0.08, foot, size=7.5, color=QUIET, va="bottom")

    def lines(self, text: str, per_inch: float, room: float = 0) -> str:
        """The text in lines that fit between the margins, at so many characters per inch."""
        return in_lines(text, int((self.width - 2 * MARGIN - room) * per_inch))

    def write(self, x: float, y: float, text: str, **how: Any) -> None:
        """Text at so many inches from the left and from the top."""
        self.figure.text(x / self.width, 1 - y / self.height, text, **how)

    def axes(self, x: float, y: float, width: float, height: float) -> "Axes":
        """Axes whose top left corner lies so many inches from the left and from the top."""
        return self.figure.add_axes(
            (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        )

    def left(self, column: int) -> float:
        return MARGIN + column * self.cell

    def top(self, row: int) -> float:
        return self.start + row * (self.heading + self.side) + self.heading

    def head(self, row: int, heading: str) -> None:
        """A line above the panels of a row."""
        self.write(MARGIN, self.top(row) - 0.22, self.lines(heading, 12), va="bottom")

    def panel(self, row: int, column: int, title: str, **how: Any) -> "Axes":
        axes = self.axes(self.left(column), self.top(row), self.side, self.side)
        axes.set_title(title, **how)
        return axes

    def next(self, name: str, subtitle: str = "") -> "Axes":
        """The next free panel, row by row."""
        row, column = divmod(next(self.places), self.columns)
        if subtitle:
            self.write(self.left(column), self.top(row) - 0.05, subtitle, size=7.5, color=QUIET)
        return self.panel(row, column, in_lines(name, LETTERS), pad=15 if subtitle else 4, weight="bold")


def room_for(names: Iterable[str]) -> float:
    """Inches above a row whose panels have these names and no subtitles."""
    return ABOVE + NAME * max(len(wrap(name, LETTERS)) for name in names)


def in_lines(text: str, letters: int) -> str:
    return "\n".join(wrap(text, letters))
