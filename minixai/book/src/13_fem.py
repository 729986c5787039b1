# ---
# jupyter:
#   minixai:
#     title: "FEM, in space and time"
#     minutes: 45
#     objectives:
#     - run FEM by hand, and write it
#     - say what it cannot be asked, and prove it
#     - test how rare "rare" is on maps that a ReLU left
#     - take it to clips, and say how far its "when" can be trusted
#     needs: ["09"]
#     equations: section 5.3, (26), figure 9
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# Can you explain a decision without asking which decision it was?
#
# It sounds like a riddle, and there is a method that does just that. FEM, the *feature based explanation method*, looks
# at the network's last feature maps, before any class comes in. No seed, no walk back, no class. It asks where the maps
# are strong, and stops.
#
# And it does well: in chapter 00's table it has the highest AUC of all methods. How can that be?
#
# ## Ticket in
#
# Three guesses. A letter for the first dots, then your confidence: 1 is a coin, 3 is sure.

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.book.figures.ch13 import asked_twice, figure9, pairs
from minixai.book.numbers import say
from minixai.experiments.intervals import mean_interval
from minixai.experiments.results import stored
from minixai.zoo.scenes import scene, scenes

ch, net = book.chapter("13_fem"), mx.load("shapes")
first, second = ch.predict("what_changes", ..., confidence=...), ch.predict("at_most", ..., confidence=...)
third = ch.predict("one_or_two", ..., confidence=...)
display(first, second, third)

# %% [markdown]
# ## Rare and strong, with a pencil
#
# FEM reads the *feature layer*, the last one that still holds maps: in `shapes` 48 maps of 8 x 8 numbers. Each map
# $k$ is judged by itself. Take its mean $\mu_k$ and its **spread** $\sigma_k$: the root of the mean squared distance
# from $\mu_k$. A place is marked if its number $a$ is at least $K$ spreads above the mean, the **K-sigma rule**:
#
# $$B_k(a) = \begin{cases} 1 & a \ge \mu_k + K\,\sigma_k \\ 0 & \text{otherwise} \end{cases} \quad (26)
# \qquad\qquad R = \sum_k \mu_k B_k$$
#
# So every marked place gets the mean of its map, and the maps are added up. The authors take $K = 1$. Three maps:
#
# $$\begin{pmatrix}1&1\\1&1\end{pmatrix} \quad \begin{pmatrix}0&0\\0&4\end{pmatrix} \quad
# \begin{pmatrix}0&0\\4&4\end{pmatrix}$$
#
# Their means are {{rare.means}}, the squares of their spreads {{rare.variances}}. Which places are marked? What is
# $R$? Run the cell when you have it.

# %% tags=["reveal"] survey=["(26)"]
# NBVAL_CHECK_OUTPUT
print("Map by map:")
for A in book.numbers.value("rare.maps").astype(float):
    B = 1 * (A >= A.mean() + A.std())
    print(f"threshold {A.mean() + A.std():.2f}, marked {B.tolist()}, each mark worth {A.mean():.0f}")
print("R", say(book.numbers.value("rare.answer")))

# %% [markdown]
# The flat map marks *everything*: its spread is 0, and each number is at least the mean. We shall meet it again.
#
# ## Write it
#
# `A` holds the maps, `A.shape` is (maps, rows, columns). `A.mean(axis=(1, 2), keepdims=True)` is one mean per map, in a
# shape that goes with `A`; `A.std` likewise gives the spreads. Return $R$ itself, one number per place.
#
# Below, your function at work: a heart, the three busiest of its 48 maps, and what FEM makes of all 48.


# %%
@ch.exercise("fem")
def fem(A, K):
    """R of (26): for every place the sum of the means of the maps that mark it."""
    raise NotImplementedError


fem.check()

# %% survey=["fem"]
picture, _, mask = scene(4, 77)  # chapter 00's heart, and where it is


