"""Training with the engine's own backward pass: python -m minixai.zoo.train digits

A network learns by the walk that explains it. The seed at the scores is the slope of the loss, the table is the chain
rule, and each layer with weights turns what arrives into the slope of its parameters (Appendix A, Eq. 31). A recipe may
take its slopes from elsewhere; the steps, the log and the checkpoints are the same.
"""

import json
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer

from minixai import files
from minixai.network import Network, forward
from minixai.ops import Array, Weighted, engine
from minixai.walk import walk
from minixai.whitebox.gradient import GRADIENT
from minixai.zoo import recipe as recipe_of
from minixai.zoo.recipes import Examples, Labelled, Recipe, Slopes, Values
from minixai.zoo.weights import MAX_BYTES, check_fit, fingerprint, he, pack, parameters, unpack, with_parameters, write

Scores = Callable[[Network, Array], Array] | None  # as a recipe says; None: the network's own
FIRST = 20  # so many steps are logged one by one, to be replayed


class Moments(NamedTuple):
    """Adam's memory: the running mean of every gradient, and of its square."""

    mean: Values
    square: Values


@dataclass(frozen=True)
class Epoch:
    """One pass over the training pictures: mean loss and share right while learning; share right of those held out."""

    loss: float
    accuracy: float
    held_out: float


@dataclass(frozen=True, eq=False)
class State:
    """Where a training stands: the network, Adam's memory, the steps made and what was seen on the way."""

    network: Network
    moments: Moments
    steps: int = 0
    first_losses: tuple[float, ...] = ()
    epochs: tuple[Epoch, ...] = ()


class Learnt(NamedTuple):
    """One step: the state after it; the mean loss, the pictures, and how many were right, all before it."""

    state: State
    loss: float
    pictures: int
    right: int


def cross_entropy(scores: Array, labels: Array) -> tuple[float, Array]:
    """The mean of -log softmax(scores) at the labels, and its slope with respect to the scores: (p - one hot) / N."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    one_hot = np.eye(scores.shape[1], dtype=scores.dtype)[labels]
    return float(-(log_p * one_hot).sum() / len(scores)), (np.exp(log_p) - one_hot) / len(scores)


def slopes(network: Network, x: Array, labels: Array) -> Slopes:
    """What a mini-batch says, by this engine: one forward pass and one walk."""
    tape = forward(network, x)
    loss, seed = cross_entropy(tape.output.y, labels)
    gradients = {
        f"{hop.at.name}.{name}": gradient
        for hop in walk(tape, seed, GRADIENT)
        if isinstance(hop.at.op, Weighted)
        for name, gradient in hop.at.op.parameter_gradients(hop.arriving, hop.at.x).items()
    }
    return Slopes(loss, tape.output.y, gradients)


def adam(values: Values, gradients: Values, moments: Moments, step: int, rate: float) -> tuple[Values, Moments]:
    """Step number ``step`` (from 1) of Adam, Algorithm 1 of Kingma and Ba (2015), with the paper's constants."""
    a, b, eps = 0.9, 0.999, 1e-8
    mean = {name: a * moments.mean[name] + (1 - a) * g for name, g in gradients.items()}
    square = {name: b * moments.square[name] + (1 - b) * g * g for name, g in gradients.items()}
    moved = {
        name: values[name] - rate * (mean[name] / (1 - a**step)) / (np.sqrt(square[name] / (1 - b**step)) + eps)
        for name in gradients
    }
    return {**values, **moved}, Moments(mean, square)


def start(recipe: Recipe) -> State:
    """The state before the first step: weights drawn by the seed, an empty memory."""
    network = recipe.network(he(recipe.seed)).astype(recipe.dtype)
    nothing = {name: np.zeros_like(values) for name, values in parameters(network).items()}
    return State(network, Moments(nothing, nothing))


def batches(recipe: Recipe, pictures: int, epoch: int) -> list[Array]:
    """The rows of each mini-batch of an epoch (from 0): an order drawn by seed and epoch, cut into pieces."""
    order = np.random.default_rng([recipe.seed, epoch]).permutation(pictures)
    return np.split(order, range(recipe.batch, pictures, recipe.batch))


