"""The structure of the figures: panels, scales, lines, labels that can be read."""

import subprocess
import sys
from itertools import combinations

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.text import Text

import minixai as mx
from minixai import draw
from minixai.draw import blocks, numbers
from minixai.draw.page import png

from .conftest import ROWS, a_map, convolutional, explained, linear, pixels, shown, three_dimensional


def panels(figure):
    """{title: axes}, for figures whose titles differ."""
    return {axes.get_title(loc="left"): axes for axes in figure.axes}


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def texts(figure):
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def written(figure):
    return " ".join(text.get_text() for text in texts(figure))


def boxes(figure):
    """{text: its rectangle in pixels}, of everything that can be read in the figure."""
    figure.canvas.draw()
    return [(text.get_text(), text.get_window_extent()) for text in texts(figure)]


def collide(a, b, slack=1.0):
    """Whether two rectangles share more than the rim of a letter."""
    across = min(a.x1, b.x1) - max(a.x0, b.x0)
    down = min(a.y1, b.y1) - max(a.y0, b.y0)
    return across > slack and down > slack


def assert_readable(figure):
    """No two labels overlap and none leaves the figure."""
    found = boxes(figure)
    width, height = figure.get_size_inches() * figure.dpi
    outside = [t for t, box in found if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height]
    assert outside == []
    assert [(a[0], b[0]) for a, b in combinations(found, 2) if collide(a[1], b[1])] == []


def lines(axes):
    """[(dashed, x, y)] of the outlines on a panel."""
    return [
        (contour.get_linestyle()[0][1] is not None, *contour.get_paths()[0].vertices.T)
        for contour in axes.collections
        if contour.get_paths()
    ]


