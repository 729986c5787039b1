# ---
# jupyter:
#   minixai:
#     title: "Walking backwards: the chain rule and the flipped filter"
#     minutes: 80
#     objectives:
#     - walk a score back by hand, and add where paths meet
#     - say what an output paints and what a pixel collects
#     - write both walks through a convolution
#     - unmask a wrong backward pass that looks right
#     needs: ["03"]
#     equations: Appendix A, (28)-(33)
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# A network runs forwards: picture in, scores out. From here on, most methods run the other way. They put a number in
# at one score and walk back, layer by layer, to the picture. What arrives there is the map.
#
# Most layers on the way are harmless. One is not: the convolution. Push a single 1 into its *output* and let it run
# *backwards*: what comes out at the other end? Old hands get this wrong.
#
# ## Ticket in
#
# Run the two cells to see the questions. Then write each answer where the first dots are, and your confidence after
# it: 1 is a coin, 3 is sure. Two numbers go in brackets, `(1, 2)`; a letter goes in quotation marks, `"C"`.

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.book.numbers import say
from minixai.ops.convolution import conv_adjoint
from minixai.zoo import digits

ch = book.chapter("04_walking_backwards")
book.recap("score")

# %%
display(ch.predict("fork", ..., confidence=...))
ch.predict("paint_one", ..., confidence=...)

# %% [markdown]
# ## Forks add
#
# The first question, slowly: $S = 3\,\mathrm{relu}(2x_1 + x_2 - 1) - \mathrm{relu}(x_1 - x_2)$ at
# $(x_1, x_2) = {{fork.picture}}$. Recall $\mathrm{relu}(t) = \max(0, t)$. Here both insides are positive, so both
# relus hand on what they are given, and $S = {{fork.score}}$.
#
# How does $S$ move when a pixel moves? Each pixel sits at a fork: it feeds both relus. Through the first one the
# slopes are $3 \cdot (2, 1) = {{fork.first}}$. Through the second they are $-1 \cdot (1, -1) = {{fork.second}}$. A
# pixel that moves, moves *both*. So the two are added: {{fork.slope}}.
#
# This is the **chain rule**, and all there is to walking backwards. On each path, multiply the slopes you pass. Where
# paths meet, add. The survey writes one stride of it as
#
# $$\frac{\partial L}{\partial Y} = \frac{\partial L}{\partial O} \cdot \frac{\partial O}{\partial Y} \qquad (28)$$
#
# where $Y$ goes into a layer and $O$ comes out. $L$ stands at the end: a loss in training, for us the score $S$. Read
# it from right to left: how the layer moves, times how much that matters further on.
#
# Now let the engine walk. Below is our $S$ with its fork in plain sight: `a` and `b` both read the input. Running it
# forwards leaves a *tape* of all that was computed; the walk follows the tape back. It starts with a *seed*, the
# number put in at the score: 1, because the slope of $S$ with respect to $S$ is 1.

# %% survey=["(28)"]
# NBVAL_CHECK_OUTPUT
a, b = mx.Linear(mx.exact([[2, 1]]), mx.exact([-1])), mx.Linear(mx.exact([[1, -1]]))
fork = mx.Network((  # a node: its name, its layer, what it reads
    mx.Node("a", a, "input"), mx.Node("relu a", mx.ReLU(), "a"), mx.Node("3 a", mx.Linear(mx.exact([[3]])), "relu a"),
    mx.Node("b", b, "input"), mx.Node("relu b", mx.ReLU(), "b"), mx.Node("-b", mx.Linear(mx.exact([[-1]])), "relu b"),
    mx.Node("S", mx.Add(), ("3 a", "-b")),
))  # fmt: skip
tape = mx.forward(fork, mx.exact([2, 1]))
# the rules of "gradient": the chain rule at each layer
for hop in mx.walk(tape, seed=mx.exact([[1]]), rules=mx.rules("gradient")):
    sent = " and ".join(say(part[0]) for part in hop.leaving) or "nothing: we are there"
    print(f"{hop.at.name:>6}: forwards {say(hop.at.y[0]):>6}, arriving {say(hop.arriving[0]):>6}, leaving {sent}")

