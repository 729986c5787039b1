"""Training: the slopes are right, the steps are Adam's, the log can be replayed, an interrupted run goes on."""

import json
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from math import log, sqrt

import numpy as np
import pytest
import typer

import minixai as mx
from minixai.zoo import digits, recipe, train, weights
from minixai.zoo.recipes import Examples, Labelled, stratified
from minixai.zoo.train import adam, batches, cross_entropy, read_checkpoint, slopes, start, steps
from minixai.zoo.weights import pack, parameters, read_log, with_parameters


@pytest.fixture
def pictures():
    """Eighty noisy digits, made from the stored samples."""
    x, labels = digits.samples()
    noise = np.random.default_rng(0).normal(0, 0.1, (4, *x.shape))
    return Labelled((x + noise).reshape(-1, 1, 8, 8), np.tile(labels, 4))


@pytest.fixture
def short(pictures):
    """A recipe of a second, and its examples."""
    examples = Examples(Labelled(*(a[:70] for a in pictures)), Labelled(*(a[70:] for a in pictures)))
    return replace(digits.recipe(), epochs=3, examples=lambda: examples), examples


# The slopes


def test_cross_entropy_by_hand():
    scores = np.array([[0, log(3)], [0, log(3)]])  # probabilities 1/4 and 3/4
    loss, slope = cross_entropy(scores, np.array([0, 1]))
    assert loss == pytest.approx((log(4) + log(4 / 3)) / 2, rel=1e-15)
    np.testing.assert_allclose(slope, np.array([[-3, 3], [1, -1]]) / 8, rtol=1e-15)


def test_cross_entropy_of_huge_scores_is_finite():
    loss, slope = cross_entropy(np.array([[1e4, 0.0]]), np.array([1]))
    assert loss == 1e4
    np.testing.assert_array_equal(slope, [[1, -1]])


@pytest.fixture
def network():
    """The untrained network in float64, with biases that are not 0."""
    drawn = digits.network(weights.he(1))
    rng = np.random.default_rng(2)
    biases = {name: rng.normal(0, 0.1, a.shape) for name, a in parameters(drawn).items() if name.endswith("bias")}
    return with_parameters(drawn, parameters(drawn) | biases)


def test_the_slope_of_single_parameters_is_that_of_finite_differences(network, each_engine):
    x, labels = (a[::4] for a in digits.samples())
    x, h, rng = x.astype(np.float64), 1e-6, np.random.default_rng(3)
    gradients, values = slopes(network, x, labels)[2], parameters(network)
    assert gradients.keys() == values.keys()

    def loss(name, place, step):
        moved = values[name].copy()
        moved[place] += step
        return cross_entropy(with_parameters(network, values | {name: moved})(x), labels)[0]

    for name, gradient in gradients.items():
        assert gradient.shape == values[name].shape
        for place in rng.permutation(gradient.size)[:3]:
            place = np.unravel_index(place, gradient.shape)
            difference = (loss(name, place, h) - loss(name, place, -h)) / (2 * h)
            assert difference == pytest.approx(gradient[place], rel=1e-6, abs=2e-9), (name, place)


def test_the_slope_of_all_parameters_together_is_that_of_finite_differences(network):
    x, labels = digits.samples()
    x, h, rng = x.astype(np.float64), 1e-7, np.random.default_rng(4)
    gradients, values = slopes(network, x, labels)[2], parameters(network)
    way = {name: rng.choice([-1.0, 1.0], a.shape) for name, a in values.items()}
    ends = [with_parameters(network, {name: a + h * s * way[name] for name, a in values.items()}) for s in (1, -1)]
    ahead, behind = (cross_entropy(end(x), labels)[0] for end in ends)
    expected = sum((gradients[name] * way[name]).sum() for name in values)
    assert abs(expected) > 0.1
    assert (ahead - behind) / (2 * h) == pytest.approx(expected, rel=1e-6)


# The steps


def test_adam_is_the_papers_algorithm():
    """Against a slow twin in the paper's letters, one number at a time."""
    rng = np.random.default_rng(5)
    slopes_seen = rng.normal(0, 1, (4, 2, 3)) * 10.0 ** rng.integers(-6, 2, (4, 2, 3))
    values = {"w": rng.normal(0, 1, (2, 3)), "b": np.ones(2)}
    nothing = {name: np.zeros_like(a) for name, a in values.items()}
    moments, now = train.Moments(nothing, nothing), values
    for t, g in enumerate(slopes_seen, start=1):
        now, moments = adam(now, {"w": g, "b": g[:, 0]}, moments, t, rate=0.01)
    for i, j in np.ndindex(2, 3):
        theta, m, v = float(values["w"][i, j]), 0.0, 0.0
        for t, g in enumerate(slopes_seen[:, i, j].tolist(), start=1):
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            theta -= 0.01 * (m / (1 - 0.9**t)) / (sqrt(v / (1 - 0.999**t)) + 1e-8)
        assert now["w"][i, j] == pytest.approx(theta, rel=1e-12)
    assert not any(a.any() for a in nothing.values()), "nothing is changed in place"


