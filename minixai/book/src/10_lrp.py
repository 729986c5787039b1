# ---
# jupyter:
#   minixai:
#     title: "LRP: sharing out a score"
#     minutes: 180
#     objectives:
#     - share out the relevance of a neuron by four rules, by hand and in code
#     - say what stays at a bias or at eps, and check the account of a whole network
#     - explain why LRP-0 is gradient times picture, and why its map is loud
#     - test whether a map that lies well on the object answers the question that was asked
#     needs: ["04"]
#     equations: section 5.1, (11) to (15), figure 9
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# A neuron fires with {{neuron.score}}. Its first input says $+2$, its second $-1$, its bias $+1$. Somebody gives you
# the {{neuron.score}} and says: share it out among those who earned it.
#
# Half each? By what each of them said? And who gets the part of the bias, which is nobody's input?
#
# Layer-wise relevance propagation (LRP) is this one question, asked at every neuron from the score down to the
# pixels. What is shared out is called **relevance**. The chapter has two halves of 90 minutes. In the first we share
# in proportion, and see what goes wrong. In the second we take sides.
#
# ## Ticket in
#
# The first cell loads what we need, the second asks. In place of the first dots goes a letter, `"A"`, or two numbers
# in brackets, `(1, 2)`; then your confidence, from 1 (a coin) to 3 (sure).

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.book.figures.ch10 import alike, on_object, settings, shared_out
from minixai.experiments.intervals import mean_interval
from minixai.zoo import digits
from minixai.zoo.scenes import scenes

ch, small, net = book.chapter("10_lrp"), *(mx.load(name).astype("float64") for name in ("digits", "shapes"))
six, drawn = digits.samples().x[12].astype("float64"), scenes(3, 100)
xs = np.stack([net.preprocess(picture) for picture in drawn.pictures]).astype("float64")
display(book.recap("slope or contribution"), book.recap("chain rule"))

# %%
questions = "share_out", "no_gradients", "loud", "least_moved"
first = ch.predict("share_out", ..., confidence=...)
second = ch.predict("no_gradients", ..., confidence=...)
third = ch.predict("loud", ..., confidence=...)
fourth = ch.predict("least_moved", ..., confidence=...)
display(first, second, third, fourth)

# %% [markdown]
# ## Share out the 2
#
# Our neuron reads $a = {{neuron.a}}$ with weights $w = {{neuron.w}}$ and bias $b = {{neuron.b}}$. An input says
# $a_i w_i$, so the two say {{neuron.products}}. With the bias that makes $z = 2 - 1 + 1 = {{neuron.score}}$.
#
# Let a relevance $R$ arrive. In proportion, input 1 gets $2/2$ of it, input 2 gets $-1/2$, the bias $1/2$. With
# $R = 2$ the inputs get {{neuron.lrp0}}. A negative share is no insult: input 2 held the neuron back.
#
# The survey calls this LRP-0. Let $i$ be an input and $j$ run over the neurons that read it; as in chapter 04, what
# they send is added.
#
# $$R_i = \sum_j \frac{a_i w_{ij}}{\sum_{0,q} a_q w_{qj}}\, R_j \qquad (12)$$
#
# Below the line stands $z_j$. Its sum starts at $q = 0$: the bias counts as the weight of an input that is always 1. A
# ReLU hands on what arrives, and in a max-pool the winner takes all. At the top, $R$ is the score. Then, says the
# survey, every layer holds as much as the one above. That is **conservation**:
#
# $$\sum_i R_i = \dots = \sum_j R_j = S_c(x) \qquad (11)$$
#
# But 2 arrived, and the inputs got $2 - 1$. The other {{neuron.kept}} stays at the bias: (12) lets it count, and hands
# nothing to it. So (11) holds where there are no biases; elsewhere, count what was *kept*. (Leave the bias out of $z$,
# and the inputs get {{neuron.ignored}}. That adds up, with what the bias had earned.)
#
# **Units.** Relevance is a share of the score, so its unit is *score*: a contribution.
#
# Write it for a layer. `W` has one row of weights per neuron, so `a * W` has all products, a row per neuron. `b` and
# `R` have one number per neuron.

