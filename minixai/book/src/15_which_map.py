# ---
# jupyter:
#   minixai:
#     title: "Which map is right? Agreement, then faithfulness"
#     minutes: 90
#     objectives:
#     - compute AUC, IoU and SIM of a map, and say how each can be fooled
#     - measure by deletion whether a network depends on what a map marks, and name the fill
#     - say what scrambling the weights can prove and what it cannot
#     - read a claim with its verdict and interval
#     needs: ["05", "01"]
#     equations: section 7
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# `husky` looks at a picture and says *wolf*. Two people explain why, each with a map. P is bright on the wolf, Q on the
# snow. Which of them is right?
#
# In chapter 01 you let the snow melt, and the answer melted with it. Usually nobody can do that. Somebody draws an
# outline of the animal instead, and a formula says how well the map agrees with it. The survey's Section 7 lists such
# formulas. We shall build three of these judges and show them P and Q. Then we build one who may ask the network.
#
# The chapter has two slots; after the first you may close the book for today.
#
# ## Ticket in
#
# Three guesses: a letter for the first dots, then your confidence, from 1 (a coin) to 3 (sure).

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, metrics
from minixai.book.figures import ch15
from minixai.book.numbers.ch15 import shared
from minixai.experiments import subjects
from minixai.experiments.intervals import mean_interval

ch, seen = book.chapter("15_which_map"), subjects.wolves(100)  # a hundred wolves on snow that it never saw
husky, masks, snow = seen.network, seen.masks, seen.snow
first, second = ch.predict("how_many_judges", ..., confidence=...), ch.predict("blob", ..., confidence=...)
third = ch.predict("how_alike", ..., confidence=...)
display(ch15.two_maps(husky.unpreprocess(seen.x[0]), masks[0], snow[0]), first, second, third)

# %% [markdown]
# ## Two pixels, two judges
#
# Take chapter 01's detector once more: score $3 \cdot \text{snow} + 1 \cdot \text{snout} - 2$. A wolf on snow is the
# picture {{judge.picture}}, with score {{judge.score}}. The outline is drawn around the snout. So P is {{judge.p}} and
# Q is {{judge.q}}.
#
# The first judge takes one pixel on the outlined object and one off it. Which has the larger number? In P the one on
# the object, in Q the other. The second judge never saw the outline. It sets the map's largest pixel to 0 and asks the
# detector again.
#
# | | P, on the snout | Q, on the snow |
# | --- | --- | --- |
# | pairs won against the outline (AUC) | {{judge.p_auc}} | {{judge.q_auc}} |
# | score lost without its pixel | {{judge.p_cost}} | {{judge.q_cost}} |
#
# Without P's pixel the detector still says wolf. Without Q's its score is {{judge.q_left}}, and it says husky. Two
# maps, opposite verdicts, and nobody has miscounted. The first judge measures **agreement**, with what people mark.
# The second measures **faithfulness**, to what the network does.
#
# *Units. Agreement has none: it is a share. What hiding costs is in units of the score.*
#
# ## Slot 1. Agreement: is the map where people point?
#
# **AUC** is the first judge, for any picture: of *all* pairs of a pixel on the object and one off it, the share that
# the object wins. A tie is half a win. Take the map {{judge.map}} with the object on the first two pixels. There are
# six pairs. The 3 wins three; the 1 wins two and ties one. So {{judge.auc}}. (*Area under the curve* is another way
# to the same number.) Write it; `R[mask == 1]` are the numbers on the object.


# %%
@ch.exercise("auc")
def auc(R, mask):
    """The share of pairs, one pixel on the object (mask 1) and one off it (0), that the object wins."""
    raise NotImplementedError


auc.check()

# %% survey=["auc"]
# NBVAL_CHECK_OUTPUT
found = {name: mx.explain(husky, seen.x[:20], name).map for name in ("fem", "gradient", "lrp-0", "grad-cam")}
found = {"P, the wolf": 1.0 * masks[:20], "Q, the snow": 1.0 * snow[:20]} | found


def against_the_wolf(f):
    print(f"AUC against the wolf, mean of 20 ({f.label})")
    for name, maps in found.items():
        print(f"  {name:12} {np.mean([f(R, 1.0 * m) for R, m in zip(maps, masks, strict=False)]):.2f}")


ch.yours("auc", against_the_wolf)