# -- explanation -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ROWS)
def test_every_kind_has_the_panels_in_order(kind):
    e, found = explained(kind), titles(shown(kind))
    first = "features" if e.map.ndim - e.batched == 1 else "picture"
    assert found[:3] == [first, "raw map", f"heat map over {first}"]
    assert found == found[:3] * (len(found) // 3)


def test_every_kind_can_be_read(each_kind):
    assert_readable(shown(each_kind))


@pytest.mark.parametrize("kind", ROWS)
def test_panels_have_one_size_everywhere(kind):
    figure = shown(kind)
    for axes in figure.axes:
        box = axes.get_position(original=True)
        np.testing.assert_allclose(box.size * figure.get_size_inches(), draw.PANEL)


def test_signed_maps_diverge_around_zero():
    e = explained("grey")
    (image,) = panels(shown("grey"))["raw map"].images
    top = abs(e.map).max()
    assert image.get_cmap().name == "RdBu_r"
    np.testing.assert_allclose(image.get_clim(), (-top, top))
    np.testing.assert_array_equal(image.get_array(), e.map)


def test_unsigned_maps_start_at_zero():
    e = explained("colour")
    (image,) = panels(shown("colour"))["raw map"].images
    assert image.get_cmap().name == "magma"
    assert image.get_clim() == (0, e.map.max())


def test_a_score_that_is_shared_out_diverges_even_where_all_shares_are_positive():
    shares = a_map(np.eye(4), expected=4.0)
    assert panels(shares.show())["raw map"].images[0].get_cmap().name == "RdBu_r"
    assert panels(a_map(np.eye(4)).show())["raw map"].images[0].get_cmap().name == "magma"
    taylor = mx.explain(linear_taylor(), pixels(1, 8, 8), "deep-taylor")
    assert taylor.expected is not None
    assert panels(taylor.show())["raw map"].images[0].get_cmap().name == "magma"


def linear_taylor():
    return mx.Network.sequential([mx.Flatten(), mx.Linear(np.ones((2, 64)))], input_shape=(1, 8, 8))


@pytest.mark.parametrize("kind", ["grey", "colour", "two clips", "batch", "tiny numbers"])
def test_every_map_has_a_bar_with_its_limits(kind):
    figure = shown(kind)
    for axes in figure.axes:
        if axes.get_title(loc="left") == "raw map":
            (bar,) = axes.child_axes
            low, high = axes.images[0].get_clim()
            assert [tick.get_text() for tick in bar.get_yticklabels()] != []
            np.testing.assert_allclose(bar.get_yticks()[[0, -1]], (low, high))


def test_numbers_far_from_one_are_given_by_their_power_of_ten():
    (bar,) = panels(shown("tiny numbers"))["raw map"].child_axes
    assert bar.get_title(loc="left") == r"$\times10^{-8}$"
    assert [tick.get_text() for tick in bar.get_yticklabels()] == ["-7", "0", "7"]


def test_the_heat_map_lies_over_the_picture():
    e = explained("grey")
    picture, heat = panels(shown("grey"))["heat map over picture"].images
    np.testing.assert_array_equal(heat.get_array(), e.heatmap)
    assert heat.get_clim() == (0, 1) and 0 < heat.get_alpha() < 1
    assert picture.get_extent() == [-0.5, 7.5, 7.5, -0.5]


def test_colours_and_pixels_of_the_picture_are_kept():
    x = pixels(3, 8, 8)
    shown = panels(mx.Explanation.from_array(np.eye(8), x).show())["picture"].images[0].get_array()
    stretched = (x - x.min()) / (x.max() - x.min())
    np.testing.assert_allclose(shown, np.moveaxis(stretched, 0, -1))


def test_the_network_says_what_the_picture_was():
    net = mx.load("digits")
    e = mx.explain(net, np.full((1, 8, 8), 0.5, np.float32), "gradient")
    np.testing.assert_array_equal(panels(e.show())["picture"].images[0].get_array(), e.picture / 255)


def test_lines_keep_to_the_edges_of_the_pixels():
    values = np.zeros((8, 8))
    values[2:4, 5] = 1.0
    values[6, 1] = -0.8
    found = {
        dashed: (x.min(), x.max(), y.min(), y.max()) for dashed, x, y in lines(panels(a_map(values).show())["raw map"])
    }
    np.testing.assert_allclose(found[False], (4.5, 5.5, 1.5, 3.5), atol=0.02)
    np.testing.assert_allclose(found[True], (0.5, 1.5, 5.5, 6.5), atol=0.02)


@pytest.mark.parametrize(("second", "reaches"), [(0.49, 1), (0.51, 8)])
def test_lines_go_round_what_has_half_the_strongest(second, reaches):
    values = np.zeros((8, 8))
    values[0, 0], values[7, 7] = 1.0, second
    ((dashed, x, y),) = lines(panels(a_map(values).show())["raw map"])
    assert not dashed and reaches - 1 < max(x.max(), y.max()) < reaches


def test_nothing_gets_no_line_and_no_alarm():
    figure = shown("nothing")
    assert all(lines(axes) == [] for axes in figure.axes)
    assert panels(figure)["raw map"].images[0].get_clim() == (0, 1)


def test_in_large_maps_the_lines_go_round_cells_and_the_figure_says_so():
    values = np.zeros((64, 64))
    values[20:24, 40:44] = 1.0  # one cell of 4 x 4
    figure = a_map(values).show()
    ((_, x, y),) = lines(panels(figure)["raw map"])
    np.testing.assert_allclose((x.min(), x.max(), y.min(), y.max()), (39.5, 43.5, 19.5, 23.5), atol=0.05)
    assert "strongest cell of 4 x 4 pixels" in written(figure)


def test_title_class_score_sum_and_choices():
    e = mx.explain(convolutional(), pixels(1, 8, 8), "lrp-epsilon", eps=0.25, target="bee")
    said = written(e.show())
    assert "lrp-epsilon" in said
    assert f"class bee, score {float(e.score):.3g}" in said
    assert f"the relevance sums to {float(e.total):.3g}, expected {float(e.expected):.3g}" in said
    assert "eps=0.25" in said and "stabilizer=signed" in said


def test_long_words_are_broken_into_lines():
    many = {f"parameter_{i}": i for i in range(30)}
    label = "a class with a name that goes on and on, as some of the thousand names of ImageNet do"
    e = a_map(np.eye(4), target=0, label=label, score=-12.345, expected=-12.345, params=many)
    figure = e.show()
    assert_readable(figure)
    assert "parameter_29=29" in written(figure)
    assert_readable(draw.atlas({"gradient": e}, {"cam": "it " + "really " * 20 + "does not"}, network="a long name"))
    assert_readable(draw.strip({"one map": np.eye(4)}, title="A title that is far too long for one small panel"))


def test_arrays_among_the_parameters_are_named_by_their_shape():
    e = mx.explain(convolutional(), pixels(1, 8, 8), "integrated-gradients", baseline=np.ones((1, 8, 8)), n=4)
    said = written(e.show())
    assert "baseline=array (1, 8, 8)" in said and "n=4" in said


def test_a_batch_has_a_row_each_with_its_own_scale():
    e = explained("batch")
    figure = shown("batch")
    maps = [axes.images[0] for axes in figure.axes if axes.get_title(loc="left") == "raw map"]
    assert [m.get_clim()[1] for m in maps] == [abs(m).max() for m in e.map]
    for i, name in enumerate(("ant", "bee", "cat")):
        assert f"picture {i + 1} of 3, class {name}" in written(figure)


def test_a_batch_of_one_method_has_one_colour_map():
    maps = np.stack([np.eye(4), np.eye(4) - 0.5])
    figure = mx.Explanation("gradient", maps, maps, np.ones((2, 1, 4, 4)), batched=True).show()
    shown = {axes.images[0].get_cmap().name for axes in figure.axes if axes.get_title(loc="left") == "raw map"}
    assert shown == {"RdBu_r"}


def test_the_frames_of_each_clip_share_one_scale():
    e = explained("two clips")
    figure = shown("two clips")
    maps = [axes.images[0] for axes in figure.axes if axes.get_title(loc="left") == "raw map"]
    assert [m.get_clim()[1] for m in maps] == [abs(m).max() for m in e.map for frame in m]
    assert "frame 4 of 4" in written(figure)


def test_many_rows_are_thinned_and_the_figure_says_so(monkeypatch):
    monkeypatch.setattr(numbers, "ROWS", 3)
    maps = np.ones((40, 2, 2))
    e = mx.Explanation("gradient", maps, maps, np.ones((40, 1, 2, 2)), batched=True)
    figure = e.show()
    assert len(figure.axes) == 3 * 3
    assert "Shown: 3 of 40 rows." in written(figure)
    assert all(f"picture {i} of 40" in written(figure) for i in (1, 21, 40))
    assert figure.alt.endswith("37 more pictures are not shown.")


def test_features_are_bars_and_what_speaks_against_is_hatched():
    e = explained("features")
    (plot,) = panels(shown("features"))["raw map"].child_axes
    bars = plot.patches
    assert [bar.get_height() for bar in bars] == list(e.map)
    assert [bool(bar.get_hatch()) for bar in bars] == [bool(value < 0) for value in e.map]
    low, high = plot.get_ylim()
    assert low == -high


def test_fractions_are_drawn_as_floats_are():
    e = explained("fractions")
    (plot,) = panels(shown("fractions"))["raw map"].child_axes
    np.testing.assert_allclose([bar.get_height() for bar in plot.patches], e.map.astype(float))


def test_tensors_are_drawn_as_arrays_are(tmp_path):
    import torch

    e = explained("grey")
    numbers = {name: torch.from_numpy(getattr(e, name)) for name in ("relevance", "map", "x")}
    same = mx.Explanation("lrp-epsilon", **numbers, target=e.target, score=torch.tensor(e.score), label=e.label)
    np.testing.assert_array_equal(panels(same.show())["raw map"].images[0].get_array(), e.map)
    with np.load(same.save(tmp_path / "map.npz"), allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["relevance"], e.relevance)


def test_symbols_are_refused_with_a_sentence():
    import sympy

    x = np.array([sympy.Symbol("a"), sympy.Symbol("b")], dtype=object)
    with pytest.raises(ValueError, match="something else than numbers"):
        draw.alt_text(mx.Explanation("gradient", x, x, x))


# -- atlas -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found():
    return mx.explain_all(convolutional(), pixels(1, 8, 8))


@pytest.fixture(scope="module")
def atlas(found):
    return draw.atlas(found, found.refused, network="small", methods=mx.methods())


def test_the_atlas_has_every_method_in_the_surveys_order(atlas):
    names = [m.name for m in mx.methods("white-box")]
    assert titles(atlas)[: len(names) + 1] == ["picture", *names]


def test_under_each_name_stand_section_and_scale(atlas, found):
    said = written(atlas)
    for m in mx.methods("white-box"):
        assert f"Section {m.section}" in said
    top = float(abs(found["lrp-gamma"].map).max())
    assert f"Section 5.1, scale ±{top:.3g}" in said
    assert f"Section 4.2, scale 0 to {float(found['gradient'].map.max()):.3g}" in said


def test_the_title_names_network_class_and_score(atlas, found):
    e = found["gradient"]
    assert f"small: class {e.label}, score {float(e.score):.3g}" in written(atlas)


def test_each_panel_has_a_scale_of_its_own(atlas, found):
    for name, e in found.items():
        (image,) = panels(atlas)[name].images
        low, high = image.get_clim()
        assert high == abs(e.map).max() or not e.map.any()
        assert low in (0, -high) and (low == -high or e.map.min() >= 0)
        assert image.get_cmap().name == ("magma" if low == 0 else "RdBu_r")


def test_what_does_not_fit_says_why_in_full(atlas, found):
    (name,) = found.refused
    axes = panels(atlas)[name]
    assert not axes.images
    (reason,) = axes.texts
    assert " ".join(reason.get_text().split()) == f"Does not fit: {found.refused[name]}"
    panel, box = axes.get_window_extent(), reason.get_window_extent()
    assert panel.x0 <= box.x0 and box.x1 <= panel.x1 and panel.y0 <= box.y0


def test_the_atlas_can_be_read(atlas):
    assert_readable(atlas)


def test_the_atlas_in_words(atlas, found):
    assert atlas.alt.startswith(f"{len(found)} methods explain small: class ")
    for name, e in found.items():
        assert f"{name}: {draw.where(e)}." in atlas.alt
    assert "cam does not fit." in atlas.alt


@pytest.mark.parametrize("make", [linear, three_dimensional])
def test_features_and_clips_have_an_atlas_too(make):
    net = make()
    found = mx.explain_all(net, pixels(*(net.input_shape or (6,))))
    figure = draw.atlas(found, found.refused, network=net.name, methods=mx.methods())
    assert {*found, *found.refused} <= set(titles(figure))
    assert_readable(figure)


def test_an_atlas_without_the_list_of_methods_keeps_the_given_order(found):
    some = {name: found[name] for name in ("lrp-0", "gradient")}
    assert titles(draw.atlas(some, {"cam": "no"}))[:4] == ["picture", "lrp-0", "gradient", "cam"]


def test_an_atlas_of_a_batch_or_of_nothing_is_refused():
    with pytest.raises(ValueError, match="integrated-gradients explains a batch of 3; atlas draws one picture"):
        draw.atlas({"integrated-gradients": explained("batch")})
    with pytest.raises(ValueError, match="atlas was given no explanation"):
        draw.atlas({}, {"cam": "does not fit"})


# -- strip -------------------------------------------------------------------------------------------------------------


def test_a_strip_has_one_symmetric_scale():
    figure = draw.strip({"a": np.eye(4), "b": np.eye(4) * -3}, title="Two rules")
    assert {axes.images[0].get_clim() for axes in figure.axes} == {(-3, 3)}
    assert {axes.images[0].get_cmap().name for axes in figure.axes} == {"RdBu_r"}
    assert "One scale ±3 for all." in written(figure) and "Two rules" in written(figure)
    assert figure.alt.startswith("Two rules: 2 maps on one scale ±3. a: the strongest evidence")
    assert_readable(figure)


def test_an_unsigned_strip_starts_at_zero():
    figure = draw.strip({"a": np.eye(4), "b": 2 * np.eye(4)})
    assert {axes.images[0].get_clim() for axes in figure.axes} == {(0, 2)}
    assert draw.strip({"a": np.eye(4)}, signed=True).axes[0].images[0].get_clim() == (-1, 1)
    assert draw.strip({"a": -np.eye(4)}, signed=False).axes[0].images[0].get_cmap().name == "magma"


def test_a_strip_takes_explanations_and_a_picture_and_wraps():
    e = explained("grey")
    figure = draw.strip({f"map {i}": e for i in range(6)}, picture=e.x[0], columns=4)
    assert titles(figure) == ["picture", *(f"map {i}" for i in range(6))]
    tops = [round(axes.get_position().y1, 3) for axes in figure.axes]
    assert len(set(tops)) == 2 and tops[:4] == [tops[0]] * 4
    assert_readable(figure)


@pytest.mark.parametrize("values", [np.eye(4) - 2 * np.eye(4)[::-1], np.array([1.0, -2.0])])
def test_a_strip_speaks_of_a_class_only_where_every_map_knows_its_own(values):
    known = mx.Explanation("gradient", values, values, np.ones((1, *values.shape)), target=2)
    own, other = (written(draw.strip({"a": known, "b": second})) for second in (known, values))
    assert "against" in own and "class" in own
    assert "against" not in other and "class" not in other and "negative" in other


def test_the_words_of_a_strip_speak_of_a_class_map_by_map():
    known = a_map(-np.eye(4), target=2)
    said = draw.strip({"a": known, "b": -np.eye(4)}).alt
    assert "a: nothing speaks for the class; " in said and "b: nothing is positive; " in said


def test_a_map_from_elsewhere_has_lines_but_no_class():
    said = written(shown("given"))
    assert "(solid: positive, dashed: negative)" in said and "class" not in said


@pytest.mark.parametrize("title", ["", "A title"])
@pytest.mark.parametrize("names", [("a", "b"), ("a", "a name that goes on and on over more than a single line")])
def test_no_band_above_a_strip_is_empty(title, names):
    """From the top down to the panels, no gap is higher than 0.3 inches."""
    figure = draw.strip(dict.fromkeys(names, np.eye(4)), title=title)
    panel = figure.axes[0].get_window_extent().y1
    above = sorted(((box.y1, box.y0) for _, box in boxes(figure) if box.y0 > panel), reverse=True)
    edges = [figure.get_size_inches()[1] * figure.dpi, *np.ravel(above), panel]
    assert max(low - high for low, high in zip(edges[::2], edges[1::2], strict=True)) <= 0.3 * figure.dpi
    assert_readable(figure)


def test_a_picture_beside_a_strip_must_be_one():
    with pytest.raises(ValueError, match=r"picture has shape \(1, 4, 4\); expected \(H, W\)"):
        draw.strip({"a": np.eye(4)}, picture=np.zeros((1, 4, 4)))


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        ({}, "was given no map"),
        ({"a": np.zeros((2, 2, 2))}, r"'a' has shape \(2, 2, 2\); expected one map"),
        ({"a": np.array([[np.nan]])}, "of finite numbers"),
        ({"a": np.zeros((0, 3))}, "expected one map"),
    ],
)
def test_a_strip_refuses_what_is_not_maps(maps, words):
    with pytest.raises(ValueError, match=words):
        draw.strip(maps)


