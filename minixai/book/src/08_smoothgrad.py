# ---
# jupyter:
#   minixai:
#     title: "SmoothGrad: removing noise by adding noise"
#     minutes: 55
#     objectives:
#     - average the maps of noisy copies, by hand and in code
#     - say what averages out with more copies, and what does not
#     - tell averaged maps from averaged slopes
#     - support or refute "sharper" with a hundred pictures
#     needs: ["06"]
#     equations: section 4.5, (8)
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# Chapter 06 left us with a star and the gradient's map of it: dust. Some of it lies on the star, some beside it,
# bright pixels next to black ones.
#
# In 2017 Smilkov and four colleagues had an idea that sounds like a joke. To get the noise out of the *map*, put
# noise into the *picture*. Make many copies, each with a little noise of its own. Ask for the map of each. Average.
# Whatever is an accident of one copy should average out. They called it SmoothGrad.
#
# Here are the star's map, and those of two noisy copies. Average a thousand of these. Do you get the clean one back?

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.book.figures.ch08 import AVERAGES, alike, averaged, floor, noisy, plain_and_smooth, slopes
from minixai.experiments.intervals import mean_interval
from minixai.zoo.scenes import scenes

ch, net = book.chapter("08_smoothgrad"), mx.load("shapes")
star = net.classes.index("star")
x = net.preprocess(scenes(3, 5).pictures[4])
clean = mx.explain(net, x, "gradient", target=star).map
one, two = (averaged(slopes(net, z[None], star), "maps") for z in noisy(x, 0.15, 2))  # noise of 15 %: see below
draw.strip({"clean": clean, "of a copy": one, "of another": two}, picture=net.unpreprocess(x), signed=False)

# %% [markdown]
# ## Ticket in
#
# Put your letter where the first dots are, and your confidence after it: 1 is a coin, 3 is sure. *Slope* and *map* are
# chapter 06's: the map is the slopes' magnitude.

# %%
first = ch.predict("clean_back", ..., confidence=...)
second = ch.predict("still_star", ..., confidence=...)
third = ch.predict("flat_picture", ..., confidence=...)
display(first, second, third)

# %% [markdown]
# ## Three copies by hand
#
# Take a score that you can differentiate in your head, $S = \frac14\,\mathrm{relu}(x_1)^2 + |x_2|$, at
# ${{three.x}}$. Its slopes are $\frac12\,\mathrm{relu}(x_1)$ and the sign of $x_2$ (0 at the kink). Here they are
# {{three.clean}}: the two pixels are tied.
#
# Now three copies, with noise that I have thrown on purpose:
#
# | noise | copy | its slopes | its map |
# | --- | --- | --- | --- |
# | {{three.noise_a}} | {{three.copy_a}} | {{three.slopes_a}} | {{three.map_a}} |
# | {{three.noise_b}} | {{three.copy_b}} | {{three.slopes_b}} | {{three.map_b}} |
# | {{three.noise_c}} | {{three.copy_c}} | {{three.slopes_c}} | {{three.map_c}} |
#
# With $x_i$ for the copies (no pixels, this once) and $R^c$ for a map of class $c$, the survey's equation says
#
# $$x_i = x + \mathcal{N}(0, \sigma^2) \qquad \hat R^c(x) = \frac1n \sum_{i=1}^n R^c(x_i) \qquad (8)$$
#
# where $\mathcal{N}(0, \sigma^2)$ is a draw of noise around 0 that is typically as large as $\sigma$. Averaging
# the last column gives {{three.maps}}: still tied.
#
# But you might have averaged the *slopes*, signs and all, and made a map of the mean: {{three.mean}}, so
# {{three.signed}}. Three to one! This is what the authors' paper does; the program that they published even squares
# the slopes, unless told not to. The survey's (8) averages maps. All three are called SmoothGrad.
#
# Write (8). `slopes(z)` gives the slopes at any picture `z`; `noises` holds one noise per copy.

# %%
@ch.exercise("smoothgrad")
def smoothgrad(slopes, x, noises):
    """The mean of the maps of the noisy copies: an array of the shape of x."""
    raise NotImplementedError


smoothgrad.check()

# %% [markdown]
# ## How much noise?
#
# A spread of 0.15 is a lot in a picture whose pixels go from 0 to 1. Where they go from 0 to 255 it is nothing. So the
# survey measures noise by the picture: $\sigma / (x_{max} - x_{min})$ should be between 0.1 and 0.2, where $x_{max}$
# and $x_{min}$ are the picture's largest and smallest number. Turn that round: from the fraction, $\sigma$.
#
# Below the verdict both functions go to work on the star, with 1, 4 and 16 copies. (`averaged` makes one map of three
# colours, by (6); each map is drawn over its largest number.)