# %% [markdown]
# One message left `b` for the input, another left `a`. What arrives there is their sum. In the package that plus
# stands on one line only. Suppose somebody forgot it. The last message would overwrite the first, and a path would be
# lost: no error, and a respectable-looking map.
#
# ## One convolution, walked by hand
#
# The second question. A filter $F$ slides over the input $Y$. At each place it lies on a **window**. Its numbers,
# the **taps**, are multiplied by what lies under them, and the sum goes to the output $O$. For a 3 x 3 input and a
# 2 x 2 filter there are four places:
#
# $$o_{11} = y_{11}f_{11} + y_{12}f_{12} + y_{21}f_{21} + y_{22}f_{22} \quad\ldots\quad
# o_{22} = y_{22}f_{11} + y_{23}f_{12} + y_{32}f_{21} + y_{33}f_{22} \qquad (30)$$
#
# Stand at the *output* first. How does $o_{11}$ move with the inputs? With $y_{11}$ by $f_{11}$, with
# $y_{12}$ by $f_{12}$, and so on (31). So a 1 that arrives at $o_{11}$ puts the filter onto its window, **as it is**.
# We say: the output *paints* the filter. For $F = {{paint.filter:matrix}}$ the input receives
# ${{paint.one:matrix}}$.
#
# A 5 paints five times as much, and where strokes overlap they add: forks again. Let $G = {{paint.signal:matrix}}$
# arrive. The strokes of the 5 and the 6 overlap in the centre. (`adjoint` is the engine's word for walking back
# through a layer.)

# %%
# NBVAL_CHECK_OUTPUT
F = mx.exact([[1, 2], [3, 4]])
conv, empty = mx.Conv2d(F[None, None]), np.zeros((1, 1, 3, 3))  # empty: only its size is used
for G in ([[1, 0], [0, 0]], [[5, 0], [0, 0]], [[0, 0], [0, 6]], [[5, 0], [0, 6]]):
    print("arriving", G, "  at the input", say(conv.adjoint(mx.exact([[G]]), empty)[0, 0]))

# %% [markdown]
# The centre gets {{paint.centre}}: $5 \cdot f_{22}$ from one stroke, $6 \cdot f_{11}$ from the other. Now go and stand
# *there*, at the centre, and look back. Write $g_{11}$ for what arrives at $o_{11}$, and so on. Then
#
# $$\frac{\partial L}{\partial y_{22}} = g_{11}f_{22} + g_{12}f_{21} + g_{21}f_{12} + g_{22}f_{11} \qquad
# \text{(one line of 32)}$$
#
# The $g$ stand in reading order. The $f$ stand in the opposite order, last tap first. Laid out as a square, the pixel
# *collects* from $G$ with
#
# $$\begin{pmatrix} f_{22} & f_{21} \\ f_{12} & f_{11} \end{pmatrix} \qquad (33)$$
#
# the filter turned by 180 degrees: ${{paint.flipped:matrix}}$. Nobody decided to turn it. It is a change of viewpoint:
# if you are at the bottom right of my window, I am at your top left.
#
# A pixel at the edge looks back at fewer outputs. So surround $G$ with zeros, one ring for a 2 x 2 filter, and every
# pixel sees a full square. That is the survey's *full convolution*: zeros around $G$, then slide the turned filter.
#
# ## Painting and collecting
#
# In the figure a single 1 arrives at the first output. Switch to *collect* and look at the pixel in row 2, column 2.
# Then move the 1 to another output: type 0 in its box, 1 in another. Change nothing else. The strip below shows all
# four strokes: look where the 4, the brightest, goes.
#
# Then answer, with the 1 back at the first output: that is above and to the left of the centre. Name the tap by its
# place in the filter **as it is**.

# %%
display(book.figures.painting([[1, 0], [0, 0]]))
ones = mx.exact(np.eye(4).reshape(4, 1, 2, 2))
strokes = {f"1 at o{n}": s for n, s in zip((11, 12, 21, 22), conv.adjoint(ones, empty)[:, 0], strict=True)}
draw.strip(strokes, title="What a single 1 paints", columns=4)

