"""Networks and tapes: names, scores, arithmetic, batches, references, fixed choices, and what is refused."""

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making.networks import draw_numbers, random_case, random_network


def linear(*rows, bias=None):
    return mx.Linear(np.array(rows, float), None if bias is None else np.array(bias, float))


def small(**facts):
    """conv -> ReLU -> flatten -> linear on pictures (1, 2, 2)."""
    layers = [mx.Conv2d(np.ones((1, 1, 1, 1))), mx.ReLU(), mx.Flatten(), linear((1, 2, 3, 4), (0, 1, 0, 1))]
    return mx.Network.sequential(layers, **facts)


# -- Nodes and names ---------------------------------------------------------------------------------------------------


def test_sequential_names_layers_by_kind_and_number():
    layers = [
        mx.Conv2d(np.ones((2, 1, 1, 1))), mx.BatchNorm2d(np.zeros(2), np.ones(2)), mx.ReLU(),
        mx.Conv2d(np.ones((2, 2, 1, 1))), mx.ReLU(), mx.MaxPool2d(2), mx.AvgPool2d(1), mx.AdaptiveAvgPool2d(1),
        mx.GlobalAvgPool(), mx.Flatten(), mx.Identity(), mx.Linear(np.ones((2, 2))), mx.Softmax(),
    ]  # fmt: skip
    network = mx.Network.sequential(layers)
    assert [node.name for node in network.nodes] == [
        "conv1", "batchnorm1", "relu1", "conv2", "relu2", "maxpool1", "avgpool1", "adaptiveavgpool1", "globalavgpool1",
        "flatten1", "identity1", "linear1", "softmax1",
    ]  # fmt: skip
    assert [node.inputs for node in network.nodes][:3] == [("input",), ("conv1",), ("batchnorm1",)]
    clip = mx.Network.sequential([mx.Conv3d(np.ones((1, 1, 1, 1, 1))), mx.MaxPool3d(1), mx.AvgPool3d(1)])
    assert [node.name for node in clip.nodes] == ["conv1", "maxpool1", "avgpool1"]


def test_a_node_may_name_one_input_or_several():
    assert mx.Node("a", mx.ReLU(), "input").inputs == ("input",)
    assert mx.Node("a", mx.Add(), ["b", "c"]).inputs == ("b", "c")


def test_consumers_and_nodes_by_name():
    network = small()
    assert [node.name for node in network.consumers("conv1")] == ["relu1"]
    assert network.consumers("linear1") == ()
    assert network.node("relu1") is network.nodes[1]
    with pytest.raises(ValueError, match="layer 'relu9' is not in the network; expected one of conv1, relu1, flatten1"):
        network.node("relu9")


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([], "the network has no nodes; expected at least one"),
        ([("a", mx.ReLU(), "input"), ("a", mx.ReLU(), "a")], "two nodes are called 'a'; names must differ"),
        ([("input", mx.ReLU(), "input")], "two nodes are called 'input'; names must differ, and 'input' is x"),
        ([("a", mx.ReLU(), "b"), ("b", mx.ReLU(), "input")], r"node 'a' reads \('b',\); expected earlier nodes: input"),
        ([("a", mx.ReLU(), ())], r"node 'a' reads \(\); expected earlier nodes"),
        ([("a", mx.ReLU(), ("input", "input"))], r"node 'a', ReLU\(\), reads 2 nodes; expected one"),
    ],
)
def test_nodes_that_make_no_network(nodes, message):
    with pytest.raises(ValueError, match=message):
        mx.Network([mx.Node(*node) for node in nodes])


@pytest.mark.parametrize("layer", [mx.ReLU, mx.Linear, "relu", None])
def test_a_class_is_not_yet_a_layer(layer):
    with pytest.raises(ValueError, match=r"expected a layer"):
        mx.Network.sequential([linear((1, 2)), layer])


def test_fractions_and_floats_do_not_mix_in_one_network():
    with pytest.raises(ValueError, match=r"mixes fractions and floats; convert it with net.astype\('exact'\)"):
        mx.Network.sequential([linear((1, 2)), mx.Linear(mx.exact([[1]]))])


def test_one_layer_in_two_nodes():
    op = linear((2, 0), (0, 3))
    network = mx.Network([mx.Node("once", op, "input"), mx.Node("twice", op, "once")])
    assert network(np.array([1.0, 1.0])).tolist() == [4.0, 9.0]


# -- Scores ------------------------------------------------------------------------------------------------------------


