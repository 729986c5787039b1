"""The walk: sums at forks, seeds, leading axes, rules by name and by type, and every way to get it wrong."""

from dataclasses import dataclass

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making import witness as w
from minixai.conformance.making.networks import draw_numbers, random_case
from minixai.walk import name_of

F = mx.exact


def linear(*rows):
    return mx.Linear(F(rows))


def diamond():
    """x -> top -> (left, right) -> sum: two paths part and meet again."""
    return mx.Network(
        [
            mx.Node("top", linear((1, 2)), "input"),
            mx.Node("left", linear((3,)), "top"),
            mx.Node("right", linear((5,)), "top"),
            mx.Node("sum", mx.Add(), ("left", "right")),
        ]
    )


def arrived(hops):
    return {hop.at.name: hop.arriving.tolist() for hop in hops}


def doubled(R, step):
    """A reader's own rule."""
    out = mx.rules("gradient")[type(step.op)](R, step)
    return tuple(2 * part for part in out) if isinstance(out, tuple) else 2 * out


# -- Forks -------------------------------------------------------------------------------------------------------------


def test_signals_are_summed_where_paths_meet():
    hops = list(mx.walk(mx.forward(diamond(), F([1, 1])), F([[1]]), mx.rules("gradient")))
    assert [hop.at.name for hop in hops] == ["sum", "right", "left", "top", "input"]
    assert arrived(hops) == {"sum": [[1]], "right": [[1]], "left": [[1]], "top": [[8]], "input": [[8, 16]]}


def test_one_node_read_twice_by_the_same_sum():
    network = mx.Network([mx.Node("twice", mx.Add(), ("input", "input"))], input_shape=(2,))
    hops = list(mx.walk(mx.forward(network, F([1, 2])), F([[1, 10]]), mx.rules("gradient")))
    assert arrived(hops)["input"] == [[2, 20]]


def test_a_long_way_and_a_short_one():
    """The sum reads the picture and what comes of it: the picture is served last, and once."""
    nodes = [mx.Node("far", linear((2,)), "input"), mx.Node("sum", mx.Add(), ("input", "far"))]
    hops = list(mx.walk(mx.forward(mx.Network(nodes), F([1])), F([[1]]), mx.rules("gradient")))
    assert arrived(hops) == {"sum": [[1]], "far": [[1]], "input": [[3]]}
    assert sum(hop.at.name == "input" for hop in hops) == 1


def test_a_node_that_leads_nowhere_is_not_visited():
    nodes = [*diamond().nodes[:3], mx.Node("out", mx.Identity(), "left")]
    hops = list(mx.walk(mx.forward(mx.Network(nodes), F([1, 1])), F([[1]]), mx.rules("gradient")))
    assert [hop.at.name for hop in hops] == ["out", "left", "top", "input"]


def test_the_walk_changes_no_signal_after_it_was_shown():
    seed = F([[1]])
    hops = list(mx.walk(mx.forward(diamond(), F([1, 1])), seed, mx.rules("gradient")))
    assert seed.tolist() == [[1]]
    left = next(hop for hop in hops if hop.at.name == "left")
    assert left.leaving[0].tolist() == [[3]]


# -- Hops --------------------------------------------------------------------------------------------------------------


def test_a_hop_shows_where_by_which_rule_and_what():
    tape, table = mx.forward(diamond(), F([1, 1])), mx.rules("gradient")
    first, *_, last = mx.walk(tape, F([[1]]), table)
    assert first.at is tape["sum"]
    assert first.rule is table[mx.Add]
    assert [part.tolist() for part in first.leaving] == [[[1]], [[1]]]
    assert last.at is tape.input
    assert last.rule is None
    assert last.leaving == ()


def test_the_walk_is_made_one_hop_at_a_time():
    seen = []

    def noted(R, step):
        seen.append(step.name)
        return doubled(R, step)

    hops = mx.walk(mx.forward(diamond(), F([1, 1])), F([[1]]), mx.rules("gradient") | {mx.Linear: noted})
    assert seen == []
    next(hops)
    assert seen == []
    next(hops)
    assert seen == ["right"]


