"""Section 5.1, composite LRP: a different rule at each depth, as practitioners use it.

Montavon, Binder, Lapuschkin, Samek, Mueller (2019).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from minixai.network import Network
from minixai.ops import Conv2d, Conv3d, Op
from minixai.walk import Rule, Table
from minixai.whitebox.case import Case, Finding
from minixai.whitebox.deep_taylor import pixel_nodes, pixel_rule
from minixai.whitebox.lrp import Epsilon, Gamma, Zero, propagate, relevance_table


def lrp_composite(
    case: Case,
    rules: Mapping[str | type[Op], Rule] | None = None,
    bias: str = "include",
    low: Any = None,
    high: Any = None,
) -> Finding:
    """A different rule at each depth (5.1): z^B at the pixels (w^2 without a box), then gamma, then eps, then LRP-0.

    The first half of the other convolutions takes gamma 0.25, the rest eps 0.25 x r.m.s. of z; Linear nodes LRP-0.
    ``rules`` {name or type: rule} overrides.
    """
    case = case.folded
    table = composite_table(case.network, rules, bias, low, high)
    return replace(propagate(case, table), said=pixel_rule(case.network, low, high)[1])


def composite_table(
    network: Network,
    rules: Mapping[str | type[Op], Rule] | None = None,
    bias: str = "include",
    low: Any = None,
    high: Any = None,
) -> Table:
    """The composite's table for this network."""
    if not isinstance(rules, Mapping | None):
        raise ValueError(f"rules is {rules!r}; expected {{node name or layer type: rule}}")
    first = pixel_nodes(network)
    others = [n.name for n in network.nodes if isinstance(n.op, Conv2d | Conv3d) and n.name not in first]
    half = (len(others) + 1) // 2
    table = relevance_table("lrp-composite", Zero(bias), Zero(bias))
    table |= dict.fromkeys(others[:half], Gamma(bias, 0.25))
    table |= dict.fromkeys(others[half:], Epsilon(bias, 0.25, relative=True))
    return table | dict.fromkeys(first, pixel_rule(network, low, high)[0]) | dict(rules or {})
