# ---
# jupyter:
#   minixai:
#     title: "CAM, Grad-CAM, Guided Grad-CAM"
#     minutes: 75
#     objectives:
#     - turn a network's last maps into a map for one class, by hand and in code
#     - say when CAM and Grad-CAM are the same, and what the averaging in Grad-CAM throws away
#     - choose a layer, and back the choice with a hundred pictures instead of one
#     - explain a wrong decision by the difference of two maps, and test the explanation
#     needs: ["06"]
#     equations: section 4.6, (9), (10), figure 8
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# A colleague calls you over. "The score is {{blank.score}}, as positive as can be. I ask Grad-CAM where that comes
# from, and it draws nothing. A black square. Is that a bug?"
#
# Here is everything there is. One map of four numbers came out of the last convolution, and the score weighs them:
#
# $$A = {{blank.a:matrix}} \qquad \text{weights, and therefore slopes: } {{blank.slopes:matrix}}$$
#
# Three and three, minus one and one: $S = {{blank.score}}$. You have never seen Grad-CAM, so it is a little early to
# judge. But say what you suspect.
#
# ## Ticket in
#
# Three guesses, before anything is explained: a letter for the first dots, then your confidence, from 1 (a coin) to 3
# (sure). *Guided*, in the third, is chapter 06's guided backpropagation.

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.book.figures.ch09 import LAYERS, alike, surviving
from minixai.book.numbers import say
from minixai.experiments.intervals import mean_interval
from minixai.metrics import auc
from minixai.zoo.scenes import scene, scenes

ch, net = book.chapter("09_cam"), mx.load("shapes-resnet").astype("float64")
drawn = scenes(3, 100)  # the network never trained on them
xs = np.stack([net.preprocess(picture) for picture in drawn.pictures])
x, cross = xs[5].astype("float64"), net.classes.index("cross")

# %%
first = ch.predict("blank_map", ..., confidence=...)
second = ch.predict("earlier_layer", ..., confidence=...)
third = ch.predict("product", ..., confidence=...)
display(first, second, third)

# %% [markdown]
# ## From maps to a score, and back
#
# All methods so far walked back to the pixels. This family stops early, at the last maps. They are coarse, 8 x 8 cells
# here, but each of them has something to say: a large number in map $k$ means that whatever map $k$ looks for is
# *there*.
#
# Today's network, `shapes-resnet`, ends in the simplest way possible. Each of the 64 maps $A^k$ is replaced by its
# mean; that is called **global average pooling**. One linear layer weighs the means. For class $c$, with $Z$ cells per
# map,
#
# $$S_c = \sum_k w_k^c \Big(\frac{1}{Z} \sum_{ij} A^k_{ij}\Big) + b_c
# = \frac{1}{Z} \sum_{ij} \Big(\sum_k w_k^c A^k_{ij}\Big) + b_c$$
#
# Nothing happened between the two but a change of order. Yet the right-hand side is an explanation: the bracket says
# what each *place* brings. That picture is the **class activation map**, CAM: maps times weights, added up.
#
# By hand, with the pocket CNN of chapter 03. It is built the same way, without biases. Its two maps are
# ${{pocketcam.map1:matrix}}$ and ${{pocketcam.map2:matrix}}$, and class A weighs them with $1$ and $-1$.
# Subtract, and you have its CAM. Add up its cells, divide by $Z = 4$: that should be A's score, {{pocket.score_a}}.
#
# Then in code: `A` holds the maps, its shape is (maps, h, w); `W` has a row per class, with one weight for each map;
# `c` is the number of the class.

# %%
@ch.exercise("cam")
def cam(A, W, c):
    """The class activation map of class c, shape (h, w)."""
    raise NotImplementedError


cam.check()

