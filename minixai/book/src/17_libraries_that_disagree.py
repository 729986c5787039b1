# ---
# jupyter:
#   minixai:
#     title: "Libraries that disagree"
#     minutes: 75
#     objectives:
#     - find the convention on which two implementations of one rule differ
#     - say what a cosine near 1 proves, and compare numbers with a tolerance instead
#     - tell a network that separates conventions from one on which everybody agrees
#     - have an implementation of your own checked against exact numbers
#     needs: ["00"]
#     equations: (7), (13), (14), seen from an engineer's desk
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# Two libraries, the same rule, the same network. One says {{neuron.gamma}}, the other {{neuron.alone}}. Both are in
# daily use. Take a piece of paper and write down what you would check first.
#
# A neuron reads two inputs, $a = {{neuron.a}}$, with weights $w = {{neuron.w}}$ and bias $b = {{neuron.b}}$, and fires
# with $z = {{neuron.score}}$. The rule is LRP-$\gamma$ with $\gamma = 1$; the first card below says what that is. The
# other cards come in later.
#
# ## Ticket in
#
# Three guesses before anything is explained: in place of the first dots a letter, `"A"`, then your confidence, from 1
# (a coin) to 3 (sure). To *hook* a layer is to have a library's own function called whenever that layer runs.

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.book.numbers import say
from minixai.conformance import runner, vectors
from minixai.conformance.adapters import ADAPTERS

ch = book.chapter("17_libraries_that_disagree")
display(*(book.recap(name) for name in ("shares", "integrated gradients", "three gates")))
first, second = ch.predict("check_first", ..., confidence=...), ch.predict("how_close", ..., confidence=...)
third = ch.predict("called_relu", ..., confidence=...)
display(first, second, third)

# %% [markdown]
# ## The bias that gamma forgets
#
# The rule hands $z$ down in proportion to $a_i(w_i + \gamma w_i^+)$, where $w^+$ is the positive part:
#
# $$R_i = \frac{a_i\,(w_i + \gamma w_i^+)}{\sum_{q=0} a_q\,(w_q + \gamma w_q^+)}\; z \qquad (14)$$
#
# By hand: $w + w^+ = {{neuron.raised}}$, so the numerators are 4 and $-1$. Now below the line. The sum starts at
# $q = 0$: the survey counts the bias as the weight of an input that is always 1. So it grows like any weight, to
# $1 + 1$, and the sum is $4 - 1 + 2 = 5$. Zennit does that, too. Captum changes the weights and leaves the bias as it
# is: $4 - 1 + 1 = 4$.
#
# Each is a **convention**: a choice that many papers do not spell out and every program has to make. Either can be
# defended; they are not the same method. Then comes a program of your own, drops the bias altogether, and there is a
# third answer.

# %% survey=["(14)"]
# NBVAL_CHECK_OUTPUT
a, w, b, z = mx.exact([2, 1]), mx.exact([1, -1]), 1, 2
numerators = a * (w + np.maximum(w, 0))
below = {"the bias grows like a weight": b + max(b, 0), "the bias stays as it is": b, "the bias is dropped": 0}
for convention, bias in below.items():
    print(f"{convention:30} {say(numerators * z / (numerators.sum() + bias)):14}")
neuron = mx.Network.sequential([mx.Linear(w[None], mx.exact([b]))])
print(f"{'minixai':30} {say(mx.explain(neuron, a, 'lrp-gamma', target=0, gamma=1).relevance)}")

# %% [markdown]
# ## Weights that do not add up
#
# Integrated gradients averages slopes on the way from black to the picture. Take the straight line $S = 3x_1 - x_2$ at
# {{linear.picture}}. Its slopes are the same everywhere, so no choice of places can go wrong: the answer must be
# {{linear.contribution}}. Ask Captum for a trapezoid rule with four places, and it says {{line.short}}. In all,
# {{line.loss}} has gone. Where?
#
# Four places have *three* steps between them. The trapezoid rule joins neighbouring places by straight lines, so each
# place stands for half of the step on its left and half of the step on its right, and an end for one half step. Write
# it for `places` from 0 to 1, at any distances: an array of weights, one per place. At $(0, \tfrac13, \tfrac23, 1)$
# they are $(\tfrac16, \tfrac13, \tfrac13, \tfrac16)$. `np.diff(places)` gives the steps.