def learn(recipe: Recipe, state: State, batch: Labelled, last_step: int) -> Learnt:
    """One step on one mini-batch. Raises ValueError when the loss is no longer a number."""
    said = (recipe.slopes or slopes)(state.network, batch.x, batch.labels)
    if not isfinite(said.loss):
        raise ValueError(f"the loss is {said.loss} at step {state.steps + 1}; lower the recipe's rate, {recipe.rate}")
    rate = recipe.rate * (1 - state.steps / last_step)
    values, moments = adam(parameters(state.network), said.gradients, state.moments, state.steps + 1, rate)
    moved = replace(
        state,
        network=with_parameters(state.network, {**values, **said.seen}),
        moments=moments,
        steps=state.steps + 1,
        first_losses=(*state.first_losses, said.loss)[:FIRST],
    )
    return Learnt(moved, said.loss, len(batch.labels), hits(said.scores, batch.labels))


def hits(scores: Array, labels: Array) -> int:
    """How many pictures have their highest score at their label."""
    return int((scores.argmax(axis=1) == labels).sum())


def steps(recipe: Recipe, state: State, pictures: Labelled) -> Iterator[Learnt]:
    """The steps of the state's next epoch, one by one."""
    rows_of = batches(recipe, len(pictures.labels), len(state.epochs))
    for rows in rows_of:
        batch = Labelled(pictures.x[rows].astype(recipe.dtype), pictures.labels[rows])
        learnt = learn(recipe, state, batch, recipe.epochs * len(rows_of))
        state = learnt.state
        yield learnt


def train(recipe: Recipe, examples: Examples, checkpoint: Path | None = None, progress: bool = True) -> State:
    """Train to the last epoch. With a ``checkpoint`` file: go on from it if it exists, save it after every epoch."""
    from tqdm import tqdm

    state = read_checkpoint(recipe, checkpoint) if checkpoint and checkpoint.exists() else start(recipe)
    check_examples(state.network, examples, recipe.scores)
    total = recipe.epochs * len(batches(recipe, len(examples.train.labels), 0))
    with tqdm(total=total, initial=state.steps, desc=recipe.name, unit="step", disable=not progress) as bar:
        while len(state.epochs) < recipe.epochs:
            state = one_epoch(recipe, state, examples, bar)
            bar.set_postfix(asdict(state.epochs[-1]))
            if checkpoint:
                write(checkpoint, checkpoint_of(recipe, state))
    return state


def check_examples(network: Network, examples: Examples, scores: Scores = None) -> None:
    """ValueError unless every picture has a label, and every label is the number of one of the network's scores."""
    for name, part in examples._asdict().items():
        if not len(part.x) == len(part.labels) > 0:
            raise ValueError(f"{name} has {len(part.x)} pictures and {len(part.labels)} labels; expected one each")
        classes = (scores or Network.__call__)(network, part.x[:1].astype(network.dtype)).shape[1]
        if part.labels.dtype.kind not in "iu" or part.labels.min() < 0 or part.labels.max() >= classes:
            raise ValueError(f"{name} has labels that are no class numbers; expected integers from 0 to {classes - 1}")


def one_epoch(recipe: Recipe, state: State, examples: Examples, bar: Any) -> State:
    """The state one epoch on, with what that epoch gave."""
    count, loss, right = 0, 0.0, 0
    for learnt in steps(recipe, state, examples.train):
        count, loss, right = count + learnt.pictures, loss + learnt.loss * learnt.pictures, right + learnt.right
        state = learnt.state
        bar.update()
    epoch = Epoch(loss / count, right / count, accuracy(state.network, examples.held_out, scores=recipe.scores))
    return replace(state, epochs=(*state.epochs, epoch))


def accuracy(network: Network, pictures: Labelled, at_once: int = 256, scores: Scores = None) -> float:
    """The share of the pictures that the network gets right, by its scores or those of a recipe."""
    if not len(pictures.labels):
        raise ValueError("got no pictures to measure accuracy on; expected at least one")
    right = 0
    for first in range(0, len(pictures.labels), at_once):
        some = slice(first, first + at_once)
        said = (scores or Network.__call__)(network, pictures.x[some].astype(network.dtype))
        right += hits(said, pictures.labels[some])
    return right / len(pictures.labels)


def checkpoint_of(recipe: Recipe, state: State) -> bytes:
    """The state as the content of an .npz file."""
    groups = {"value": parameters(state.network), "mean": state.moments.mean, "square": state.moments.square}
    said = {"name": recipe.name, "recipe": recipe.facts(), "steps": state.steps, "first_losses": state.first_losses}
    said["epochs"] = [asdict(epoch) for epoch in state.epochs]
    arrays = {f"{group}:{name}": array for group, named in groups.items() for name, array in named.items()}
    return pack(arrays | {"said": np.array(json.dumps(said))})


