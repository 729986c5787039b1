"""What chapter 08 says in words, tested; and the figure that draws SmoothGrad twice."""

import io
import re
from base64 import b64decode
from math import erf, sqrt

import numpy as np
import pytest
from PIL import Image

import minixai as mx
from minixai import book, files
from minixai.book import numbers, source
from minixai.book.figures import ch08
from minixai.book.numbers.ch08 import hill, hill_slopes
from minixai.zoo.scenes import scenes


@pytest.fixture(scope="module")
def net():
    return mx.load("shapes")


@pytest.fixture(scope="module")
def star(net):
    return net.classes.index("star")


@pytest.fixture(scope="module")
def x(net):
    return net.preprocess(scenes(3, 5).pictures[4])


@pytest.fixture(scope="module")
def clean(net, x, star):
    return mx.explain(net, x, "gradient", target=star).map


@pytest.fixture(scope="module")
def heap(net, x, star):
    """Slopes at a hundred copies with noise of 15 %, and whether the network still says star."""
    copies = ch08.noisy(x, 0.15, 100)
    return ch08.slopes(net, copies, star), net(copies).argmax(axis=1) == star


@pytest.fixture(scope="module")
def hundred(net):
    """For a hundred pictures: the chapter's three maps, the mask, and how many of ten copies keep the class."""
    drawn, found = scenes(7, 100), []
    for number, (picture, mask) in enumerate(zip(drawn.pictures, drawn.masks, strict=True)):
        z = net.preprocess(picture)
        cls = int(net(z).argmax())
        kept = (net(ch08.noisy(z, 0.15, 10, number)).argmax(axis=1) == cls).mean()
        found.append((ch08.plain_and_smooth(net, z, cls, seed=number), mask, kept))
    return found


# -- what the text says ------------------------------------------------------------------------------------------------


def test_the_slopes_of_the_score_by_hand_are_its_slopes():
    for point in mx.exact([[2, 1], [-2, -1], [4, -2], [3, 5]]):
        for pixel, step in enumerate(mx.exact(np.eye(2)) / 1000):
            moved = (hill(point + step) - hill(point - step)) * 500  # exact: a parabola, away from kinks
            assert moved == hill_slopes(point)[pixel]
    assert hill_slopes(mx.exact([1, 0]))[1] == 0


def test_the_first_map_is_the_engines(net, x, star, clean):
    assert (ch08.averaged(ch08.slopes(net, x[None], star), "maps") == clean).all()


def test_both_averages_are_the_engines_smoothgrad(net, x, star):
    draws = np.random.default_rng(5).standard_normal((3, *x.shape)).astype(x.dtype)
    raw = ch08.slopes(net, ch08.noisy(x, 0.15, 3, seed=5), star)
    for average, theirs in zip(ch08.AVERAGES, ("maps", "signed"), strict=True):
        e = mx.explain(net, x, "smoothgrad", target=star, sigma=0.15, noise=draws, average=theirs)
        np.testing.assert_allclose(ch08.averaged(raw, average), e.map, rtol=0, atol=1e-6)


def test_the_star_is_called_star_on_a_third_of_its_noisy_copies(heap):
    assert 0.25 < heap[1].mean() < 0.42


def test_the_floor_of_the_maps_stays_and_the_slopes_have_none(heap, clean):
    maps, signed = (ch08.averaged(heap[0], average) for average in ch08.AVERAGES)
    assert ch08.floor(clean) < 0.03 and 0.06 < ch08.floor(maps) < 0.08 and ch08.floor(signed) < 0.03
    assert 0.65 < ch08.alike(maps, clean) < 0.72 and 0.55 < ch08.alike(signed, clean) < 0.62


def test_the_mean_magnitude_of_jitter_is_eight_tenths_of_its_spread():
    jitter = np.random.default_rng(8).standard_normal(100_000)
    for w in range(4):  # the mean of |w + jitter|, in closed form
        expected = sqrt(2 / np.pi) * np.exp(-w * w / 2) + w * erf(w / sqrt(2))
        assert abs(w + jitter).mean() == pytest.approx(expected, abs=0.01)
    assert sqrt(2 / np.pi) == pytest.approx(0.80, abs=0.005)


def test_the_share_of_pixel_2_is_the_chance_that_x1_is_larger():
    """P(10 + s e1 > 6 + s e2) = Phi(4 / (s sqrt 2))."""
    expected = {0.5: "1.00", 1.5: "0.97", 4: "0.76"}
    for sigma, said in expected.items():
        assert f"{(1 + erf(4 / (sigma * 2))) / 2:.2f}" == said


def test_two_pixels_under_noise_are_the_engines_smoothgrad():
    pairs = np.random.default_rng(8).standard_normal((200, 2))
    e = mx.explain(book.two_pixels().astype("float64"), np.array([10.0, 6.0]), "smoothgrad", sigma=3 / 8, noise=pairs)
    one, other = ([10, 6] + 1.5 * pairs).T  # 3/8 of the range, 4; never below 0, where this network is no minimum
    assert e.map == pytest.approx([(one < other).mean(), (one > other).mean()])


