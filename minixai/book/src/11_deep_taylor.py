# ---
# jupyter:
#   minixai:
#     title: "LRP is Deep Taylor"
#     minutes: 75
#     objectives:
#     - share out what a neuron says, compared with a point at which it is silent
#     - find the point with which a rule of LRP silently compares
#     - test whether such points are silent, and whether they could occur
#     - say what (18) assumes, and what a Deep Taylor map has not been asked
#     needs: ["10"]
#     equations: section 5.1.1, (16) to (18)
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# A neuron says {{root.z}}. Its inputs are {{root.a}}, its weights {{root.w}}, there is no bias. How much of the
# {{root.z}} is due to each input?
#
# Chapter 10 had an answer, {{root.lrp0}}. A moment later it had another rule and another answer, then a third. Each
# came with a reason, and none with a proof.
#
# Ask as a child would. *Due*, compared with what? How would the inputs look if the neuron said nothing? To whatever is
# different now, its words are due. The survey's section 5.1.1 says that this question, asked at every neuron, gives all
# the rules: **Deep Taylor decomposition**.
#
# ## Ticket in
#
# Three guesses, the last two about what comes later: two numbers in brackets, then letters; and how sure you are, from
# 1 (a coin) to 3.

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.book.figures.ch10 import alike, shared_out
from minixai.book.figures.ch11 import compared, every_point, half_way, may_occur
from minixai.experiments.intervals import mean_interval
from minixai.zoo import digits

ch, net = book.chapter("11_deep_taylor"), mx.load("digits").astype("float64")
xs, a, w = digits.samples().x.astype("float64"), np.array([3.0, 1.0]), np.array([1.0, -1.0])
book.recap("shares")

# %%
first = ch.predict("from_one_one", ..., confidence=...)
second = ch.predict("whose_points", ..., confidence=...)
third = ch.predict("could_occur", ..., confidence=...)
display(first, second, third)

# %% [markdown]
# ## Where it is silent
#
# Two inputs make a plane: input 1 to the right, input 2 upwards. The neuron says $z = a_1 - a_2$, through a ReLU. So it
# is on below the slanted line and off above it. *On* the line it says exactly 0: the **silent line**. We stand at
# {{root.a}}.

# %%
compared({"(1, 1)": np.array([1, 1])})

# %% [markdown]
# Choose a point on the line, say {{root.zplus_at}}. What is different here? Input 1 is 2 higher. Input 2 is the same.
# So all of the {{root.z}} is due to input 1: {{root.zplus}}.
#
# Choose {{root.wsquare_at}} instead. Input 1 is 1 higher, and that brings 1. Input 2 is 1 *lower*, and with a weight of
# $-1$ that brings 1, too: {{root.wsquare}}. And from {{root.lrp0_at}} it is {{root.lrp0}}, as in chapter 10. Three
# answers, each to its own question.
#
# ## The same with letters
#
# Call the point of comparison the **root point**, $\tilde a$. A Taylor expansion says: the value here is the value
# there, plus slope times step, plus what no straight line knows.
#
# $$R_j(a) = R_j(\tilde a) + \sum_{0,i} (a_i - \tilde a_i)\,[\nabla R_j(\tilde a)]_i + \dots \qquad (16)$$
#
# But what is the relevance $R_j$ as a *function* of the inputs? The whole network above has a say in it. The survey
# takes a simple model: what the neuron says, times a number that is held fixed.
#
# $$R_j(a) = \max\Big(0, \sum_{0,i} a_i w_{ij}\Big)\, r_j \qquad (17)$$
#
# (Chapter 10 called it $c_j$.) Where the neuron is on, that is a straight line. No dots are left, and the slope is
# $w_{ij} r_j$ everywhere:
#
# $$R_j(a) = R_j(\tilde a) + \sum_{0,i} (a_i - \tilde a_i)\, w_{ij} r_j \qquad (18)$$
#
# The terms of the sum are the shares. The first term is left over; at a silent point it is 0. ($i = 0$ is the bias, the
# weight of an input that is always 1. It does not move, so it gets nothing.)
#
# **Units.** A step is in units of the input, $w_{ij} r_j$ is score per such unit. Their product is *score*: a
# contribution, compared with $\tilde a$.
#
# Write it for one neuron: `a`, `root` and `w` have one number per input, `r` is a number.

# %%
@ch.exercise("share_from_root")
def share_from_root(a, root, w, r):
    """The share of each input, Eq. (18)."""
    raise NotImplementedError