def read_checkpoint(recipe: Recipe, path: Path) -> State:
    """The state in a checkpoint file. Raises ValueError if it is damaged or belongs to another recipe."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it holds {path.stat().st_size} bytes, more than {MAX_BYTES}")
        arrays = unpack(path.read_bytes(), "it")
        said = json.loads(str(arrays.pop("said")))
        if (said["name"], said["recipe"]) != (recipe.name, recipe.facts()):
            raise ValueError(f"it was made by {said['name']} with {said['recipe']}, not {recipe.facts()}")
        return _state(start(recipe).network, arrays, said)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a checkpoint of this recipe ({error}); delete it to start anew") from error


def _state(network: Network, arrays: Values, said: Mapping[str, Any]) -> State:
    value, mean, square = (_group(arrays, group) for group in ("value", "mean", "square"))
    check_fit(network, mean)
    check_fit(network, square)
    epochs = tuple(Epoch(**epoch) for epoch in said["epochs"])
    losses = tuple(map(float, said["first_losses"]))
    return State(with_parameters(network, value), Moments(mean, square), int(said["steps"]), losses, epochs)


def _group(arrays: Values, group: str) -> dict[str, Array]:
    return {name.removeprefix(f"{group}:"): a for name, a in arrays.items() if name.startswith(f"{group}:")}


def publish(recipe: Recipe, state: State, examples: Examples, seconds: float, folder: Path) -> dict[str, Any]:
    """Write NAME.npz (the weights as float32), NAME_samples.npz where there are samples, and the log, NAME.json."""
    network = state.network.astype("float32")
    contents = {f"{recipe.name}.npz": pack(parameters(network))}
    if recipe.samples:
        contents[f"{recipe.name}_samples.npz"] = pack(recipe.samples())
    log = {
        "name": recipe.name,
        "accuracy": accuracy(network, examples.held_out, scores=recipe.scores),
        "elsewhere": {w: accuracy(network, some(), scores=recipe.scores) for w, some in recipe.elsewhere.items()},
        "pictures": {"train": len(examples.train.labels), "held out": len(examples.held_out.labels)},
        "recipe": recipe.facts(),
        "first losses": state.first_losses,
        "epochs": [asdict(epoch) for epoch in state.epochs],
        "seconds": round(seconds, 1),
        "engine": engine(),
        "versions": {"python": platform.python_version()} | {p: version(p) for p in ("numpy", *recipe.packages)},
        "files": {file: fingerprint(content) for file, content in contents.items()},
    }
    for file, content in contents.items():
        write(folder / file, content)
    write(folder / f"{recipe.name}.json", (json.dumps(log, indent=1) + "\n").encode())
    return log


def trained(recipe: Recipe, folder: Path, checkpoint: Path | None = None) -> Iterator[dict[str, Any]]:
    """Train and publish a network, and then what is trained with its help; the log of each, once it is written.

    What follows has checkpoints of its own, NAME-CHECKPOINT.
    """
    examples, began = recipe.examples(), perf_counter()
    state = train(recipe, examples, checkpoint)
    yield publish(recipe, state, examples, perf_counter() - began, folder)
    for next_recipe in (then(state.network.astype("float32")) for then in recipe.then):
        own = checkpoint and checkpoint.with_name(f"{next_recipe.name}-{checkpoint.name}")
        yield from trained(next_recipe, folder, own)


def main(
    name: Annotated[str, typer.Argument(help="which network: digits ...")],
    out: Annotated[Path | None, typer.Option(help="folder for weights, samples and log (default: data/)")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="file to save every epoch in, and to go on from")] = None,
) -> None:
    """Train a network of the zoo from its seed."""
    try:
        recipe, folder = recipe_of(name), out or files.root("data")
        folder.mkdir(parents=True, exist_ok=True)  # fails now, if it must, and not after the last epoch
        for log in trained(recipe, folder, checkpoint):
            typer.echo(f"{log['name']}: {log['accuracy']:.2%} of {log['pictures']['held out']} held-out pictures right")
    except (ValueError, ImportError, OSError) as error:
        typer.echo(f"minixai.zoo.train: {error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