# %%
@ch.exercise("noise_level")
def noise_level(x, fraction):
    """The spread of the noise for the picture x."""
    raise NotImplementedError


noise_level.check()

# %% survey=["(8)", "smoothgrad"]
noises = np.random.default_rng(1).standard_normal((16, *x.shape)).astype(x.dtype)


def star_map(z):
    return averaged(slopes(net, z[None], star), "maps")


def at_work(f):
    level = ch.yours("noise_level")(x, 0.15)
    found = {f"n = {n}: {f.label}": f(star_map, x, np.float32(level) * noises[:n]) for n in (1, 4, 16)}
    return draw.strip({name: m / m.max() for name, m in ({"clean": clean} | found).items()})


ch.yours("smoothgrad", at_work)

# %% [markdown]
# The dust becomes a cloud, and it lies on the star. It also has fewer black places than the clean map: there is a glow
# all around. Keep that in mind.
#
# ## What averages out, and what does not
#
# One pixel. Its slope at the clean picture is $w$; at a copy it is $w$ plus a jitter, say normal with spread $s$. The
# mean of the slopes goes to $w$, as it should. The mean of the *magnitudes* cannot go to 0, even for $w = 0$: nothing
# is negative, so nothing cancels. It goes to the mean magnitude of the jitter, $\sqrt{2/\pi}\, s \approx 0.80\, s$.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("The mean of the slopes, then of their magnitudes, by how many copies:")
jitter = np.random.default_rng(8).standard_normal(100_000)  # of spread 1
print("    w   mean slope      10     1000   100000")
for w in (0, 1, 2, 3):
    means = [abs(w + jitter[:n]).mean() for n in (10, 1000, 100_000)]
    print(f"{w:5} {(w + jitter).mean():12.2f}", *(f"{mean:8.2f}" for mean in means))

# %% [markdown]
# Strong slopes keep their size; weak ones are lifted to a **floor** of 0.80 $s$. More copies do not lower it. They
# only make it steadier.
#
# How high is the floor of the star's map? Call it the share of the largest number that nine pixels in ten lie above.
# Below, the engine draws SmoothGrad twice, from two draws of noise. Think first: when the number of copies grows,
# should the two draws become alike? Should they become like the clean map? Change the *copies* alone, at noise 0.3.
# After that only the *noise*, and then what is *averaged*.

# %%
display(book.figures.smoothing(net, x))
some = [(s, n, averaged(slopes(net, noisy(x, s, n), star), "maps")) for s in (0.15, 0.5) for n in (1, 16)]
draw.strip({f"noise {s:g}, n = {n}": m / m.max() for s, n, m in some}, title="Averages of maps, each over its largest")

# %%
ch.observe("two_draws", ...)

# %% [markdown]
# *No buttons? `make lab` opens the chapter with them.* At noise 0.3 the two draws go from 0.39 to 0.90: their
# accidents average out. But the likeness to the clean map gets stuck at 0.6, and the floor rises from 2 % of the
# largest number to 14 %. (And a fine grid appears. It is in no picture: this network's first layer moves in steps of
# two pixels. That is no accident of a draw either.) So let us do what I asked at the beginning:

# %% tags=["reveal"]
print("The floor, and how alike to the clean map:")
thousand = np.concatenate([slopes(net, noisy(x, 0.15, 100, seed), star) for seed in range(10)])
print(f"clean map                    {floor(clean):3.0%}  {alike(clean, clean):.2f}")
for way in AVERAGES:
    for n in (10, 100, 1000):
        m = averaged(thousand[:n], way)
        print(f"{way:13} {n:5} copies: {floor(m):4.0%}  {alike(m, clean):.2f}")
stars = np.mean([net(noisy(x, 0.15, 100, seed)).argmax(axis=1) == star for seed in range(10)])
print(f"Of the thousand copies the network calls star: {stars:.0%}")

# %% [markdown]
# (Your first and second guess.) No, you do not get the clean one back, whichever way you average. What you get belongs
# to another question.
#
# ## The noise changes the question
#
# The two pixels once more: $S = \min(x_1, x_2)$ at {{min.picture}} has the gradient {{min.gradient}}; pixel 1 cannot
# move the score. With noise of spread $\sigma$ there are copies in which $x_1 < x_2$. In those pixel 1 *can*.

# %%
# NBVAL_CHECK_OUTPUT
pairs = np.random.default_rng(8).standard_normal((100_000, 2))
for sigma in (0.5, 1.5, 4):
    one, other = ([10, 6] + sigma * pairs).T
    print(f"sigma {sigma:4}: SmoothGrad ({(one < other).mean():.2f}, {(one > other).mean():.2f})")