# %% [markdown]
# (The last four are methods of chapter 00. You need not know how they work; judges don't, either.)
#
# Q gets a little more than 0, because the sky is neither wolf nor snow: there it ties. FEM is nearly right, by this
# judge, LRP-0 a coin, and Grad-CAM worse than one. An honest map of this network *ought* to lose.
#
# AUC looks at nothing but the order of the numbers. **IoU**, *intersection over union*, wants a region. Mark every
# pixel that has at least half of the map's maximum. Then divide what the region and the object share by what either
# covers. In {{judge.iou_map}}, half of the maximum is 2, which marks four pixels. Let the object be the first three:
# two are shared, five are covered, {{judge.iou}}. Half of the maximum is a choice; the package marks the largest fifth
# of the picture instead. If somebody reports an IoU, ask for the threshold.


# %%
@ch.exercise("iou_at")
def iou_at(R, mask):
    """What {R >= half of its maximum} and the object share, over what either covers."""
    raise NotImplementedError


iou_at.check()

# %% [markdown]
# **SIM**, *similarity*, compares two maps, or a map and an outline. Both become heaps of sand of weight 1: divide each
# by its sum. How much sand lies in the same place in both? Of {{judge.sand}} and {{judge.other_sand}} the heaps are
# {{judge.heap}} and {{judge.other_heap}}. Take the smaller number in each place and add: {{judge.sim}}. (The package
# first stretches both, by chapter 05's min-max: {{judge.sim_stretched}}.)
#
# Two more are quick. The **pointing game** asks whether the largest number lies on the object. **PCC** is Pearson's
# correlation, 1 for maps that rise and fall together.
#
# Now two maps before all five: A is {{judge.a}} and B is {{judge.b}}, the object again the first two pixels. Which is
# better? (P and Q go with them, against the outline of their wolf.)

# %% survey=["iou", "sim", "pcc"]
# NBVAL_CHECK_OUTPUT
half = ch.yours("iou_at")
judges = {"AUC": metrics.auc, f"IoU ({half.label})": half, "SIM": shared, "pointing": metrics.pointing}
A, B, first_two = np.array([1.0, 1, 0, 0, 2]), np.array([3.0, 0, 0, 1, 1]), np.array([1.0, 1, 0, 0, 0])
P, Q = 1.0 * masks[0], 1.0 * snow[0]
for name, judge in (judges | {"PCC": metrics.pcc}).items():
    grades = judge(A, first_two), judge(B, first_two), judge(P, P), judge(Q, P)
    print("{:16} A {:.2f}   B {:.2f}     P {:.2f}   Q {:.2f}".format(name, *map(float, grades)))

# %% [markdown]
# Two judges prefer A, two prefer B, and one cannot tell them apart. There is no "better" without a question: *Are most
# pixels in order? Is the region right? Is the peak right?* On P and Q they are of one mind, and none of them for Q.
#
# A judge with one question can be gamed. Below, a map of 8 x 8 pixels has been begun; the animal has double borders. A
# click, or the space bar, paints with your brush, and arrow keys move you about. **Win AUC, with more than 0.9, and
# lose the pointing game.** Before you start: how many pixels off the animal will that take? (The strip shows three
# maps that do *not* get there.)

# %%
display(book.figures.own_map(), ch15.three_animals())
ch.observe("how_to_lose", ...)

# %% [markdown]
# *No buttons? Open the chapter with `make lab`.* Here ends slot 1.
#
# ## Slot 2. Faithfulness: does the network care?
#
# **Deletion**: hide the pixels that the map ranks highest, and see how far the score falls. They go *together*. For
# $S = \min(x_1, x_2) + 3x_3 - x_4 + x_5 + 1$ at $x = {{judge.five:matrix}}$, let a map say $R =
# {{judge.ranks:matrix}}$. The two largest numbers are the first two. Hide both with 0, and the minimum falls from 3 to
# 0: the drop is {{judge.drop}}. One at a time, each costs 3: {{judge.one_by_one}} in all, for something worth
# {{judge.drop}}.
#
# `fill` is what hidden pixels become. `np.argsort(-R)` lists the places, the largest number first.


# %%
@ch.exercise("deletion_drop")
def deletion_drop(score, x, R, k, fill):
    """How far score(x) falls when the k pixels with the largest R become fill, all together."""
    raise NotImplementedError


deletion_drop.check()

# %% [markdown]
# On a picture of 4,096 pixels we let $k$ grow. The score is the number that chapter 01 watched: that of *wolf* minus
# that of *husky*. Hidden pixels turn middle grey. Where a line climbs early, the map has found what the network uses.
# Which of the four will climb first?

# %% tags=["reveal"]
four = {"P, the wolf": P, "Q, the snow": Q, "fem": found["fem"][0], "lrp-0": found["lrp-0"][0]}