# -- networks ----------------------------------------------------------------------------------------------------------


def residual():
    normal = np.random.default_rng(4).normal
    conv = lambda: mx.Conv2d(normal(size=(2, 2, 3, 3)), padding=1)  # noqa: E731
    nodes = [
        mx.Node("first", conv(), ("input",)),
        mx.Node("relu", mx.ReLU(), ("first",)),
        mx.Node("second", conv(), ("relu",)),
        mx.Node("add", mx.Add(), ("second", "relu")),
        mx.Node("pool", mx.GlobalAvgPool(), ("add",)),
        mx.Node("flatten", mx.Flatten(), ("pool",)),
        mx.Node("scores", mx.Linear(normal(size=(3, 2))), ("flatten",)),
    ]
    return mx.Network(nodes, name="residual", input_shape=(2, 8, 8), feature_layer="add")


def arrows(figure):
    return [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]


def rectangles(figure, size=None):
    found = [(p.get_x(), p.get_y(), p.get_width(), p.get_height(), p) for p in figure.axes[0].patches]
    return [r for r in found if size is None or r[2:4] == size]


def test_every_layer_is_a_box_with_its_name_and_what_it_does(network):
    figure = draw.network_figure(network)
    said = [text.get_text() for text in figure.axes[0].texts]
    assert len(rectangles(figure, draw.BOX)) == len(network.nodes)
    assert {"conv1\n3x3, 1 to 4", "relu1\nReLU", "maxpool1\nmax of 2x2", "linear1\n64 to 3"} <= set(said)
    assert {"conv block 1", "fully connected 1", "1x8x8", "4x4x4", "3"} <= set(said)
    assert "small: 5 layers" in said


