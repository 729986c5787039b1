# ---
# jupyter:
#   minixai:
#     title: "Attacks and adversarial explanations"
#     minutes: 90
#     objectives:
#     - say why many steps too small to see can turn a decision, and why random ones of that size do not
#     - attack a network by hand and in code
#     - explain a decision by what two generators paint, and say what that proves
#     - notice when a measure praises a map that explains nothing
#     needs: ["06"]
#     equations: section 6, (27)
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# You may change a photograph of a stop sign, under one condition: no pixel may move by more than a fiftieth of the way
# from black to white. On a screen with 256 greys that is five of them. Nobody will notice. Can you make a network read
# something else?
#
# Before you answer: a small picture, 64 x 64 pixels in three colours, has 12,288 numbers. You may move each of them.
#
# This chapter first builds such a change. Then it turns the trick round: perhaps *what had to change* is the
# explanation.
#
# ## Ticket in
#
# Three guesses: a letter such as `"A"` in place of the first dots, then your confidence, from 1 (a coin) to 3 (sure).

# %%
from dataclasses import replace

import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.adversarial import attack
from minixai.book.figures.ch14 import both_ways, moved, painted, signs, trails
from minixai.experiments.intervals import mean_interval
from minixai.metrics import auc, dice, pointing, region
from minixai.zoo.scenes import scenes

ch, net = book.chapter("14_attacks"), mx.load("shapes").astype("float64")
# A hundred drawings that it never trained on
xs = np.stack([net.preprocess(p) for p in scenes(3, 100).pictures]).astype("float64")
x, star = xs[4], net.classes.index("star")

# %%
first = ch.predict("hundred", ..., confidence=...)
second = ch.predict("flips", ..., confidence=...)
third = ch.predict("on_lesion", ..., confidence=...)
display(first, second, third, book.recap("slope or contribution"))

# %% [markdown]
# ## A hundred small steps
#
# Three pixels, a score $S = w \cdot x$ with $w = {{push.weights}}$, and every pixel may move by
# $\varepsilon = {{push.eps}}$. Which way would you move each, to make $S$ rise most? Up where the weight is positive,
# down where it is negative: along the signs {{push.signs}}. Then nothing cancels, and
#
# $$\Delta S = \varepsilon\,(|w_1| + |w_2| + |w_3|) = \tfrac14 \cdot 4 = {{push.three}}.$$
#
# Now a hundred pixels of weight $\pm 1$, and $\varepsilon$ a fiftieth: along the signs $\Delta S = {{push.hundred}}$.
# Toss the signs instead, and ups and downs cancel, but for about $\varepsilon \sqrt{100}$, that is {{push.spread}}.
# With $n$ pixels, one way grows like $n$, the other like $\sqrt n$. A picture has a large $n$.
#
# A network is no sum, but close to one picture it nearly is, and the slopes of chapter 06 are the weights. Slopes of
# what? An attack wants the network to doubt what it says now. So take the **loss** of its own decision $c$,
# $L = -\log p_c$, with $p_c$ its probability: 0 if the network is sure, larger the more it doubts. The **fast gradient
# sign method**, FGSM, asks for the slope once and takes one step:
#
# $$x' = x + \varepsilon\,\mathrm{sign}\Big(\frac{\partial L}{\partial x}\Big),
# \quad\text{then whatever left the box goes back to its border}$$
#
# The box is what a pixel can be: here from 0, black, to 1, white. Write it; `x` and `grad` have one shape, `eps` is a
# number. `np.sign` and `np.clip` are your friends.

# %%
@ch.exercise("fgsm")
def fgsm(x, grad, eps):
    """x after one step of eps for each number, along the sign of grad, and back into the box from 0 to 1."""
    raise NotImplementedError


fgsm.check()

# %% [markdown]
# Chapter 06's star, once more. Its loss rises where other scores rise, each weighed by its probability, and where that
# of *star* falls: $\partial L/\partial x = \sum_k p_k\,\partial S_k/\partial x - \partial S_c/\partial x$. That is
# `grad` below. This network's box is from -2 to 2; `attacked` converts there and back.

# %%
slopes = mx.explain(net, np.stack([x] * 10), "gradient", target=list(range(10))).relevance
p = np.exp(net(x)) / np.exp(net(x)).sum()
grad = np.tensordot(p, slopes, 1) - slopes[star]


def attacked(f):
    z = 4 * f((x + 2) / 4, grad, 0.02) - 2
    made = replace(attack(net, x, "fgsm", progress=False), adversarial=z, scores_after=net(z))
    return draw.attack_figure({f.label: made})


