"""The book's side of the package: exercises and their checks, live figures, editions. ``from minixai import book``."""

from minixai.book import figures, live, nokernel, numbers
from minixai.book.cards import recap
from minixai.book.chapters import chapter
from minixai.book.differing import who_differs
from minixai.book.examples import POCKET_PICTURE, TWO_PIXELS, pocket, two_pixels
from minixai.book.listing import show
from minixai.book.live import look
from minixai.book.puzzles import scrambled, twelve_maps
from minixai.book.second import ask, badge, captum_or_say, second_opinion, torch_or_say
from minixai.book.survey_map import survey_map

__all__ = [
    "POCKET_PICTURE", "TWO_PIXELS", "ask", "badge", "captum_or_say", "chapter", "figures", "live", "look", "nokernel",
    "numbers", "pocket", "recap", "scrambled", "second_opinion", "show", "survey_map",
    "torch_or_say", "twelve_maps", "two_pixels",
    "who_differs",
]  # fmt: skip