def test_blocks_begin_at_convolutions_and_at_the_head():
    found = blocks.blocks_of(residual(), {})
    assert [[node.name for node in block.nodes] for block in found] == [
        [], ["first", "relu"], ["second", "add"], ["pool", "flatten", "scores"],
    ]  # fmt: skip
    assert [block.title for block in found] == ["input", "conv block 1", "conv block 2", "fully connected 1"]


def test_only_connections_that_pass_over_layers_are_dashed():
    figure = draw.network_figure(residual())
    dashed = [a for a in arrows(figure) if a.arrow_patch.get_linestyle() == "--"]
    assert len(arrows(figure)) == 4 and len(dashed) == 1
    assert "Dashed: connections" in written(figure)
    plain = draw.network_figure(convolutional())
    assert all(a.arrow_patch.get_linestyle() != "--" for a in arrows(plain)) and "Dashed" not in written(plain)


def test_the_feature_layer_has_a_thick_frame():
    figure = draw.network_figure(residual())
    thick = [r for r in rectangles(figure, draw.BOX) if r[4].get_linewidth() > 1]
    assert len(thick) == 1 and "Thick frame" in written(figure)


def test_maps_are_drawn_in_proportion(network):
    figure = draw.network_figure(network)
    sheets = [r[2] for r in rectangles(figure) if r[2:4] != draw.BOX and r[2] == r[3]]
    assert sorted(set(np.round(sheets, 6)))[0] * 2 == pytest.approx(max(sheets))  # 4 x 4 after 8 x 8