ch.yours("fgsm", attacked)

# %% [markdown]
# Compare the first and the third picture. Then look at the bars: the network is as sure of the cross as it was of the
# star.
#
# **Units.** $\varepsilon$ is in pixels: 1 is from black to white. `grad` is *loss per unit*, a sensitivity.
#
# ## Is it the size?
#
# Would any dirt on the lens do that? Take dirt of the very same size: every number moved by $\varepsilon$, its sign a
# coin. How large must $\varepsilon$ be for the network to give up the star? Say it before you move anything.
#
# The **lead** is the score of *star* minus the best other score; below 0, something else has won. Move `eps` along the
# signs of the slope, then along random signs.

# %%
walked = trails(net, x)
display(book.figures.along_signs(net, x, walked))
both_ways(net, x, known=walked)

# %%
ch.observe("direction", ...)

# %% [markdown]
# *If nothing moves, the page is shown without its kernel; `make lab` opens the chapter with it.*
#
# So it is the direction, not the size.
#
# ## A hundred pictures, not one
#
# Here are a hundred drawings. In brackets stands a **bootstrap interval**: draw a hundred of the hundred, with
# repetition, two thousand times; in 95 % of the draws the share lies in there.

# %% tags=["reveal"] survey=["fgsm"]
# NBVAL_CHECK_OUTPUT
print("Of a hundred decisions, how many change?")
said, ways = net(xs).argmax(axis=1), signs(net, xs)
for eps in (0.02, 0.05):
    for name, way in ways.items():
        changed = net(moved(net, xs, way, eps)).argmax(axis=1) != said
        print("eps {}, {:18}: {:4.0%} ({:.0%} to {:.0%})".format(eps, name, *mean_interval(1.0 * changed)))
ch.reveal("flips")

# %% [markdown]
# Mind the bracket after none of a hundred, "0 to 0": what never occurred, no redrawing can find. A true rate of 3 % is
# still possible.
#
# ## Break it: what becomes of the map?
#
# Does a map survive a change that no eye can see? Mark the top fifth of its pixels before and after. **Dice** counts
# twice the pixels marked both times, divided by all marks: 1 is the same region, and two random regions of that size
# have 0.2. Each map explains what the network says at that moment.

# %% survey=["dice"]
# NBVAL_CHECK_OUTPUT
two_maps = ["gradient", "guided-backprop"]
before = mx.explain_all(net, xs, methods=two_maps)
for kind, way in ways.items():
    after = mx.explain_all(net, moved(net, xs, way, 0.02), methods=two_maps)
    for name in two_maps:
        # region: the top fifth
        same = np.array([dice(b, region(a)) for a, b in zip(before[name].map, after[name].map, strict=True)])
        print("{:18} {:15}: Dice {:.2f} ({:.2f} to {:.2f})".format(kind, name, *mean_interval(same)))

# %% [markdown]
# An attack moves the maps further than dirt does. But four decisions in five have changed, and more than half of what
# was marked is still marked. Guided's map, which chapter 06 caught ignoring the class, moves least: a calm map is no
# sign that the network was not fooled.
#
# And the attack itself, is it an explanation? As a map of *where*, it is blank: every number moved by the same amount.
# To tell where, a change should look like a picture.
#
# ## Paint it
#
# A doctor's network says *lesion*. What would have to look different for it to say *healthy*? Have it painted. A
# **generator** $g_a$ is a second network, from pictures to pictures, trained against the first: it must paint a picture
# like $x$ that gets the *other* decision. By hand, three pixels with a bright one in the middle:
#
# $$x = {{painted.x}}, \qquad g_a(x) = {{painted.adversarial}}, \qquad |x - g_a(x)| = {{painted.one}}$$
#
# The lesion is dimmed. But its neighbours have changed, too, only because no generator paints every detail. So train a
# twin, $g_s$, with nearly the same weights, to paint the picture with its decision *kept*, and let both make the same
# mistakes: $g_s(x) = {{painted.similar}}$. What both got wrong cancels.
#
# $$R(x) = |g_s(x) - g_a(x)| = {{painted.two}} \qquad (27)$$
#
# Write it. `g_s` and `g_a` are functions; `x` may have any shape.

# %%
@ch.exercise("two_generators")
def two_generators(x, g_s, g_a):
    """The explanation by two generators, Eq. (27)."""
    raise NotImplementedError