def test_a_walk_that_never_reaches_the_picture_ends_above_it():
    nodes = [mx.Node("aside", linear((1, 1)), "input"), mx.Node("out", linear((2, 2)), "input")]
    tape = mx.forward(mx.Network(nodes), F([1, 1]))
    assert [hop.at.name for hop in mx.walk(tape, {"input": F([[7, 8]])}, mx.rules("gradient"))] == ["input"]


# -- Seeds -------------------------------------------------------------------------------------------------------------


def test_a_seed_at_an_inner_node():
    hops = list(mx.walk(mx.forward(diamond(), F([1, 1])), {"left": F([[1]])}, mx.rules("gradient")))
    assert arrived(hops) == {"left": [[1]], "top": [[3]], "input": [[3, 6]]}


def test_several_seeds_add_up():
    tape = mx.forward(diamond(), F([1, 1]))
    hops = list(mx.walk(tape, {"sum": F([[1]]), "left": F([[10]]), "input": F([[100, 0]])}, mx.rules("gradient")))
    assert arrived(hops) == {"sum": [[1]], "right": [[1]], "left": [[11]], "top": [[38]], "input": [[138, 76]]}


def test_a_seed_for_every_class_is_a_jacobian():
    network, x = random_case(4, "eighths")
    tape = mx.forward(network, x)
    classes = F(np.eye(2))[:, None]
    *_, last = mx.walk(tape, classes, mx.rules("gradient"))
    for c in range(2):
        assert (last.arriving[c] == mx.explain(network, x, "gradient", target=c).relevance).all()


@pytest.mark.parametrize("seed", [2, 6])
@pytest.mark.parametrize(
    "method",
    ["gradient", "deconvnet", "guided-backprop", "lrp-0", "lrp-epsilon", "lrp-gamma", "lrp-alphabeta", "lrp-composite"],
)
def test_stacked_signals_walk_as_if_alone(seed, method):
    """Leading axes (2, 1) and a batch of two."""
    network, x = random_case(seed, "eighths", n=2)
    network = mx.fold_batchnorm(network)
    tape, table = mx.forward(network, x), mx.rules(method, network)
    seeds = F(draw_numbers(np.random.default_rng(seed), (2, 1, 2, 2), "halves"))
    stacked = list(mx.walk(tape, seeds, table))
    for i, j in np.ndindex(2, 1):
        for together, alone in zip(stacked, mx.walk(tape, seeds[i, j], table), strict=True):
            assert (together.arriving[i, j] == alone.arriving).all()
            if hasattr(alone.rule, "absorbed"):
                both = alone.rule.absorbed(together.arriving, together.at)[i, j]
                assert (both == alone.rule.absorbed(alone.arriving, alone.at)).all()


def test_stacked_signals_walk_through_deep_taylor_and_deeplift():
    network, x = random_case(6, "eighths", n=2, batchnorm="none")
    seeds = F(draw_numbers(np.random.default_rng(0), (3, 2, 2), "halves"))
    compared = mx.forward(network, x, ref=mx.forward(network, 0 * x))
    for method in ("deep-taylor", "deeplift-rescale"):
        table = mx.rules(method, network)
        stacked = list(mx.walk(compared, seeds, table))
        for i in range(3):
            for together, alone in zip(stacked, mx.walk(compared, seeds[i], table), strict=True):
                assert (together.arriving[i] == alone.arriving).all()


# -- Rules -------------------------------------------------------------------------------------------------------------


def test_a_rule_for_a_node_beats_the_rule_for_its_type():
    tape = mx.forward(diamond(), F([1, 1]))
    table = mx.rules("gradient") | {"left": doubled}
    hops = {hop.at.name: hop for hop in mx.walk(tape, F([[1]]), table)}
    assert hops["left"].rule is doubled
    assert hops["right"].rule is mx.rules("gradient")[mx.Linear]
    assert hops["top"].arriving.tolist() == [[6 + 5]]