@pytest.mark.parametrize("make", [convolutional, linear, three_dimensional, residual])
def test_boxes_and_labels_keep_apart(make):
    figure = draw.network_figure(make())
    layers = rectangles(figure, draw.BOX)
    for (x, y, w, h, _), (X, Y, W, H, _) in combinations(layers, 2):
        assert x + w <= X or X + W <= x or y + h <= Y or Y + H <= y
    assert_readable(figure)


def test_a_network_that_does_not_say_its_size_is_drawn_without_sizes():
    figure = draw.network_figure(linear())
    assert "6 to 5" in written(figure) and len(rectangles(figure)) == 3
    with_sizes = draw.network_figure(linear(), np.zeros(6))
    assert "6" in [text.get_text() for text in with_sizes.axes[0].texts]


def test_networks_of_fractions_are_drawn_too():
    assert "4x4x4" in written(draw.network_figure(convolutional().astype("exact")))


def test_long_networks_wrap_into_lines():
    convs = [mx.Conv2d(np.ones((1, 1, 1, 1))) for _ in range(20)]
    figure = draw.network_figure(mx.Network.sequential(convs, input_shape=(1, 4, 4)))
    assert len({round(r[1], 3) for r in rectangles(figure, draw.BOX)}) == 3
    assert_readable(figure)