# %% survey=["cam"]
# NBVAL_CHECK_OUTPUT
for name in ("A", "B"):
    e = mx.explain(book.pocket(), book.POCKET_PICTURE, "cam", target=name)
    print(f"class {name}: CAM {say(e.relevance)}, adds up to {e.total}, score {e.score}")


def of_three(f):
    A, W = mx.forward(net, x)["layer3.0.relu2"].y[0], net.node("fc").op.weight
    maps = {f"for {name}: {f.label}": f(A, W, net.classes.index(name)) for name in ("cross", "arrow", "circle")}
    return draw.strip(maps, picture=drawn.pictures[5], title="CAM of three classes")


ch.yours("cam", of_three)

# %% [markdown]
# Through your function if it has passed, else through the book's. The network says *cross*, and the cells that speak
# for cross lie on the cross. For *circle*, the same cells speak against.
#
# **Units.** A cell of CAM, divided by $Z$, is a contribution, in *score*: the cells add up to $S_c - b_c$.
#
# ## Any network: Grad-CAM
#
# CAM needs global average pooling and one linear layer, and most networks end otherwise. Then no weight says what map
# $k$ is worth to class $c$. Grad-CAM asks the slopes instead. How does the score move with the cells of map $k$, on
# average?
#
# $$\alpha_k^c = \frac{1}{Z} \sum_i \sum_j \frac{\partial S_c}{\partial A^k_{ij}}\ (9) \qquad
# R^c = \mathrm{ReLU}\Big(\sum_k \alpha_k^c A^k\Big)\ (10)$$
#
# The ReLU keeps what speaks *for* the class; what speaks against becomes 0, just like what says nothing.
#
# Try it on the pocket CNN. Every cell of a map enters the score through the map's mean, so every slope is $w_k/4$. The
# mean of four equal slopes is no surprise: $\alpha = {{pocketcam.alpha_a}}$ for class A. Grad-CAM is
# {{pocketcam.grad_cam_a}}: CAM divided by $Z$, without its negative cells. Where CAM fits, the two agree.
#
# Write it. `A` and `dS_dA` have one shape, (maps, h, w). Below the check, CAM and Grad-CAM of our cross, compared, and
# the package's own lines.

# %%
@ch.exercise("grad_cam")
def grad_cam(A, dS_dA):
    """Grad-CAM, (9) and (10), shape (h, w): from the maps and the slopes of the score at each of their cells."""
    raise NotImplementedError


grad_cam.check()

# %% survey=["(9)", "(10)", "grad-cam"]
# NBVAL_CHECK_OUTPUT
one, other = mx.explain(net, x, "cam", target=cross), mx.explain(net, x, "grad-cam", target=cross, relu=False)
print("64 x Grad-CAM before its ReLU is CAM:", np.allclose(64 * other.relevance, one.relevance))
print(f"mean of CAM's cells {one.relevance.mean():.3f}; score - bias {one.score - net.node('fc').op.bias[cross]:.3f}")
book.show(mx.whitebox.gradcam.grad_cam)

# %% [markdown]
# ## Blank
#
# Back to the colleague. That network has no pooling; it weighs each *cell*. Compute (9), then (10), before you open the
# cell.

# %% tags=["reveal"] survey=["(9)", "(10)"]
# NBVAL_CHECK_OUTPUT
print("The black square, step by step:")
A, slopes = mx.exact([[[3, 1], [3, 1]]]), mx.exact([[[1, -1], [1, -1]]])
print("mean slope", slopes.mean(), "  Grad-CAM", say(mx.exact(ch.yours("grad_cam")(A, slopes))))
print("each number times its own slope", say((A * slopes)[0]))
ch.reveal("blank_map")

# %% [markdown]
# No bug in the code. (9) makes *one* number of all slopes of a map before it looks where the map is active. Under
# global average pooling that costs nothing, because all slopes of a map are equal. Elsewhere slopes of both signs
# cancel, and the positive score is gone.
#
# So a mean of 0 makes a blank map. Does it take a mean of 0? Find a map and slopes with a positive score, a mean slope
# that is *not* 0, and a blank Grad-CAM all the same. The score is the sum of `A` times slopes; a map that comes out of
# a ReLU has no negative numbers.