def test_a_rule_for_a_type_is_for_that_type_exactly():
    class Gate(mx.ReLU):
        pass

    network = mx.Network([mx.Node("gate", Gate(), "input")], input_shape=(2,))
    with pytest.raises(mx.UnsupportedOp, match="gradient has no rule for node 'gate', a Gate"):
        list(mx.walk(mx.forward(network, F([1, 2])), F([[1, 1]]), mx.rules("gradient")))


def test_a_reader_s_own_rule_with_a_parameter():
    """The gate of guided backpropagation opened by a threshold on the signal."""

    @dataclass(frozen=True)
    class Above:
        threshold: int

        def __call__(self, R, step):
            return np.where(step.choice & (R > self.threshold), R, 0 * R)

    network = mx.Network.sequential([linear((1, 1), (2, 0)), mx.ReLU(), linear((1, 3))])
    table = mx.rules("gradient") | {mx.ReLU: Above(2)}
    hops = list(mx.walk(mx.forward(network, F([1, 1])), F([[1]]), table))
    assert arrived(hops)["input"] == [[6, 0]]
    assert name_of(hops[1].rule) == repr(Above(2))
    assert name_of(doubled) == "doubled"


def test_guided_backpropagation_is_one_line_over_the_gradient():
    def relu_guided(R, step):
        return np.where((step.y > 0) & (R > 0), R, 0 * R)

    network, x = random_case(4, "eighths")
    table = mx.rules("gradient") | {mx.ReLU: relu_guided}
    *_, last = mx.walk(mx.forward(network, x), F([[0, 1]]), table)
    assert (last.arriving == mx.explain(network, x, "guided-backprop", target=1).relevance).all()
    assert w.flat(last.arriving) == w.slopes(network, w.flat(x), 1, "guided-backprop")["input"]


def test_a_plain_dict_is_a_table_too():
    table = dict(mx.rules("gradient"))
    assert arrived(mx.walk(mx.forward(diamond(), F([1, 1])), F([[1]]), table))["input"] == [[8, 16]]
    del table[mx.Add]
    with pytest.raises(mx.UnsupportedOp, match="this table has no rule for node 'sum', a Add"):
        list(mx.walk(mx.forward(diamond(), F([1, 1])), F([[1]]), table))


def test_a_table_is_made_from_another_and_leaves_it_alone():
    table = mx.rules("gradient")
    other = table | mx.Table("mine", {mx.ReLU: doubled})
    assert (table.method, other.method) == ("gradient", "mine")
    assert (table | {mx.ReLU: doubled}).method == "gradient"
    assert mx.rules("gradient")[mx.ReLU] is table[mx.ReLU] is not doubled
    assert set(other) == set(table)


def test_rules_with_parameters_print_them():
    assert repr(mx.rules("lrp-epsilon", eps=0.5)[mx.Linear]) == (
        "Epsilon(bias='include', eps=0.5, stabilizer='signed', relative=False)"
    )
    assert repr(mx.rules("lrp-alphabeta", alpha=1, beta=0)[mx.Conv2d]) == "AlphaBeta(bias='include', alpha=1, beta=0)"


# -- What goes wrong ---------------------------------------------------------------------------------------------------


def test_a_missing_rule_names_node_layer_method_and_what_there_is():
    network = mx.Network.sequential([linear((1, 1)), mx.Softmax(), linear((1,))]).astype("float64")
    with pytest.raises(mx.UnsupportedOp) as refused:
        list(mx.walk(mx.forward(network, np.ones(2)), np.ones((1, 1)), mx.rules("lrp-0")))
    said = str(refused.value)
    assert said.startswith("lrp-0 has no rule for node 'softmax1', a Softmax; known: ")
    assert all(name in said for name in ("Conv2d", "Linear", "ReLU", "MaxPool2d", "{Softmax: rule}"))
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize("where", ["seed", "table"])
def test_a_name_that_matches_no_node(where):
    tape = mx.forward(diamond(), F([1, 1]))
    seed, table = F([[1]]), mx.rules("gradient")
    seed, table = ({"lfet": seed}, table) if where == "seed" else (seed, table | {"lfet": doubled})
    with pytest.raises(ValueError, match=r"\['lfet'\] match no node; the nodes are input, top, left, right, sum"):
        list(mx.walk(tape, seed, table))


