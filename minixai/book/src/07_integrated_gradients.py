# ---
# jupyter:
#   minixai:
#     title: "Integrated gradients: the whole way, not the last step"
#     minutes: 75
#     objectives:
#     - say why a slope of 0 does not mean that a pixel did not matter
#     - compute integrated gradients by hand and in code, and check that they add up
#     - see where on the way from a baseline to the picture the slope lives
#     - choose a baseline knowingly, and name what it makes invisible
#     needs: ["06"]
#     equations: section 4.4, (7), figure 7
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# Two lamps are on in a room. A sensor adds up their light and tells how well you can read, but it never says more than
# 1: bright enough is bright enough. Right now it says 1. Turn the first lamp up a little: still 1. Switch it off
# altogether: still 1, because the other one is enough by itself. So the first lamp did not matter?
#
# But then nor did the second, for the same reasons. And yet somebody who switches both off sits in the dark.
#
# In this chapter we stop asking what happens at the last step. We start in the dark and watch the whole way.
#
# ## Ticket in
#
# The first cell loads what we need. The second asks three questions: put a letter such as `"A"` in place of the first
# dots, then your confidence, from 1 (a coin) to 3 (sure). The *picture* of the first is two numbers, the light of each
# lamp: $(x_1, x_2) = {{lamps.picture}}$. The score is what the sensor says, $S = \min(x_1 + x_2, 1)$.

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.book.figures.ch07 import baselines, faded, ways
from minixai.zoo.scenes import scenes

ch, net = book.chapter("07_integrated_gradients"), mx.load("shapes").astype("float64")
drawn = scenes(3, 20)  # chapter 06's twenty; the network never trained on them
xs = np.stack([net.preprocess(picture) for picture in drawn.pictures]).astype("float64")
x, star, black = xs[4], net.classes.index("star"), net.black + 0 * xs[4]
book.recap("slope or contribution")

# %%
first = ch.predict("lamp", ..., confidence=...)
second = ch.predict("first_fifth", ..., confidence=...)
third = ch.predict("black_star", ..., confidence=...)
display(first, second, third)

# %% [markdown]
# ## Two lamps
#
# Out of ReLUs, the sensor is $S = \mathrm{relu}(t) - \mathrm{relu}(t - 1)$ with $t = x_1 + x_2$. Up to $t = 1$ only
# the first is on, and $S$ follows the light. From there on both are, and what one adds the other takes away.
#
# At {{lamps.picture}}, $t$ is 3. Ask for the slopes, and ask by switching off:

# %%
# NBVAL_CHECK_OUTPUT
reads = mx.Linear(mx.exact([[1, 1], [1, 1]]), mx.exact([0, -1]))  # t and t - 1
lamps, on = mx.Network.sequential([reads, mx.ReLU(), mx.Linear(mx.exact([[1, -1]]))]), mx.exact([2, 1])
for light in ([2, 1], [3, 1], [0, 1], [2, 0], [0, 0]):
    print(f"lamps at {light}: S =", *lamps(mx.exact(light)))
print("slopes at [2, 1]:", *mx.explain(lamps, on, "gradient").relevance)