def prefers(x):
    return husky(x) @ [-1.0, 1.0]  # the score of wolf minus that of husky


def score(visible):  # of the first wolf where visible is 1; the rest is 0, which is grey to this network
    return prefers(seen.x[:1] * visible.reshape(1, 1, 64, 64).astype(np.float32))[0]


def curves(f):
    drops = {n: [f(score, np.ones(4096), R.ravel(), k, 0.0) for k in range(0, 4097, 512)] for n, R in four.items()}
    return ch15.falling(drops, f"score lost ({f.label})")


ch.yours("deletion_drop", curves)

# %% [markdown]
# LRP-0, the coin of slot 1, is up first. Q overtakes it, and P hardly moves before half of the picture is gone. All
# lines end in one point, a grey picture. One number for the way there is the area under the score that is *left*, the
# **deletion area**: low if a map is faithful. One wolf proves nothing; here is the record of a hundred, with 95 %
# intervals. (The last lines: 1 if agreement and faithfulness rank the methods alike, -1 if upside down.)

# %%
# NBVAL_CHECK_OUTPUT
area, agreement, together, _ = ch15.recorded("faithfulness").values()
print("a hundred wolves on snow   AUC against the wolf   deletion area")
for name in ("the animal's outline", "fem", "gradient", "noise", "lrp-0", "grad-cam", "the snow's outline"):
    told = ["{:.2f} ({:.2f} to {:.2f})".format(*panel[name]) for panel in (agreement, area)]
    print(f"{name:26} {told[0]:22} {told[1]}")
print("rank correlation of agreement and faithfulness, over the methods:")
for name, number in together.items():
    print("  {:24} {:.2f} ({:.2f} to {:.2f})".format(name, *number))

# %% [markdown]
# The wolf's outline, perfect in slot 1, comes out nearer to noise than to the outline of the snow. LRP-0 beats even the
# snow. (Grad-CAM, which points at the snow, does not.) Over all methods, more agreement goes with *less* faithfulness.
# On `shapes`, where no cue was planted, one says nothing about the other.
#
# So which map is right? Asked where the wolf is: P. Asked what `husky` goes by: Q. It is "not guaranteed that the
# explanations match human intuition", says the survey. Confirmed; and here, one that matched would be wrong.
#
# ## What does *not there* look like?
#
# Who says that grey means *gone*? Back to the detector. Find a picture (snow, snout) and two fills, all numbers from 0
# to 1: with one fill, hiding the snow costs more; with the other, hiding the snout does. Then guess what happens to
# `husky`.


# %%
@ch.exercise("other_fill", kind="counterexample")
def other_fill():
    """(picture, fill, another fill): np.array([snow, snout]) and two numbers, all from 0 to 1."""
    raise NotImplementedError


verdict, guess = other_fill.check(), ch.predict("white_paint", ..., confidence=...)
display(verdict, guess)

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Hide the wolf, or all the snow, of a hundred pictures. What it costs:")
for paint, value in (("grey", 0), ("black", -2), ("white", 2)):  # as this network is shown them
    wolf, ground = (prefers(seen.x) - prefers(ch15.painted(seen.x, m, value)) for m in (masks, snow))
    print(f"{paint:6} the wolf {wolf.mean():5.1f}   the snow {ground.mean():5.1f}", end="   difference ")
    print("{:5.1f} ({:.1f} to {:.1f})".format(*mean_interval(ground - wolf)), end="   snow costs more: ")
    print(f"{(ground > wolf).sum()} of 100")
melts = ch15.recorded("clever-hans")["log odds moved by"]["snow melts"]
print("On record from chapter 01: the snow melts {:.1f} ({:.1f} to {:.1f})".format(*melts))

# %% [markdown]
# With white paint the verdict turns round, a hundred times out of a hundred. White snow that is painted white is still
# snow, and purer: the cost is negative. A deletion number belongs to a map, a picture, a score *and a fill*: name all
# four. The best fill is what would really be there. Under the snow lies grass: that was chapter 01's intervention.
#
# ## Forget, and look again
#
# One more judge needs neither outline nor fill. If a map shows what a network has *learnt*, it must change when the
# network forgets. **Scrambling** gives the last layer random numbers, then the one before, and so on. **Likeness** is
# the PCC of the maps' magnitudes, before and after.
#
# Which map will hold out longest? Move the layers; then try another method. The curves are means over a hundred
# pictures. *Edges of the picture* is no explanation: it asks no network.

# %%
net, x = mx.load("shapes"), mx.zoo.shapes.samples().x[0]
display(book.figures.scrambled_layers(net, x), ch15.layers_strip(net, x))