# %%
@ch.exercise("blank", kind="counterexample")
def blank():
    """A, slopes: two matrices of one shape, such as np.array([[2.0, 0.0], [1.0, 5.0]])."""
    raise NotImplementedError


blank.check()

# %% [markdown]
# ## Which layer?
#
# Eight by eight cells is coarse. But nobody forces us to ask the *last* maps. One block earlier they have 16 x 16
# cells, at the beginning 32 x 32. Finer maps: better maps? You have guessed.
#
# In the figure, change the layer only, from the last one down. The line below it says how much of the slopes averaging
# leaves: 100 % if all slopes of a map are equal, little if they cancel. It also gives chapter 00's AUC: how often a
# pixel on the shape gets more than one beside it; 0.50 is a coin. Then go back to the last layer and change the class.

# %%
display(book.figures.by_layer(net, x, drawn.masks[5]))
maps = {layer: mx.explain(net, x, "grad-cam", target=cross, layer=layer).heatmap for layer in LAYERS}
draw.strip(maps, picture=drawn.pictures[5], signed=False, title="Grad-CAM for cross, first layer to last")

# %%
ch.observe("down_the_layers", ...)

# %% [markdown]
# *If you see only a still picture, the page is shown without its kernel; `make lab` opens the chapter with it.*
#
# One picture makes no claim. And if averaging is to blame, then *not* averaging should help. So take a hundred
# pictures; at each layer compute Grad-CAM, and the same with each cell's own slope in place of $\alpha$. In how many
# pictures does the second get the better AUC? The brackets show how far chance may have moved that count: draw a
# hundred from our hundred, with repetitions, 2,000 times, and note where the middle 95 % of the counts lie. This is
# the *bootstrap*.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("                slopes left   AUC: averaged   cell by cell   wins of the latter")
quick = mx.load("shapes-resnet")
best, second = (list(c) for c in np.argsort(-quick(xs), axis=1)[:, :2].T)
tape, walked = mx.forward(quick, xs), mx.explain(quick, xs, "gradient", target=best)
for layer in LAYERS:
    A, slopes, marks = tape[layer].y, walked.signals[layer], []
    for weights in (slopes.mean(axis=(2, 3), keepdims=True), slopes):  # (9), or each cell its own
        maps = mx.ops.resize(np.maximum((weights * A).sum(axis=1), 0), (64, 64))
        marks.append(np.array([auc(m, mask) for m, mask in zip(maps, drawn.masks, strict=True)]))
    left, wins = np.mean([surviving(s) for s in slopes]), mean_interval(100.0 * (marks[1] - marks[0] > 1e-6))
    row = "{:11.0%} {:15.2f} {:14.2f} {:9.0f} ({:.0f} to {:.0f})"
    print(f"{layer:15}", row.format(left, marks[0].mean(), marks[1].mean(), *wins))
ch.reveal("earlier_layer")

# %% [markdown]
# At the last layer nothing cancels, and the two are the same. Below, averaging leaves less than half of the slopes, or
# even less than a tenth, and the maps drift off the shape. Without averaging they largely stay on it. (How much is left
# is not the whole story: the second row does better than the third.) So the survey's advice to take the last
# convolution is more than a matter of taste: there, (9) loses least.
#
# ## Fine times coarse
#
# Grad-CAM knows the class and is blurred. Guided backpropagation is sharp and, as chapter 06 found, hardly knows which
# class it was asked about. **Guided Grad-CAM** multiplies them, pixel by pixel: guided's raw map times Grad-CAM, which
# is enlarged to the size of the picture but not scaled. What will the product know?
#
# First our cross, asked about twice (with one class it is the survey's figure 8). Then a hundred pictures: how alike is
# the map of the class with the highest score to that of the runner-up? 1 is the same map, 0 has nothing in common. In
# how many pictures are the two *less* alike than guided's? And how much of the map is left when all weights are
# shuffled?