def at_work(f):
    A = mx.forward(net, net.preprocess(picture))["maxpool2"].y[0].astype(float)
    maps = {f"map {k}": A[k] / A[k].max() for k in np.argsort(-A.mean(axis=(1, 2)))[:3]}  # the three busiest
    R = f(A, 1.0)
    return draw.strip(maps | {f"FEM ({f.label})": R / R.max()}, picture=picture, title="Each over its largest")


ch.yours("fem", at_work)

# %% [markdown]
# ## Whose question was it
#
# Now ask chapter 03's pocket CNN, whose two classes are called A and B (letters that have nothing to do with the maps
# $A$ and the marks $B$). Then spoil what comes after the maps: double the last weights, or give each class the other's.
# Beside it Grad-CAM, which you know from chapter 09.

# %%
# NBVAL_CHECK_OUTPUT
*below, last = [node.op for node in book.pocket().nodes]
w = last.weight
for what, weights, cls in (("A", w, 0), ("B", w, 1), ("A, doubled", 2 * w, 0), ("A, exchanged", w[::-1], 0)):
    network = mx.Network.sequential([*below, mx.Linear(weights)])
    maps = (mx.explain(network, book.POCKET_PICTURE, name, target=cls) for name in ("fem", "grad-cam"))
    print(f"class {what:13}", *(f"{e.method} {say(e.relevance):18}" for e in maps))

# %% [markdown]
# Four times {{rare.pocket}}. FEM cannot be wrong about the class, because it never hears of one. That was your first
# guess. *Units: those of the maps. No score was asked, so it is neither score nor score per unit.*
#
# Now the figure. It has two controls. Before you touch them: which of them will do nothing? Move one at a time. The
# strip below stays: four values of $K$, then Grad-CAM for two classes.

# %%
x = net.preprocess(picture)
display(book.figures.rare(net, x))
maps = {f"FEM, K = {K}": mx.explain(net, x, "fem", K=K).heatmap for K in (0, 1, 2, 4)}
for name in ("heart", "leaf"):
    maps[f"Grad-CAM, {name}"] = mx.explain(net, x, "grad-cam", target=name).heatmap
draw.strip(maps, title="Each over its largest", signed=False, columns=3)

# %%
ch.observe("two_controls", ...)

# %% [markdown]
# *If you see only a still picture, the page is shown without its kernel; `make lab` opens the chapter with it.*
#
# ## Two shapes, one map
#
# Perhaps the class does not matter as long as there is one shape. So put two different ones into a picture, left and
# right, and ask about each. A map that answers *why this class* should move to the side that was asked for. Count it on
# 100 pictures, for FEM and for Grad-CAM. Guess both counts, then look.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("How much of the map lies left, and how often it moves to the shape that is asked for:")
two = pairs(7, 100)
display(asked_twice(net, two.pictures[6], two.left[6], two.right[6]))
xs = np.stack([net.preprocess(p) for p in two.pictures])
for name in ("fem", "grad-cam"):
    maps = [mx.explain(net, xs, name, target=cls.tolist()).map for cls in (two.left, two.right)]
    left, right = (m[..., :32].sum(axis=(1, 2)) / m.sum(axis=(1, 2)) for m in maps)
    print(f"{name:9} asked left {left.mean():.2f}, asked right {right.mean():.2f}, moves in", end=" ")
    print("{:.0%} ({:.0%} to {:.0%})".format(*mean_interval(left > right)))

# %% [markdown]
# That is the price. On pictures with a single thing in them FEM looks like an explanation, because there is only one
# place to be busy at. (In brackets a 95 % interval, from resampling the hundred pictures. Of these hundred the one
# shown is typical: Grad-CAM moves about as far on it as on most.)
#
# ## How rare is rare
#
# The survey argues like this: suppose the numbers of a map lie in a *bell curve*. Then about 16 in 100 are one spread
# or more above the mean, 2 in 100 two spreads, and so *strong* is *rare*. But a ReLU has cut off all that was negative.
#
# See how far this can go. Return two maps of your own, of any size, without negative numbers. In the first, at least
# *half* of the numbers are rare at $K = 1$. In the second *none* is, at $K = 2$. Flat maps are refused.


