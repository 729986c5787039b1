"""Figures (Section 3.3), and the words that say what they show.

``single`` draws one explanation, ``clips`` that of a clip, ``several`` an atlas or a strip of maps, ``networks`` a
network, ``tree`` a soft decision tree, ``attacks`` a picture and what an attack made of it, ``checks`` how far two
engines are apart, ``bench`` which is faster; ``sheet`` says where panels stand, ``rows`` which ones stand side by side,
``panels`` what fills one, ``words`` what is said, ``style`` what it looks like, and ``saving`` writes files. Matplotlib
is imported when something is drawn; its global settings and ``pyplot`` are left alone.
"""

from minixai.draw.attacks import attack_figure
from minixai.draw.bench import bench_figure
from minixai.draw.checks import differences
from minixai.draw.clips import animation, filmstrip
from minixai.draw.networks import BOX, network_figure
from minixai.draw.saving import SUFFIXES, as_html, checked, save, save_figure
from minixai.draw.several import atlas, strip
from minixai.draw.sheet import PANEL
from minixai.draw.single import explanation
from minixai.draw.style import AGAINST, FOR, SIGNED, STYLE, UNSIGNED
from minixai.draw.tree import tree_figure
from minixai.draw.words import PLACES, alt_text, where

__all__ = [
    "AGAINST", "BOX", "FOR", "PANEL", "PLACES", "SIGNED", "STYLE", "SUFFIXES", "UNSIGNED", "alt_text", "animation",
    "as_html", "atlas", "attack_figure", "bench_figure", "checked", "differences", "explanation", "filmstrip",
    "network_figure", "save", "save_figure", "strip", "tree_figure", "where",
]  # fmt: skip