# %% survey=["figure 8", "guided-grad-cam"]
names = ["guided-backprop", "grad-cam", "guided-grad-cam"]
maps = {f"{n}: {c}": e.heatmap for c in ("cross", "arrow") for n, e in mx.explain_all(net, x, names, target=c).items()}
draw.strip(maps, signed=False, columns=3, title="Above: why cross? Below: why arrow?")

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("                 like the runner-up's   less than guided's   like the one by shuffled weights")
top, other = (mx.explain_all(quick, xs, names, target=c) for c in (best, second))
lost = mx.explain_all(book.scrambled(quick), xs, names, target=best)
guided = alike(top["guided-backprop"], other["guided-backprop"])
for name in names:
    same, by_chance = (alike(top[name], others[name]) for others in (other, lost))
    print(f"{name:16} {same.mean():14.2f} {(same < guided).sum():18} of 100 {by_chance.mean():23.2f}")
ch.reveal("product")

# %% [markdown]
# The product changes more than guided in every one of the hundred pictures, because the coarse map does: it decides
# *where* guided may show through. And with shuffled weights nothing of it is left, whereas guided keeps a quarter. But
# inside a bright region the detail is guided's, nearly the same whichever class you ask about. Sharp edges in Guided
# Grad-CAM are no sign that *these* edges made the class.
#
# ## Break it: when the network is wrong
#
# This network gets about one drawing in four hundred wrong. Here is one: a cross before stripes, and it says *arrow*.
# CAM is linear in the weights, so it can answer three questions: why arrow, why cross, and, with the difference of the
# maps, why arrow *rather than* cross. (Subtract before any ReLU; afterwards the two halves no longer match.)
#
# Look at the maps. What would you change in the picture to make the network say cross?

# %%
odd = scene(4, 1465)
arrow, true = (mx.explain(net, net.preprocess(odd.picture), "cam", target=c).relevance / 64 for c in ("arrow", "cross"))
maps = {"for arrow": arrow, "for cross": true, "arrow rather than cross": arrow - true}
draw.strip(maps, picture=odd.picture, title="A cross, taken for an arrow")

# %% [markdown]
# Write your change down. Then open the next cell, which tries three. Something gets the mean colour of the ground: the
# cross itself; the eight reddest of the 64 cells of the map on the right, as far as they are ground; or all of the
# ground.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Scores as drawn, and with something flat:")
ground, flat = ~odd.mask, odd.picture[~odd.mask].mean(axis=0)
red = (arrow - true >= np.sort((arrow - true).ravel())[-8]).repeat(8, axis=0).repeat(8, axis=1) & ground
for what, where in {"as drawn": ~ground & ground, "cross": odd.mask, "8 reddest": red, "ground": ground}.items():
    tried = np.where(where[..., None], flat, odd.picture).astype("uint8")
    s = dict(zip(net.classes, net(net.preprocess(tried)), strict=True))
    print(f"{what:10} arrow {s['arrow']:5.1f}   cross {s['cross']:5.1f}")

# %% [markdown]
# The cross was seen, and in its place. But *arrow* won on the stripes. Cover the cross, and the score of arrow does not
# even fall: what the network took for an arrow is the ground. Flatten the ground, and the answer is right; flatten only
# the eight cells that the map chose, and it is right by a hair. The map raised the suspicion, the trials confirmed it.
#
# ## Exit ticket
#
# One matrix for your pencil, as `[[., .], [., .]]`. One claim to check, a letter.

# %%
mine = ch.predict("pocket_cam", ..., confidence=...), ch.exercise("what_it_shows", kind="claim").answer(...)
display(*mine)

