"""Chapter 12: pancakes, S = min(x1, x2) eggs and cups of milk, compared with what was in the kitchen before."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial

from minixai.book.examples import TWO_PIXELS, two_pixels
from minixai.book.numbers.asking import answer
from minixai.book.numbers.ways import Value
from minixai.network import Network, forward
from minixai.ops import Array, Linear, ReLU, exact
from minixai.whitebox.deeplift import parts

KITCHENS: Mapping[str, Array] = {
    "empty": exact([0, 0]), "milk": exact([0, 6]), "both": exact([4, 8]), "exit": exact([2, 4]),
}  # fmt: skip
RULES = {"rescale": "deeplift-rescale", "reveal": "deeplift-revealcancel"}


def left_over() -> Network:
    """The neuron relu(x1 - x2) alone: eggs without milk."""
    return Network.sequential([Linear(exact([[1, -1]])), ReLU()], name="left over", input_shape=(2,))


def one_more_layer() -> Network:
    """relu(min(x1, x2)): the same number of pancakes, with one more ReLU on the way."""
    (first, relu, last) = (node.op for node in two_pixels().nodes)
    layers = [first, relu, last, ReLU(), Linear(exact([[1]]))]
    return Network.sequential(layers, name="one more layer", classes=("min",), input_shape=(2,))


def _from(method: str, kitchen: str) -> Value:
    return answer(two_pixels(), TWO_PIXELS, method, baseline=KITCHENS[kitchen])


def _itself(v: Value) -> Value:
    return v


def _before(kitchen: str) -> Value:
    return two_pixels()(KITCHENS[kitchen])[0]


def _rise(kitchen: str) -> Value:
    return two_pixels()(TWO_PIXELS)[0] - _before(kitchen)


def _parts(layer: int, sign: int) -> Value:
    """The part of this sign (0: good, 1: bad) before the ReLU (layer 0) or after it (1), from the empty kitchen."""
    network = left_over()
    tape = forward(network, TWO_PIXELS, ref=forward(network, KITCHENS["empty"]))
    return parts(tape[network.nodes[layer].name])[sign][0, 0]


def _multiplier(kitchen: str) -> Value:
    """Of relu(x1 - x2): what comes out rises by so much per unit of what goes in."""
    (y0, y), (z0, z) = _both_sides(kitchen)
    return Fraction(z - z0) / (y - y0)


def _both_sides(kitchen: str) -> tuple[tuple[Value, Value], tuple[Value, Value]]:
    network = left_over()
    tapes = [forward(network, x) for x in (KITCHENS[kitchen], TWO_PIXELS)]
    y0, y = (tape["linear1"].y[0, 0] for tape in tapes)
    z0, z = (tape["relu1"].y[0, 0] for tape in tapes)
    return (y0, y), (z0, z)


def _mean() -> Value:
    """Rescale from two kitchens, averaged."""
    return (_from(RULES["rescale"], "empty") + _from(RULES["rescale"], "both")) / 2


def _kitchens() -> dict[str, Callable[[], Value]]:
    found: dict[str, Callable[[], Value]] = {}
    for name, before in KITCHENS.items():
        found[name] = partial(_itself, before)
        found[f"{name}_before"] = partial(_before, name)
        found[f"{name}_rise"] = partial(_rise, name)
        for rule, method in RULES.items():
            found[f"{name}_{rule}"] = partial(_from, method, name)
    return found


def _signs_kept() -> Value:
    """One more ReLU, if the parts of relu(x1 - x2) kept their own signs on the way up to it, from the empty kitchen."""
    first, up, down = TWO_PIXELS[0], _parts(1, 0), _parts(1, 1)
    good, bad = first - down, -up  # S has -relu(x1 - x2): its good news is bad for S
    both = max(good + bad, Fraction(0))
    m_good, m_bad = (good + both) / 2 / good, (both - good) / 2 / bad  # (23), (24) at y0 = 0, where bad news alone is 0
    return exact([m_good * first - m_bad * up, -m_good * down])


def _sharper() -> Value:
    """Slopes at the picture times the difference from the last kitchen: what a reader of chapter 04 might try."""
    return answer(two_pixels(), TWO_PIXELS, "gradient") * (TWO_PIXELS - KITCHENS["exit"])


GROUPS = {
    "kitchen": {
        **_kitchens(),
        "both_multiplier": partial(_multiplier, "both"),
        "exit_multiplier": partial(_multiplier, "exit"),
        "exit_slopes": _sharper,
        "mean": _mean,
        "good": partial(_parts, 0, 0),
        "bad": partial(_parts, 0, 1),
        "good_out": partial(_parts, 1, 0),
        "bad_out": partial(_parts, 1, 1),
        "deeper_reveal": lambda: answer(one_more_layer(), TWO_PIXELS, RULES["reveal"]),
        "deeper_signs": _signs_kept,
        "deeper_rescale": lambda: answer(one_more_layer(), TWO_PIXELS, RULES["rescale"]),
    }
}