# %%
ch.observe("collect", ...)

# %% [markdown]
# ## Now you
#
# Write the walk back through a convolution, for matrices `G` and `F` of any size, not always square. The answer has
# the size of the input: rows of `G` plus rows of `F` minus 1, and likewise for columns. Paint or collect, as you like.
#
# Useful: `x[i : i + 2, j : j + 3]` is a window of 2 x 3. `np.pad(G, ((1, 1), (2, 2)))` adds a row of zeros above and
# below, two columns left and right. `M[::-1]` turns the rows upside down. The 5 and the 6 above should give
# ${{paint.sum:matrix}}$. Stuck? `conv_backward.hint()`, in a new cell.
#
# Below the exercise, the package's own. In `walk`, the plus where paths meet stands just before `yield`. The end of
# `conv_adjoint` says: zeros around, turn, slide. (`reach` and `spread` serve filters that move in larger steps.)

# %%
@ch.exercise("conv_backward")
def conv_backward(G, F):
    """From the signal G that arrives at the output to the signal at the input."""
    raise NotImplementedError


conv_backward.check()

# %%
book.show(mx.walk, conv_adjoint)

# %% [markdown]
# Your function at work. `digits` reads handwritten digits, 8 x 8 pixels; its first layer has 16 filters, so 16 signals
# arrive there. The engine has walked so far; the last stride is yours. Each filter makes its own picture, and the 16
# are added: forks again. Look for two equal panels. Until your function passes, the book's own stands in, as
# `reference`.
#
# Red: turn this pixel up, and the score of *six* rises. Blue: it falls. *Units: score per unit of the pixel*, so a
# slope, not a contribution.

# %%
net, pictures = mx.load("digits").astype("float64"), digits.samples().x.astype("float64")
six = pictures[12]
engines = mx.explain(net, six, "gradient")
arriving, filters = engines.signals["conv1"], net.node("conv1").op.weight[:, 0]  # 16 of 8 x 8, 16 of 3 x 3


def last_stride(f):
    whole = sum(f(G, F) for G, F in zip(arriving, filters, strict=True))
    # this layer puts a ring of zeros around its picture: what the walk hands to the ring is cut off
    return draw.strip({"the engine's": engines.relevance[0], f.label: whole[1:-1, 1:-1]}, picture=six[0], title="Six")


ch.yours("conv_backward", last_stride)

# %% [markdown]
# ## A bug that hides
#
# A colleague remembers that the walk back "is again a convolution", and writes the function below. It runs, and gives
# arrays of the right size. How would you ever find out?
#
# There is a test that needs no second opinion. Take any picture $x$ and any signal $G$. Run $x$ forwards, multiply
# with $G$ place by place, add up. Or run $G$ backwards and do the same with $x$. Both add the same products
# $x \cdot f \cdot g$, sorted once by output and once by pixel. So
#
# $$\langle \mathrm{conv}(x),\, G \rangle = \langle x,\, \mathrm{back}(G) \rangle$$
#
# where $\langle\,,\rangle$ means: multiply place by place and add up. This is the **adjoint test**, hence the engine's
# word. On chapter 03's pocket picture ${{pocket.picture:matrix}}$ both sides should be {{paint.forwards}}.
#
# But suppose the colleague had tried only one, lucky filter. In the exercise, return a filter on which their code is
# *always* right, whatever arrives; and a case `(G, F)` on which it is wrong.

# %%
# NBVAL_CHECK_OUTPUT
def colleagues(G, F):
    """Zeros around G, then F slid over it."""
    ring = F.shape[0] - 1, F.shape[1] - 1
    return mx.Conv2d(F[None, None], padding=ring).forward(G[None, None])[0, 0]


pocket, G = book.POCKET_PICTURE[0], mx.exact([[5, 0], [0, 6]])
print("forwards   ", (conv.forward(pocket[None, None])[0, 0] * G).sum())
print("backwards  ", (pocket * conv.adjoint(G[None, None], empty)[0, 0]).sum())
print("colleague's", (pocket * colleagues(G, F)).sum())

