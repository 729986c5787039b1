"""From the survey to the cells: every equation, figure, named system and tested claim, and where the book runs it.

A cell says so itself, in its source: ``# %% survey=["(7)", "figure 7", "integrated-gradients"]``. The map is read from
there, never typed: ``print(book.survey_map())``.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from minixai.api import methods
from minixai.book import source
from minixai.experiments import EXPERIMENTS
from minixai.taxonomy import closest

EQUATIONS = (  # (1) to (33), in their order: what each says, and in which section
    ("a decision of the soft tree: the chance to go right", "2.1"),
    ("ReLU", "3.1"),
    ("the score as a linear model at a picture", "4"),
    ("the slope of that model: the gradient", "4.2"),
    ("relevance of a grey pixel: its slope, without sign", "4.2"),
    ("relevance of a coloured pixel: the largest of three", "4.2"),
    ("integrated gradients: step times mean slope", "4.4"),
    ("SmoothGrad: a mean over noisy copies", "4.5"),
    ("Grad-CAM's channel weight: a mean slope", "4.6"),
    ("Grad-CAM: weighted maps, added, rectified", "4.6"),
    ("conservation of relevance", "5.1"),
    ("LRP-0", "5.1"),
    ("LRP-epsilon", "5.1"),
    ("LRP-gamma", "5.1"),
    ("LRP-alpha-beta", "5.1"),
    ("Taylor expansion of a relevance", "5.1.1"),
    ("the relevance model: a ReLU neuron times a constant", "5.1.1"),
    ("the expansion of that model: shares from a root point", "5.1.1"),
    ("DeepLIFT: contributions add up to the difference", "5.2"),
    ("the multiplier", "5.2"),
    ("the chain rule for multipliers", "5.2"),
    ("positive and negative part of a difference", "5.2"),
    ("RevealCancel: the positive part's effect", "5.2"),
    ("RevealCancel: the negative part's effect", "5.2"),
    ("RevealCancel: two multipliers", "5.2"),
    ("FEM: the K-sigma rule", "5.3"),
    ("the difference of what two generators paint", "6"),
    ("the chain rule through a convolution", "A"),
    ("input, filter, output and arriving slope as matrices", "A"),
    ("the convolution, written out", "A"),
    ("slope of one output cell by the input", "A"),
    ("slope of the loss by every input cell", "A"),
    ("the flipped filter", "A"),
)
FIGURES = (  # 1 to 10
    ("a grey window slides over a picture", "2.1"),
    ("a standard CNN", "3.1"),
    ("a convolution block", "3.1"),
    ("a map drawn as a heat map", "3.3"),
    ("the ReLU forwards, and three ways back", "4.3"),
    ("gradient and guided backpropagation of a picture", "4.3"),
    ("from the baseline to the picture in seven steps", "4.4"),
    ("Grad-CAM and Guided Grad-CAM of a picture", "4.6"),
    ("LRP-epsilon with and without bias, alpha-beta, FEM", "5.3"),
    ("a convolution neuron", "A"),
)
OTHERS = (  # systems that the survey names and `mx.methods()` does not list
    ("soft-decision-tree", "a network distilled into a soft decision tree", "2.1"),
    ("fem-3d", "FEM in space and time", "5.3"),
    ("one-generator", "picture minus its adversarial counterpart", "6"),
    ("fgsm", "the fast gradient sign attack", "6"),
    ("deepfool", "DeepFool", "6"),
    ("one-pixel", "the one-pixel attack", "6"),
    ("resnet34", "ResNet34, on which the survey draws figure 6", "4.3"),
    ("vgg16", "VGG16, on which it draws figure 9", "5.3"),
    ("pcc", "Pearson's correlation of two maps", "7"),
    ("sim", "similarity of two maps", "7"),
    ("dice", "Dice's coefficient", "7"),
    ("iou", "intersection over union", "7"),
    ("auc", "area under the curve", "7"),
)  # fmt: skip


class Item(NamedTuple):
    """Something of the survey that the book runs: its kind, the name that a marker uses, what it is, its section."""

    kind: str
    name: str
    what: str
    section: str


class Place(NamedTuple):
    """A cell of the book: its chapter's file name, the heading above it, and its first line of code."""

    chapter: str
    heading: str
    line: str