# %%
@ch.exercise("lrp_zero")
def lrp_zero(a, W, b, R):
    """The relevance of each input, Eq. (12)."""
    raise NotImplementedError


lrp_zero.check()

# %% [markdown]
# ## A whole network
#
# A convolution is a matrix, too: a large one, with many zeros. `shared_out` writes every layer of our digit network as
# a matrix and calls your function, from the score of *six* down to the pixels. Until yours has passed, the book's
# stands in. Beside it, for comparison, gradient times picture: slopes, made into contributions.

# %% tags=["reveal"] survey=["(12)", "lrp-0"]
# NBVAL_CHECK_OUTPUT
slopes = mx.explain(small, six, "gradient").relevance


def both(f):
    R, kept = shared_out(small, six, f), sum(mx.explain(small, six, "lrp-0").absorbed.values())
    print(f"The score:\n{small(six).max():.2f}: at the pixels {R.sum():.2f}, kept by biases {kept:.2f}.")
    print("Equal to gradient times picture, to 9 decimals:", np.allclose(R, slopes * six, rtol=0, atol=1e-9))
    return draw.strip({f"LRP-0, {f.label}": R[0], "gradient x picture": (slopes * six)[0]}, picture=six[0])


ch.yours("lrp_zero", both)

# %% [markdown]
# The same numbers! Write a neuron's relevance as $R_j = z_j c_j$. In (12) $z_j$ cancels, and what is left is
# $a_i \sum_j w_{ij} c_j$. So $c$ travels by the chain rule, and at the pixels relevance is $a_i$ times slope.
# (A neuron that is off has no relevance, and no slope.) That holds for networks of ReLUs, biases or not. "Does not use
# gradient calculations", says the survey. It need not, but it computes one.
#
# ## Too much
#
# LRP-0 has two weak spots. Find them: return two neurons $(a, w, b)$ that are on, with activations of at least 0.
#
# The first hands down *more* than it got. The second has no bias, so its shares add up. But one share alone is more
# than ten times what arrived.

# %%
@ch.exercise("too_much", kind="counterexample")
def too_much():
    """(a, w, b), (a, w, b): a and w such as np.array([2.0, 1.0]), b a number."""
    raise NotImplementedError


too_much.check()

# %% [markdown]
# ## A little below the line
#
# Your second neuron is a shouting match. Two inputs nearly cancel, $z$ is small, and to divide by it makes everything
# large. LRP-$\varepsilon$ adds a little:
#
# $$R_i = \sum_j \frac{a_i w_{ij}}{\sum_{0,q} a_q w_{qj} + \varepsilon}\, R_j \qquad (13)$$
#
# For our neuron and $\varepsilon = 1$ that gives {{neuron.eps1}}; {{neuron.kept_eps1:decimal}} stays inside, with the
# bias and with $\varepsilon$.
#
# As printed, it can make things worse. Take $\varepsilon = 1$ and let $z$ be $-0.9$, then $-0.99$: you divide by 0.1,
# by 0.01, and at $z = -1$ by 0. What is meant, and what libraries do, is to move *away* from 0: $+\varepsilon$ where
# $z \ge 0$, $-\varepsilon$ where $z < 0$. `np.where(condition, p, q)` says that; `np.sign` would say 0 at 0.

# %%
@ch.exercise("lrp_epsilon")
def lrp_epsilon(a, W, b, R, eps):
    """The relevance of each input, Eq. (13), with eps added away from 0."""
    raise NotImplementedError


lrp_epsilon.check()

# %% survey=["(13)", "lrp-epsilon"]
# NBVAL_CHECK_OUTPUT
def three(f):
    maps, score = {}, small(six).max()
    for eps in (0.01, 0.25, 1):
        maps[f"eps {eps}, {f.label}"] = R = shared_out(small, six, lambda *layer, eps=eps: f(*layer, eps))[0]
        up, down = R[R > 0].sum(), -R[R < 0].sum()
        print(f"eps {eps:4}: {up:5.2f} for six, {down:5.2f} against, together {R.sum():5.2f} of {score:.2f}")
    return draw.strip(maps, picture=six[0])