# %% [markdown]
# "What if this pixel changed?" has become "what if it changed, in some picture *around* this one?". That may well be
# the better question. But look what is around: of our thousand noisy stars the network called one in three a star.
# (You would have known them all. It never saw so much noise when it learnt.) We asked "why star?" all the same.
#
# **Units.** Score per unit, as before: a mean of *sensitivities*. No averaging makes contributions of them.
#
# The two ways of averaging can differ completely. For $S = \frac14\,\mathrm{relu}(x_1)^2 + |x_2|$ find a picture, and
# noises (one row per copy) that add up to 0 in each column. At pixel 2 the mean of the *slopes* shall be 0, that of
# the *maps* not.

# %%
@ch.exercise("cancelled", kind="counterexample")
def cancelled():
    """x, noises: np.array([..., ...]), np.array([[..., ...], ...])."""
    raise NotImplementedError


cancelled.check()

# %% [markdown]
# ## How many pictures make a claim?
#
# "The authors observe that adding about 10 - 20% noise to sampled images produced sharper maps." One star cannot tell.
# Take a hundred pictures that the network never saw, and count in how many SmoothGrad beats the gradient, with ten
# copies and noise of 15 %. But *sharper* can mean two things:
#
# * The map stands out **on the object**. That is AUC (chapter 00: how often is a pixel on the shape brighter than one
#   beside it?).
# * The map gathers on **few pixels**. That is Gini's index: 0 if all pixels are equally bright, near 1 if one has
#   all.
#
# Write down two numbers out of a hundred. Then open the output.

# %% tags=["reveal"]
print("Out of a hundred, and how far chance may have moved it:")
hundred, rows = scenes(7, 100), []
for number, (picture, mask) in enumerate(zip(hundred.pictures, hundred.masks, strict=True)):
    z = net.preprocess(picture)
    cls = int(net(z).argmax())
    plain, *smooth = plain_and_smooth(net, z, cls, seed=number)
    marks = np.array([(mx.metrics.auc(m, mask), mx.metrics.gini(m)) for m in (plain, *smooth)])
    wins = (marks[1:] > marks[0]).ravel()
    rows.append([*wins, (net(noisy(z, 0.15, 10, number)).argmax(axis=1) == cls).mean()])
names = [f"average of {way}: wins {where}" for way in AVERAGES for where in ("on the object", "by few pixels")]
for name, column in zip([*names, "copies that keep their class"], np.array(rows, float).T, strict=True):
    print(f"{name:46}", "{:3.0f} ({:.0f} to {:.0f})".format(*100 * np.array(mean_interval(column))))

# %% [markdown]
# In one sense the claim could not be truer, in the other it is plainly wrong: the floor that makes the cloud also
# spreads the map over more pixels. Averaging slopes has no such floor, and wins less on the object. Whoever says
# "sharper" owes you the ruler. The last line says that the star was unlucky: of all copies three in four keep their
# class.
#
# (The intervals come from *resampling*: draw a hundred of the hundred, with repeats, count again, two thousand times.
# Where all are wins no resample holds a loss. Read it as "more than about 96": if fewer won in the long run, a
# hundred out of a hundred would be rare luck.)
#
# ## Break it
#
# First your third guess: a picture of one grey. Then the question of chapter 06. Shuffle the numbers of the *last
# layer*, so that the network forgets what its scores mean, and see how alike the maps of twenty pictures remain: 1 is
# the same map. Does smoothing make a map depend more on what was learnt, or less?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("The same grey everywhere:")
grey = np.full_like(x, 0.5)
smooth, plain = (mx.explain(net, grey, name, target=star).map for name in ("smoothgrad", "gradient"))
print("range", float(np.ptp(grey)), " SmoothGrad is the gradient's map:", np.allclose(smooth, plain, atol=1e-6))

# %% tags=["reveal"]
*nodes, top = net.nodes
shuffled = top.op.convert(lambda w: np.random.default_rng(0).permutation(w.ravel()).reshape(w.shape))
forgetful, rows = mx.Network.sequential([node.op for node in nodes] + [shuffled]), []
for number, z in enumerate(map(net.preprocess, hundred.pictures[:20])):
    both = (plain_and_smooth(n, z, int(net(z).argmax()), seed=number) for n in (net, forgetful))
    rows.append([alike(*pair) for pair in zip(*both, strict=True)])
print("How alike the maps are, with the last layer shuffled:")
for name, mean in zip(("gradient", *AVERAGES), np.mean(rows, axis=0), strict=True):
    print(f"{name:14} {mean:.2f}")

# %% [markdown]
# Averaging slopes leaves that as it was. Averaged *maps* mind less: what they bring out is what all the copies and
# both networks share, the picture, the floor, the grid. A cloud on the object looks more trustworthy, and it says
# less about what was learnt.
#
# ## Exit ticket
#
# Your three guesses, and one last question.