# %%
@ch.exercise("trapezoid_weights")
def trapezoid_weights(places):
    """The weight of each place in the trapezoid rule, for places that rise from 0 to 1."""
    raise NotImplementedError


trapezoid_weights.check()

# %% [markdown]
# Now ask the libraries themselves. A question is a dictionary: a method with every convention spelled out, a network,
# an input. Numbers are strings, so that $1/3$ can be one. The first question is our neuron, the second our line.

# %%
def row(*values):
    return {"shape": [1, len(values)], "values": [str(v) for v in values]}


S = {"name": "S", "op": "Linear", "inputs": ["input"], "weight": row(1, -1), "bias": {"shape": [1], "values": ["1"]}}
question = {
    "id": "mine-1", "method": "lrp-gamma", "params": {"gamma": "1", "bias": "include"}, "target": [0],
    "network": {"input_shape": [2], "nodes": [S]}, "input": row(2, 1),
}  # fmt: skip
line = {key: S[key] for key in ("name", "op", "inputs")} | {"weight": row(3, -1)}
straight = question | {"method": "integrated-gradients", "params": {"n": 4, "quadrature": "trapezoid"}}
straight |= {"network": {"input_shape": [2], "nodes": [line]}, "reference": {"shape": [2], "values": ["0", "0"]}}
display(book.ask(question), book.ask(straight))

# %% [markdown]
# Captum gives each of the four places $\tfrac14$ and then halves the ends: $\tfrac34$ in all, and $(n-1)/n$ for $n$
# places. With the usual 50 that is 0.98: every map two percent too small, and no picture shows it. (Its default is
# another rule, whose weights do add up.) Zennit has no trapezoid and *declines*. Remember that word.
#
# ## A plus and a ReLU that nobody sees
#
# At a sum $3 + (-1)$ a relevance of {{sum.r}} arrives; the whole is 2. In proportion the parts get $4 \cdot \tfrac32$
# and $4 \cdot (-\tfrac12)$: {{sum.split}}. But relevance in these libraries travels on the hooks of *layers*, and a
# plus in a model's code is no layer. It is left to PyTorch, which knows the chain rule: a plus copies what arrives to
# both sides, {{sum.copied}}. What was 4 is 8. (Residual networks are full of such sums: chapter 16.)
#
# The same with a ReLU that is *called* instead of kept as a layer. Below is chapter 06's
# $\mathrm{relu}(x_1) - \mathrm{relu}(x_1 - x_2)$ at {{min.picture}}, where guided backpropagation says {{min.guided}}
# and the gradient {{min.gradient}}.

# %%
if (torch := book.torch_or_say()) and (attr := book.captum_or_say()):

    def layer(*rows):
        return mx.Network.sequential([mx.Linear(mx.exact(rows))]).to_torch()

    def model(forward, *layers):  # a network that keeps these layers and computes what forward says
        module = torch.nn.Module()
        module.parts, module.forward = torch.nn.ModuleList(layers), forward
        return module

    one, two, out = layer([1, 0]), layer([0, 1]), layer([2])
    plus = model(lambda x: out(one(x) + two(x)), one, two, out)  # three layers; + is none
    threes, tens = torch.tensor([[[3.0, -1.0]], [[10.0, 6.0]]]).double()
    print("LRP at a plus ", attr.LRP(plus).attribute(threes, target=0).round(decimals=6).tolist())
    top, under = layer([1, -1]), layer([1, 0], [1, -1])
    called = model(lambda x: top(torch.relu(under(x))), top, under)  # two layers; relu is none
    print("guided, called", attr.GuidedBackprop(called).attribute(tens, target=0).tolist())