ch.yours("lrp_epsilon", three)

# %% [markdown]
# What speaks against shrinks fastest: shouting matches are stopped at every layer. The price stands on the right: at
# $\varepsilon = 1$ two thirds of the score never reach a pixel.
#
# What exactly does $\varepsilon$ do to *one* neuron? Here is ours; what arrives is always its own $z$. Leave the rule
# and the bias, and move the first slider only. Say beforehand what will happen to the two inputs' proportion.

# %%
book.figures.sharing()

# %%
ch.observe("eps_grows", ...)

# %% [markdown]
# *If you see only tables, the page is shown without its scripts; `make lab` opens the chapter with them.*
#
# Now put $\varepsilon$ back to 0 and pull the bias below 0: the neuron gives more than it got. Your first neuron!
#
# **Half-time.** Stretch your legs.
#
# ## Taking sides
#
# LRP-0 sends every plus and every minus down. In a deep network both grow, as you will see. Another way to calm them is
# to favour what speaks *for* the neuron. LRP-$\gamma$ lets positive weights count $1 + \gamma$ times; $w^+$ is
# $w$ where $w$ is positive, else 0:
#
# $$R_i = \sum_j \frac{a_i\,(w_{ij} + \gamma w_{ij}^+)}{\sum_{0,q} a_q\,(w_{qj} + \gamma w_{qj}^+)}\, R_j \qquad (14)$$
#
# By hand, $\gamma = 1$: the weights become {{neuron.raised}} and the bias $1 + 1$, since it is a weight, too. The
# numerators are 4 and $-1$, the sum below is $4 - 1 + 2 = 5$, and of $R = 2$ the inputs get {{neuron.gamma}}.
#
# One neuron will do from here on: `a` and `w` have one number per input, `b` and `R` are numbers. It is on, and
# `a` is nowhere negative.

# %%
@ch.exercise("lrp_gamma")
def lrp_gamma(a, w, b, R, gamma):
    """The relevance of each input of one neuron that is on, Eq. (14)."""
    raise NotImplementedError


lrp_gamma.check()

# %% [markdown]
# LRP-$\alpha\beta$ goes further. It sorts what was said by its sign and gives each side a budget: $\alpha R$ to what
# speaks for the neuron, $-\beta R$ to what speaks against it. With $\alpha = \beta + 1$ that makes $R$. Now $(\ )^+$
# keeps a *product* if it is positive, $(\ )^-$ if it is negative:
#
# $$R_i = \sum_j \left(\alpha \frac{(a_i w_{ij})^+}{\sum_{0,q} (a_q w_{qj})^+}
# - \beta \frac{(a_i w_{ij})^-}{\sum_{0,q} (a_q w_{qj})^-}\right) R_j \qquad (15)$$
#
# By hand: input 1 and the bias speak for the neuron, with 2 and 1. For $\alpha = 1$, $\beta = 0$ input 1 gets $2/3$ of
# $R$, input 2 nothing: {{neuron.zplus}}. For $\alpha = 2$, $\beta = 1$ it is {{neuron.alpha2beta1}}. A
# bias stands only with products of its own sign. Here `a` may be negative, and there are products of both signs.

# %%
@ch.exercise("lrp_alphabeta")
def lrp_alphabeta(a, w, b, R, alpha, beta):
    """The relevance of each input of one neuron, Eq. (15)."""
    raise NotImplementedError


lrp_alphabeta.check()

# %% survey=["(14)", "(15)", "lrp-gamma", "lrp-alphabeta"]
# NBVAL_CHECK_OUTPUT
display(book.recap("two pixels"))
for gamma in (0, 0.25, 1, 1000):
    e = mx.explain(book.two_pixels(), book.TWO_PIXELS, "lrp-gamma", target=0, gamma=gamma)
    print(f"gamma {gamma:4}: pixels get", *e.relevance.astype(float).round(2), "together", e.total)