# %%
@ch.exercise("not_so_rare", kind="counterexample")
def not_so_rare():
    """half, nobody: two maps, such as np.array([[0.0, 1.0], [2.0, 3.0]])."""
    raise NotImplementedError


not_so_rare.check()

# %% [markdown]
# More than half is impossible for any map that is not flat: your second guess. Why? Measure in spreads from the mean,
# and let a share $p$ of the numbers be 1 or more up. The others must balance them, so on average they are at least
# $p/(1-p)$ down. The squares then average at least $p + (1-p)\bigl(\tfrac{p}{1-p}\bigr)^2 = \tfrac{p}{1-p}$. But in
# spreads the squares average 1, by definition. So $p \le \tfrac12$.
#
# Now the maps of `shapes`, for 100 pictures that it never saw, without those that are zero everywhere. What share of
# their numbers is marked, and what would a bell curve say? Does $K$ matter for where the map lies? (AUC, as in chapter
# 00: how often a pixel on the shape has more than one beside it.) Your third guess.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Zeros, marks, and who lies on the shape:")
hundred = scenes(7, 100)
inputs = np.stack([net.preprocess(p) for p in hundred.pictures])
A = mx.forward(net, inputs)["maxpool2"].y
lit, aucs = A[A.max(axis=(2, 3)) > 0], {}
mu, sigma = lit.mean(axis=(1, 2), keepdims=True), lit.std(axis=(1, 2), keepdims=True)
for K, bell in ((1, 15.9), (2, 2.3), (3, 0.1)):
    maps = mx.explain(net, inputs, "fem", K=K).map
    aucs[K] = np.array([mx.metrics.auc(m, on) for m, on in zip(maps, hundred.masks, strict=True)])
    print(f"K = {K}: marked {(lit >= mu + K * sigma).mean():5.1%} (bell {bell:4}%), AUC {aucs[K].mean():.3f}")
said = (lit == 0).mean(), *mean_interval(aucs[2] > aucs[1])
print("zeros {:.0%}; K = 2 is better in {:.0%} of the pictures ({:.0%} to {:.0%})".format(*said))

# %% [markdown]
# Most numbers are zero, and a few are large: nothing like a bell. Fewer are marked at $K = 1$ than a bell would have,
# and many more at $K = 3$. But the conclusion survives its argument: what is strong in such a map *is* rare. And $K$
# hardly matters for where the map lies; it matters for how much of it is left.
#
# ## Figure 9, once more
#
# The survey shows FEM beside three maps of LRP. (That is chapter 10; the card below says what you need.) It reads off
# three things. LRP-$\varepsilon$ without the bias keeps to a smaller *region*. LRP with $\alpha = 1, \beta = 0$, which
# shares out only what is positive, draws *contours*. And FEM is more *holistic*. Here are our four. The second has gone
# to a corner, where nothing is: without the bias a denominator can come close to 0, and shares explode.
#
# One picture again, so below stands what an experiment found on 200, each time as a difference between two methods. The
# *region* is the share of pixels that holds half of the map. *Contours*: the correlation (PCC) of a map with the
# picture's own contrast. *Cover*: how much of the shape has at least a quarter of the map's largest number.

# %% survey=["figure 9", "claim figure9"]
# NBVAL_CHECK_OUTPUT
display(figure9(net, picture), book.recap("shares"))
for s in stored("figure9").statements:
    print(f"{s.text}: {{:.2f}} ({{:.2f}} to {{:.2f}}), {s.verdict}".format(*s.interval))

