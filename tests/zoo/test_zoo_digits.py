"""`digits`: the committed weights do what the committed log says, on pictures they never saw."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import minixai as mx
from minixai import files
from minixai.zoo import digits
from minixai.zoo.recipes import Examples
from minixai.zoo.train import accuracy
from minixai.zoo.weights import read_log


@pytest.fixture(scope="module")
def net():
    return mx.load("digits")


@pytest.fixture(scope="module")
def examples() -> Examples:
    return digits.examples()


def test_what_the_network_says_of_itself(net):
    assert net.name == "digits"
    assert net.input_shape == (1, 8, 8)
    assert net.classes == ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    assert net.dtype == np.float32
    assert net.black.shape == (1, 1, 1)
    assert not net.black.any()
    assert [bound.item() for bound in net.box] == [0, 1]
    assert [n.name for n in net.nodes] == [
        "conv1", "relu1", "conv2", "relu2", "maxpool1", "conv3", "relu3", "maxpool2", "flatten1", "linear1", "relu4",
        "linear2",
    ]  # fmt: skip


def test_the_card_says_the_same(net):
    (card,) = [card for card in mx.networks() if card.name == "digits"]
    assert (card.input_shape, card.classes) == (net.input_shape, net.classes)
    assert card.accuracy == read_log("digits")["accuracy"]


def test_the_recorded_accuracy_is_reached_exactly(net, examples, each_engine):
    assert len(examples.held_out.labels) == 450
    assert accuracy(net, examples.held_out) == read_log("digits")["accuracy"] >= 0.97


def test_a_quarter_of_each_class_is_held_out(examples):
    everything = load_digits()
    train, held_out = (np.bincount(part.labels, minlength=10) for part in examples)
    np.testing.assert_array_equal(train + held_out, np.bincount(everything.target))
    assert (abs(held_out - (train + held_out) / 4) <= 0.5).all()
    both = np.concatenate([part.x for part in examples])[:, 0] * 16
    as_rows = [sorted(map(tuple, pictures.reshape(-1, 64).tolist())) for pictures in (both, everything.images)]
    assert as_rows[0] == as_rows[1], "together they are all the digits, each once"


def test_samples_are_two_of_each_class_unchanged_and_held_out(examples):
    x, labels = digits.samples()
    assert x.dtype == np.float32
    assert x.shape == (20, 1, 8, 8)
    np.testing.assert_array_equal(np.bincount(labels), [2] * 10)
    rows = np.load(files.root("data") / "digits_samples.npz")["rows"]
    everything = load_digits()
    np.testing.assert_array_equal(x[:, 0] * 16, everything.images[rows])
    np.testing.assert_array_equal(labels, everything.target[rows])
    trained_on, held_out = ({one.tobytes() for one in part.x} for part in examples)
    chosen = {one.tobytes() for one in x.astype(np.float64)}
    assert len(chosen) == 20
    assert chosen <= held_out - trained_on


def test_the_stored_samples_are_those_the_recipe_chooses():
    with np.load(files.root("data") / "digits_samples.npz") as stored:
        chosen = digits.chosen_samples()
        assert set(stored.files) == chosen.keys()
        for name, array in chosen.items():
            assert stored[name].dtype == array.dtype
            np.testing.assert_array_equal(stored[name], array)


def test_the_files_are_small():
    sizes = {path.name: path.stat().st_size for path in files.root("data").glob("digits*")}
    assert sizes.keys() == {"digits.npz", "digits.json", "digits_samples.npz"}
    assert sum(sizes.values()) < 150_000


def test_a_digit_saved_as_a_picture_and_read_again_is_the_same_digit(net, tmp_path):
    x, _ = digits.samples()
    for i in range(20):
        Image.fromarray(net.unpreprocess(x[i])).save(tmp_path / "digit.png")
        again = net.preprocess(tmp_path / "digit.png")
        np.testing.assert_allclose(again, x[i], atol=0.5 / 255)
        assert net(again).argmax() == net(x[i]).argmax()


@pytest.mark.parametrize("name", ["digit", "Digits", "didgits", "../digits"])
def test_an_unknown_name_lists_the_close_ones(name):
    with pytest.raises(ValueError, match=f"network '{name}' is not known; did you mean .*digits"):
        mx.load(name)


@pytest.mark.parametrize("name", ["", None, 3, {}])
def test_what_is_no_name(name):
    with pytest.raises(ValueError, match="is not known; known: .*digits"):
        mx.load(name)


def test_every_card_has_a_name_of_its_own_and_a_share_for_accuracy():
    cards = mx.networks()
    assert len({card.name for card in cards}) == len(cards)
    assert all(card.accuracy is None or 0 <= card.accuracy <= 1 for card in cards)
    assert all(card.title and card.weights and card.classes and card.input_shape for card in cards)


def test_without_scikit_learn_the_pip_line(monkeypatch):
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'minixai\[book\]'"):
        digits.examples()