# %% [markdown]
# ## One page to keep
#
# * **CAM**: the last maps times the class's weights, added up. Needs global average pooling and one linear layer; the
#   cells then add up to $Z(S_c - b_c)$. *Units, over $Z$: score.*
# * **Grad-CAM**: the mean slope in place of the weight, then a ReLU. CAM over $Z$ where CAM fits. Elsewhere slopes
#   cancel, in earlier layers nearly all of them, and no sum is promised.
# * Blank means: nothing is left *for*. It may hide evidence against, or slopes that cancelled.
# * **Guided Grad-CAM**: coarse map times fine map. *Where* depends on the class; the detail hardly does.
# * For a wrong decision, map the **difference** of two scores, and then change the picture.
#
# **What the survey leaves open.** It says that the weighted maps are *averaged*; (10) adds them up, and so does
# everybody. It gives (9) without saying what averaging costs. (And its text credits CAM to Zhu; its reference says
# Zhou.) Our pictures are easy, and our network is small: that the last layer is the best place is measured here, not
# proved. Chapter 13 reads the same maps without asking for any class.

# %% [markdown] tags=["deeper"]
# ## Deeper: the product, in one line
#
# The raw map of guided backpropagation has both signs (they are stopped at ReLUs, not at the picture), the enlarged
# Grad-CAM map has none below 0. Both have one number per pixel. Which of the ways to combine them is the survey's?

# %% tags=["deeper"]
@ch.exercise("guided_grad_cam")
def guided_grad_cam(guided, coarse):
    """Guided Grad-CAM of one colour channel, from the two raw maps."""
    raise NotImplementedError


guided_grad_cam.check()

# %% [markdown] tags=["deeper"]
# ## Deeper: blurred by whom?
#
# 64 numbers do not fill a picture of 64 x 64 pixels. What you see between the cells was made up, by interpolation. Here
# are the same 64 numbers three times: as they are, enlarged by repeating each (which looks the same, as it should), and
# enlarged smoothly, which is what everybody prints. The soft round glow of a Grad-CAM is not the network's.

# %% tags=["deeper"]
e = mx.explain(net, x, "grad-cam", target=cross)
ways = {"64 numbers": e.relevance, "repeated": e.relevance.repeat(8, 0).repeat(8, 1), "smooth": e.map}
draw.strip(ways, picture=drawn.pictures[5], signed=False)

# %% [markdown] tags=["deeper"]
# ## Deeper: a class with nothing for it
#
# How often is a map blank on our pictures? Ask for all ten classes of the hundred, in two networks. `shapes` has no
# global average pooling, so CAM refuses it.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
for name in ("shapes-resnet", "shapes"):
    other = mx.load(name)
    scores, found = other(xs), [mx.explain(other, xs, "grad-cam", target=c).relevance for c in range(10)]
    blank = np.array([[not m.any() for m in maps] for maps in found]).T
    print(f"{name:14} {blank.sum():3} of 1000 blank; the largest score of these {scores[blank].max():5.1f}", end="; ")
    walked = mx.explain(other, xs, "gradient").signals[other.feature_layer]
    print(f"averaging leaves {np.mean([surviving(slopes) for slopes in walked]):.0%} of the slopes")
try:
    mx.explain(other, xs[0], "cam")
except ValueError as refusal:
    print("shapes:", refusal)

# %% [markdown] tags=["deeper"]
# Rare, and only for classes that the network rules out. So on these two networks a blank map means what one would like
# it to mean. The colleague's network was made for the purpose. But in `shapes`, which has no global average pooling,
# two thirds of the slopes cancel even at the last maps.
#
# ## Deeper: a second opinion
#
# PyTorch, with hooks of its own, on this picture; the last lines from the record of `minixai crosscheck`.

# %% tags=["deeper"]
display(book.second_opinion(net, x, ["cam", "grad-cam", "guided-grad-cam"]))
book.badge("shapes-resnet")