# %%
@ch.exercise("unflipped", kind="bug")
def unflipped():
    """hidden, (G, F): a filter that hides the bug; a signal and a filter that expose it."""
    raise NotImplementedError


unflipped.check()

# %% [markdown]
# ## The other way out: towards the filter
#
# Two things go into a convolution, so there are two ways out. One leads to the picture, and to our maps. The other
# leads to the filter, and is how networks learn.
#
# Here nothing is turned. The tap $f_{11}$ met one input number per output, and at each output something arrived:
# $\partial L / \partial f_{11} = y_{11}g_{11} + y_{12}g_{12} + y_{21}g_{21} + y_{22}g_{22}$. Slide $G$ over $Y$, as if
# it were the filter. The answer has the filter's size: rows of `Y` minus rows of `G` plus 1, and likewise for columns.
#
# For the pocket picture and $G$ = `[[1, 2], [0, 3]]`, the cell shows the engine's answer and a check: raise one tap by
# 1, see what $L = \langle \mathrm{conv}(Y), G \rangle$ gains. Then write it.

# %%
# NBVAL_CHECK_OUTPUT
Y, G = book.POCKET_PICTURE[None], mx.exact([[[[1, 2], [0, 3]]]])
print("the engine's", say(conv.parameter_gradients(G, Y)["weight"][0, 0]))
for i, j in np.ndindex(2, 2):
    raised = F.copy()
    raised[i, j] += 1
    gain = (mx.Conv2d(raised[None, None]).forward(Y) * G).sum() - (conv.forward(Y) * G).sum()
    print(f"tap f{i + 1}{j + 1} raised by 1: L gains {gain}")

# %%
@ch.exercise("filter_gradient")
def filter_gradient(Y, G):
    """How L moves with each tap: from the input Y and the arriving signal G."""
    raise NotImplementedError


filter_gradient.check()

# %% [markdown]
# ## Break it
#
# The colleague's bug in a real network. The cell draws the slope of the score of *nine* twice: by the right walk,
# and with the filter as it is in all three convolutions. Which is right? Write your guess under the maps.
#
# One judge needs no persuading. Hold every ReLU open or shut and every max-pool winner in place: then the whole
# network is linear, and the adjoint test applies to it at once. Change the picture by any $d$; the score must move by
# exactly $\langle \mathrm{slopes}, d \rangle$. When you have guessed, run the third cell: that opens it.

# %%
def unturned(R, step):  # turned here, turned back by the engine's own turn: the filter as it is
    return mx.Conv2d(step.op.weight[..., ::-1, ::-1], padding=step.op.padding).adjoint(R, step.x)


def slopes(tape, rules):
    seed = np.eye(10)[[tape.output.y.argmax()]]  # 1 at the class with the highest score
    return list(mx.walk(tape, seed, rules))[-1].arriving[0]


tables = mx.rules("gradient"), mx.rules("gradient") | {mx.Conv2d: unturned}  # right; right but for one rule
order = np.random.default_rng(8).permutation(2)
nine = mx.forward(net, pictures[18])
two = {letter: slopes(nine, tables[k])[0] for letter, k in zip("AB", order, strict=True)}
draw.strip(two, picture=pictures[18, 0], title="Nine: which walk is right?")

# %%
ch.predict("tell_by_eye", ..., confidence=...)

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Five pictures, each changed by some d:")  # choices: every ReLU and every winner as the tape has them
for n, d in zip((2, 7, 12, 14, 18), np.random.default_rng(0).integers(-2, 3, (5, 1, 8, 8)) / 4, strict=True):
    tape = mx.forward(net, pictures[n])
    moved = (mx.forward(net, pictures[n] + d, choices=tape).output.y - tape.output.y)[0, tape.output.y.argmax()]
    right, wrong = ((slopes(tape, rules) * d).sum() for rules in tables)
    print(f"the score moves by {moved:7.3f}: right {right:7.3f}, unturned {wrong:7.3f}")

# %% [markdown]
# One column agrees to the last digit; the other at times misses even the sign. I could not have told from the maps.
#
# ## Exit ticket
#
# First your guess about the nine. Then by hand: $F = {{paint.filter:matrix}}$, and the signal `[[0, 2], [1, 0]]`
# arrives. What is at the input? Put your matrix for the dots, as `[[., ., .], [., ., .], [., ., .]]`; `True` means
# agreement. Then the fork once more, without scrolling up.