five = mx.Network.sequential([mx.Linear(mx.exact([[1, 1], [1, 2]]))] * 5)  # nothing negative anywhere
for beta in (0, 1):
    e = mx.explain(five, mx.exact([1, 1]), "lrp-alphabeta", target=0, alpha=1 + beta, beta=beta)
    print(f"five layers, beta {beta}: score {e.score}, at the input {e.total}")

# %% [markdown]
# First, $\gamma$ moves *all* the credit from pixel 2, the only one that can move this score, to pixel 1, which cannot.
# As $\gamma$ grows, the rule becomes $\alpha = 1$, $\beta = 0$.
#
# Second, $\alpha = 2$, $\beta = 1$ trusts that there is a minus side to carry $-\beta R$. Where there is none, $2R$
# goes down. Five layers later that is 32 times the score.
#
# ## Three settings
#
# In practice one rule seldom serves a whole network. A **composite** has another one at each depth: LRP-0 at the top,
# $\varepsilon$ below, $\gamma$ further down, and at the pixels a rule of their own (chapter 11). We compare three
# settings on a star that `shapes` recognises.
#
# In the figure, each layer has two bars: the relevance for star, filled, and against it, hollow. "Below linear2" is
# what the inputs of that layer got. Start at the score and read downwards, then change the setting. The strip keeps the
# three maps, each divided by its strongest pixel.

# %% survey=["lrp-composite"]
star = settings(net, xs[4])
display(book.figures.presets(net, xs[4], star))
alone = {name: e.map / abs(e.map).max() for name, e in star.items()}
draw.strip(alone, picture=drawn.pictures[4], title="Red for star, blue against")

# %%
ch.observe("what_grows", ...)

# %% [markdown]
# ## Break it: a beautiful map
#
# The third map is all red and sits on the star. Is it also the answer to "why *star*"?
#
# On 100 pictures: which part of the positive relevance lies on the object? In how many is it more than with LRP-0?
# Brackets say how far chance may have moved the count. Then, on the first twenty: what if we ask for the runner-up?
# What if the weights of the last layer, where classes are told apart, are shuffled? How alike are the maps then? 1 is
# the same map, 0 has nothing in common. (Their correlation; each map over its score, in case that is negative.)

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("By setting:\n                   on the object   more of it than LRP-0   runner-up   shuffled")
best, second = (list(c) for c in np.argsort(-net(xs), axis=1)[:, :2].T)
*below, top = [node.op for node in net.nodes]
shuffled = top.convert(lambda w: np.random.default_rng(0).permutation(w.ravel()).reshape(w.shape))
forgetful, few = mx.Network.sequential([*below, shuffled]), xs[:20]
mine, other, lost = (settings(n, few, c[:20]) for n, c in ((net, best), (net, second), (forgetful, best)))
part = {name: on_object(e.map, drawn.masks) for name, e in settings(net, xs, best).items()}
for name, shares in part.items():
    wins = "{:3.0f} ({:.0f} to {:.0f})".format(*100 * np.array(mean_interval(shares > part["LRP-0 everywhere"])))
    same = [alike(mine[name], changed[name]).mean() for changed in (other, lost)]
    print(f"{name:18} {shares.mean():10.2f} {wins:>22} {same[0]:13.2f} {same[1]:10.2f}")
asked = {f"{n}: {c}": e[n][4].heatmap for n in list(part)[1:] for c, e in (("star", mine), ("cross", other))}
draw.strip(asked, picture=drawn.pictures[4], signed=False)

# %% [markdown]
# The third map lies on the object more often than LRP-0's. And it hardly hears the question. For the runner-up it is
# the same map, to two decimals; for a network that has forgotten how to tell classes apart, nearly so.
# What could tell star from cross are the minuses, and this rule drops them, layer after layer. What is left is where
# *anything* speaks for anything.
#
# LRP-0 hears the question best, and shouts. The composite stands between. A map that lies well on the object has not
# thereby answered why *this* class.
#
# ## Exit ticket
#
# Your guesses; one more neuron for your pencil; a claim.

