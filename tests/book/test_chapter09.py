"""What chapter 09 says in words, tested: CAM and its sums, what averaging costs, a wrong decision, the live figure."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

import minixai as mx
from minixai import book
from minixai.book.exercises import of
from minixai.book.figures import ch09
from minixai.book.numbers import value
from minixai.metrics import auc
from minixai.ops import resize
from minixai.zoo import shapes_resnet
from minixai.zoo.scenes import scene, scenes

CROSS = 5


@pytest.fixture(scope="module")
def net():
    return mx.load("shapes-resnet").astype("float64")


@pytest.fixture(scope="module")
def quick():
    return mx.load("shapes-resnet")


@pytest.fixture(scope="module")
def drawn():
    return scenes(3, 30)


@pytest.fixture(scope="module")
def xs(quick, drawn):
    return np.stack([quick.preprocess(picture) for picture in drawn.pictures])


@pytest.fixture(scope="module")
def cross(xs):
    return xs[CROSS].astype("float64")


def accuracy_of(maps, masks):
    return np.array([auc(m, mask) for m, mask in zip(maps, masks, strict=True)])


# -- sums and slopes ---------------------------------------------------------------------------------------------------


def test_the_pocket_cams_add_up_to_four_times_the_scores():
    scores = book.pocket()(book.POCKET_PICTURE)
    assert [value(f"pocketcam.cam_{letter}").sum() for letter in "ab"] == [4 * s for s in scores]


def test_where_cam_fits_grad_cam_is_cam_over_z_without_its_negative_cells(net, cross):
    for network, x, cells in ((book.pocket(), book.POCKET_PICTURE, 4), (net, cross, 64)):
        for target in (0, 1):
            whole = mx.explain(network, x, "cam", target=target).relevance / cells
            found = mx.explain(network, x, "grad-cam", target=target).relevance
            np.testing.assert_allclose(found.astype(float), whole.clip(0).astype(float), rtol=0, atol=1e-12)


def test_the_cells_over_z_add_up_to_the_score_without_its_bias(net, cross):
    for c in range(10):
        e = mx.explain(net, cross, "cam", target=c)
        assert np.isclose(e.relevance.mean(), e.score - net.node("fc").op.bias[c])


def test_under_global_average_pooling_all_slopes_of_a_map_are_equal(net, cross):
    slopes = mx.explain(net, cross, "gradient").signals["layer3.0.relu2"]
    assert np.ptp(slopes, axis=(1, 2)).max() < 1e-15 and np.isclose(ch09.surviving(slopes), 1)


def test_a_network_without_that_head_is_refused(cross):
    with pytest.raises(ValueError, match="global average pooling and one linear layer"):
        mx.explain(mx.load("shapes"), cross, "cam")


def test_the_colleagues_network_is_blank_by_the_engine_too():
    assert not value("blank.map").any() and value("blank.cells").sum() == value("blank.score") == 4


def test_the_difference_of_cams_is_the_cam_of_the_difference_and_that_of_rectified_ones_is_not(net):
    picture = net.preprocess(scene(4, 1465).picture).astype("float64")
    W, A = net.node("fc").op.weight, mx.forward(net, picture)["layer3.0.relu2"].y[0]
    arrow, right = (net.classes.index(name) for name in ("arrow", "cross"))
    cams = [mx.explain(net, picture, "cam", target=c).relevance for c in (arrow, right)]
    np.testing.assert_allclose(np.tensordot(W[arrow] - W[right], A, 1), cams[0] - cams[1], rtol=0, atol=1e-10)
    rectified = [mx.explain(net, picture, "grad-cam", target=c).relevance for c in (arrow, right)]
    assert abs((rectified[0] - rectified[1]) - (cams[0] - cams[1]) / 64).max() > 0.1


# -- what the pictures show --------------------------------------------------------------------------------------------


def test_the_cells_of_the_cross_speak_for_cross_and_against_circle(net, cross, drawn):
    mask = drawn.masks[CROSS].reshape(8, 8, 8, 8).mean(axis=(1, 3)) > 0.5
    for name, sign in (("cross", 1), ("circle", -1)):
        cells = sign * mx.explain(net, cross, "cam", target=name).relevance
        assert cells[mask].mean() > 3 * abs(cells[~mask].mean()) and cells[mask].mean() > 0
    assert net.classes[net(cross).argmax()] == "cross"


def test_without_averaging_the_earlier_maps_stay_on_the_shape(quick, xs, drawn):
    said = list(quick(xs).argmax(axis=1))
    tape, walked = mx.forward(quick, xs), mx.explain(quick, xs, "gradient", target=said)
    for layer in ch09.LAYERS[:-1]:
        A, slopes = tape[layer].y, walked.signals[layer]
        left = np.mean([ch09.surviving(s) for s in slopes])
        found = mx.explain(quick, xs, "grad-cam", target=said, layer=layer).map
        apart = resize(np.maximum((slopes * A).sum(axis=1), 0), (64, 64))
        averaged, own = accuracy_of(found, drawn.masks), accuracy_of(apart, drawn.masks)
        assert left < (0.1 if layer != "layer2.0.relu2" else 0.5)
        assert averaged.mean() < 0.8 < own.mean() and (own > averaged).mean() > 0.6
    last = mx.explain(quick, xs, "grad-cam", target=said).map
    assert accuracy_of(last, drawn.masks).mean() > 0.9


def test_down_the_layers_the_aucs_of_the_figure_fall_and_so_do_the_slopes_left(net, cross, drawn):
    rows = []
    for layer in ch09.LAYERS:
        e = mx.explain(net, cross, "grad-cam", target="cross", layer=layer)
        rows.append((ch09.surviving(e.signals[layer]), auc(e.map, drawn.masks[CROSS])))
    assert rows == sorted(rows) and (np.diff(np.array(rows), axis=0) > 0.02).all()


def test_the_product_changes_with_the_class_more_than_guided_and_forgets_with_the_weights(quick, xs):
    names = ["guided-backprop", "grad-cam", "guided-grad-cam"]
    best, second = (list(c) for c in np.argsort(-quick(xs), axis=1)[:, :2].T)
    asked = ((quick, best), (quick, second), (book.scrambled(quick), best))
    top, other, lost = (mx.explain_all(n, xs, names, target=c) for n, c in asked)
    same = {name: ch09.alike(top[name], other[name]) for name in names}
    assert (same["guided-grad-cam"] < same["guided-backprop"]).all() and (same["grad-cam"] < 0.95).mean() > 0.9
    by_chance = {name: ch09.alike(top[name], lost[name]).mean() for name in names}
    assert by_chance["guided-backprop"] > 0.2 and abs(by_chance["guided-grad-cam"]) < 0.1


def test_a_blank_map_is_like_no_other(net, cross):
    e = mx.explain(net, np.stack([cross, cross]), "grad-cam", target=["cross", "arrow"])
    other = SimpleNamespace(heatmap=np.stack([e.heatmap[0], np.zeros((64, 64))]))
    np.testing.assert_allclose(ch09.alike(e, other), [1, 0], rtol=0, atol=1e-12)


def test_one_drawing_in_four_hundred_is_wrong():
    assert abs((1 - shapes_resnet.card().accuracy) - 1 / 400) < 5e-4


def test_the_cross_that_was_taken_for_an_arrow(net):
    odd = scene(4, 1465)
    cross, arrow = (net.classes.index(name) for name in ("cross", "arrow"))
    x = net.preprocess(odd.picture)
    assert odd.label == cross and net(x).argmax() == arrow
    ground, flat = ~odd.mask, odd.picture[~odd.mask].mean(axis=0).astype("uint8")

    def scores(where):
        tried = odd.picture.copy()
        tried[where] = flat
        return net(net.preprocess(tried))

    assert scores(odd.mask)[arrow] > net(x)[arrow]
    assert scores(ground).argmax() == cross
    difference = np.subtract(*(mx.explain(net, x, "cam", target=c).relevance for c in (arrow, cross)))
    red = (difference >= np.sort(difference.ravel())[-8]).repeat(8, 0).repeat(8, 1) & ground
    assert scores(red).argmax() == cross and scores(red)[cross] - scores(red)[arrow] < 1
    rng = np.random.default_rng(0)
    for _ in range(10):  # eight cells chosen blindly do not do it
        blind = np.isin(np.arange(64), rng.choice(64, 8, replace=False)).reshape(8, 8)
        assert scores(blind.repeat(8, 0).repeat(8, 1) & ground).argmax() == arrow


def test_a_mean_that_is_not_zero_can_be_blank_too():
    A, slopes = of("09")["blank"].solution()
    assert (A * slopes).sum() > 0 > slopes.mean()


# -- the live figure ---------------------------------------------------------------------------------------------------


def test_the_figure_says_what_the_engine_says(net, cross, drawn):
    figure = book.figures.by_layer(net, cross, drawn.masks[CROSS])
    assert figure.values == {"layer": "layer3.0.relu2", "cls": "cross"}
    for layer in ch09.LAYERS:
        for cls in ("cross", "arrow"):
            figure._controls["layer"].value, figure._controls["cls"].value = layer, cls
            e = mx.explain(net, cross, "grad-cam", target=cls, layer=layer)
            row, column = np.unravel_index(e.relevance.argmax(), e.relevance.shape)
            said = figure.words.value
            assert f"Grad-CAM for {cls} (score {e.score:.2f}) at {layer}" in said
            assert f"brightest in row {row + 1}, column {column + 1}." in said
            found = re.search(r"leaves (\d+)% of the slopes\. AUC against the shape: ([\d.]+)\.", said)
            assert abs(int(found[1]) / 100 - ch09.surviving(e.signals[layer])) < 0.006
            assert abs(float(found[2]) - auc(e.map, drawn.masks[CROSS])) < 0.006


def test_the_picture_follows_layer_and_class(net, cross, drawn):
    figure, seen = book.figures.by_layer(net, cross, drawn.masks[CROSS]), set()
    for layer in ch09.LAYERS:
        for cls in ("cross", "arrow"):
            figure._controls["layer"].value, figure._controls["cls"].value = layer, cls
            seen.add(figure.image.value)
    assert len(seen) == 8


def test_without_arguments_it_shows_the_same_cross(net, cross, drawn):
    given = book.figures.by_layer(net, cross, drawn.masks[CROSS])
    assert book.figures.by_layer().words.value == given.words.value


def test_the_line_runs_just_outside_the_shape():
    shape = np.zeros((5, 5), bool)
    shape[2, 2] = True
    edge = ch09._edge(shape)
    assert edge.sum() == 4 and edge[1, 2] and edge[2, 1] and not edge[2, 2]


def test_slopes_that_cancel_do_not_survive():
    assert ch09.surviving(np.array([[[1.0, -1.0]], [[2.0, 2.0]]])) == 2 / 3