# %% [markdown]
# Neither question sees anything. Both change one thing about $(2, 1)$ and leave the rest, and the rest is enough.
#
# ## Both on one dimmer
#
# So put the lamps on a common dimmer, $\alpha$. At $\alpha = 0$ it is dark; at $\alpha = 1$ all is as we found it. In
# general, you go straight from a **baseline** $x'$, the picture that you compare with, to the picture $x$:
#
# $$x(\alpha) = x' + \alpha\,(x - x')$$
#
# Here $x' = (0, 0)$, so the light is $3\alpha$. The sensor follows until $\alpha = 1/3$; then it has enough. On the
# first third of the way the slopes are $(1, 1)$, on the rest $(0, 0)$. On average over the way they are $(1/3, 1/3)$.
# Lamp 1 was turned up by 2 in all, so it brought $2 \cdot 1/3 = 2/3$; lamp 2 brought $1 \cdot 1/3$. Together
# {{lamps.black}}, which adds up to 1, and that is what the sensor gained.
#
# Mean slope on the way, times how far the pixel was turned up: these are **integrated gradients**.
#
# $$R_i^c = (x_i - x'_i) \int_0^1 \frac{\partial S_c}{\partial x_i}\big(x(\alpha)\big)\, d\alpha \qquad (7)$$
#
# Why does it add up? While you turn the dimmer a bit, the score moves by every slope times every pixel's own bit. Add
# up all bits, and you have the whole rise, $S(x) - S(x')$. In first-year calculus: the area under the slope is the
# difference of the heights. Here it is called **completeness**.
#
# ## A program looks at $n$ places
#
# No program can take the slope everywhere. The survey says *Riemann approximation*: cut the way into $n$ equal steps,
# take the slope in the middle of each, average. For the lamps and $n = 4$ the places are $\alpha = 1/8$, $3/8$, $5/8$,
# $7/8$. Only at the first of them is there a slope, so the mean slope is $1/4$ instead of $1/3$, and the contributions
# are {{lamps.four}}.
#
# Your turn. `grad(z)` returns the slopes of the score at a picture `z`; `x` and `baseline` are arrays of one shape,
# and so is what you return.

# %%
@ch.exercise("integrated_gradients")
def integrated_gradients(grad, x, baseline, n):
    """What each pixel brings, Eq. (7), with the slopes in the middle of n equal steps from baseline to x."""
    raise NotImplementedError


integrated_gradients.check()

# %% [markdown]
# ## Fading a star in
#
# Chapter 06's star, seven pictures on its way from black: the survey's Figure 7. Below stand the score of *star* and
# its probability $p$. When the score of star moves and the other nine hold still, the probability moves by
# $p\,(1 - p)$ times as much; chapter 06 showed it for two classes. When does this network stop caring?

# %% survey=["figure 7"]
# NBVAL_CHECK_OUTPUT
alphas = np.arange(7) / 6
display(faded(net, x, black, alphas))
scores = net(np.stack([black + alpha * (x - black) for alpha in alphas]))
p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
print("alpha     score    p      p (1 - p)")
for alpha, S, q in zip(alphas, scores[:, star], p[:, star], strict=True):
    print(f"{alpha:5.2f} {S:9.2f} {q:8.4f} {q * (1 - q):10.6f}")

# %% [markdown]
# There is a bright lamp in this network, too: the probability. Half-way it is nearly 1, and at the picture itself its
# slope is a hundred thousand times smaller than the score's. The score never has enough: it rises to the end.
#
# Now your function on the real network. Left, what one slope would say, taken at the picture and multiplied by
# $x - x'$. Right, twenty slopes taken all along the way. Until your function has passed, the book's stands in and the
# title says so. Look for what the two agree on, and for which is calmer.

# %% survey=["(7)", "integrated-gradients"]
def slopes(z):
    return mx.explain(net, z, "gradient", target=star).relevance


def redraw(f):
    last, whole = (x - black) * slopes(x), f(slopes, x, black, 20)
    maps = {"the last step only": last.sum(axis=0), f"the whole way: {f.label}": whole.sum(axis=0)}
    return draw.strip(maps, picture=drawn.pictures[4], title="Red spoke for star, blue against")


ch.yours("integrated_gradients", redraw)

# %% [markdown]
# Both put their strongest spots along the star's edge. The whole way is calmer: a pixel whose slope changes its sign
# again and again on the way ends up with little.
#
# **Units.** A slope is *score per unit*. Times $x - x'$, in units, it is a contribution: *score*. And a contribution
# always answers "compared with what?".
#
# ## Does it add up?
#
# It should, and whether it does can be checked without knowing anything about the network. That makes it the first
# thing to print. Write the check: what the contributions `R` add up to, minus what they should add up to. `S` is the
# score of the picture, `S0` that of the baseline; `R` has any shape.