def test_an_epoch_sees_every_picture_once_in_an_order_of_its_own():
    orders = [np.concatenate(batches(digits.recipe(), 75, epoch)) for epoch in (0, 1)]
    assert [len(rows) for rows in batches(digits.recipe(), 75, 0)] == [32, 32, 11]
    assert all(sorted(order) == list(range(75)) for order in orders)
    assert not np.array_equal(*orders)
    np.testing.assert_array_equal(np.concatenate(batches(digits.recipe(), 75, 1)), orders[1])


def test_the_rate_falls_to_its_last_share(short, monkeypatch):
    rates, real = [], train.adam
    monkeypatch.setattr(train, "adam", lambda *args: (rates.append(args[-1]), real(*args))[1])
    train.train(*short, progress=False)
    np.testing.assert_allclose(rates, short[0].rate * np.arange(9, 0, -1) / 9, rtol=1e-12)


def test_the_first_logged_losses_are_reproduced(each_engine):
    chosen = digits.recipe()
    recorded = read_log("digits")["first losses"]
    replayed = [learnt.loss for learnt in islice(steps(chosen, start(chosen), chosen.examples().train), 20)]
    assert len(recorded) == 20
    np.testing.assert_allclose(replayed, recorded, rtol=1e-9)


def test_the_log_records_the_recipe_that_is_there():
    recorded = read_log("digits")
    assert recorded["recipe"] == digits.recipe().facts()
    assert len(recorded["epochs"]) == digits.recipe().epochs
    assert recorded["versions"].keys() == {"python", "numpy", "scikit-learn"}
    assert recorded["epochs"][-1]["loss"] < 0.05 * recorded["epochs"][0]["loss"]


def test_only_the_first_losses_are_logged_one_by_one(short, monkeypatch):
    every = train.train(*short, progress=False).first_losses
    monkeypatch.setattr(train, "FIRST", 4)
    assert train.train(*short, progress=False).first_losses == every[:4]


def test_training_learns_and_says_what_it_saw(short):
    state = train.train(*short, progress=False)
    assert state.steps == 9
    assert len(state.epochs) == 3
    assert state.epochs[-1].loss < state.epochs[0].loss
    assert len(state.first_losses) == 9
    first = np.average(state.first_losses[:3], weights=[32, 32, 6])
    assert state.epochs[0].loss == pytest.approx(first, rel=1e-12)
    assert state.epochs[-1].held_out == train.accuracy(state.network, short[1].held_out)
    assert state.network.dtype == np.float64


def test_a_loss_that_is_no_number_stops_the_training(short):
    wild = replace(short[0], rate=1e200)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="at step .*; lower the recipe's rate, 1e"):
        train.train(wild, short[1], progress=False)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.arange(9), "train has 70 pictures and 9 labels; expected one each"),
        (np.full(70, 10), "train has labels that are no class numbers; expected integers from 0 to 9"),
        (np.full(70, -1), "train has labels that are no class numbers"),
        (np.full(70, 0.5), "train has labels that are no class numbers"),
    ],
)
def test_examples_that_make_no_sense(labels, says, short):
    chosen, examples = short
    with pytest.raises(ValueError, match=says):
        train.train(chosen, examples._replace(train=Labelled(examples.train.x, labels)), progress=False)
    nothing = Labelled(examples.train.x[:0], examples.train.labels[:0])
    with pytest.raises(ValueError, match="held_out has 0 pictures and 0 labels"):
        train.train(chosen, examples._replace(held_out=nothing), progress=False)


# Interrupted, and going on


def everything(state):
    """All that a state holds, bit for bit."""
    groups = (parameters(state.network), state.moments.mean, state.moments.square)
    arrays = [{name: a.tobytes() for name, a in group.items()} for group in groups]
    return arrays, state.steps, state.first_losses, state.epochs