def items() -> tuple[Item, ...]:
    """All that must have a cell, in the survey's order within its kind."""
    systems = [(m.name, m.title, m.section) for m in methods()] + list(OTHERS)
    return (
        *(Item("equation", f"({n})", *said) for n, said in enumerate(EQUATIONS, 1)),
        *(Item("figure", f"figure {n}", *said) for n, said in enumerate(FIGURES, 1)),
        *(Item("system", *said) for said in systems),
        *(Item("claim", f"claim {e.name}", e.claim, e.section) for e in EXPERIMENTS.values()),
    )


def places(chapters: Sequence[source.Source] | None = None) -> dict[str, tuple[Place, ...]]:
    """{an item's name: the cells that say they run it}, of the given chapters, or of all.

    Raises ValueError for a marker that names nothing in the survey.
    """
    found: dict[str, tuple[Place, ...]] = {item.name: () for item in items()}
    for chapter in chapters or [source.read(path) for path in source.paths()]:
        for cell, heading in with_headings(chapter):
            for name in cell.survey:
                if name not in found:
                    raise ValueError(f"{chapter.name}: a cell is marked {name!r}; {closest(name, list(found))}")
                found[name] += (Place(chapter.name, heading, first_line(cell.text)),)
    return found


def with_headings(chapter: source.Source) -> Iterator[tuple[source.Cell, str]]:
    """Every cell with the heading that it stands under."""
    heading = f"{chapter.name[:2]} {chapter.about['title']}"
    for cell in chapter.cells:
        if cell.kind == "markdown":
            heading = (re.findall(r"^#+ (.+)$", cell.text, re.MULTILINE) or [heading])[-1]
        yield cell, heading


def first_line(code: str) -> str:
    """The first line of a cell that does something."""
    lines = [line.strip() for line in code.splitlines()]
    return next((one for one in lines if one and not one.startswith(("#", "import ", "from ", "@"))), lines[0])


def survey_map(chapter: str | None = None) -> "SurveyMap":
    """The whole map, or what one chapter ("07") runs, to be shown in a notebook. Raises ValueError for no chapter."""
    chapters = [source.read(path) for path in source.paths((chapter,) if chapter else ())]
    found = places(chapters)
    return SurveyMap({item: found[item.name] for item in items() if found[item.name] or not chapter})


class SurveyMap:
    """Items of the survey with their cells: a table."""

    def __init__(self, found: Mapping[Item, tuple[Place, ...]]) -> None:
        self.found = found

    def missing(self) -> list[Item]:
        """What has no cell."""
        return [item for item, where in self.found.items() if not where]

    def counts(self) -> dict[str, tuple[int, int]]:
        """{kind: (how many the survey has, how many have a cell)}."""
        kinds = dict.fromkeys(item.kind for item in self.found)
        rows = [(item.kind, bool(where)) for item, where in self.found.items()]
        return {kind: (sum(k == kind for k, _ in rows), rows.count((kind, True))) for kind in kinds}

    def __repr__(self) -> str:
        lines = [
            f"{item.name:24}{item.section:7}{'; '.join(f'{p.chapter[:2]} {p.heading}' for p in where) or '-'}"
            for item, where in self.found.items()
        ]
        return "\n".join([*lines, *(f"{kind}s: {run} of {n}" for kind, (n, run) in self.counts().items())])

    def _repr_markdown_(self) -> str:
        return "\n".join(rows(self.found, lambda place: f"{place.chapter}.ipynb"))


def rows(found: Mapping[Item, tuple[Place, ...]], address: Callable[[Place], str]) -> Iterator[str]:
    """The lines of a Markdown table: each item, what it is, and links to its cells."""
    yield "| in the survey | section | what | cells |"
    yield "| --- | --- | --- | --- |"
    for item, where in found.items():
        links = [f"[{place.chapter[:2]} {place.heading}]({address(place)})" for place in where]
        said = (item.name, item.section, item.what, "; ".join(links) or "-")
        yield f"| {' | '.join(one.replace('|', chr(92) + '|') for one in said)} |"