# %%
mine = ...
display(ch.reveal("tell_by_eye"))
display("not yet" if mine is ... else np.array_equal(conv.adjoint(mx.exact([[[[0, 2], [1, 0]]]]), empty)[0, 0], mine))
ch.predict("fork", ..., confidence=...)

# %% [markdown]
# ## One page to keep
#
# * **The chain rule, walked.** On a path, multiply; where paths meet, add.
# * **The flipped filter.** One output paints the filter as it is. One pixel collects with the filter turned by 180
#   degrees. Same sums. Towards the filter, nothing is turned.
# * **The adjoint test.** $\langle \mathrm{conv}(x), G \rangle = \langle x, \mathrm{back}(G) \rangle$. It finds what
#   the eye does not.
# * *Units: score per unit of a pixel, or of a tap.*
#
# **What the survey leaves open.** Appendix A is right, and a little tight-lipped. Three traps (more at the very end):
#
# * The dot in (28) is no product of two matrices of numbers. It says: multiply along paths, then add.
# * (33) calls the turned filter $F$ again. Above, $F$ is always the filter as it is.
# * It announces $\partial L / \partial F$ and never gives it. You have written it.
#
# `ch.progress()` shows where you stand.

# %% [markdown] tags=["deeper"]
# ## Deeper: the appendix derives itself
#
# The engine never asks what kind of numbers it computes with. Fractions went through it above; letters will, too. Put
# SymPy symbols into the arrays of Eq. (29), and the code you have been using prints the appendix.
#
# First the convolution forwards, Eq. (30). SymPy sorts the factors by the alphabet; otherwise it is as printed.

# %% tags=["deeper"] survey=["(29)", "(30)"]
# NBVAL_CHECK_OUTPUT
import sympy


def letters(name, rows, columns):
    each = [[sympy.Symbol(f"{name}{i + 1}{j + 1}") for j in range(columns)] for i in range(rows)]
    return np.array(each, dtype=object)


y, f, g = letters("y", 3, 3), letters("f", 2, 2), letters("g", 2, 2)  # (29); g is dL/do
layer = mx.Conv2d(f[None, None])
o = layer.forward(y[None, None])[0, 0]
for i, j in np.ndindex(2, 2):
    print(f"o{i + 1}{j + 1} = {o[i, j]}")

# %% [markdown] tags=["deeper"]
# Eq. (31) asks how $o_{11}$ moves with the four inputs it sees. Here SymPy differentiates; the engine has no part in
# it.

# %% tags=["deeper"] survey=["(31)"]
# NBVAL_CHECK_OUTPUT
for place in ((0, 0), (0, 1), (1, 0), (1, 1)):
    print(f"d o11 / d {y[place]} = {sympy.diff(o[0, 0], y[place])}")

# %% [markdown] tags=["deeper"]
# Eq. (32), all nine lines, printed by the engine's backward pass. To be sure, take a loss whose slopes at the output
# are the $g$, that is $L = \sum_{ij} o_{ij}\,g_{ij}$. Let SymPy differentiate it by every input, and compare.

# %% tags=["deeper"] survey=["(32)"]
# NBVAL_CHECK_OUTPUT
back = layer.adjoint(g[None, None], y[None, None])[0, 0]
L = (o * g).sum()
lines = [f"dL / d {y[place]} = {back[place]}" for place in np.ndindex(3, 3)]
same = sum(sympy.expand(p - sympy.diff(L, q)) == 0 for p, q in zip(back.flat, y.flat, strict=True))
print("\n".join([*lines, f"{same} of 9 are SymPy's derivatives"]))

# %% [markdown] tags=["deeper"]
# Eq. (33): slide the turned filter over $g$ with a ring of zeros. That is an ordinary convolution *forwards*, padding
# 1. It gives (32) in all nine places. With the filter as it is, or turned only half, how many places survive?