def test_an_interrupted_training_goes_on_to_the_same_end(short, tmp_path, monkeypatch):
    path, real, saved = tmp_path / "digits.checkpoint", train.write, []

    def interrupted(*args):
        if saved:
            raise KeyboardInterrupt
        saved.append(args)
        real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(train, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train.train(*short, checkpoint=path, progress=False)
    assert len(read_checkpoint(short[0], path).epochs) == 1
    resumed = train.train(*short, checkpoint=path, progress=False)
    assert everything(resumed) == everything(train.train(*short, progress=False))
    assert everything(train.train(*short, checkpoint=path, progress=False)) == everything(resumed)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.fixture
def saved(short, tmp_path):
    path = tmp_path / "digits.checkpoint"
    train.train(*short, checkpoint=path, progress=False)
    return short[0], path


@pytest.mark.parametrize("change", [{"seed": 1}, {"rate": 0.1}, {"epochs": 4}, {"batch": 8}, {"name": "shapes"}])
def test_a_checkpoint_of_another_recipe_is_refused(change, saved):
    chosen, path = saved
    with pytest.raises(ValueError, match="not a checkpoint of this recipe .it was made by digits.* to start anew"):
        read_checkpoint(replace(chosen, **change), path)


def test_a_damaged_checkpoint_is_refused(saved, monkeypatch):
    chosen, path = saved
    whole = path.read_bytes()
    arrays = weights.unpack(whole, "it")
    damaged = [
        whole[: len(whole) // 2],
        pack({name: a for name, a in arrays.items() if name != "said"}),
        pack(arrays | {"said": np.array("{}")}),
        pack(arrays | {"said": np.array("not JSON")}),
        pack(arrays | {"said": np.array(json.dumps(json.loads(str(arrays["said"])) | {"epochs": [{"loss": 1}]}))}),
        pack(arrays | {"value:conv1.bias": np.zeros(3)}),
        pack(arrays | {"mean:conv1.bias": np.zeros(3)}),
        pack(arrays | {"square:more": np.zeros(3)}),
    ]
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is not a checkpoint of this recipe .*; delete it to start anew"):
            read_checkpoint(chosen, path)
    path.write_bytes(whole)
    assert read_checkpoint(chosen, path).steps == 9
    monkeypatch.setattr(train, "MAX_BYTES", len(whole) - 1)
    with pytest.raises(ValueError, match=f"it holds {len(whole)} bytes"):
        read_checkpoint(chosen, path)


# Recipes and the command line


@pytest.mark.parametrize("odd", [{"epochs": 0}, {"batch": 0}, {"rate": 0}, {"rate": float("nan")}])
def test_a_recipe_that_makes_no_sense(odd):
    with pytest.raises(ValueError, match="expected at least one epoch, at least one picture in a batch and a rate"):
        replace(digits.recipe(), **odd)


def test_stratified_takes_the_same_share_of_every_class():
    labels = np.repeat([0, 1, 2], [40, 8, 20])[np.random.default_rng(0).permutation(68)]
    kept, held_out = stratified(labels, 0.25, seed=1)
    np.testing.assert_array_equal(np.bincount(labels[held_out]), [10, 2, 5])
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held_out])), np.arange(68))
    np.testing.assert_array_equal(stratified(labels, 0.25, seed=1)[1], held_out)
    assert not np.array_equal(stratified(labels, 0.25, seed=2)[1], held_out)


def test_accuracy_counts_every_picture_once_and_refuses_none(pictures):
    net = mx.load("digits")
    right = (net(pictures.x.astype(np.float32)).argmax(axis=1) == pictures.labels).mean()
    assert 0.5 < right < 1
    assert [train.accuracy(net, pictures, at_once) for at_once in (1, 7, 80, 999)] == [right] * 4
    with pytest.raises(ValueError, match="got no pictures"):
        train.accuracy(net, Labelled(pictures.x[:0], pictures.labels[:0]))


def test_the_command_writes_weights_samples_and_a_log_that_load(short, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "minixai" / "_data"
    monkeypatch.setattr(train, "recipe_of", lambda name: short[0])
    train.main("digits", out=folder, checkpoint=tmp_path / "saved")
    assert sorted(p.name for p in folder.iterdir()) == ["digits.json", "digits.npz", "digits_samples.npz"]
    monkeypatch.setattr(weights.files, "PACKAGE", tmp_path / "minixai")
    accuracy = read_log("digits")["accuracy"]
    assert train.accuracy(mx.load("digits"), short[1].held_out) == accuracy
    assert capsys.readouterr().out == f"digits: {accuracy:.2%} of 10 held-out pictures right\n"
    state = read_checkpoint(short[0], tmp_path / "saved")
    for name, values in parameters(mx.load("digits")).items():
        np.testing.assert_array_equal(values, parameters(state.network)[name].astype(np.float32))
    np.testing.assert_array_equal(digits.samples().x[:, 0] * 16, digits.chosen_samples()["pixels"])


def test_what_the_command_cannot_do_it_says_in_a_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(typer.Exit) as stop:
        train.main("digits", out=tmp_path, checkpoint=tmp_path / "file")
    assert stop.value.exit_code == 2
    assert "is not a checkpoint of this recipe" in capsys.readouterr().err
    with pytest.raises(typer.Exit) as stop:
        train.main("digits", out=tmp_path / "file")
    assert stop.value.exit_code == 2
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_the_command_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-m", "minixai.zoo.train", "digitz"],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 2
    assert done.stderr == "minixai.zoo.train: network 'digitz' is not known; did you mean digits?\n"


def test_recipes_are_found_by_name():
    assert recipe("digits").facts() == digits.recipe().facts()
    with pytest.raises(ValueError, match="network 'digitz' is not known"):
        recipe("digitz")
    with pytest.raises(ValueError, match="network 'squeezenet' is not trained here; expected one of .*digits"):
        recipe("squeezenet")