def test_a_final_softmax_is_skipped():
    with_softmax = mx.Network([*small().nodes, mx.Node("softmax", mx.Softmax(), "linear1")])
    x = np.arange(4.0).reshape(1, 2, 2)
    assert with_softmax.output == "linear1"
    assert with_softmax(x).tolist() == small()(x).tolist() == [20.0, 4.0]
    steps = [step.name for step in mx.forward(with_softmax, x).steps]
    assert steps == ["input", "conv1", "relu1", "flatten1", "linear1"]


def test_a_final_softmax_need_not_read_the_node_before_it():
    nodes = [
        mx.Node("scores", linear((1, 2)), "input"),
        mx.Node("aside", linear((5, 5)), "input"),
        mx.Node("softmax", mx.Softmax(), "scores"),
    ]
    network = mx.Network(nodes)
    assert network.output == "scores"
    assert network(np.array([1.0, 1.0])).tolist() == [3.0]


def test_a_softmax_alone_is_not_skipped():
    network = mx.Network([mx.Node("softmax", mx.Softmax(), "input")], input_shape=(2,))
    assert network(np.array([0.0, 0.0])).tolist() == [0.5, 0.5]


def test_a_softmax_inside_is_computed():
    network = mx.Network.sequential([linear((0, 0), (0, 0)), mx.Softmax(), linear((1, 3))])
    assert network(np.array([1.0, 1.0])).tolist() == [2.0]


def test_one_picture_and_a_batch():
    network = small()
    x = np.arange(8.0).reshape(2, 1, 2, 2)
    assert network(x).shape == (2, 2)
    assert network(x[0]).tolist() == network(x)[0].tolist()
    assert network(x[0].tolist()).tolist() == network(x)[0].tolist()
    assert network(x[:0]).shape == (0, 2)