# %% [markdown]
# No error, and not a word. Neither is a matter of taste: the plus makes relevance out of nothing, and what is called
# guided is the plain gradient. (Zennit answers the same. Captum's manual asks for ReLU layers, Zennit's for a helper
# that rewrites sums. But a manual is read once, and a program runs every day.)
#
# ## Nearly the same arrow
#
# How do people compare two implementations? Often by the cosine of the angle between the two maps: 1 if they point the
# same way. Two neurons read our $a$, with weights ${{layer.w:matrix}}$, a row each, and biases {{layer.b}}; {{layer.r}}
# arrives. Here are four conventions of one rule: $\varepsilon = 1$ with the sign of what it is added to, as libraries
# have it; always $+1$, as the survey prints it; the bias left out; and no $\varepsilon$ at all.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
from itertools import combinations

four = {name: book.numbers.value(f"layer.{name}") for name in ("signed", "printed", "ignored", "lrp0")}
print("Four conventions:", *(f"{name:8} {say(answer)}" for name, answer in four.items()), sep="\n")
arrows = [v / np.linalg.norm(v) for v in np.array(list(four.values()), float)]
print("cosines:", *(f"{p @ q:.5f}" for p, q in combinations(arrows, 2)))
print("furthest apart:", book.numbers.value("layer.apart"), "of the largest number")

# %% [markdown]
# That was your second guess. A cosine forgets every common factor; twice the map has cosine 1, and so has a map that is
# two percent too small. And one large number that both have drowns all the others.
#
# On a whole network nothing changes. Two maps of one drawn ring, LRP-$\gamma$ with the bias and without it, and their
# difference on the same scale. Find it by eye.

# %%
from minixai.zoo.scenes import scenes

net = mx.load("shapes").astype("float64")
picture = scenes(3, 20).pictures[1]
kept, dropped = (mx.explain(net, net.preprocess(picture), "lrp-gamma", bias=bias) for bias in ("include", "ignore"))
p, q = kept.map, dropped.map
print(f"cosine {(p * q).sum() / np.sqrt((p * p).sum() * (q * q).sum()):.4f}", end=", ")
print(f"furthest apart {abs(p - q).max() / p.max():.3f} of the largest number, totals {p.sum():.1f}, {q.sum():.1f}")
draw.strip({"with the bias": p, "without": q, "difference": p - q}, picture=picture)

# %% [markdown]
# Two methods, then. So compare *numbers*, with a **tolerance**: no number further off than so much of the largest one
# expected. Rounding in float64 stays below $10^{-9}$; a convention is millions of times that.
#
# Write the detective; the runner below judges just so. `table` has one row per convention, `result` is what a library
# said. Return `True` or `False` for every row: is `result` that row, no number further off than `tolerance` times the
# row's largest magnitude? More than one may be true, or none. `x.max(axis=1)` is the largest number of every row.

# %%
@ch.exercise("which_convention")
def which_convention(result, table, tolerance):
    """Which rows of the table the result agrees with: one True or False per row."""
    raise NotImplementedError


which_convention.check()

# %% [markdown]
# ## You are now library X
#
# Six switches; five small answers: LRP-$\varepsilon$ of the layer and LRP-$\gamma$ of the neuron above, integrated
# gradients (IG) of $x_1^3 + x_2$ from {{cube.start}} to {{cube.end}}, the size of SmoothGrad's noise on the picture
# $(-1, 0, 3)$, FEM's map of three tiny ones.
#
# (Two cards say what the last two are.) The figure starts as minixai. Become Captum, in as few moves as you can; a
# double frame marks what is no longer minixai's answer. Then become Zennit. Which move would you report as a bug?

# %%
display(book.recap("smoothgrad"), book.recap("fem"), book.figures.switches())
ch.observe("switched", ...)