# %%
pencil = ch.predict("new_neuron", ..., confidence=...)
display(*(ch.reveal(id) for id in questions), pencil)
ch.exercise("on_the_object", kind="claim").answer(...)

# %% [markdown]
# ## One page to keep
#
# * **LRP-0** shares $R$ in proportion to $a_i w_i$. On ReLU networks it is gradient times picture.
# * What a bias or $\varepsilon$ **keeps** never reaches a pixel: handed down plus kept is the score. A negative bias
#   gives.
# * **$\varepsilon$**, added away from 0, silences neurons that nearly cancel. **$\gamma$** favours what speaks for a
#   neuron; **$\alpha\beta$** gives each side its budget. A **composite** has one rule per depth.
# * Calm is bought: with relevance that stays inside, or with minuses that told the classes apart.
# * *Units: score.* Say which rule, which parameters, and what the bias did.
#
# **What the survey leaves open.** (11) needs a network without biases. In (13) the sign of $\varepsilon$ is missing.
# Below (12) the text writes $a_i$ where $a_q$ is meant. The words on $\gamma$ cite (15) for (14). And which rule
# belongs to which layer is left to taste: ask for a reason. (Chapter 11 finds in every rule a point of comparison.)

# %% [markdown] tags=["deeper"]
# ## Deeper: the account of a network
#
# Where has the rest of the score gone? Every explanation carries its account: `absorbed` says what stayed at each node.
# Handed down plus kept must be the score, whatever the rule. What a negative bias gives stands there with a minus.

# %% tags=["deeper"] survey=["(11)"]
# NBVAL_CHECK_OUTPUT
for name, e in star.items():
    kept = ", ".join(f"{node} {float(v):.2f}" for node, v in e.absorbed.items() if abs(v) > 0.005)
    print(f"{name}: at the pixels {e.total:.2f}, kept {sum(e.absorbed.values()):.2f}; the score {e.score:.2f}")
    print(f"    of it {kept}")

# %% [markdown] tags=["deeper"]
# The composite keeps most of what it keeps at `conv4`: there stands its $\varepsilon$, a quarter of the typical size of
# $z$ in that layer. Fractions make the account exact; our one neuron, with all its answers:

# %% tags=["deeper"] survey=["(12)", "(13)", "(14)", "(15)"]
# NBVAL_CHECK_OUTPUT
one, a = mx.Network.sequential([mx.Linear(mx.exact([[1, -1]]), mx.exact([1]))]), mx.exact([2, 1])
for method, params in (
    ("lrp-0", {}), ("lrp-epsilon", {"eps": 1}), ("lrp-gamma", {"gamma": 1}),
    ("lrp-alphabeta", {"alpha": 1, "beta": 0}), ("lrp-alphabeta", {"alpha": 2, "beta": 1}),
):  # fmt: skip
    e = mx.explain(one, a, method, target=0, **params)
    said = " ".join(f"{name} {v}" for name, v in params.items())
    print(f"{method:14}{said:16}", *e.relevance, f"   together {e.total}, kept {sum(e.absorbed.values())}")

# %% [markdown] tags=["deeper"]
# ## Deeper: figure 9
#
# The survey shows a tiger: LRP-$\varepsilon$, the same without biases, $\alpha = 1$, $\beta = 0$, and FEM (chapter 13).
# It reads off that without the bias relevance sits in a smaller region, that $\alpha = 1$, $\beta = 0$ draws contours
# of high contrast, and that FEM covers the whole. One tiger proves nothing, so this was counted on 200 pictures, each
# time as a difference between two methods. *Region* is the share of the pixels that holds half of a map, PCC its
# correlation with the picture's contrast, *cover* how much of the object has a quarter of the map's maximum or more.
# (Here $\varepsilon$ is $10^{-6}$, as good as nothing: the first map is LRP-0's.) From the record, then the star:

# %% tags=["deeper"] survey=["figure 9", "claim figure9"]
# NBVAL_CHECK_OUTPUT
from minixai.experiments.results import stored

for s in stored("figure9").statements:
    print(f"{s.text}: {{:.3f}} ({{:.3f}} to {{:.3f}}), {s.verdict}".format(*s.interval))
asked = {
    "LRP-eps": ("lrp-epsilon", {}), "ignore bias": ("lrp-epsilon", {"bias": "ignore"}),
    "alpha 1, beta 0": ("lrp-alphabeta", {"alpha": 1, "beta": 0}), "FEM": ("fem", {}),
}  # fmt: skip
nine = {name: mx.explain(net, xs[4], method, **p) for name, (method, p) in asked.items()}
loud, louder = (np.maximum(nine[name].relevance, 0).sum() for name in ("LRP-eps", "ignore bias"))
print(f"positive relevance in the star's picture: {loud:.0f}, ignoring the bias {louder:.0f}")
draw.strip({name: e.heatmap for name, e in nine.items()}, picture=drawn.pictures[4], signed=False)

# %% [markdown] tags=["deeper"]
# The three readings hold, on drawn shapes. Mind the second map, though. To ignore the bias is to divide by what is left
# of $z$, which may be nearly 0. So its region is smaller because a few pixels shout even louder.
#
# ## Deeper: the rules in the package
#
# Each rule says what stands above and below its line; one frame does the rest. `Gamma` is longer than (14), because a
# score, or a sum that no ReLU follows, may be negative: then it favours the minuses. The last listing is `shared_out`.

# %% tags=["deeper"]
from minixai.whitebox import composite, lrp, shares

book.show(shares.Shares.__call__, lrp.Zero, lrp.Epsilon, lrp.Gamma, composite.composite_table, shared_out)

# %% [markdown] tags=["deeper"]
# ## Deeper: a second opinion
#
# Everything above was computed by one engine, ours. PyTorch knows nothing about relevance. But you know what it knows:
# $R_j = z_j c_j$, and (12) becomes $c_i = \sum_j w_{ij} c_j$. LRP-$\varepsilon$ does the same with another slope,
#
# $$c_i = \sum_j w_{ij} \frac{z_j}{d_j}\, c_j,$$
#
# where $d_j$ is what stands below the line; $\gamma$ and $\alpha\beta$ exchange the weights, too. So the mirror
# gives every layer the value $z_j$ and the slope of $(z_j / d_j)\, z_j$, with the quotient held
# fixed. PyTorch's own chain rule does the walking. At the end, $a_i c_i$.

# %% tags=["deeper"]
if torch := book.torch_or_say():
    from minixai.pytorch import lrp as mirror

    display(book.show(mirror.Zero, mirror.Epsilon, mirror.AlphaBeta))

# %% tags=["deeper"]
display(book.second_opinion(small, six, ["lrp-0", "lrp-epsilon", "lrp-gamma", "lrp-alphabeta", "lrp-composite"]))
book.badge("shapes")

# %% [markdown] tags=["deeper"]
# What is left is the last digits of floats. And what do other libraries say about our neuron, for
# LRP-$\varepsilon$ with $\varepsilon = 1$? A question to them is a dictionary that spells everything out: method,
# network, input. Its numbers are strings, so that $1/3$ can be one.

# %% tags=["deeper"]
def row(*values):
    return {"shape": [1, len(values)], "values": [str(v) for v in values]}


S = {"name": "S", "op": "Linear", "inputs": ["input"], "weight": row(1, -1), "bias": {"shape": [1], "values": ["1"]}}
book.ask({
    "id": "mine-1", "method": "lrp-epsilon", "params": {"eps": "1", "stabilizer": "signed", "bias": "include"},
    "target": [0], "network": {"input_shape": [2], "nodes": [S]}, "input": row(2, 1),
})  # fmt: skip

# %% [markdown] tags=["deeper"]
# The same. On $\gamma$ they part; chapter 17 finds out where.