# %%
@ch.exercise("completeness_gap")
def completeness_gap(R, S, S0):
    """How much R adds up to beyond S - S0: 0 if all is well, negative if some is missing."""
    raise NotImplementedError


completeness_gap.check()

# %%
# NBVAL_CHECK_OUTPUT
def table(gap):  # e.expected is S - S0
    print("  n    gap of the lamps   gap of the star")
    for n in (3, 4, 5, 10, 20, 50):
        both = [mx.explain(*what, "integrated-gradients", n=n) for what in ((lamps, on), (net, x))]
        lamp, picture = (float(gap(e.relevance, e.score, e.score - e.expected)) for e in both)
        print(f"{n:3} {lamp:12.2f} of 1 {picture:8.2f} of {both[1].expected:.2f}")


ch.yours("completeness_gap", table)

# %% [markdown]
# Three places are perfect for the lamps and bad for the star. And the gap does not shrink step by step, it hops: one
# place more or less falls on a steep part of the way, and that is all it takes. Here fifty are plenty. Elsewhere, let
# the gap tell you.
#
# ## Where the slope lives
#
# The lamps earn everything on the first third of the way. What about the star? You have guessed how much has come
# after one fifth.
#
# In the figure, the bars are the slope along the way, in score per unit of $\alpha$; a bar that you have passed is
# filled. On the right the contributions collected so far. First leave the baseline on black and move $\alpha$ only.
# Then do the same from middle grey and from white. Numbers below the figure say what has been passed.

# %%
walked = ways(net, x)
display(book.figures.fade_in(net, x, walked))
finished = {f"from {name}": w.steps.sum(axis=(0, 1)) for name, w in walked.items()}
draw.strip(finished, picture=drawn.pictures[4], title="The finished maps, from three baselines")

# %%
ch.observe("all_baselines", ...)

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Twenty pictures: the mean share of the score difference that has come\nby alpha =    0.2   0.5")
said = net(xs).argmax(axis=1)
for name, start in baselines(net, x).items():
    S = np.array([net(start + a * (xs - start))[range(20), said] for a in (0, 0.2, 0.5, 1)])
    come = ((S - S[0]) / (S[-1] - S[0])).mean(axis=1)
    print(f"{name:12} {come[1]:5.2f} {come[2]:5.2f}")
ch.reveal("first_fifth")

# %% [markdown]
# *If you see only a still picture, the page is shown without its kernel; `make lab` opens the chapter with it.*
#
# Were the slope the same on the whole way, the table would say 0.20 and 0.50. A fifth of the way from black you
# already recognise the star; the network is late where the lamps are early. After that each way has a slope of its
# own, and each adds up.
#
# > **What does *not there* look like?** Chapter 02 hid pixels behind black, grey, white and grass. Here they start from
# > black. DeepLIFT will call it a reference, and later a generator will paint it. It is one question asked over and
# > over: *what would be there, if it were not there?* There is no neutral answer. Every answer makes something
# > invisible: whatever looks like it.
#
# Let us see that at its worst. Paint the star black. (The network still says star.) Then explain it from black, from
# middle grey, from white, and from the mean colour of the ground.
#
# One of these is a trap in code. Preprocessing sends a black pixel to -2 and a white one to 2. So an array of zeros,
# which many a program takes for black, *is* middle grey.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("What the black star's own pixels get, and what the pixels beside it get:")
painted, mask, maps = drawn.pictures[4].copy(), drawn.masks[4], {}
painted[mask] = 0
z = net.preprocess(painted)
ground = z[:, ~mask].mean(axis=1)[:, None, None] + 0 * z
for name, start in (baselines(net, z) | {"the ground": ground}).items():
    e = mx.explain(net, z, "integrated-gradients", target=star, baseline=start, n=20)
    maps[f"from {name}"], sums = e.map, (e.map[mask].sum(), e.map[~mask].sum(), e.total, e.expected)
    print(f"{name:12}", "star {:6.2f}  beside {:6.2f}  together {:5.2f} of {:5.2f}".format(*sums))