share_from_root.check()

# %% survey=["(16)", "(17)", "(18)"]
# NBVAL_CHECK_OUTPUT
def table(f):
    for s in (0, 0.6, 1, 1.5, 2):
        root = np.array([s, s])
        one, two = f(a, root, w, 1.0)
        print(f"compared with ({s:3}, {s:3}): {one:4.1f} and {two + 0:4.1f}, together {one + two:.0f}")


ch.yours("share_from_root", table)

# %% [markdown]
# ## Slide along the line
#
# Every point of the silent line gives shares that add up to {{root.z}}. Turn that round: a rule whose shares add up
# *is* a point, $\tilde{a}_i=a_i-R_i/(w_ir_j)$. Six rules sit on our line ($w^+$ is $w$ where it is positive, else 0):
#
# * LRP-0 shares in proportion to $a_i w_i$, LRP-$\gamma$ to $a_i (w_i + \gamma w_i^+)$;
# * **$z^+$** in proportion to $a_i w_i^+$: among those that speak for the neuron. (Chapter 10 has it as $\alpha = 1$,
#   $\beta = 0$. With $\alpha = 2$, $\beta = 1$ they get twice as much, and the others pay for it.)
# * **$w^2$** in proportion to $w_i^2$, whatever the inputs are;
# * **$z^B$** is told between which bounds an input can lie, here 0 and 3. More on it below.
#
# With LRP-0, input 2 gets $-1$. Say before you slide: where does it get 0, and can it get more? Then find all six; the
# figure tells you when you stand on one.

# %%
book.figures.roots()

# %%
ch.observe("along_the_line", ...)

# %% [markdown]
# *If you see only tables, the page is shown without its scripts; `make lab` opens the chapter with them.*
#
# ## A rule is a way back
#
# How does a rule find its point? From $a$ walk back in a direction $d$ until the neuron is silent. Going $t$ times $d$
# lowers $z$ by $t \sum_i w_i d_i$. To lower it by all of $z$:
#
# $$t = \frac{z}{\sum_i w_i d_i}, \qquad \tilde a = a - t\,d.$$
#
# The direction is all that a rule chooses:
#
# * $z^+$ turns down what speaks for the neuron: $d$ is $a$ where $w$ is positive, else 0. **By hand:** $d = (3, 0)$
#   lowers $z$ by 3, we need 2, so $t = 2/3$: {{root.zplus_at}}.
# * $w^2$ takes the shortest way, straight towards the line: $d = w$. By hand, $t = 2/2$: {{root.wsquare_at}}.
# * LRP-$\varepsilon$ turns everything down, $d = a$, and stops early: $t = z / (z + \varepsilon)$. That leaves
#   $\tilde a_i = a_i\, \varepsilon / (z + \varepsilon)$. With $\varepsilon = 1$ it is {{root.eps_at}}, where the neuron
#   still says {{root.eps_left}}. The shares are {{root.eps}}, and {{root.eps_left}} is left over: what $\varepsilon$
#   keeps.
#
# The survey prints $\tilde a = \varepsilon \cdot (a_j + \varepsilon)^{-1}$, *one* number ($a_j$ is our $z$). That is
# {{root.printed_at}}, with shares {{root.printed}}: no rule that we know. The factor $a_i$ fell out.
#
# Write all three: `rule` is `"eps"`, `"z+"` or `"w2"`.

# %%
@ch.exercise("root_for")
def root_for(rule, a, w, eps):
    """The point with which a rule compares a neuron that is on: one number per input."""
    raise NotImplementedError


root_for.check()

# %%
# NBVAL_CHECK_OUTPUT
def points(f):
    share = ch.yours("share_from_root")
    for rule in ("eps", "z+", "w2"):
        root = f(rule, a, w, 1.0)
        print(f"{rule:3}  point", *root.round(2), "  shares", *share(a, root, w, 1.0).round(2) + 0)
    return compared(every_point(), steps=False)


ch.yours("root_for", points)

# %% [markdown]
# ## A whole network
#
# *Deep* means: ask this at every neuron. Each has its relevance $R_j$ and its own point, and hands its shares down; at
# an input, shares are added. `layer` does that with your two functions, on the pocket network: a picture of
# $3 \times 3$, two filters, no bias. (`shared_out` walks, as in chapter 10.) Then the engine walks with the rule
# $z^+$. And two neurons read the pixel in the middle: with which value of it do they compare?