two_generators.check()

# %% [markdown]
# > **What does *not there* look like?** Chapter 02 tried four fills, chapter 07 started from black. Here the question
# > has a painter of its own. It was asked for another *decision*, not for tissue.
#
# `lesion` is a small network for drawn organs, grainy as scans are: bright vessels, dark cysts, and sometimes a soft
# bright lesion. It brings two painters (and `alone`, a $g_a$ trained without a twin). *Mask*: where the lesion was
# drawn. Look at what the painters lose, where the last two columns are bright, and what $g_a$ makes of a lesion. The
# third organ is healthy; there $g_a$ has to paint one in. Below, your function.

# %% survey=["(27)", "two-generators", "one-generator"]
from minixai.draw.generators import generators_figure
from minixai.zoo import lesion
from minixai.zoo.lesions import lesion_pictures

clinic, alone, drawn = mx.load("lesion"), lesion.alone(), lesion_pictures(8, 200)
(g_s, g_a), organs = clinic.generators, lesion.inputs(drawn.pictures)
display(generators_figure([painted(clinic, organs[k], drawn.masks[k]) for k in (3, 5, 0)]))
ch.yours("two_generators", lambda f: draw.strip(
    {f"R: {f.label}": f(organs[3], g_s, g_a)[0], "one, alone": abs(organs[3] - alone(organs[3]))[0]},
    picture=drawn.pictures[3]))

# %% [markdown]
# The lesion has not gone. It has become a sickle with sharp edges; to this network a lesion is *soft*.
#
# ## Many pictures, three measures
#
# The eye votes for two, and the survey calls the map of one "noisy and non-intuitive". Count, wherever the network
# found a lesion. **Share**: how much of the map lies on the lesion. **Maximum**: whether its brightest pixel does.
# **AUC**: pick a pixel on the lesion and one off it; how often is the first brighter in the map? The last row takes the
# picture's own brightness for a map.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
decided = clinic(organs).argmax(axis=1)
ill = (drawn.labels == 1) & (decided == 1)
X, masks, two = organs[ill], drawn.masks[ill], mx.explain(clinic, organs[ill], "two-generators")
print(f"What they did:\nlesions found: {len(X)}", *map(": ".join, two.notes.items()), sep="; ")
rivals = {"two generators": two.map, "one of them": abs(X - g_a(X))[:, 0], "one, alone": abs(X - alone(X))[:, 0]}
print("                  share on the lesion  maximum on it        AUC")
for name, maps in (rivals | {"brightness": X[:, 0]}).items():
    each = [(m[mask].sum() / m.sum(), pointing(m, mask), auc(m, mask)) for m, mask in zip(maps, masks, strict=True)]
    cells = ("{:.2f} ({:.2f} to {:.2f})".format(*mean_interval(np.array(v, float))) for v in zip(*each, strict=True))
    print(f"{name:16}", *cells, sep="  ")
ch.reveal("on_lesion")

# %% [markdown]
# All three agree with the eye: two before one. So does the record of 194 other pictures: *confirmed*.
#
# The last row: by AUC a picture with nothing explained is as good as the best. AUC asks for order only, and a
# lesion *is* bright. And all of it hangs on the grain, which is what a painter loses: on drawings with half of it, AUC
# put one before two.
#
# ## Break it: a blank map
#
# A row of three pixels, from 0 to 10, and a classifier that we know: *lesion* if the middle pixel is more than 1
# brighter than the mean of its neighbours. (By hand above: {{painted.x}} and {{painted.similar}} are lesions,
# {{painted.adversarial}} is healthy.) Find $(x, g_s(x), g_a(x))$ twice:
#
# 1. $R$ is 0 everywhere, although $|x - g_a(x)|$ is at least 3 everywhere.
# 2. $x$ is a lesion, $g_s$ keeps it, $g_a$ changes it, and yet $R$ is 0 *on the lesion*, the middle pixel.

# %%
@ch.exercise("blank_maps", kind="counterexample")
def blank_maps():
    """(x, g_s, g_a), (x, g_s, g_a): nine numbers each, as three lists of three."""
    raise NotImplementedError


blank_maps.check()