display(draw.strip(maps, picture=painted, title="One black star, four baselines"))
ch.reveal("black_star")

# %% [markdown]
# From black, the star itself gets 0, to the last digit, and the ground gets everything. The sum is fine. The answer is
# even right: compared with a black picture, it *is* the ground that was added, and the star is where nothing was. It
# is just not what anybody wanted to know. From white, the star gets twice the difference, and the ground takes half of
# that back.
#
# ## Break it: pixels that cannot be seen
#
# A pixel can also get 0 without looking like its baseline. Chapter 06's $S = \min(x_1, x_2)$ is the place to look, with
# both pixels above 0. Switch off either pixel there and the whole score is gone, so neither can be spared.
#
# Return two pairs, each a picture and a baseline. In both, some pixel must get exactly 0. In the first pair because it
# has its baseline's value. In the second although it has another one, because its slope is 0 on the whole way.

# %%
@ch.exercise("unseen", kind="counterexample")
def unseen():
    """(x, baseline), (x, baseline): each of the four is an array of two numbers, such as np.array([5.0, 1.0])."""
    raise NotImplementedError


unseen.check()

# %% [markdown]
# ## Break it: take away what was learnt
#
# As in chapter 06: explain the runner-up instead, and then a network whose weights have been shuffled, all of them. How
# alike are the heat maps? 1 is the same picture, 0 has nothing in common. The mean is over ten pictures, with eight
# slopes each.

# %%
# NBVAL_CHECK_OUTPUT
def alike(maps, others):
    return np.mean([np.corrcoef(p.ravel(), q.ravel())[0, 1] for p, q in zip(maps, others, strict=True)])


ten, stranger = xs[:10], book.scrambled(net)
best, second = (list(c) for c in np.argsort(-net(ten), axis=1)[:, :2].T)
asked = ((net, best), (net, second), (stranger, best))
print("                       runner-up   shuffled weights")
for name, params in (("guided-backprop", {}), ("gradient", {}), ("integrated-gradients", {"n": 8})):
    maps, other, lost = (mx.explain(n, ten, name, target=c, **params).heatmap for n, c in asked)
    print(f"{name:22} {alike(maps, other):9.2f} {alike(maps, lost):18.2f}")

# %% [markdown]
# Integrated gradients pass, more clearly than the gradient. Mind what that proves: the map depends on the class and on
# what was learnt. It does not say that the baseline was a good question.
#
# ## Exit ticket
#
# One computation for your pencil, two numbers in brackets such as `(1, 2)`. One claim to check, a letter.

# %%
mine = ch.predict("half_lit", ..., confidence=...), ch.exercise("what_adds_up", kind="claim").answer(...)
display(*mine)

# %% [markdown]
# ## One page to keep
#
# * A slope of 0 at the picture says that the *last step* does not matter. A pixel may have done its work before.
# * **Integrated gradients**: walk straight from a baseline $x'$ to the picture $x$, average the slopes on the way,
#   multiply by $x - x'$. *Units: score, compared with the baseline.*
# * The area under the slope is the score difference. So print the **gap**, and take more places where it is large.
# * What looks like the baseline gets nothing. **Say which baseline**, and try a second one.
# * Adding up is not the same as being right.
#
# **What the survey leaves open.** It takes a black picture and does not ask what black hides. It does not mention that
# the sum is promised, the best check there is. And read (7) with care: printed as
# $\partial S_c(x' + \alpha(x - x'))/\partial x_i$, it invites you to differentiate through $x(\alpha)$, which brings
# in a factor $\alpha$, and nothing adds up any more. Meant is the slope of $S_c$, taken at the place $x(\alpha)$.

# %% [markdown] tags=["deeper"]
# ## Deeper: other ways to the same light
#
# Nobody forces us to dim both lamps together. Switch on lamp 1 first, then lamp 2: lamp 1 brings the whole 1, lamp 2
# finds the work done. Or the other way round. Or take the mean of both orders, which is known as the Shapley value.
# All add up to 1. The straight way has one advantage: it favours no order. It still is a choice.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
names = {"first": "1, then 2", "second": "2, then 1", "either": "mean of both", "black": "straight"}
for key, name in names.items():
    share = book.numbers.value(f"lamps.{key}")
    print(f"{name:13} ({share[0]}, {share[1]})   sum {share.sum()}")