# %% tags=["reveal"] survey=["(18)"]
# NBVAL_CHECK_OUTPUT
pocket, picture, share = book.pocket().astype("float64"), book.POCKET_PICTURE.astype(float), ch.yours("share_from_root")


def from_points(f):
    def layer(a, W, b, R):
        on = [(w_j, R_j) for w_j, R_j in zip(W, R, strict=True) if R_j > 0]
        return sum(share(a, f("z+", a, w_j, 0.0), w_j, R_j / (a @ w_j)) for w_j, R_j in on)

    R, rule = shared_out(pocket, picture, layer), mx.explain(pocket, picture, "lrp-alphabeta", alpha=1, beta=0)
    print("The same map from points and by the rule:\n", np.allclose(R, rule.relevance, rtol=0, atol=1e-12))
    for name, patch, at in (("top left", picture[0, :2, :2], 3), ("bottom right", picture[0, 1:, 1:], 0)):
        root = f("z+", patch.ravel(), np.array([1.0, 2, 0, -1]), 0.0)
        print(f"neuron {name}: the middle is {patch.ravel()[at]:.0f}, compared with {root[at]:.3f}")
    return draw.strip({"from points": R[0], "by the rule": rule.map}, picture=picture[0])


display(ch.yours("root_for", from_points), ch.reveal("whose_points"))

# %% [markdown]
# The same numbers: LRP with $z^+$ *is* a chain of small Taylor expansions.
#
# But look at the pixel in the middle. It speaks against one neuron, and stays; it speaks for the other, and goes down
# to a seventh. No one picture is compared with. Chapter 07 had one, the baseline; here every neuron has its own.
#
# ## Silent, and possible
#
# Ask two things of a root point. Is the neuron really silent there? And could the point occur at all? Behind a ReLU no
# number is below 0. No pixel is blacker than black.
#
# $w^2$ takes the nearest silent point. Nearest sounds best. Find a neuron for which that point cannot occur.

# %%
@ch.exercise("impossible_root", kind="counterexample")
def impossible_root():
    """(a, w): two arrays, such as np.array([3.0, 1.0]); a neuron that is on."""
    raise NotImplementedError


impossible_root.check()

# %% [markdown]
# ## Break it: a bias
#
# Give our neuron a bias. The silent line moves; 0, the point of LRP-0, does not. What has (18) quietly assumed?

# %%
# NBVAL_CHECK_OUTPUT
for b in (-1.0, 0.0, 1.0):
    one = mx.Network.sequential([mx.Linear(w[None], np.array([b])), mx.ReLU(), mx.Linear(np.ones((1, 1)))])
    slope = mx.explain(one, 0 * a, "gradient", target=0).relevance
    e = mx.explain(one, a, "lrp-0", target=0)
    print(f"bias {b:2.0f}: says {e.score:.0f}, at 0 it says {one(0 * a)[0]:.0f} with slopes", *slope + 0, end="; ")
    print("LRP-0", *e.relevance, f"and the bias keeps {sum(e.absorbed.values()):.0f}")
compared({"0": np.array([0, 0])}, (-1, 0, 1))

# %% [markdown]
# With $b = 1$ the neuron is not silent at 0. It says 1, and just that is left over: what chapter 10 called *kept*.
#
# With $b = -1$ it is off at 0, long since. The slope there is 0, and an honest (16) would explain nothing at all. Yet
# LRP-0 gives the same shares. So (18) has quietly assumed that the line goes straight on where the ReLU has cut it
# off: at 0 it would say $-1$, and that is what the bias keeps. It takes the slope *here* for the slope *there*; right
# only if the neuron is on all the way. (It also held $r_j$ fixed; see the deeper track.)
#
# How often do points keep their promise? Take the digit network, 100 digits that it never trained on, and all neurons
# that are on. For how many of 100 is the point silent, bias included, *and* possible? Brackets: how far chance may have
# moved it.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Silent and possible:")
found = may_occur(net, digits.examples().held_out.x[:100].astype("float64"))
for name, rules in found.items():
    print(f"{name:8}", end="")
    for rule, held in rules.items():
        print(f"  {rule:>3} {{:3.0f}} ({{:.0f}} to {{:.0f}})".format(*100 * np.array(mean_interval(held))), end="")
    print()
ch.reveal("could_occur")