@pytest.mark.parametrize(
    ("first", "shape"),
    [
        (mx.Linear(np.ones((2, 3))), (3,)),
        (mx.Conv2d(np.ones((2, 3, 1, 1))), (3, 4, 4)),
        (mx.MaxPool2d(2), (3, 4, 4)),
        (mx.GlobalAvgPool(), (3, 4, 4)),
        (mx.Conv3d(np.ones((2, 3, 1, 1, 1))), (3, 4, 4, 4)),
        (mx.MaxPool3d(2), (3, 4, 4, 4)),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_one_picture_is_follows_from_the_first_layer_that_says(first, shape):
    for layers in ([first], [mx.ReLU(), mx.Identity(), first]):
        network = mx.Network.sequential(layers)
        assert network.batch(np.ones(shape)).shape == (1, *shape)
        assert network.batch(np.ones((5, *shape))).shape == (5, *shape)


def test_a_branch_that_does_not_say_leaves_it_to_one_that_does():
    nodes = [
        mx.Node("on", mx.ReLU(), "input"),
        mx.Node("turned", linear((0, 1), (1, 0)), "input"),
        mx.Node("sum", mx.Add(), ("on", "turned")),
    ]
    assert mx.Network(nodes)(np.array([1.0, -2.0])).tolist() == [-1.0, 1.0]


def test_an_input_shape_is_held_to():
    network = small(input_shape=(1, 2, 2))
    for shape in [(2, 2), (1, 2, 3), (1, 3, 2, 2), (2, 1, 2, 2, 1)]:
        with pytest.raises(ValueError, match=r"expected one picture \(1, 2, 2\) or a batch \(N, 1, 2, 2\)"):
            network(np.ones(shape))


# -- Arithmetic --------------------------------------------------------------------------------------------------------


def test_astype_changes_the_arithmetic_and_keeps_the_facts():
    network = small(classes=("a", "b"), black=0, box=(0, 1), input_shape=(1, 2, 2), feature_layer="relu1", name="small")
    for dtype, expected in [("float32", np.float32), ("float64", np.float64), ("exact", object)]:
        other = network.astype(dtype)
        assert other.dtype == expected
        facts = (other.classes, other.black, other.box, other.input_shape, other.feature_layer, other.name)
        assert facts == (("a", "b"), 0, (0, 1), (1, 2, 2), "relu1", "small")
        x = np.ones((1, 2, 2))
        assert other(mx.exact(x) if dtype == "exact" else x.astype(dtype)).dtype == expected


def test_astype_converts_without_rounding():
    network = random_network(3, "normal")
    back = network.astype("exact").astype("float64")
    for ours, theirs in zip(network.nodes, back.nodes, strict=True):
        for name, array in ours.op.arrays().items():
            assert (array == theirs.op.arrays()[name]).all()
            assert array.dtype == theirs.op.arrays()[name].dtype


@pytest.mark.parametrize("dtype", ["float16", "int", np.float32, None])
def test_astype_knows_three_names(dtype):
    with pytest.raises(ValueError, match="expected one of float32, float64, exact"):
        small().astype(dtype)


def test_a_float64_picture_promotes_a_float32_network():
    network = small().astype("float32")
    assert network(np.ones((1, 2, 2), np.float32)).dtype == np.float32
    assert network(np.ones((1, 2, 2), np.float64)).dtype == np.float64


def test_a_network_without_parameters_takes_any_arithmetic():
    network = mx.Network.sequential([mx.ReLU(), mx.GlobalAvgPool(), mx.Flatten()])
    assert network.dtype == np.float64
    assert network(np.ones((1, 2, 2), np.float32)).dtype == np.float32
    assert network(mx.exact(np.ones((1, 2, 2)))).dtype == object


@pytest.mark.parametrize("seed", range(6))
def test_floats_and_fractions_agree(seed):
    network, x = random_case(seed, "normal", n=2)
    ours, theirs = network(x), network.astype("exact")(mx.exact(x)).astype(float)
    assert abs(ours - theirs).max() <= 1e-13 * max(1, abs(theirs).max())


# -- Tapes -------------------------------------------------------------------------------------------------------------


def test_a_tape_keeps_what_every_node_read_computed_and_decided():
    x = np.array([[[1.0, -2.0], [3.0, 0.0]]])
    tape = mx.forward(small(), x)
    relu = tape["relu1"]
    assert (relu.name, relu.parents) == ("relu1", (tape["conv1"],))
    assert relu.x is tape["conv1"].y
    assert relu.choice.tolist() == [[[[True, False], [True, False]]]]
    assert len(relu.operands) == 2
    assert len(tape["conv1"].operands) == 1
    assert tape.input.y.shape == (1, 1, 2, 2)
    assert tape.output is tape["linear1"] is tape.steps[-1]
    assert tape.network.nodes[1].op is relu.op


def test_a_step_with_several_inputs_has_no_x():
    tape = mx.forward(mx.Network([mx.Node("sum", mx.Add(), ("input", "input"))], input_shape=(2,)), np.ones(2))
    assert len(tape["sum"].xs) == 2
    with pytest.raises(ValueError, match="too many values"):
        _ = tape["sum"].x


def test_a_reference_is_tied_line_by_line():
    network = small()
    before = mx.forward(network, np.zeros((1, 2, 2)))
    tape = mx.forward(network, np.ones((1, 2, 2)), ref=before)
    for step in tape.steps:
        assert step.ref is before[step.name]
        assert (step.dy == step.y - before[step.name].y).all()
    with pytest.raises(ValueError, match=r"node 'relu1' has no reference; call forward\(network, x, ref=forward"):
        _ = before["relu1"].dy


@pytest.mark.parametrize("seed", range(8))
def test_with_its_choices_fixed_a_network_is_linear(seed):
    network, x = random_case(seed, "halves", n=2)
    tape = mx.forward(network, x[:1])
    _, z = random_case(seed + 100, "eighths", n=2)
    a, b = mx.exact(draw_numbers(np.random.default_rng(seed), (2, 1, *network.input_shape), "eighths"))

    def piece(picture):
        return mx.forward(network, picture, choices=tape).output.y

    flat = piece(0 * a)
    assert (piece(a + 3 * b) - flat == (piece(a) - flat) + 3 * (piece(b) - flat)).all()
    assert (piece(x[:1]) == tape.output.y).all()


# -- Folding batch norms -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_folding_preserves_the_function_exactly(seed):
    network, x = random_case(seed, "eighths", n=3, blocks=4)
    folded = mx.fold_batchnorm(network)
    assert (folded(x) == network(x)).all()
    assert [n.name for n in folded.nodes] == [n.name for n in network.nodes]


def test_folding_leaves_only_the_batch_norms_that_stand():
    kinds = {seed: random_case(seed, "eighths", blocks=4)[0] for seed in range(20)}
    for network in kinds.values():
        for node in mx.fold_batchnorm(network).nodes:
            if isinstance(node.op, mx.BatchNorm2d):
                parent = network.node(node.inputs[0])
                assert len(network.consumers(parent.name)) > 1
    norms = [sum(isinstance(n.op, mx.BatchNorm2d) for n in net.nodes) for net in kinds.values()]
    left = [sum(isinstance(n.op, mx.BatchNorm2d) for n in mx.fold_batchnorm(net).nodes) for net in kinds.values()]
    assert sum(norms) > sum(left) > 0


def test_a_layer_shared_by_two_nodes_is_folded_in_one_of_them_only():
    op = mx.Linear(mx.exact([[2, 1], [1, -1]]))
    norm = mx.BatchNorm2d(mx.exact([1, 2]), mx.exact([3, 8]), eps=1)
    nodes = [mx.Node("once", op, "input"), mx.Node("norm", norm, "once"), mx.Node("twice", op, "norm")]
    network = mx.Network(nodes)
    folded = mx.fold_batchnorm(network)
    assert folded.node("once").op is not op
    assert folded.node("twice").op is op
    assert (folded(mx.exact([3, 5])) == network(mx.exact([3, 5]))).all()


# -- What does not compute ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        ([mx.Conv2d(np.ones((1, 3, 1, 1)))], (2, 4, 4), r"node 'conv1', Conv2d\(3 -> 1, 1x1\): .*expected \(N, 3, "),
        ([mx.Conv2d(np.ones((1, 1, 5, 5)))], (1, 4, 4), r"node 'conv1', .*: the window covers 5 pixels, but the"),
        ([mx.ReLU(), mx.MaxPool2d(3)], (1, 2, 2), r"node 'maxpool1', .*: the window covers 3 pixels"),
        ([mx.Flatten(), linear((1, 2, 3))], (1, 2, 2), r"node 'linear1', Linear\(3 -> 1\): .*expected \(N, 3\)"),
        ([mx.Conv2d(np.ones((1, 1, 1, 1))), linear((1, 2))], (1, 2, 2), "node 'linear1', .*is a Flatten missing"),
        ([mx.BatchNorm2d(np.zeros(2), np.ones(2))], (1, 2, 2), r"node 'batchnorm1', .*: .*expected 2 channels"),
        ([mx.MaxPool2d(1, 2, 1)], (1, 2, 2), "node 'maxpool1', .*: a pooling window lies wholly in the padding"),
    ],
)
def test_a_node_that_cannot_compute_is_named(layers, shape, message):
    with pytest.raises(ValueError, match=message):
        mx.Network.sequential(layers)(np.ones(shape))