# %% [markdown] tags=["deeper"]
# ## Deeper: from kink to kink
#
# The lamps have one kink, at $\alpha = 1/3$, and between kinks the slope does not change at all. So on a small network
# the integral needs no approximation: find the kinks, take one slope per piece. That is `quadrature="exact"`, and in
# fractions the gap is exactly 0.
#
# The running example, $\min(x_1, x_2)$ from $(0, 0)$, does not even have a kink on the way. It has no biases, so
# fading it in changes no gate. Then the mean slope is the slope at the picture, and integrated gradients are nothing
# but gradient times picture. Biases are what makes the walk worth the while.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
for network, pixels in ((lamps, on), (book.two_pixels(), book.TWO_PIXELS)):
    e = mx.explain(network, pixels, "integrated-gradients", quadrature="exact")
    slope = mx.explain(network, pixels, "gradient").relevance
    print(*pixels, "  exactly", *e.relevance, "  gap", e.total - e.expected, "  slope x pixels", *(slope * pixels))

# %% [markdown] tags=["deeper"]
# ## Deeper: which places?
#
# The middle of each step is one recipe. Others take the left end or the right, or both ends at half weight (the
# trapezoid), or the famous places of Gauss and Legendre, unbeatable for smooth curves. Here is the gap of the star with
# ten and with twenty places. Before you run the cell: will the unbeatable one win?

# %% tags=["deeper", "reveal"]
# NBVAL_CHECK_OUTPUT
print("The gap of the star, by recipe:")
for quadrature in ("midpoint", "left", "right", "trapezoid", "gauss-legendre"):
    gaps = []
    for n in (10, 20):
        e = mx.explain(net, x, "integrated-gradients", target=star, n=n, quadrature=quadrature)
        gaps.append(f"n = {n}: {e.total - e.expected:5.2f}")
    print(f"{quadrature:15}", *gaps)

# %% [markdown] tags=["deeper"]
# The slope of a ReLU network jumps, and a recipe that counts on a smooth curve is not rewarded for it. When two
# libraries disagree about integrated gradients, look at this switch first (chapter 17). In the package it is one short
# function, and its places and weights go into (7):

# %% tags=["deeper"] survey=["(7)"]
from minixai.whitebox import integrated

book.show(integrated.points, integrated.integrated_gradients)

# %% [markdown] tags=["deeper"]
# ## Deeper: is the map calmer?
#
# Section 4.4 reports that a little noise makes the gradient's map jump, and expects integrated gradients to be less
# sensitive, since they average. We put 2 % of noise on 100 pictures and measured by how much each map moved (1 minus
# the correlation; brackets say how far chance may have moved the mean). From the record:

# %% tags=["deeper"] survey=["claim integrated-noise"]
# NBVAL_CHECK_OUTPUT
import json

from minixai import files

found = json.loads((files.root("data") / "results" / "integrated-noise.json").read_text())
for row in found["panels"][0]["rows"]:
    mean, low, high = row["interval"]
    print(f"{row['label']:22} {mean:.3f} ({low:.3f} to {high:.3f})")
print("the claim, 'less than the other gradient-based methods':", found["verdict"])

# %% [markdown] tags=["deeper"]
# Against the gradient no difference shows; the brackets overlap. Against guided the claim fails: its map hardly moves.
# But you know from chapter 06 what else its map hardly moves for. Calm is no virtue by itself.

# %% [markdown] tags=["deeper"]
# ## Deeper: a second opinion
#
# PyTorch takes the same walk with arithmetic of its own. The first lines compare the two on this star, now; the last
# are from the record of `minixai crosscheck`.

# %% tags=["deeper"]
display(book.second_opinion(net, x, ["gradient", "integrated-gradients"]))
book.badge("shapes")