# %% [markdown]
# The first is why you must ask the classifier about both pictures: if they are equal, one painter has failed. The
# second is why "what *had* to change" promises too much: a lesion can disappear in more than one way.
#
# ## Break it: three interventions
#
# First, paste $g_a$'s paint into $x$: on the lesion only, then everywhere else. Second, take away what was learnt:
# shuffle the classifier's weights, as in chapter 06. How much will $R$ change? Third, look where $R$ is brightest when
# $g_a$ paints a lesion into a *healthy* picture.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Healthy, once g_a's paint is pasted in ...")
for where, spot in (("on the lesion only", masks[:, None]), ("everywhere else", ~masks[:, None])):
    print("   ", where, (clinic(np.where(spot, g_a(X), X)).argmax(axis=1) == 0).sum(), "of", len(X))
for name, params in (("gradient", {}), ("two-generators", {"generators": clinic.generators})):
    kept, lost = (mx.explain(n, X[:20], name, **params) for n in (clinic, book.scrambled(clinic)))
    alike = np.mean([np.corrcoef(a.flat, b.flat)[0, 1] for a, b in zip(kept.map, lost.map, strict=True)])
    print(f"{name}, weights shuffled: alike {alike:.2f}", *map(": ".join, lost.notes.items()), sep="; ")
well = mx.explain(clinic, organs[(drawn.labels == 0) & (decided == 0)], "two-generators")
row, column = np.transpose([np.unravel_index(m.argmax(), m.shape) for m in well.map])
print("Lesion painted in:", well.notes["g_a changes it"], "- at the top:", ((row < 22) & (abs(column - 36) < 6)).sum())

# %% [markdown]
# Painted on the lesion only, four of five become healthy; everywhere else, hardly any. So the decision hangs on the
# lesion, where $R$ points. But we know it from the classifier, not from $R$.
#
# For $R$ has not asked it. With the weights shuffled, the gradient's map is gone; $R$ is the same to the last digit.
# (27) holds two painters and no classifier. Only the counts give it away: *g_a changes it: 0 of 20*.
#
# And the healthy ones: in nearly each of 99 organs the lesion comes in at the top. This classifier accepts one
# anywhere, so the painter settled for one place. The map says *this would make it ill*. It does not say *this nearly
# was*.
#
# ## Exit ticket
#
# One computation for your pencil, two numbers in brackets such as `(1, 2)`, and one claim.

# %%
mine = ch.predict("four_weights", ..., confidence=...), ch.exercise("what_r_proves", kind="claim").answer(...)
display(*mine)

# %% [markdown]
# ## One page to keep
#
# * Small steps that all pull the same way add up like $n$, random ones like $\sqrt n$. **It is direction, not size.**
# * **FGSM**: $x + \varepsilon\,\mathrm{sign}(\partial L/\partial x)$, kept in the box. *Units:
#   $\varepsilon$ in pixels.*
# * An attack shows *that* a decision can be turned. As a map of where, it is blank.
# * **Two generators**: $R = |g_s(x) - g_a(x)|$. What both paint wrongly cancels. *Units: how far a pixel was repainted;
#   neither a slope nor a share of the score.*
# * $R$ never asks the classifier. Count how often $g_s$ kept and $g_a$ changed the class; paste the paint in and ask.
# * Let every measure judge a picture that explains nothing.
#
# **What the survey leaves open.** It says that attacks let us "interpret the regions of the image that the network
# focuses on"; FGSM's change has no regions. It introduces GANs, in which another network tells painted pictures from
# real ones; (27) needs none, and ours has none. "Minimal differences in their learnt parameters" is no number; our
# twins share all but 13 of 31,165. And "noisy" is no measure; how grainy the pictures are decides the claim.

# %% [markdown] tags=["deeper"]
# ## Deeper: the nearest border
#
# FGSM takes one step of a size that you chose. **DeepFool** asks how far it is to where another class takes over. Near
# $x$ every score is nearly a straight line. The lead over class $k$, $S_c - S_k$, melts along
# $w = \partial S_k/\partial x - \partial S_c/\partial x$. The shortest step that uses it up is
# $(S_c - S_k)\,w/\|w\|^2$. The border may be that of any class, so take the nearest, step, and ask again.
#
# By hand: scores {{border.scores}}, $c$ the first, slopes $(1, 0)$, $(1, 1)$ and $(3, 3)$. The second class is only 2
# behind, with $w = (0, 1)$: a step of length 2. The third is 3 behind, but $w = (2, 3)$: a step of
# $3/\sqrt{13} = 0.83$. So the step is {{border.step}}, and after it the scores are {{border.after}}.

# %% tags=["deeper"]
@ch.exercise("deepfool_step")
def deepfool_step(S, G, c):
    """The shortest step to a border of class c: S holds K scores, G their slopes, one row per class."""
    raise NotImplementedError