def test_shapes_that_do_not_join_are_named():
    for op in (mx.Add(), mx.Concat()):
        nodes = [mx.Node("pool", mx.MaxPool2d(2), "input"), mx.Node("both", op, ("input", "pool"))]
        with pytest.raises(ValueError, match=r"node 'both', .*: got inputs of shapes .*expected"):
            mx.Network(nodes)(np.ones((1, 4, 4)))


def test_a_softmax_inside_has_no_fractions():
    network = mx.Network.sequential([mx.Linear(mx.exact([[1, 2]])), mx.Softmax(), mx.Linear(mx.exact([[1]]))])
    with pytest.raises(mx.UnsupportedOp, match="node 'softmax1', .*: softmax has no exact value in fractions"):
        network(mx.exact([1, 2]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mx.Linear(np.ones((2, 3)), np.ones(3)), "bias has 3 numbers; expected one per output, 2"),
        (lambda: mx.Linear(np.ones(3)), r"weight has shape \(3,\); expected 2 axes"),
        (lambda: mx.Linear(np.ones((2, 3), np.float16)), "weight has dtype float16; expected float32, float64"),
        (lambda: mx.Conv2d(np.ones((2, 3, 3))), r"weight has shape \(2, 3, 3\); expected 4 axes"),
        (lambda: mx.Conv2d(np.ones((3, 1, 1, 1)), groups=2), r"groups 2 do not fit together"),
        (lambda: mx.Conv2d(np.ones((2, 1, 1, 1)), np.ones(3)), r"3 biases .* do not fit together"),
        (lambda: mx.Conv2d(np.ones((2, 1, 1, 1)), stride=0), "stride is 0; expected an integer of at least 1"),
        (lambda: mx.MaxPool2d(0), "kernel is 0; expected an integer of at least 1"),
        (lambda: mx.MaxPool2d(2, padding=-1), "padding is -1; expected a number"),
        (lambda: mx.BatchNorm2d(np.zeros(2), np.ones(3)), "expected one per channel"),
    ],
)
def test_layers_check_their_parameters(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_network_that_knows_no_pictures_does_not_preprocess():
    with pytest.raises(ValueError, match="does not say how pictures become inputs; pass an array, or give pictures="):
        small().preprocess(np.zeros((2, 2, 3), np.uint8))