# %% [markdown]
# In the hidden layers, all but `conv1`, $z^+$ keeps its promise at every neuron: it only turns inputs down. $w^2$ does
# at almost none: it turns down inputs that are 0 already. And 0 itself, the point of LRP-0, is silent only where the
# bias is not positive.
#
# The first layer is another story. There $z^+$ fails at more than a third: even with all that speaks for them at black,
# their bias keeps these neurons on. $z^B$ never fails. It walks towards the worst picture there is, black where the
# weight is positive and white where it is negative.
#
# That is **Deep Taylor**: $z^+$ in the hidden layers, $z^B$ at the pixels: points that are silent and possible. (The
# bias was held fixed here. The engine's $z^+$ turns a positive one down, too, as (15) does.)
#
# ## A map well founded
#
# So it must be the best map! Ask what any map must face. What if we ask for the runner-up? What if all that was learnt
# is shuffled away? (A score below 0 is refused: (17) is never negative. So the shuffled network is asked for its own
# winner.) How alike are the maps of our twenty digits? 1 is the same, 0 nothing in common. Below the counts, a six.

# %% survey=["deep-taylor"]
# NBVAL_CHECK_OUTPUT
best, second = (list(c) for c in np.argsort(-net(xs), axis=1)[:, :2].T)
stranger, maps = book.scrambled(net), {}
own = list(stranger(xs).argmax(axis=1))
print("              runner-up   shuffled weights")
for name in ("lrp-0", "deep-taylor"):
    asked = (net, best), (net, second), (stranger, own)
    mine, other, lost = (mx.explain(n, xs, name, target=c) for n, c in asked)
    print(f"{name:12} {alike(mine, other).mean():10.2f} {alike(mine, lost).mean():18.2f}")
    maps |= {f"{name}: {what}": e.map[12] for what, e in (("six", mine), ("runner-up", other), ("shuffled", lost))}
draw.strip({name: m / abs(m).max() for name, m in maps.items()}, picture=xs[12, 0], columns=4)

# %% [markdown]
# Well founded, point by point, and nearly deaf to the class. To turn down what speaks *for* a neuron is a fair
# comparison, for it. But what speaks against stands still in every hidden layer, and never gets a share. LRP-0, with
# its bad points, hears both. A good question, asked a thousand times, need not add up to the one you had.
#
# ## Exit ticket
#
# A new neuron for your pencil; then a sentence to check.

# %%
pencil = ch.predict("new_root", ..., confidence=...)
sentence = ch.exercise("one_picture", kind="claim").answer(...)
display(pencil, sentence)

# %% [markdown]
# ## One page to keep
#
# * A share is **slope times step from a root point**, (18). At a silent point nothing is left over.
# * A rule is a way back: $d = a$ is LRP-0, $a$ where $w > 0$ is $z^+$, $w$ is $w^2$. $\varepsilon$ stops early.
# * Ask of a root point: is the neuron silent there, bias included? Could it occur? **Deep Taylor** takes $z^+$ inside,
#   $z^B$ at the pixels.
# * Every neuron has a point of its own. There is no one picture behind the map.
# * *Units: score, compared with the root points.* Well founded does not mean that it hears the class.
#
# **What the survey leaves open.** The point of LRP-$\varepsilon$ lacks its $a_i$. Above (17), $r_i$ is summed over $i$
# where $j$ is meant. Biases are not mentioned; Montavon and others (2017) ask for biases that are not positive. Chapter
# 12 asks *compared with what?* again, with one reference for all neurons.

# %% [markdown] tags=["deeper"]
# ## Deeper: from the way back to the rule
#
# Put $\tilde a = a - t d$ into (18), with $R = z r$:
#
# $$R_i = t\, d_i w_i r = \frac{d_i w_i}{\sum_q d_q w_q}\, R.$$
#
# So a direction *is* a rule, and a rule that adds up is a direction. $d_i = a_i (1 + \gamma)$ where $w_i > 0$, else
# $a_i$: LRP-$\gamma$. And $z^B$: $d$ leads away from the worst picture, so $d_i = a_i - l_i$ where $w_i > 0$ and
# $a_i - h_i$ where $w_i < 0$, for a box from $l$ to $h$. Exactly, for our neuron:

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
from minixai.book.numbers import ch11 as exactly
from minixai.whitebox import deep_taylor

for name, at in every_point().items():
    print(f"{name:15} point", *at, "  shares", *(exactly.A - at) * exactly.W)
book.show(deep_taylor.ZBox.quotients, deep_taylor.WSquare.quotients)

