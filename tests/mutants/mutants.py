"""Bugs planted on purpose: each a named mistake that people make, as a change to one line of the engine.

``KILLS`` (kills.json) says which test catches each. ``python -m tests.mutants.find`` looks for the killers anew.
"""

import json
from dataclasses import dataclass
from pathlib import Path

KILLS = Path(__file__).with_name("kills.json")


@dataclass(frozen=True)
class Mutant:
    """Replace ``before``, which stands exactly once in ``file``, by ``after``."""

    name: str
    file: str
    before: str
    after: str

    def planted(self, source: str) -> str:
        """The source with the bug in it."""
        if source.count(self.before) != 1:
            raise ValueError(
                f"mutant {self.name!r}: {self.before!r} stands {source.count(self.before)} times in {self.file}"
            )
        return source.replace(self.before, self.after)


def killers() -> dict[str, str]:
    """{mutant: the test that catches it}."""
    return json.loads(KILLS.read_text())


MUTANTS = [
    # layers
    Mutant("relu opens its gate at 0", "ops/activation.py", "return x > 0", "return x >= 0"),
    Mutant("relu opens its gate at 0, compiled", "ops/compiled.py", "np.greater(flat", "np.greater_equal(flat"),
    Mutant("a tile with a wrong sign", "ops/compiled.py", "[1 / 2, -1 / 2, 1 / 2]", "[1 / 2, 1 / 2, 1 / 2]"),
    Mutant("tiles not turned on the way back", "ops/compiled.py", "G_TILE[:, ::-1] if turned", "G_TILE if turned"),
    Mutant("guided as the gradient, compiled", "ops/compiled.py", "step.choice, True)", "step.choice, False)"),
    Mutant("every thread's part is the first", "ops/compiled.py", "out=out[:, part])", "out=out[:, : len(w[part])])"),
    Mutant("last of tied maxima wins", "ops/pooling.py", "(value > best)", "(value >= best)"),
    Mutant("last of tied maxima wins, compiled", "ops/loops.py", "(value > old)", "(value >= old)"),
    Mutant("overlapping windows overwrite", "ops/pooling.py", "np.add.at(plane, (", "plane.__setitem__(("),
    Mutant("overlapping windows overwrite, compiled", "ops/loops.py", "] += R[p, q]", "] = R[p, q]"),
    Mutant("filter not flipped", "ops/convolution.py", "slice(None, None, -1),) * (F", "slice(None),) * (F"),
    Mutant("dilation forgotten, compiled", "ops/compiled.py", "slice(i * d + a * s, i * d +", "slice(i + a * s, i +"),
    Mutant("bias gradient averaged", "ops/convolution.py", "R.sum(axis=(0, *", "R.mean(axis=(0, *"),
    Mutant("ceil_mode keeps a window outside", "ops/windows.py", "        count -= 1\n", "        count -= 0\n"),
    Mutant("padding counted although told not to", "ops/pooling.py", "if self.count_include_pad else", "if True else"),
    Mutant(
        "half-pixel centres forgotten",
        "ops/pooling.py",
        "(number(i, like) + number(0.5, like)) * n",
        "number(i, like) * n",
    ),
    Mutant("batch norm divides by the variance", "ops/numbers.py", "return np.sqrt(a)", "return a"),
    Mutant("batch norm forgets the mean", "ops/linear.py", "shift = -self.running_mean * scale", "shift = 0 * scale"),
    Mutant(
        "softmax slope without its mean",
        "ops/activation.py",
        "p * (R - (R * p).sum(axis=channels, keepdims=True))",
        "p * R",
    ),
    Mutant(
        "sum shares its signal equally", "ops/linear.py", "return (R,) * len(xs)", "return (R / len(xs),) * len(xs)"
    ),
    Mutant("sign of 0 is -1", "ops/numbers.py", "2 * (a >= 0)", "2 * (a > 0)"),
    Mutant("sign of 0 is -1, exact", "ops/numbers.py", "np.where(a >= 0, one, -one)", "np.where(a > 0, one, -one)"),
    # network and walk
    Mutant("old bias not scaled when folding", "network.py", "op.bias * scale + shift", "op.bias + shift"),
    Mutant("batch norm folded into a shared layer", "network.py", "len(network.consumers(into.name)) == 1", "True"),
    Mutant("fork overwritten instead of summed", "walk.py", "arriving[parent.name] + part if", "part if"),
    Mutant("layer type beats node name", "walk.py", "(step.name, type(step.op))", "(type(step.op), step.name)"),
    # linearisation
    Mutant("guided without the forward mask", "whitebox/guided.py", "step.choice & (R > 0)", "R > 0"),
    Mutant("guided lets either question pass", "whitebox/guided.py", "step.choice & (R > 0)", "step.choice | (R > 0)"),
    Mutant(
        "DeconvNet gated by the forward pass", "whitebox/deconvnet.py", "return positive(R)", "return R * step.choice"
    ),
    Mutant(
        "both ends of the path at full weight",
        "whitebox/integrated.py",
        "[inner / 2, *[inner] * (n - 2), inner / 2]",
        "[inner] * n",
    ),
    Mutant("trapezoid weights sum to (n-1)/n", "whitebox/integrated.py", "inner = one / (n - 1)", "inner = one / n"),
    Mutant("left end called midpoint", "whitebox/integrated.py", '"midpoint": one / 2', '"midpoint": 0 * one'),
    Mutant("integrated gradients times x", "whitebox/integrated.py", "(case.x - start) * slopes", "case.x * slopes"),
    Mutant(
        "path starts at black",
        "whitebox/integrated.py",
        "np.concatenate([start + _same",
        "np.concatenate([0 * start + _same",
    ),
    Mutant(
        "kinks of the pools overlooked",
        "whitebox/integrated.py",
        "take(x, step.choice)[axes] - seen, zero(x))",
        "0 * seen, zero(x))",
    ),
    Mutant("SmoothGrad of squares", "whitebox/smoothgrad.py", "[values, *found", "[values**2, *found"),
    Mutant(
        "sigma in absolute units",
        "whitebox/smoothgrad.py",
        "number(sigma, case.x) * _range(case.x)",
        "number(sigma, case.x)",
    ),
    Mutant(
        "noisy copies choose their own class",
        "whitebox/case.py",
        "self._with(self.run(self.network, x), np.tile(self.target, len(x) // len(self.target)))",
        "self._with(tape := self.run(self.network, x), np.argmax(tape.output.y, axis=1))",
    ),
    Mutant("CAM counts the bias in", "whitebox/cam.py", "(case.score - b)", "case.score"),
    Mutant(
        "Grad-CAM sums slopes",
        "whitebox/gradcam.py",
        "mean(slopes, axis=maps, keepdims=True)",
        "slopes.sum(axis=maps, keepdims=True)",
    ),
    Mutant("Grad-CAM rectifies the weights", "whitebox/gradcam.py", "R = (alpha * A)", "R = (positive(alpha) * A)"),
    Mutant(
        "guided Grad-CAM of the scaled map",
        "whitebox/gradcam.py",
        "resize(coarse.relevance, fine",
        "resize(coarse.relevance / coarse.relevance.max(), fine",
    ),
    Mutant(
        "the map sums magnitudes", "whitebox/maps.py", "return abs(R).max(axis=1) if", "return abs(R).sum(axis=1) if"
    ),
    Mutant("heat map by min-max", "result.py", "M = maps.clip(0)", "M = maps - maps.min()"),
    # structure
    Mutant("eps without its sign", "whitebox/lrp.py", "eps * sign(z) if self", "eps if self"),
    Mutant(
        "eps in the numerator too", "whitebox/lrp.py", "kept=self.bias_of(step) + stabilizer", "kept=self.bias_of(step)"
    ),
    Mutant(
        "bias dropped from absorbed", "whitebox/shares.py", "divide(part.kept * R_j, part.d)", "0 * divide(R_j, part.d)"
    ),
    Mutant(
        "nothing absorbed at a zero denominator",
        "whitebox/shares.py",
        "np.where(part.d == 0, R_j, ",
        "np.where(part.d == 0, 0 * R_j, ",
    ),
    Mutant(
        "alpha and beta applied twice",
        "whitebox/shares.py",
        "s = part.coefficient * divide",
        "s = part.coefficient * part.coefficient * divide",
    ),
    Mutant("beta term added", "whitebox/lrp.py", "(-self.beta, negative", "(self.beta, negative"),
    Mutant(
        "products split by the weight's sign",
        "whitebox/shares.py",
        "((negative(step.x),), minus)",
        "((negative(step.x),), plus)",
    ),
    Mutant("gamma leaves the bias alone", "whitebox/lrp.py", "kept = b + gamma * part(b)", "kept = b"),
    Mutant("gamma on every weight", "whitebox/lrp.py", "w + gamma * positive(w), w", "w + gamma * w, w"),
    Mutant(
        "gamma ignores the neuron's sign",
        "whitebox/lrp.py",
        "(z < 0, down, up, negative)",
        "(z < 0, up, down, positive)",
    ),
    Mutant("relevance starts at 1", "whitebox/lrp.py", "case.one_hot(case.score), table", "case.one_hot(1), table"),
    Mutant("composite takes gamma everywhere", "whitebox/composite.py", "(len(others) + 1) // 2", "len(others)"),
    Mutant("composite's eps is absolute", "whitebox/composite.py", "0.25, relative=True", "0.25, relative=False"),
    Mutant(
        "z^B swaps its corners",
        "whitebox/deep_taylor.py",
        "((-low,), positive(w)), ((-high,), negative(w))",
        "((-low,), negative(w)), ((-high,), positive(w))",
    ),
    Mutant("w^2 is |w|", "whitebox/deep_taylor.py", "),), w * w)]", "),), abs(w))]"),
    Mutant(
        "Rescale divides by y",
        "whitebox/deeplift.py",
        "_ratio(step.dy, step.parents[0].dy, step)",
        "_ratio(step.y, step.parents[0].y, step)",
    ),
    Mutant(
        "gradient at x where nothing moved",
        "whitebox/deeplift.py",
        "slope = step.reference.choice",
        "slope = step.choice",
    ),
    Mutant(
        "pool credits the winner under x only",
        "whitebox/deeplift.py",
        "np.where(step.dy > 0, step.choice, step.reference.choice)",
        "step.choice",
    ),
    Mutant(
        "RevealCancel adds positive first",
        "whitebox/deeplift.py",
        "dz_up = ((g(y0 + up) - g(y0)) + (g(y0 + up + down) - g(y0 + down))) / 2",
        "dz_up = g(y0 + up) - g(y0)",
    ),
    Mutant(
        "RevealCancel carries signs through",
        "whitebox/deeplift.py",
        "plus[0] + minus[1], np.where(dx < 0, plus[1] + minus[0]",
        "plus[0] + minus[0], np.where(dx < 0, plus[1] + minus[1]",
    ),
    Mutant("FEM strictly above", "whitebox/fem.py", "((A - mu) ** 2 >= K * K", "((A - mu) ** 2 > K * K"),
    Mutant(
        "FEM with the sample spread",
        "whitebox/fem.py",
        "A.std(axis=maps, keepdims=True)",
        "A.std(axis=maps, keepdims=True, ddof=1)",
    ),
    Mutant(
        "FEM keeps raw activations", "whitebox/fem.py", "mu, number(K, A)), mu, 0 * mu)", "mu, number(K, A)), A, 0 * A)"
    ),
    # the front door
    Mutant("one walk's slices mixed up", "planner.py", "_slice(hop, k) for", "_slice(hop, 0) for"),
    Mutant("expected is the score everywhere", "whitebox/deeplift.py", "now.score - now.at(x0).score", "now.score"),
    # more that a reference vector must see
    Mutant(
        "batch norm forgets its bias", "ops/linear.py", "shift if self.bias is None else shift + self.bias", "shift"
    ),
    Mutant(
        "flattened column by column",
        "ops/linear.py",
        "return x.reshape(len(x), int(np.prod(x.shape[1:])))",
        "return x.swapaxes(1, -1).reshape(len(x), int(np.prod(x.shape[1:])))",
    ),
    Mutant("Grad-CAM keeps negative evidence", "whitebox/gradcam.py", "positive(R) if relu else R", "R"),
    Mutant("right end called left", "whitebox/integrated.py", '"left": 0 * one', '"left": one'),
    Mutant("FEM counts maps", "whitebox/fem.py", "mu, 0 * mu).sum(axis=1)", "1 + 0 * mu, 0 * mu).sum(axis=1)"),
    Mutant("Deep Taylor with beta 1", "whitebox/deep_taylor.py", "AlphaBeta(bias, 1, 0)", "AlphaBeta(bias, 2, 1)"),
    Mutant(
        "no eps in averages",
        "whitebox/lrp.py",
        "Epsilon(bias, eps, stabilizer), Epsilon(bias, eps, stabilizer))",
        "Epsilon(bias, eps, stabilizer), Zero(bias))",
    ),
    Mutant("CAM of the first class", "whitebox/cam.py", "linear.weight[case.target]", "linear.weight[0 * case.target]"),
    Mutant(
        "half a multiplier too much where nothing moved",
        "whitebox/deeplift.py",
        "neither = (plus.sum(axis=0) + minus.sum(axis=0)) / 2",
        "neither = plus.sum(axis=0) + minus.sum(axis=0)",
    ),
]