def test_the_grid_has_the_steps_of_the_first_layer(net, heap):
    assert net.node("conv1").op.stride == (2, 2)
    m = ch08.averaged(heap[0], "maps")[8:-8, 8:-8]
    even = [m[i::2, j::2].mean() for i in (0, 1) for j in (0, 1)]
    threes = [m[i::3, j::3].mean() for i in range(3) for j in range(3)]
    assert max(even) / min(even) > 1.3 and max(threes) / min(threes) < 1.1


def test_on_the_object_maps_win_everywhere_and_on_fewer_pixels_almost_nowhere(hundred):
    judged = np.array([[(mx.metrics.auc(m, mask), mx.metrics.gini(m)) for m in maps] for maps, mask, _ in hundred])
    wins = (judged[:, 1:] > judged[:, :1]).sum(axis=0)  # (maps, slopes) by (object, few)
    assert wins[0, 0] >= 98 and wins[0, 1] <= 8 and wins[1, 0] < wins[0, 0] and wins[1, 1] > 60


def test_three_copies_in_four_keep_the_class_of_their_picture(hundred):
    assert np.mean([kept for *_, kept in hundred]) == pytest.approx(0.75, abs=0.05)


def test_a_hundred_wins_of_a_hundred_are_rare_below_96():
    assert 0.96**100 < 0.02 < 0.97**100


def test_smoothing_by_maps_minds_a_shuffled_last_layer_less(net, hundred):
    *nodes, top = net.nodes
    shuffled = top.op.convert(lambda w: np.random.default_rng(0).permutation(w.ravel()).reshape(w.shape))
    forgetful, rows = mx.Network.sequential([node.op for node in nodes] + [shuffled]), []
    pictures = scenes(7, 20).pictures
    for number, (maps, *_) in enumerate(hundred[:20]):
        z = net.preprocess(pictures[number])
        lost = ch08.plain_and_smooth(forgetful, z, int(net(z).argmax()), seed=number)
        rows.append([ch08.alike(*pair) for pair in zip(maps, lost, strict=True)])
    gradient, smooth, signed = np.mean(rows, axis=0)
    assert smooth > gradient + 0.1 and abs(signed - gradient) < 0.1


def test_a_flat_picture_gets_no_noise_and_its_map_is_not_black(net, x, star):
    grey = np.full_like(x, 0.5)
    assert (ch08.noisy(grey, 0.15, 2) == grey).all()
    assert mx.explain(net, grey, "gradient", target=star).map.any()


def test_the_closed_outputs_say_what_the_text_says():
    import nbformat

    notebook = nbformat.read(files.root("chapters") / "08_smoothgrad.ipynb", as_version=4)
    printed = "\n".join(o.get("text", "") for c in notebook.cells for o in c.get("outputs", ()))
    assert "Of the thousand copies the network calls star: 34%" in printed
    assert "average of maps: wins on the object" in printed
    assert "range 0.0  SmoothGrad is the gradient's map: True" in printed
    text = "\n".join(c.text for c in source.read(*source.paths(("08",))).cells)
    assert "from 0.39 to 0.90" in text and "from 2 % of the largest number" in " ".join(text.split()).replace("# ", "")


# -- the live figure ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def figure():
    return book.figures.smoothing()


def seen(figure):
    found = re.fullmatch(r'<img alt="([^"]+)" src="data:image/png;base64,([^"]+)">', figure.image.value)
    return np.asarray(Image.open(io.BytesIO(b64decode(found[2])))), found[1]


def set_to(figure, **values):
    for name, value in values.items():
        figure._controls[name].value = value
    return seen(figure)


def test_with_more_copies_the_two_draws_meet_and_stay_away_from_the_clean_map(figure):
    said = [set_to(figure, sigma=0.3, average="maps", n=n)[1] for n in (1, 16)]
    draws, far = ([float(re.search(rf"{what} (\d\.\d\d)", s)[1]) for s in said] for what in ("draws", "the clean map"))
    assert draws == [0.39, 0.90] and far[1] == 0.59
    floors = [re.findall(r"(\d+)%", s) for s in said]
    assert floors[1] == ["2", "14"]


def test_the_figure_shows_the_maps_it_speaks_of(figure, net, x, star, clean):
    from minixai.book import live, pixels

    shown, _ = set_to(figure, sigma=0.15, n=2, average="signed slopes")
    m = ch08.averaged(ch08.slopes(net, ch08.noisy(x, 0.15, 2, ch08.DRAWS[1]), star), "signed slopes")
    last = np.asarray(pixels.enlarged(pixels.colours(m, pixels.UNSIGNED, float(m.max())), ch08.SIDE))
    assert abs(shown[:, -ch08.SIDE :].astype(int) - last).max() <= 3  # one colour of the map, by rounding
    first = np.asarray(pixels.enlarged(live.shown(net, ch08.noisy(x, 0.15, 1, ch08.DRAWS[0])[0]), ch08.SIDE))
    assert (shown[:, : ch08.SIDE] == first).all()


def test_what_cannot_be_averaged_is_refused():
    with pytest.raises(ValueError, match="average is 'median'; expected one of maps, signed slopes"):
        ch08.averaged(np.zeros((2, 3, 4, 4)), "median")


def test_the_numbers_in_the_table_are_one_experiment():
    assert numbers.fill("{{three.noise_c}} {{three.copy_c}} {{three.slopes_c}} {{three.map_c}}") == (
        "(2, -3) (4, -2) (2, -1) (2, 1)"
    )