deepfool_step.check()

# %% [markdown] tags=["deeper"]
# How much smaller is the change? Its length `l2` is the root of the sum of its squares, `linf` its largest number, both
# in pixel units, medians of the successful ones. Then the same two attacks on forty lesions: how much of the change
# lies on the lesion, which covers 3 % of a picture?

# %% tags=["deeper"] survey=["fgsm", "deepfool"]
# NBVAL_CHECK_OUTPUT
from minixai.adversarial import report

for name in ("fgsm", "deepfool"):
    print(report(attack(net, xs[:20], name, progress=False)).as_text())
    change = abs(attack(clinic, X[:40], name, progress=False).perturbation)[:, 0]
    shares = np.array([c[mask].sum() / c.sum() for c, mask in zip(change, masks[:40], strict=True)])
    print("    of its change on lesions: {:.2f} ({:.2f} to {:.2f})".format(*mean_interval(shares)))

# %% [markdown] tags=["deeper"]
# DeepFool needs a quarter of FGSM's length and is less even: the change goes along the slopes, so it is a map of a
# kind, the gradient's. A quarter of it lies on the lesion, between one generator and two.
#
# ## Deeper: one pixel
#
# The survey's own example changes a single pixel. No slope helps: which pixel, and which colour, is found by asking,
# generation after generation (*differential evolution*: a child is one candidate plus half the difference of two
# others, and replaces its parent if it does better). 8 x 8 digits, fifty candidates, ten generations:

# %% tags=["deeper"] survey=["one-pixel"]
# NBVAL_CHECK_OUTPUT
from minixai.zoo import digits

reader = mx.load("digits")
one = attack(reader, digits.samples().x, "one-pixel", population=50, generations=10, progress=False)
print(report(one).as_text())
draw.attack_figure(one[int(np.argmax(one.success))])

# %% [markdown] tags=["deeper"]
# Of 64 pixels, one is a lot. And does the pixel that did it mark a region on which the network "focuses"? It marks
# where *something else* could be put.
#
# ## Deeper: start from what was painted
#
# Chapter 07 walked from a baseline to the picture, and what looked like the baseline got nothing. From black, an organ
# appears along with its lesion. So start from $g_a(x)$, an organ that is healthy to the network, and only the lesion
# appears. Or does it?

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
display(book.recap("integrated gradients"))
few = X[:40]
walks = {"black to x": (0 * few, few), "g_a(x) to x": (g_a(few), few), "g_a(x) to g_s(x)": (g_a(few), g_s(few))}
for name, (start, end) in walks.items():
    shares = []
    for one, from_here, mask in zip(end, start, masks, strict=False):
        e = mx.explain(clinic, one, "integrated-gradients", target="lesion", baseline=from_here, n=10)
        R = e.map.clip(0)
        shares.append(R[mask].sum() / R.sum())
    print("{:16} {:.2f} of what speaks for lesion lies on it ({:.2f} to {:.2f})".format(
        name, *mean_interval(np.array(shares))))

# %% [markdown] tags=["deeper"]
# From the painted picture *less* lies on the lesion than from black: now the grain appears along with it, everywhere.
# Let both ends be painted, and nine tenths do. What the twins lose is lost on the whole way: (27) once more, and in
# units of the *score*. Same method, same network, another "not there".
#
# ## Deeper: the survey's claim about attacked maps
#
# Section 7 reports that FGSM and DeepFool "strongly affected" the maps of Guided Grad-CAM (chapter 09). The package
# measured it on a hundred pictures, and fixed beforehand what *strongly* means: Dice below one half. From the record:

# %% tags=["deeper"] survey=["claim attacked-maps"]
# NBVAL_CHECK_OUTPUT
import json

from minixai import files

display(book.recap("cam"))
found = json.loads((files.root("data") / "results" / "attacked-maps.json").read_text())
for row in found["panels"][0]["rows"]:
    print("{:32} {:.2f} ({:.2f} to {:.2f})".format(row["label"], *row["interval"]))
print("verdict:", found["verdict"])

# %% [markdown] tags=["deeper"]
# The maps move more than under chance of the same size, and less than the claim would have it. Part of it is a change
# of question: keep the class of before, and more of the map stays.
#
# ## Deeper: a second opinion
#
# All slopes came from one engine. Do PyTorch's agree? From the record of `minixai crosscheck`:

# %% tags=["deeper"]
book.badge("shapes")
