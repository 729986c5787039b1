"""What the checker says: a verdict, with a diagnosis where something is not right yet. Words first, then pictures."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import numpy as np

from minixai.book import pixels
from minixai.book.values import say, say_number
from minixai.ops import Array

Rung = Literal["not attempted", "interface", "trivial", "cases", "property", "oracle", "passed", "noted"]
SIGNS = {True: "✓", False: "✗", None: "○"}  # read together with the word beside it
STRESS = re.compile(r"(?<![\w*])\*(\w[^*]*\b)\*(?![\w*])")
TABLE = 64  # an array of more numbers is shown as a picture


@dataclass(frozen=True)
class Diagnosis:
    """Where an answer goes wrong over the whole bank of cases, and which misconception it matches, if any."""

    case: str  # the arguments of the first case that fails
    where: str  # the place in it
    expected: Any
    got: Any
    wrong_on: int
    cases: int
    should_hold: str
    name: str | None = None  # of the wrong answer it matches on every case
    label: str | None = None
    sentence: str | None = None

    @property
    def _count(self) -> str:
        if not self.wrong_on:
            return f"These are fresh numbers; all {self.cases} cases of the bank are right."
        return f"Wrong in {self.wrong_on} of {self.cases} cases."

    @property
    def words(self) -> tuple[str, ...]:
        """What there is to say, one sentence after the other."""
        known = f"{self.sentence} ({self.label})" if self.sentence else "This mistake is not one we know."
        return (
            f"On {self.case}: {self.where}. {self._count}",
            known,
            f"What should hold: {self.should_hold}",
        )


@dataclass(frozen=True)
class Verdict:
    """What became of an attempt. ``bool(verdict)`` is whether it passed."""

    id: str
    rung: Rung
    sentence: str
    diagnosis: Diagnosis | None = None
    yours: str = ""  # after a pass: the reader's code, beside the solution
    solution: str = ""
    options: tuple[tuple[str, str], ...] = ()  # what there is to choose from: (letter, text)

    @property
    def passed(self) -> bool | None:
        """True, False, or None where there is nothing to judge yet."""
        return {"passed": True, "not attempted": None, "noted": None}.get(self.rung, False)

    def __bool__(self) -> bool:
        return bool(self.passed)

    @property
    def headline(self) -> str:
        state = self.rung if self.passed is not False else f"not yet ({self.rung})"
        return f"{SIGNS[self.passed]} {self.id}: {state}"

    def __repr__(self) -> str:
        said = [self.headline, self.sentence, *(self.diagnosis.words if self.diagnosis else ())]
        said += [f"  {letter}: {text}" for letter, text in self.options]
        if self.solution:
            said += ["Yours:", self.yours, "The book's:", self.solution]
        return "\n".join(filter(None, said))

    def _repr_html_(self) -> str:
        words = [self.sentence, *(self.diagnosis.words if self.diagnosis else ())]
        inside = "".join(f"<p>{stressed(w)}</p>" for w in words if w)
        way = ' style="display:inline-block;margin-right:1.5em"' if len(self.options) > 6 else ""  # many are short
        choices = "".join(f"<li{way}><b>{escape(letter)}</b>: {stressed(text)}</li>" for letter, text in self.options)
        inside += f'<ul style="list-style: none">{choices}</ul>' if choices else ""
        if self.diagnosis is not None:
            inside += _pictures(self.diagnosis)
        if self.solution:
            inside += side_by_side({"yours": self.yours, "the book's": self.solution})
        return framed(self.headline, inside, self.passed)


def framed(headline: str, inside: str, passed: bool | None = None) -> str:
    """A box with a headline; the kind of its edge repeats what the sign and the word say."""
    edge = {True: "solid #1a7f37", False: "dashed #b42318", None: "dotted #6e7781"}[passed]
    style = f"border-left: 4px {edge}; padding: 0.2em 0 0.2em 0.8em; margin: 0.3em 0"
    return f'<div role="status" style="{style}"><strong>{escape(headline)}</strong>{inside}</div>'


def stressed(sentence: str) -> str:
    """A sentence as HTML, its *stressed* words in italics."""
    return STRESS.sub(r"<em>\1</em>", escape(sentence))


def pre(code: str) -> str:
    """Code as it was typed: long lines scroll, and no word is broken."""
    return f'<pre tabindex="0" style="white-space: pre; overflow-x: auto; word-break: normal">{code}</pre>'


def side_by_side(codes: dict[str, str]) -> str:
    """Pieces of code in columns."""
    columns = "".join(
        f'<div style="flex: 1 1 20em"><strong>{escape(name)}</strong>{pre(escape(code))}</div>'
        for name, code in codes.items()
    )
    return f'<div style="display: flex; flex-wrap: wrap; gap: 1em">{columns}</div>'


def _pictures(diagnosis: Diagnosis) -> str:
    """Yours, the reference and the difference, side by side on one scale; nothing where there is no picture."""
    got, expected = diagnosis.got, diagnosis.expected
    if not (isinstance(got, np.ndarray) and isinstance(expected, np.ndarray)):
        return ""
    if got.shape != expected.shape or got.ndim not in (1, 2) or not np.isfinite(got).all():
        return ""
    return coloured({"yours": got, "reference": expected, "difference": got - expected})


def coloured(maps: Mapping[str, Array]) -> str:
    """Small maps side by side on one scale around 0: their numbers, on their colours."""
    top = max(float(abs(values).max(initial=0)) for values in maps.values())
    shown = "".join(_panel(title, np.atleast_2d(values), top) for title, values in maps.items())
    return f'<div style="display: flex; flex-wrap: wrap; gap: 1em">{shown}</div>'


def _panel(title: str, values: Array, top: float) -> str:
    if values.size > TABLE:
        image = pixels.enlarged(pixels.colours(values, pixels.SIGNED, top), 120)
        return f"<figure>{pixels.img(image, f'{title}: {_extremes(values)}')}<figcaption>{title}</figcaption></figure>"
    shades = pixels.colours(values, pixels.SIGNED, top)
    rows = "".join(
        "<tr>" + "".join(_td(v, shade) for v, shade in zip(row, line, strict=True)) + "</tr>"
        for row, line in zip(values, shades, strict=True)
    )
    return f"<table><caption>{title}</caption><tbody>{rows}</tbody></table>"


def _td(value: float, shade: Array) -> str:
    ink = "black" if _luminance(shade) > 0.179 else "white"  # whichever contrasts more
    colour = f"rgb({', '.join(map(str, shade.tolist()))})"
    return f'<td style="background: {colour}; color: {ink}; text-align: center">{escape(say_number(float(value)))}</td>'


def _luminance(shade: Array) -> float:
    """Relative luminance (WCAG 2): 0 black, 1 white."""
    c = shade / 255
    linear = np.where(c <= 0.03928, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


def _extremes(values: Array) -> str:
    low, high = say_number(values.min()), say_number(values.max())
    return f"{values.shape[0]} by {values.shape[1]} numbers from {low} to {high}"


def arguments(names: Sequence[str], values: Sequence[Any]) -> str:
    """kind = 'guided', y = [[3, -1], ...]: a case in words."""
    return ", ".join(f"{name} = {say(value)}" for name, value in zip(names, values, strict=True))