# %%
ch.observe("who_notices", ...)

# %% [markdown]
# With all six layers drawn anew, all 14 methods on record fall below one half; the highest is FEM, at 0.40 (0.35 to
# 0.45). So these maps do depend on what was learnt; the survey's claim is confirmed. But look at *two* layers. The
# network talks nonsense, and guided backpropagation still draws the same circle. Little of the decision can be in it.
#
# The check has one direction. A map that does not move is disqualified. A map that moves may still be wrong.
#
# ## Break it
#
# A round blob in the middle of every picture, blind to it all: how does it do against real methods? And of two maps,
# $R$ and $2R + 1$: which judges see that every pixel has changed?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("AUC against the object, a hundred drawings:")
hundred, R, S = subjects.shapes(100), mx.exact([1, 2, 4]), mx.exact([3, 5, 9])
blind = ch15.aucs([ch15.bump()] * 100, hundred.masks)
print("{:10} {:.2f} ({:.2f} to {:.2f})".format("the blob", *mean_interval(blind)))
for name in ("gradient", "fem"):
    theirs = ch15.aucs(mx.explain(net, hundred.x, name).map, hundred.masks)
    print("{:10} {:.2f} ({:.2f} to {:.2f})".format(name, *mean_interval(theirs)), end="   ")
    print("the blob is better in {:.0%} ({:.0%} to {:.0%})".format(*mean_interval(1.0 * (blind > theirs))))
print("R and 2R + 1: PCC", metrics.pcc(R, S), " SIM", metrics.sim(R, S), " not stretched", shared(R, S))

# %% [markdown]
# The blob keeps up with the gradient: photographers, and drawing programs, put things in the middle. Whenever somebody
# shows you an AUC, ask what a blob gets on the same pictures. And PCC sees neither scale nor offset.
#
# ## Exit ticket

# %%
best = ch.exercise("agrees_best", kind="claim").answer(...)
display(*(ch.reveal(id) for id in ("how_many_judges", "blob", "how_alike", "white_paint")), best)
ch.exercise("what_passes", kind="claim").answer(...)

# %% [markdown]
# ## One page to keep
#
# * **Agreement** asks an outline: AUC about the order, IoU about a region, the pointing game about the peak, SIM about
#   heaps, PCC about ups and downs. None asks the network.
# * **Faithfulness** asks the network: hide what the map marks, all together, and see what the score loses. Name the
#   fill.
# * On `husky` the two pull apart. A map can please everybody and be wrong.
# * **Scrambling** disqualifies maps that do not move. It proves nothing about those that do.
# * Beside every number: what a blind blob gets, and an interval over many pictures.
# * *Units: agreement has none; deletion has those of the score.*
#
# **What the survey leaves open.** The measures of its Section 7 compare a map with a map, or with people; none asks the
# network. It reports a map that "closely aligns with human experts". On `husky` that would be P. Whether a map serves
# an expert, only experts can say, and this book has none to ask. What a machine could test stands below, claim by
# claim.

# %% [markdown] tags=["deeper"]
# ## Deeper: Section 7, claim by claim
#
# Fifteen experiments test what the survey says. Each claim became a number and a border *before* it was measured. It is
# confirmed if the whole 95 % interval lies on the claimed side, refuted if it lies on the other, else inconclusive. A
# claim that says several things falls with any of them; of one that can be read in several ways, all readings must
# agree. Here is Section 7, the confirmed first, read from the records in `data/results`; below it all fifteen, by
# section. Nothing was adjusted to agree with the survey, or to disagree.

# %% tags=["deeper"] survey=["claim faithfulness", "claim randomisation", "claim shattering", "claim sparse-maps"]
ch15.Claims(ch15.of_section("7"))

# %% tags=["deeper"] survey=["claim accuracy", "claim clever-hans", "claim guided-pixels", "claim generators"]
# NBVAL_CHECK_OUTPUT
for section in ("7", "1", "4.3", "4.4", "4.5", "5.3", "6"):
    for o in ch15.of_section(section):
        verdicts = [s.verdict for s in o.statements]
        hold = f"{verdicts.count('confirmed'):2} of {len(verdicts):2} statements hold"
        print(f"{section:4} {o.verdict:17} {o.claim.name:17} {hold}")