def fires(n):
    """A convolution, then n fire modules (a squeeze, two expansions side by side): three blocks each."""
    nodes, at = [mx.Node("first", mx.Conv2d(np.ones((1, 1, 1, 1))), ("input",))], "first"
    for i in range(n):
        conv = {name: f"{name}{i}" for name in ("squeeze", "narrow", "wide")}
        nodes += [mx.Node(conv["squeeze"], mx.Conv2d(np.ones((1, 1 if i == 0 else 2, 1, 1))), (at,))]
        nodes += [
            mx.Node(conv[name], mx.Conv2d(np.ones((1, 1, 1, 1))), (conv["squeeze"],)) for name in ("narrow", "wide")
        ]
        at = f"join{i}"
        nodes.append(mx.Node(at, mx.Concat(), (conv["narrow"], conv["wide"])))
    return mx.Network(nodes, name="fires", input_shape=(1, 4, 4))


def test_lines_break_where_no_jump_is_torn():
    network = fires(3)
    jumps = blocks.jumps_of(network)
    lines = blocks.lines_of(blocks.blocks_of(network, {}), jumps)
    assert [len(line) for line in lines] == [5, 6] and len(jumps) == 3 * 2
    for line in lines:
        inside = {node.name for block in line for node in block.nodes}
        assert all((source in inside) == (target in inside) for source, target in jumps)
    assert_readable(draw.network_figure(network))