# %%
display(ch.reveal("clean_back"), ch.reveal("still_star"), ch.reveal("flat_picture"))
ch.exercise("what_smooth", kind="claim").answer(...)

# %% [markdown]
# ## One page to keep
#
# * **(8)**: the mean of the maps of $n$ noisy copies; the noise is a fraction of the picture's range.
# * **More copies** remove the accident of the draw, not the **floor**: magnitudes do not cancel.
# * **Maps first, or slopes first?** Two methods, one name. Ask your library.
# * **More noise** asks about other pictures, some of which the network takes for something else.
# * *Units: score per unit.* Sharper, by which ruler, in how many pictures of a hundred?
#
# **What the survey leaves open.** It says "noisy saliency maps" as if the maps were at fault. The gradient is exact;
# what is jagged is the network. It says "sharper" and not by which ruler. Its $\mathcal{N}(0, \sigma^2)$ stands for a
# draw, another one for every copy. And it does not say that the authors' paper averages slopes.

# %% [markdown] tags=["deeper"]
# ## Deeper: a blurred score
#
# The mean of the *slopes* has a meaning of its own. Blur the score: $\bar S(x)$ is the mean of $S$ over the copies.
# The slope of a mean is the mean of the slopes, so signed SmoothGrad is the plain gradient, of $\bar S$. Exactly so,
# if the noises are kept while $x$ moves. By hand, with the three copies, away from kinks:

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
from minixai.book.numbers.ch08 import NOISES, SMOOTH_X, hill


def blurred(z):
    return sum(hill(z + noise) for noise in NOISES) / len(NOISES)


for step in mx.exact(np.eye(2)) / 100:
    print("slope of the blurred score:", (blurred(SMOOTH_X + step) - blurred(SMOOTH_X - step)) * 50)
print("mean of the slopes", *book.numbers.value("three.mean"))

# %% [markdown] tags=["deeper"]
# The mean of the *maps* is the slope of nothing.
#
# ## Deeper: how many copies?
#
# The accident of the draw shrinks with the square root of $n$: four times the copies, half the accident. Here is how
# much the mean of $n$ magnitudes still differs from draw to draw (jitter of spread 1, two thousand draws each).

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
for n in (4, 16, 64, 256):
    means = abs(np.random.default_rng(n).standard_normal((2000, n))).mean(axis=1)
    print(f"n = {n:3}: {means.mean():.2f}, give or take {means.std():.3f}")

# %% [markdown] tags=["deeper"]
# ## Deeper: over any method
#
# "SmoothGrad is not a standalone method", says the survey: it can be put over any other. Over guided backpropagation,
# for instance, or over LRP-0, whose contributions have signs: their maps are signed, and cancel. Which of the three
# has no floor?

# %% tags=["deeper"]
methods = ("gradient", "guided-backprop", "lrp-0")
over = {m: mx.explain(net, x, "smoothgrad", method=m, target=star, n=16) for m in methods}
for name, e in over.items():
    print(f"{name:16} floor {floor(e.map):4.0%}; above 0: {(e.map > 0).mean():4.0%} of the pixels")
draw.strip({name: e.heatmap for name, e in over.items()}, signed=False)

# %% [markdown] tags=["deeper"]
# Guided's map is one of magnitudes, too: low as its floor is, every pixel stands on it. LRP-0 speaks for at about half
# of the pixels and against at the others, and there noise cancels.
#
# ## Deeper: from the record
#
# The package keeps a larger measurement, over seven levels of noise with 25 copies: the mean of both marks, a hundred
# pictures. `minixai experiment smoothgrad-noise` makes it again. The last lines compare the mean of 10, 15 and 20 %
# with the best of 0, 5 and 30 %, by either ruler.

# %% tags=["deeper"] survey=["claim smoothgrad-noise"]
import json

from minixai import files

found = json.loads((files.root("data") / "results" / "smoothgrad-noise.json").read_text())
for panel in found["panels"]:
    print(panel["title"])
    for row in panel["rows"]:
        print("   noise {:4.0%}  {:.2f} ({:.2f} to {:.2f})".format(row["x"], *row["interval"]))
print(*(f"{said['text'].split(':')[0]}: {said['verdict']}" for said in found["statements"]), sep="\n")
print("the claim, 'sharper', which can be read in both ways:", found["verdict"])

# %% [markdown] tags=["deeper"]
# ## Deeper: a second opinion
#
# SmoothGrad, too, has a twin that was written for PyTorch; it is given the same noise. From the record of
# `minixai crosscheck`:

# %% tags=["deeper"]
book.badge("shapes")