# %% [markdown]
# All three readings hold on these pictures. The first two differences are small, the last two large: FEM covers the
# shape, as a cloud would. Whether *holistic* is praise depends on what you want to know.
#
# ## Break it
#
# Twice. First let one of the 48 filters die of a large bias: its taps are 0, and it answers 20 everywhere. A map like
# that says nothing. What will it do to FEM? Then shuffle the weights of the last two layers, so that the network talks
# nonsense, and compare the maps of all 100 pictures.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Broken in two ways:")
ops = {node.name: node.op for node in net.nodes}
mixed = {node.name: node.op for node in book.scrambled(net).nodes[-3:]}  # two layers and the ReLU between them
taps, bias = ops["conv4"].weight.copy(), ops["conv4"].bias.copy()
taps[0], bias[0] = 0, 20
dead = {"conv4": mx.Conv2d(taps, bias, padding=1)}
# the same network, with the layers of that name replaced
flat, deaf = (mx.Network.sequential((ops | new).values(), feature_layer="maxpool2") for new in (dead, mixed))
for what, network in (("as it was", net), ("with a flat map", flat)):
    m = mx.explain(network, x, "fem").heatmap
    print(f"{what:15} heat map from {m.min():.2f} to 1, AUC {mx.metrics.auc(m, mask):.2f}")
right = [(network(inputs).argmax(axis=1) == hundred.labels).sum() for network in (net, deaf)]
before, after = (mx.explain(network, inputs, "fem").map for network in (net, deaf))
print(f"right answers {right[0]}, then {right[1]}; the maps moved by at most {abs(after - before).max():.0f}")

# %% [markdown]
# The flat map marks every place and lays a floor under the whole picture. AUC does not notice: it only asks which
# number is larger. The eye does.
#
# And the network that has forgotten how to decide gets the very same maps. Chapter 00 went further: with *all* weights
# shuffled FEM still found most shapes. A map that survives this is no map of what was learnt. It may still be useful:
# it says where to look first.
#
# ## Exit ticket
#
# By hand: the maps `[[0, 0], [0, 8]]` and `[[1, 3], [1, 3]]`, $K = 1$. Put your $R$ for the dots; `True` means that it
# is right. Then your guesses, and one last question.

# %%
mine = ...
maps = np.array([[[0, 0], [0, 8]], [[1, 3], [1, 3]]], float)
display("not yet" if mine is ... else np.array_equal(ch.yours("fem")(maps, 1), mine))
display(*(ch.reveal(guess) for guess in ("what_changes", "at_most", "one_or_two")))
ch.exercise("same_for_both", kind="claim").answer(...)

# %% [markdown]
# ## One page to keep
#
# * **FEM:** a map marks the places where it is at least $K$ spreads above its own mean. A mark is worth that mean. Add
#   up.
# * It needs one pass forwards, and no class. So it cannot say *why this class*: on two shapes it gives one map.
# * Rare is a matter of the map. Of zeros and ones, half are "rare"; of a flat map, all are.
# * *Units: those of the maps.* It says where the network is busy.
#
# **What the survey leaves open.** Which spread, and what becomes of a flat map: we divide by the number of places, and
# a flat map marks all. It says that FEM shows the pixels that matter *for the decision*. You have seen a network that
# decides at random and has the same maps. `ch.progress()` says where you stand.

# %% [markdown] tags=["deeper"]
# ## Deeper: two dimensions and time
#
# The survey adds half a sentence: FEM also works for videos, "considered as a 2D + t volume". The network `clips` sees
# eight small grey frames and says how the shape in them moves: right, left, down, up, or not at all. Its filters are
# blocks, 3 x 3 pixels by 3 frames. One of its maps is a block, too: 4 moments of 8 x 8 places.
#
# So what does FEM become? Decide first: is *rare* to mean rare in this frame, or rare in the whole clip? Two frames,
# `[[0, 0], [0, 2]]` and `[[0, 0], [0, 6]]`. In the first case both corners are marked. In the second, one block: mean
# 1, spread 2, threshold 3, and only the 6 survives. In a frame in which nothing happens something would still be the
# strongest. The survey says *volume*, so we take the block. Write that, for $K = 1$.