# %% [markdown]
# *If you see only tables, the page is shown without its scripts; `make lab` opens the chapter with them.*
#
# ## Now you: an adapter
#
# Where do such finds come from? From **reference vectors**: tiny networks with inputs, and answers in exact fractions,
# derived twice by different means. To have a program checked you write an **adapter**, a function from a question to an
# answer. Write one for the gradient, for networks whose layers are all `Linear` or `ReLU`.
#
# You get what you have seen above: `question["input"]` and each `weight` (one row per output) and `bias` are
# `{"shape": [...], "values": ["-7/8", ...]}`; `question["network"]["nodes"]` come in order, each reads the one before;
# `question["target"]` is a list of one class. `float(Fraction("-7/8"))` reads a number; `Fraction` is in Python's
# `fractions`.
#
# Return `{"status": "result", "relevance": {"shape": [1, 6], "values": [...]}}` with plain floats. For a network that
# you cannot do, `{"status": "skipped", "why": "..."}`. Declining is honest, and never held against you.

# %%
@ch.exercise("my_adapter")
def my_adapter(question):
    """The gradient of the target's score, for a network of Linear and ReLU layers."""
    raise NotImplementedError


my_adapter.check()

# %% [markdown]
# ## Who differs where
#
# Captum, Zennit and SHAP answer through adapters, too. Where one differs from the vectors, a **registry** lists the
# cases, with a reason and a kind: convention, precision, defect. It is strict both ways: a case that fails unlisted
# fails the tests, and so does a listed one that passes. So the table needs no library. A dash means that every answer
# is right, or declined. It counts *cases*, not mistakes: one choice can show in all of them.

# %%
book.who_differs()

# %% [markdown]
# ## Break it
#
# Who tests the test? Begin with the vectors. Four readings of LRP-$\gamma$, $\gamma = 1$: the bias grows with the
# weights, stays, is dropped; or somebody forgot $\gamma$, $R_i = a_i w_i$. Find a neuron $(a, w, b)$ on which *no two*
# of them agree. Then one on which *all four* do, though it is on and two inputs count. The second is **vacuous**:
# whoever tests with it finds all libraries in perfect agreement. Inputs $a$ are at least 0.
#
# Then the runner. A saboteur answers like minixai, every number a thousandth too large. Its maps have cosine 1 with the
# right ones. If the runner lets it pass, throw the runner away.

# %%
@ch.exercise("tell_apart", kind="counterexample")
def tell_apart():
    """Two neurons, (a, w, b), (a, w, b); a and w such as np.array([1.0, 2.0]), b a number."""
    raise NotImplementedError


tell_apart.check()

# %% tags=["reveal"]
print("All libraries on a neuron that is vacuous, then three real cases:")
S |= {"weight": row(1, 1), "bias": {"shape": [1], "values": ["0"]}}
print(book.ask(question | {"input": row(1, 1)}))
for name in ("minixai", "sabotage"):
    found = runner.run(ADAPTERS[name], vectors.cases(only="methods/gradient/dense-00[123]"))
    print(f"{name:8}", *(f"{one.status}, off by {one.worst:.3f};" for one in found))

# %% [markdown]
# The saboteur is caught. And everybody agrees about $S = x_1 + x_2$. That proves nothing: without a bias, with nothing
# negative, there is nothing to disagree about. So a vector passes two guards before it is kept. It must not be vacuous:
# the score moves, some ReLUs are on and some off, pools have different winners. And it must *discriminate*: stand at
# least a hundred tolerances away from every wrong answer that it claims to catch.
#
# ## Exit ticket
#
# Your three guesses, and one last question.

# %%
display(ch.reveal("check_first"), ch.reveal("how_close"), ch.reveal("called_relu"))
ch.exercise("same_method", kind="claim").answer(...)