# %% tags=["deeper"] survey=["(33)"]
# NBVAL_CHECK_OUTPUT
ways = {"turned": f[::-1, ::-1], "as it is": f, "top to bottom": f[::-1], "left to right": f[:, ::-1]}
lines = []
for name, tried in ways.items():
    slid = mx.Conv2d(tried[None, None], padding=1).forward(g[None, None])[0, 0]
    agree = sum(sympy.expand(p - q) == 0 for p, q in zip(slid.flat, back.flat, strict=True))
    lines.append(f"{name:>13} {tried.tolist()}: {agree} of 9 places agree")
print("\n".join(lines))

# %% [markdown] tags=["deeper"]
# The line the appendix announces and leaves out, $\partial L / \partial F$: no letter is turned.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
learned = layer.parameter_gradients(g[None, None], y[None, None])["weight"][0, 0]
same = sum(sympy.expand(p - sympy.diff(L, q)) == 0 for p, q in zip(learned.flat, f.flat, strict=True))
lines = [f"dL / d {f[place]} = {learned[place]}" for place in np.ndindex(2, 2)]
print("\n".join([*lines, f"{same} of 4 are SymPy's derivatives"]))

# %% [markdown] tags=["deeper"]
# And beyond the appendix: a filter that moves in steps of 2 over a 4 x 4 input. The four windows no longer overlap,
# so every pixel collects from one output only. Painting needs no new rule at all.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
steps = mx.Conv2d(f[None, None], stride=2)
for line in steps.adjoint(g[None, None], letters("y", 4, 4)[None, None])[0, 0]:
    print("   ".join(map(str, line)))

# %% [markdown] tags=["deeper"]
# ## Deeper: a second opinion
#
# You have the adjoint from a sum written out by hand, from a dot product and from SymPy. PyTorch has a fourth way:
# it records what a computation reads and differentiates that record. It has never seen our code. Give it a layer with
# everything that can go wrong at once, steps of 2, a hole in the filter, padding, two groups, and let it walk back
# from random numbers: what remains is the last digit of a float. The last lines below are about a whole network, the
# ten shapes, and every method of this book (from the record of `minixai crosscheck`).

# %% tags=["deeper"]
if torch := book.torch_or_say():
    rng = np.random.default_rng(4)
    w, a = rng.standard_normal((4, 3, 3, 2)), rng.standard_normal((2, 6, 9, 8))
    facts = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}
    ours = mx.Conv2d(w, **facts)
    R = rng.standard_normal(ours.forward(a).shape)

    leaf, weight = torch.tensor(a, requires_grad=True), torch.tensor(w, requires_grad=True)
    theirs = torch.nn.functional.conv2d(leaf, weight, **facts)
    at_input, at_weight = torch.autograd.grad(theirs, (leaf, weight), torch.tensor(R))
    pairs = {
        "forwards": (ours.forward(a), theirs.detach()),
        "back to the input": (ours.adjoint(R, a), at_input),
        "back to the filter": (ours.parameter_gradients(R, a)["weight"], at_weight),
    }
    for name, (one, other) in pairs.items():
        print(f"{name:18} {np.abs(one - other.numpy()).max():.0e} apart, numbers up to {np.abs(one).max():.0f}")
book.badge("shapes")

# %% [markdown] tags=["deeper"]
# ## Deeper: words and letters that trip readers
#
# *Convolution.* Eq. (30) slides the filter as it is. In signal processing that is *correlation*, and a convolution
# slides the turned one. Many an argument about the flip is an argument about this word. With theirs, the walk forwards
# turns the filter and the walk back does not.
#
# *Inverse.* Section 4.1 calls DeconvNet's filtering the inverse of the convolution. It is the adjoint. An inverse would
# give the picture back; paint the output of (30) and see that it does not.
#
# *Generalise.* Section 4.2 says that the gradient generalises DeconvNet. They share this step and the pool's, and
# differ at the ReLU, where neither contains the other. Chapter 06 opens there.
#
# *Letters.* Below (12) the text sums over $q$ and writes $a_i$ where $a_q$ is meant. (10) sums where the text beside it
# says averaged. $R$ is relevance in one place and the real numbers in another.