# %% tags=["deeper"]
@ch.exercise("fem3d")
def fem3d(A):
    """FEM of maps of shape (maps, frames, rows, columns): one number for every place in every frame."""
    raise NotImplementedError


fem3d.check()

# %% [markdown] tags=["deeper"]
# The engine's FEM on a clip in which a shape moves to the left. Above the frames, in the middle what FEM says, below
# both together, with one scale for the whole clip.

# %% tags=["deeper"] survey=["fem-3d"]
from minixai.zoo.moving import moving_clips

film, clips = mx.load("clips"), moving_clips(7, 100)
seen = np.stack([film.preprocess(frames) for frames in clips.frames])
draw.filmstrip(mx.explain(film, seen[2], "fem"))

# %% [markdown] tags=["deeper"]
# It follows the shape. Does it say which way it goes? Play all hundred clips backwards. The network changes its mind,
# from *left* to *right* and so on. If a map has anything to do with the direction, it should change as well: more than
# just by being played backwards itself. Below, how alike the two maps are once they run the same way: their
# correlation, 1 for the same map.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
backwards, moving = seen[:, :, ::-1].copy(), clips.labels > 0
said = [film(x).argmax(axis=1) for x in (seen, backwards)]
turned = (said[0] != said[1])[moving]
print(f"clips that move: {len(turned)}; another answer when played backwards: {turned.sum()}")
for name in ("fem", "grad-cam"):
    there, back = (mx.explain(film, x, name).map for x in (seen, backwards))
    alike = [np.corrcoef(p.ravel(), q[::-1].ravel())[0, 1] for p, q in zip(there, back, strict=True)]
    print(f"{name:9} maps alike: {np.array(alike)[moving].mean():.2f}")

# %% [markdown] tags=["deeper"]
# Another answer every time, and much the same map, from both methods: they show where it moves, not which way. That
# Grad-CAM was asked about another class did not change it much here.
#
# And *when*? A trap. Take a clip's first frame eight times over: nothing happens, at no time. How much of the map lies
# in each of its four moments? (Over all hundred, the largest as 1.) The last row is a still of three times the length.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
from dataclasses import replace

lasting = replace(film, input_shape=None)  # the same layers, for clips of any length
stills = {n: np.repeat(seen[:, :, :1], n, axis=2) for n in (8, 24)}
for what, x in (("clips", seen), ("stills of 8 frames", stills[8]), ("stills of 24 frames", stills[24])):
    share = mx.explain(lasting, x, "fem").relevance.sum(axis=(0, 2, 3))
    print(f"{what:20}", *(f"{v:.2f}" for v in share / share.max()))

# %% [markdown] tags=["deeper"]
# A still has a climax in its middle, and nearly the same one as the clips! The long still tells why: far from both
# ends its map is level. It is the ends that stick out, where the convolutions put frames of zeros before the first
# one and after the last (chapter 03's padding, in time). Whoever reads off *when it happened* without looking at a
# still first, reads off the padding.
#
# ## Deeper: FEM's neighbours, and its speed
#
# Section 7 reports that of the methods that use gradients Grad-CAM's maps are most like FEM's, and that FEM is faster.
# Tested on `shapes`, with 100 pictures, by rules that were fixed before.

# %% tags=["deeper"] survey=["claim fem-neighbours", "claim speed"]
for name in ("fem-neighbours", "speed"):
    print(f"{name}: {stored(name).verdict}")
    for s in stored(name).statements:
        print(f"   {s.text}: {s.interval.value:.2f}, {s.verdict}")

# %% [markdown] tags=["deeper"]
# Here SmoothGrad comes closest. (The authors compared on photographs, with larger networks; chapter 16 is about
# those.) FEM needs one pass forwards; Grad-CAM needs that and one step back from the class, which costs nearly nothing.
# Both are faster than whatever walks to the pixels.
#
# Who checks the engine? From the record of `minixai crosscheck`:

# %% tags=["deeper"]
display(book.badge("shapes"), book.badge("clips"))