# %% [markdown] tags=["deeper"]
# "Refuted" means: on these networks, by this rule. The survey reports what others saw on theirs, which are larger and
# look at photographs (chapter 16). One row needs no statistics, though. "LRP, DeepLIFT and FEM are not sensitive to
# this problem as they do not compute gradients." On a network of ReLUs and max-pools, LRP-0 *is* gradient times picture
# (chapter 10), to the last digits: it inherits whatever befalls the gradient. Of FEM the sentence holds; FEM does not
# look back at all.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
exactly = net.astype("float64")
x64 = x.astype(np.float64)
w, R = (mx.explain(exactly, x64, name).relevance for name in ("gradient", "lrp-0"))
print("LRP-0 is gradient times picture, to 12 digits:", bool(abs(R - w * x64).max() < 1e-12 * abs(R).max()))
for name, number in ch15.recorded("sensitivity")["map moved by 2 % noise (1 - PCC)"].items():
    if name in ("lrp-0", "gradient", "deeplift-rescale", "fem"):
        print("{:17} moved by 2 % noise: {:.3f} ({:.3f} to {:.3f})".format(name, *number))

# %% [markdown] tags=["deeper"]
# ## Deeper: a judge's favourite
#
# Why does LRP-0 do so well? It is gradient times picture. The picture is the distance from 0, and 0 is grey: so its
# number *is* a guess at what turning this pixel grey will cost. It was made for this judge. Change the fill to white,
# and make the guess for white as well: slope times (picture - white). Twenty wolves.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
few, slopes = seen.x[:20], mx.explain(husky, seen.x[:20], "gradient").relevance
paints = {"grey": 0, "white": 2}
print("deletion area, lower is more faithful")
for guess, there in paints.items():
    guesses = (slopes * (few - there)).sum(axis=1)
    for fill, value in paints.items():
        areas = [metrics.deletion(prefers, p, R, value, steps=8) for p, R in zip(few, guesses, strict=True)]
        told = "{:5.2f} ({:.2f} to {:.2f})".format(*mean_interval(np.array(areas)))
        print(f"slope times ({f'picture - {guess})':17} deleted with {fill:6}{told}")

# %% [markdown] tags=["deeper"]
# Each wins with its own paint, and by far. A faithful map is faithful to a question, and the fill is part of it. Before
# you compare methods by deletion, ask which of them has the fill built in.

# %% [markdown] tags=["deeper"]
# ## Deeper: heaps of sand
#
# SIM in your own hands: two maps without negative numbers, each brought to a sum of 1. Then $R$ and $2R + 1$.


# %% tags=["deeper"]
@ch.exercise("sim_sums")
def sim_sums(R, other):
    """Each map over its sum; the smaller numbers, added up."""
    raise NotImplementedError


sim_sums.check()

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
heaps, R = ch.yours("sim_sums"), np.array([1.0, 2, 4])
print(f"SIM of R and 2R + 1, sums only ({heaps.label}): {float(heaps(R, 2 * R + 1)):.4f}")

# %% [markdown] tags=["deeper"]
# That is {{judge.scaled}}. The offset flattens the heap, and sums see it; stretching takes it away first. Neither is
# wrong. They are two answers to "is adding the same everywhere a change?"
#
# ## Deeper: where people looked
#
# If an eye tracker says where people looked, there are two more judges. **KL** takes the truth $T$ and the map $M$ as
# heaps and asks how surprised the map is by the truth: $\sum T \log (T / M)$. It punishes what the map *leaves out*
# and is not symmetric. **NSS** measures the map in spreads above its mean, where people looked: 0 is chance.
#
# We have no eyes to track. Pretend that six people looked at a wolf, each at a random pixel of it.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
truth, flat = np.array([1.0, 1, 0, 0]), np.ones(4)
print(f"KL(truth || flat) {metrics.kl(truth, flat):.3f}, KL(flat || truth) {metrics.kl(flat, truth):.1f}")
looked = np.zeros((64, 64), bool)
looked.flat[np.random.default_rng(0).choice(np.flatnonzero(masks[0]), 6, replace=False)] = True
for name, R in four.items():
    heat = np.clip(R, 0, None)
    told = metrics.nss(heat, looked), metrics.nss(heat**3, looked), metrics.auc_judd(heat, looked)
    print("{:12} NSS {:5.2f}, of the cubes {:5.2f}; AUC {:.2f}".format(name, *told))

# %% [markdown] tags=["deeper"]
# Flat against a truth with zeros is punished without mercy: the truth calls impossible what the map calls likely. And
# cubing a map keeps its order, so AUC stays while NSS moves. Another judge, another question. Which question is *yours*
# comes before any of them: that is chapter 18.
#
# Who checks the judges? The engine's numbers are compared with PyTorch's:

# %% tags=["deeper"]
book.badge("husky")