@pytest.mark.parametrize(
    ("node", "rule", "message"),
    [
        ("sum", lambda R, step: R, r"rule <lambda> at node 'sum' returned \[\(1, 1\)\]; .*\[\(1, 1\), \(1, 1\)\]"),
        ("sum", lambda R, step: (R, R, R), r"at node 'sum' returned \[\(1, 1\), \(1, 1\), \(1, 1\)\]; expected one"),
        ("sum", lambda R, step: (R, R[0]), r"at node 'sum' returned \[\(1, 1\), \(1,\)\]; expected one signal"),
        ("left", lambda R, step: (R, R), r"at node 'left' returned .*expected one signal for each thing the node read"),
        ("top", lambda R, step: R, r"at node 'top' returned \[\(1, 1\)\]; .*\[\(1, 2\)\]"),
        ("top", lambda R, step: np.zeros((2, 2)), r"at node 'top' returned \[\(2, 2\)\]; .*\[\(1, 2\)\]"),
        ("top", lambda R, step: (), r"at node 'top' returned \[\]; .*\[\(1, 2\)\]"),
    ],
)
def test_a_rule_that_returns_the_wrong_signals(node, rule, message):
    tape = mx.forward(diamond(), F([1, 1]))
    with pytest.raises(ValueError, match=message):
        list(mx.walk(tape, F([[1]]), mx.rules("gradient") | {node: rule}))


def test_a_rule_that_drops_a_leading_axis():
    tape = mx.forward(diamond(), F([1, 1]))
    with pytest.raises(ValueError, match=r"at node 'top' returned \[\(1, 2\)\]; .*\[\(4, 1, 2\)\]"):
        list(mx.walk(tape, F(np.ones((4, 1, 1))), mx.rules("gradient") | {"top": lambda R, step: step.x}))


@pytest.mark.parametrize("seed", [[1], [[1, 2]], [[1], [1]], [[[1, 2]]], 1])
def test_a_seed_that_does_not_fit_its_node(seed):
    """The seed, not the first rule it meets, is what is wrong."""
    tape = mx.forward(diamond(), F([1, 1]))
    with pytest.raises(ValueError, match=r"seed.*'sum'.*shape"):
        list(mx.walk(tape, F(seed), mx.rules("gradient")))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: mx.rules("gradeint"), "method 'gradeint' is not known; did you mean gradient"),
        (lambda: mx.rules("grad-cam"), "grad-cam is not one walk, so it has no table; expected one of gradient, "),
        (lambda: mx.rules("deep-taylor"), r"names the network's nodes; call rules\('deep-taylor', network\)"),
        (lambda: mx.rules("lrp-composite"), r"names the network's nodes; call rules\('lrp-composite', network\)"),
        (lambda: mx.rules("lrp-epsilon", epsilon=1), "lrp-epsilon has no parameter 'epsilon'; did you mean eps"),
        (lambda: mx.rules("gradient", eps=1), "gradient has no parameter 'eps'; it has none"),
        (lambda: mx.rules("lrp-epsilon", eps=-1), "eps is -1; expected a number of at least 0"),
    ],
)
def test_tables_that_there_are_not(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("deeplift-rescale", {"baseline": 0}),
        ("deeplift-revealcancel", {"baseline": 0}),
        ("deconvnet", {"layer": "left", "channel": 0}),
    ],
)
def test_parameters_of_the_method_that_its_table_does_not_take(method, params):
    with pytest.raises(ValueError, match=method):
        mx.rules(method, **params)


def test_the_composite_s_own_rules_may_be_asked_for():
    network, _ = random_case(1, "eighths", batchnorm="none")
    mine = {"conv1": doubled}
    assert mx.rules("lrp-composite", network, rules=mine)["conv1"] is doubled