# %% [markdown]
# ## The engineer's evening
#
# Your program, in any language, reads a question per line from stdin and prints an answer per line
# (`minixai/conformance/examples` has two that do, in Python and in JavaScript). Tonight:
#
# 1. `minixai conform run --exec "python mine.py" --only "methods/lrp-*"`: every case passed, failed or declined.
# 2. `minixai conform explain ID --exec "python mine.py"`: for one that failed, the first node that differs, and which
#    known convention or mistake you have instead.
# 3. In your tests, the pytest plugin: `def test_mine(conformance): conformance(my_adapter)` is one test per case.
# 4. `data/vectors/README.md` says how the files are written and what is a convention in them.
#
# ## One page to keep
#
# * A formula leaves choices open; **a library is a set of switches**. Write yours down.
# * Same proportion, other size: look below the line. A total that has grown: look for a plus that is no layer.
# * Compare numbers with a tolerance. Cosine, correlation and the eye see no factor, and hardly a single pixel.
# * Agreement on a vacuous network is no agreement. Test where conventions part.
# * *Units* are each method's own. No convention changes them, so they give none away.
#
# **What the survey leaves open.** (13) adds $\varepsilon$ without its sign, so that $z = -\varepsilon$ divides by 0.
# (7) leaves the places and their weights to you. The text on $\gamma$ cites (15) and means (14).

# %% [markdown] tags=["deeper"]
# ## Deeper: where the two percent go
#
# Captum's weights in exact fractions: $1/n$ each, ends halved. On the line $S = 3x_1 - x_2$ the loss is the missing
# weight times the score. More places make it smaller, and harder to see.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
for n in (2, 4, 10, 50):
    weights = mx.exact(np.ones(n)) / n
    weights[[0, -1]] /= 2
    print(f"{n:3} places: weights add up to {weights.sum()}, the line gets {say(weights.sum() * mx.exact([6, -1]))}")

# %% [markdown] tags=["deeper"]
# ## Deeper: the two that nobody sees, seen
#
# The same plus and the same ReLU in minixai: kept as nodes, in fractions. Our own version for PyTorch listens to calls
# instead of looking for layers. So for it nothing has to be rewritten.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
x = mx.exact([3, -1])
parts = [mx.Node(name, mx.Linear(mx.exact([w])), "input") for name, w in (("one", [1, 0]), ("two", [0, 1]))]
nodes = (*parts, mx.Node("plus", mx.Add(), ("one", "two")), mx.Node("S", mx.Linear(mx.exact([[2]])), "plus"))
print("LRP-0 at a plus ", say(mx.explain(mx.Network(nodes, input_shape=(2,)), x, "lrp-0", target=0).relevance))
print("guided          ", say(mx.explain(book.two_pixels(), book.TWO_PIXELS, "guided-backprop").relevance))

# %% tags=["deeper"]
if torch and attr:
    from minixai.pytorch import explain

    for method, module, x in (("lrp-0", plus, threes), ("guided-backprop", called, tens)):
        print(f"{method:16}", explain(module.eval(), x.detach(), method, target=0).relevance.tolist())

# %% [markdown] tags=["deeper"]
# ## Deeper: half vacuous
#
# A network need not be vacuous for everybody. Give our neuron other biases. On which can Captum and Zennit not be told
# apart, although there *is* a bias? Why? (Remember $b^+$.)

# %% tags=["deeper", "reveal"]
# NBVAL_CHECK_OUTPUT
from minixai.book.exercises.ch17 import readings

print("Four readings of one rule, bias by bias:")
for bias in mx.exact([2, 0, -0.5]):
    for reading, answer in readings(mx.exact([2, 1]), mx.exact([1, -1]), bias).items():
        print(f"b = {str(bias):4} {reading:16} {say(answer)}")

# %% [markdown] tags=["deeper"]
# ## Deeper: a defect, live
#
# The table lists Captum's DeepLIFT with a defect. (Chapter 12 saw it: a promised sum did not come out.) Ask it here,
# case by case, and let the registry settle the rows. It is hooks again, now two on the same wire, a ReLU's and a
# pool's, and one of them reads what the other has not changed yet.

# %% tags=["deeper"]
display(book.recap("multipliers"))
if book.captum_or_say():
    from minixai.conformance import deviations

    lift = list(vectors.cases(only="methods/deeplift-rescale/*"))
    rows = list(deviations.settle(runner.run(ADAPTERS["captum"], lift), deviations.registry("captum")))
    print(runner.summary(rows))
    for reason in dict.fromkeys(row.why for row in rows if row.status == "defect"):
        print(f"* {reason}.")