def test_a_jump_too_long_for_a_line_is_drawn_all_the_same():
    convs = [mx.Node(f"c{i}", mx.Conv2d(np.ones((1, 1, 1, 1))), (f"c{i - 1}" if i else "input",)) for i in range(9)]
    network = mx.Network([*convs, mx.Node("add", mx.Add(), ("c8", "input"))], input_shape=(1, 4, 4))
    figure = draw.network_figure(network)
    assert len([a for a in arrows(figure) if a.arrow_patch.get_linestyle() == "--"]) == 1
    assert_readable(figure)


def test_a_network_in_words():
    assert draw.network_figure(residual()).alt == (
        "Network residual, input 2x8x8: conv block 1 (Conv2d, ReLU) 2x8x8; conv block 2 (Conv2d, Add) 2x8x8; "
        "fully connected 1 (GlobalAvgPool, Flatten, Linear) 3."
    )


# -- Matplotlib is a guest ---------------------------------------------------------------------------------------------


def test_global_settings_are_left_alone():
    before = dict(matplotlib.rcParams)
    png(explained("features").show())
    assert dict(matplotlib.rcParams) == before


def test_a_readers_settings_do_not_change_our_figures():
    usual = png(explained("grey").show())
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "image.cmap": "jet", "savefig.dpi": 17}):
        assert png(explained("grey").show()) == usual


def test_matplotlib_comes_when_something_is_drawn_and_pyplot_never():
    code = (
        "import sys, numpy as np\n"
        "from minixai import Explanation, draw\nfrom minixai.draw.saving import npz\n"
        "e = Explanation.from_array(np.eye(4), np.ones((1, 4, 4)))\n"
        "draw.alt_text(e), npz(e)\n"
        "assert 'matplotlib' not in sys.modules\n"
        "draw.as_html(e)\n"
        "assert 'matplotlib.figure' in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_colours_for_and_against_are_those_of_the_diverging_map():
    colours = matplotlib.colormaps["RdBu_r"]
    np.testing.assert_allclose(to_rgba(draw.FOR), colours(0.9), atol=0.01)
    np.testing.assert_allclose(to_rgba(draw.AGAINST), colours(0.1), atol=0.01)


# How the colours of a screen (linear) look to those who lack one kind of cone: Machado, Oliveira and Fernandes, 2009.
EYES = {
    "all cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def seen(colour_map, eye):
    """(255, 3): the colours of a map as L, a, b (CIELAB, L from 0 to 100)."""
    srgb = matplotlib.colormaps[colour_map](np.linspace(0, 1, 255))[:, :3]
    linear_light = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    light = np.clip(linear_light @ np.transpose(EYES[eye]), 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = light @ np.transpose(to_xyz) / (0.9505, 1.0, 1.089)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


@pytest.mark.parametrize("eye", EYES)
def test_every_eye_tells_for_from_against_and_little_from_much(eye):
    signed = seen(draw.SIGNED, eye)
    against, for_ = signed[126::-1], signed[128:]
    apart = np.linalg.norm(for_ - against, axis=1)
    assert apart[31:].min() > 20, "from a quarter of the scale on (a difference of 2 can just be seen)"
    assert (np.diff(seen(draw.UNSIGNED, eye)[:, 0]) > 0).all()


def test_in_black_and_white_both_signs_grow_darker_alike():
    lightness = seen(draw.SIGNED, "all cones")[:, 0]
    assert (np.diff(lightness[127:]) < 0).all() and (np.diff(lightness[:128]) > 0).all()
    np.testing.assert_allclose(lightness, lightness[::-1], atol=5)