# %% [markdown] tags=["deeper"]
# Even $\alpha = 2$, $\beta = 1$ has its point, $(-1, -1)$: silent, and impossible. It lies beyond 0, where inputs would
# be negative. So every share comes out too large, for and against.
#
# ## Deeper: the bias as an input
#
# The sums start at 0. Take that at its word: the bias is an input that is always 1, with weight $b$, and $z^+$ may turn
# it down like any other. Its share stays with it. Your two functions can do that without a change. On a six, with the
# digit network and its own biases: is it what the engine does?

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
def bias_moves(f):
    def layer(a, W, b, R):
        found, inputs = 0 * a, np.append(a, 1.0)
        for weights, R_j in zip(np.column_stack([W, b]), R, strict=True):
            if R_j > 0:
                root = f("z+", inputs, weights, 0.0)
                found += share(inputs, root, weights, R_j / (inputs @ weights))[:-1]
        return found

    e, R = mx.explain(net, xs[12], "lrp-alphabeta", alpha=1, beta=0), shared_out(net, xs[12], layer)
    print("The same map:", np.allclose(R, e.relevance, rtol=0, atol=1e-9))
    print(f"{R.sum():.2f} of {e.score:.2f} arrive; biases keep {sum(e.absorbed.values()):.2f}")


ch.yours("root_for", bias_moves)

# %% [markdown] tags=["deeper"]
# So a library that lets a positive bias stand below the line, as (15) does, compares with a neuron whose bias has been
# turned down, too. That silences it; but no picture can do it.
#
# ## Deeper: the number that was held fixed
#
# (17) takes $r_j$ for a constant. On the way to the root point other neurons change as well, and with them the shares
# above. So go half of the way, and walk back again from there. If the model holds, $R_j$ is half of what it was. The
# hidden layer before the scores, twenty digits, every neuron with relevance: which part of that half does $R_j$ have?

# %% tags=["deeper"] survey=["(17)"]
# NBVAL_CHECK_OUTPUT
for method, params in (("lrp-0", {}), ("lrp-alphabeta", {"alpha": 1, "beta": 0})):
    kept = half_way(net, xs, method, **params)
    low, middle, high = np.quantile(kept, (0.05, 0.5, 0.95))
    print(f"{method:14} {len(kept)} neurons: median {middle:.2f}, nine of ten between {low:.2f} and {high:.2f}")

# %% [markdown] tags=["deeper"]
# With LRP-0 above it, the model is exact here: $r_j$ is a weight. With $z^+$ above it, $r_j$ hangs on all the others,
# and a straight line is a fair guess, not more.
#
# ## Deeper: three rules at the pixels
#
# On a star: the same $z^+$ everywhere above, and at the pixels $z^+$ (by the product's sign), $w^2$, or $z^B$ in the
# box of possible pictures.

# %% tags=["deeper"] survey=["deep-taylor"]
from dataclasses import replace

from minixai.zoo.scenes import scene

shapes, drawn = mx.load("shapes").astype("float64"), scene(3, 4).picture
star = shapes.preprocess(drawn).astype("float64")
three = {
    "z+ at the pixels": mx.explain(shapes, star, "lrp-alphabeta", alpha=1, beta=0),
    "w^2": mx.explain(replace(shapes, box=None), star, "deep-taylor"),
    "z^B": mx.explain(shapes, star, "deep-taylor"),
}
for name, e in three.items():
    print(f"{name:17} alike with z^B {np.corrcoef(e.map.ravel(), three['z^B'].map.ravel())[0, 1]:.2f}")
draw.strip({name: e.map / abs(e.map).max() for name, e in three.items()}, picture=drawn)

# %% [markdown] tags=["deeper"]
# Hardly a difference. One layer of many has other points, and whatever comes down from above lands in a window of
# $5 \times 5$ pixels in any case. The points that we worked so hard for are a better reason, not another picture.
#
# ## Deeper: a second opinion
#
# PyTorch has never heard of root points. But it can differentiate. Below, the slope of (17) *at the root point*, nudged
# a hair towards $a$ so that the ReLU is on, times the step.

# %% tags=["deeper"]
if torch := book.torch_or_say():
    for name, at in every_point().items():
        here, there = torch.tensor(a), torch.tensor(at.astype(float))
        nudged = (there + 1e-6 * (here - there)).requires_grad_()
        torch.relu(nudged @ torch.tensor(w)).backward()
        print(f"{name:15}", *(nudged.grad * (here - there)).numpy().round(2) + 0)
display(book.second_opinion(net, xs[12], ["deep-taylor", "lrp-alphabeta"]))
book.badge("digits")
