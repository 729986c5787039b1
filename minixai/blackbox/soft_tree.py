"""Section 2.1, the soft decision tree: a network's answers, learnt by a tree that a reader can follow, Eq. (1).

It explains a network on all pictures, not one picture. Frosst and Hinton (2017).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minixai.blackbox.scoring import batch_of, model_of, scores_of, whole
from minixai.ops import Array, Softmax
from minixai.ops.numbers import in_arithmetic_of, zeros

DEEPEST = 10
BY = ("leaf", "mixture")
TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, eq=False)
class SoftTree:
    """A tree whose node i turns right with probability sigmoid(beta (x.w_i + b_i)), Eq. (1), and left otherwise.

    Node i is followed by 2 i + 1 (left) and 2 i + 2 (right). ``filters`` (nodes, pixels) are the w, ``biases`` (nodes,)
    the b, ``beta`` the inverse temperature; ``leaves`` (leaves, classes) are each leaf's scores, whose softmax is its
    distribution Q. ``shape`` is that of a picture, ``classes`` are names, where there are any.
    """

    filters: Array
    biases: Array
    leaves: Array
    beta: float
    shape: tuple[int, ...]
    classes: tuple[str, ...] | None = None

    @property
    def depth(self) -> int:
        return depth_of(len(self.filters))

    @property
    def distributions(self) -> Array:
        """Q, (leaves, classes)."""
        return Softmax().forward(self.leaves)

    def gates(self, x: Any) -> Array:
        """p_i(x), Eq. (1): the probability of turning right at every node, (N, nodes)."""
        return sigmoid(self.beta * (self._rows(x) @ self.filters.T + self.biases))

    def probabilities(self, x: Any, by: str = "leaf") -> Array:
        """The probability of each class, (N, classes): the Q of the likeliest leaf, or the ``mixture`` of all."""
        if by not in BY:
            raise ValueError(f"by is {by!r}; expected one of {', '.join(BY)}")
        reached = leaf_probabilities(self.gates(x))
        return self.distributions[reached.argmax(axis=1)] if by == "leaf" else reached @ self.distributions

    def path(self, x: Any) -> list[int]:
        """The nodes from the root to the likeliest leaf of one picture; leaves are numbered on from the nodes."""
        node = len(self.filters) + int(leaf_probabilities(self.gates(np.asarray(x)[None]))[0].argmax())
        path = [node]
        while node:
            node = (node - 1) // 2
            path.append(node)
        return path[::-1]

    def _rows(self, x: Any) -> Array:
        """Pictures (N, C, H, W) as rows of pixels."""
        x = in_arithmetic_of(self.filters, x, "x")
        if x.shape[1:] != self.shape:
            raise ValueError(f"x has shape {x.shape}; expected pictures (N, {', '.join(map(str, self.shape))})")
        return x.reshape(len(x), -1)


def distil(
    scorer: Any,
    x: Any,
    depth: int = 5,
    lambda_: float = 0.1,
    beta: float = 1,
    decay: float = 1e-4,
    n: int = 100,
    seed: int = 0,
    at_once: int = 256,
    progress: bool | None = None,
) -> SoftTree:
    """A tree that has learnt to answer as a network, a torch module or a function x -> scores does on the pictures x.

    It learns the softmax probabilities of all classes; for the rest see :func:`grow`.
    """
    model = model_of(scorer)
    batch, single = batch_of(model, x)
    if single:
        raise ValueError(f"x has shape {batch.shape[1:]}: one picture; expected many to learn from, (N, C, H, W)")
    whole(at_once, "at_once", "the number of pictures per call")
    parts = [scores_of(model, batch[i : i + at_once]) for i in range(0, len(batch), at_once)]
    answers = Softmax().forward(np.concatenate(parts))
    return grow(batch, answers, depth, lambda_, beta, decay, n, seed, model.facts.get("classes"), progress)


def grow(
    x: Any,
    answers: Any,
    depth: int = 5,
    lambda_: float = 0.1,
    beta: float = 1,
    decay: float = 1e-4,
    n: int = 100,
    seed: int = 0,
    classes: Any = None,
    progress: bool | None = None,
) -> SoftTree:
    """A tree that has learnt these ``answers``: class numbers (N,), or distributions (N, classes), of pictures x.

    It minimises :func:`loss` by at most ``n`` steps of SciPy's L-BFGS, from small filters drawn by ``seed``; all
    pictures are in every step. Raises ValueError for pictures and answers that do not fit each other.
    """
    try:
        from scipy.optimize import minimize
    except ModuleNotFoundError as error:
        raise ImportError("growing a tree needs SciPy: pip install 'minixai[book]'") from error
    from tqdm import tqdm

    rows, T, shape = *_checked(x, answers), np.shape(x)[1:]
    if whole(depth, "depth", "levels of inner nodes") > DEEPEST:
        raise ValueError(f"depth is {depth}; expected at most {DEEPEST}: each level doubles the tree")
    if not (lambda_ >= 0 and decay >= 0 and beta > 0):
        raise ValueError(
            f"got lambda {lambda_}, decay {decay}, beta {beta}; expected at least 0, at least 0, and a number above 0"
        )
    rng = np.random.default_rng(whole(seed, "seed", "what the first filters are drawn from", 0))
    nodes = 2**depth - 1
    first = np.concatenate([
        rng.normal(0, 0.01, nodes * rows.shape[1]), np.zeros(nodes), rng.normal(0, 0.1, (nodes + 1) * T.shape[1]),
    ])  # fmt: skip

    def tree(numbers: Array) -> SoftTree:
        filters, biases, leaves = np.split(numbers, np.cumsum([nodes * rows.shape[1], nodes]))
        parts = filters.reshape(nodes, -1), biases, leaves.reshape(nodes + 1, -1)
        return SoftTree(*parts, beta, shape, None if classes is None else tuple(classes))

    def objective(numbers: Array) -> tuple[float, Array]:
        value, slopes = loss(tree(numbers), rows, T, lambda_, decay)
        return value, np.concatenate([part.ravel() for part in slopes])

    steps = whole(n, "n", "the number of steps")
    with tqdm(total=steps, desc="soft tree", leave=False, disable=None if progress is None else not progress) as bar:
        options = {"maxiter": steps, "maxfun": 2 * steps}
        found = minimize(
            objective, first, jac=True, method="L-BFGS-B", options=options, callback=lambda _: bar.update()
        )
    return tree(found.x)


def agreement(tree: SoftTree, scorer: Any, x: Any, by: str = "leaf") -> float:
    """The share of the pictures x that the tree and the scoring function put in the same class."""
    model = model_of(scorer)
    batch, _ = batch_of(model, x)
    return float((tree.probabilities(batch, by).argmax(axis=1) == scores_of(model, batch).argmax(axis=1)).mean())


def leaf_probabilities(gates: Array) -> Array:
    """The probability of ending in each leaf, (N, leaves), from that of turning right at each node, (N, nodes).

    Every leaf's is the product along its path; they sum to 1. Floats or fractions.
    """
    return levels(gates)[-1]


def levels(gates: Array) -> list[Array]:
    """The probability of passing each node, level by level: (N, 1), (N, 2), ... and the leaves last."""
    gates = np.asarray(gates)
    if gates.ndim != 2 or depth_of(gates.shape[1]) < 0:
        raise ValueError(f"the gates have shape {gates.shape}; expected (N, 2^depth - 1): one per inner node")
    passed = [zeros((len(gates), 1), gates) + 1]
    for d in range(depth_of(gates.shape[1])):
        right = gates[:, _level(d)]
        both = [passed[-1] * (1 - right), passed[-1] * right]
        passed.append(np.stack(both, axis=-1).reshape(len(gates), -1))
    return passed


def loss(
    tree: SoftTree, rows: Array, T: Array, lambda_: float, decay: float = 0
) -> tuple[float, tuple[Array, Array, Array]]:
    """What is minimised, and its slopes in filters, biases and leaves; rows (N, pixels), T (N, classes).

    The mean over the pictures of sum_leaves P_leaf(x) (-T . log Q_leaf), plus a penalty on nodes that send everything
    the same way: -lambda sum_nodes 2^-depth (log alpha + log(1 - alpha)) / 2, where alpha is the share of what arrives
    at the node that turns right. Frosst and Hinton's loss has no ``decay`` sum w^2: it keeps filters from answering to
    single pixels, and empty corners blank.
    """
    gates, N = sigmoid(tree.beta * (rows @ tree.filters.T + tree.biases)), len(rows)
    passed, Q = levels(gates), tree.distributions
    wrong = -T @ np.log(np.maximum(Q, TINY)).T  # (N, leaves): the cross-entropy with each leaf
    value = (passed[-1] * wrong).sum() / N
    in_leaves = ((passed[-1].T @ T.sum(axis=1))[:, None] * Q - passed[-1].T @ T) / N
    in_gates = np.empty_like(gates)
    below = wrong / N  # the slope in the probabilities of a level, from the leaves up
    for d in reversed(range(tree.depth)):
        P, right = passed[d], gates[:, _level(d)]
        goes_right = np.maximum((P * right).sum(axis=0), TINY)
        goes_left = np.maximum((P * (1 - right)).sum(axis=0), TINY)
        arrives, weight = goes_right + goes_left, -lambda_ * 0.5**d / 2
        value += weight * (np.log(goes_right / arrives) + np.log(goes_left / arrives)).sum()
        to_left, to_right = below[:, 0::2], below[:, 1::2]
        in_gates[:, _level(d)] = P * (to_right - to_left + weight * (1 / goes_right - 1 / goes_left))
        balance = right / goes_right + (1 - right) / goes_left - 2 / arrives
        below = (1 - right) * to_left + right * to_right + weight * balance
    at_nodes = tree.beta * in_gates * gates * (1 - gates)
    value += decay * (tree.filters**2).sum()
    return float(value), (at_nodes.T @ rows + 2 * decay * tree.filters, at_nodes.sum(axis=0), in_leaves)


def sigmoid(t: Array) -> Array:
    """1 / (1 + exp(-t)), which does not overflow as a hyperbolic tangent."""
    return (1 + np.tanh(t / 2)) / 2


def depth_of(nodes: int) -> int:
    """The depth of a tree with so many inner nodes; -1 if no full tree has."""
    depth = (nodes + 1).bit_length() - 1
    return depth if nodes == 2**depth - 1 and depth > 0 else -1


def _level(d: int) -> slice:
    """The inner nodes at depth d; the root is at 0."""
    return slice(2**d - 1, 2 ** (d + 1) - 1)


def _checked(x: Any, answers: Any) -> tuple[Array, Array]:
    """Pictures as rows of pixels (N, F), answers as distributions (N, K)."""
    x, T = np.asarray(x), np.asarray(answers)
    if x.ndim < 2 or not x.size or x.dtype.kind != "f" or not np.isfinite(x).all():
        raise ValueError(f"x has shape {x.shape} and dtype {x.dtype}; expected pictures (N, C, H, W) of finite floats")
    if T.ndim == 1 and T.dtype.kind in "iu" and len(T) == len(x) and T.min() >= 0:
        T = np.eye(T.max() + 1)[T]
    sums = T.sum(axis=1) if T.ndim == 2 and T.dtype.kind == "f" else np.zeros(1)
    if len(T) != len(x) or not np.allclose(sums, 1, atol=1e-4) or (T < 0).any():
        raise ValueError(
            f"answers have shape {T.shape} and dtype {T.dtype}; expected {len(x)} class numbers, or distributions "
            f"({len(x)}, classes) that sum to 1"
        )
    return x.reshape(len(x), -1).astype(np.float64), T.astype(np.float64)
