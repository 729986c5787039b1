# ---
# jupyter:
#   minixai:
#     title: "Drawing relevance honestly"
#     minutes: 50
#     objectives:
#     - turn signed numbers into colours so that nothing stays nothing
#     - make the survey's heat map from slopes or contributions of three channels
#     - say what a heat map has thrown away
#     - measure how well you read a colour map
#     needs: ["00"]
#     equations: section 3.3, figure 4, (6)
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# Somebody cut a photograph into quarters: a curtain, a lamp, a bare wall, a cat. A network looked at it and said *cat*,
# with a score of {{room.score}}. A program shared this score out between the quarters and wrote down four numbers. Then
# two people drew the numbers.
#
# Here are both drawings. In A the wall is a friendly light blue; something seems to be going on there. In B it is
# white. Did the wall matter or not? One of the drawings lies. Which?

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book
from minixai.book.figures.ch05 import Drawing, colours, exhibit, hills, lightness, own_scale
from minixai.experiments.intervals import mean_interval
from minixai.zoo.scenes import scenes

ch = book.chapter("05_drawing_honestly")
R = book.numbers.value("room.r").astype(float)  # four numbers; you will see them in a moment
quarters, top = [["curtain", "lamp"], ["wall", "cat"]], abs(R).max()
two = {"A": Drawing(R, "jet", R.min(), R.max()), "B": Drawing(R, "RdBu_r", -top, top)}
alt = "Drawing A: the wall is light blue. Drawing B: it is white. The cat is dark red in both."
exhibit(two, alt, names=quarters, bars=False)

# %% [markdown]
# ## Ticket in
#
# Three guesses, before there are any answers. Run the cell to see the questions; then put your letter, as `"A"`, where
# the first dots are, and your confidence after it: 1 is a coin, 3 is sure.

# %%
first = ch.predict("which_lies", ..., confidence=...)
second = ch.predict("grey_printer", ..., confidence=...)
third = ch.predict("own_scale", ..., confidence=...)
display(first, second, third)

# %% [markdown]
# ## Four numbers, three drawings
#
# The quarters brought
#
# $$R = {{room.r:matrix}}\,,$$
#
# together {{room.score}}: the cat spoke for *cat*, the curtain against it, the wall said nothing. A screen wants
# something else: a number between 0 and 1, to be looked up in a list of colours. Such a list is a **colour map**. So
# before anything can be drawn, $R$ has to be brought onto a scale. Take a pencil; there are three ways in use.
#
# **Stretched**, also called *min-max*: subtract the smallest number, divide by the range. Here, add 2 and divide by 6:
# ${{room.minmax:matrix}}$. All colours are used, and that looks lively. But the wall's 0 has become {{room.wall}}, and
# only the curtain, the one quarter that spoke *against*, is drawn as nothing.
#
# **Signed**: divide by the largest *magnitude*, here 4: ${{room.signed:matrix}}$. Nothing is subtracted, so 0 stays 0.
# Its colour map must have three landmarks: one colour for $-1$, one for $1$, and white in the middle. That is a
# *diverging* map, blue and red in this book.
#
# **Heat map**: keep only what is positive, then divide by the largest number: ${{room.heat:matrix}}$. The
# survey wants relevance in $[0, 1]$, and this is how the book gets it there. 0 stays 0. The curtain's
# protest is gone: not drawn wrongly, but not drawn.
#
# Drawing A was stretched; B is signed. Write B's scale yourself, for maps of any shape. For a map of zeros
# return zeros.

# %%
@ch.exercise("signed_to_unit")
def signed_to_unit(R):
    """R on a scale from -1 to 1 on which 0 stays 0."""
    raise NotImplementedError


signed_to_unit.check()

# %%
def three_drawings(f):
    drawn = {
        "stretched": Drawing((R + 2) / 6, "jet", 0, 1),
        f"signed: {f.label}": Drawing(f(R), "RdBu_r", -1, 1),
        "heat map": Drawing(np.maximum(R, 0) / 4, "magma", 0, 1),
    }
    return exhibit(drawn, "Stretched: the wall light blue. Signed: white. Heat map: black.", names=quarters)


ch.yours("signed_to_unit", three_drawings)

# %% [markdown]
# Look at the wall in each, and find its 0 on the colour bar beside it. On the first bar there is no such place: the
# bar's 0 is the curtain.
#
# ## From three channels to one heat map
#
# Real pictures have three colours, so relevance has three *channels*: three numbers at every pixel. A drawing has room
# for one. How to join them depends on what they are.

# %%
book.recap("slope or contribution")

# %% [markdown]
# **Contributions add up** to the score, so add the channels: red may speak for and blue against, and what remains is
# what the pixel brought. **Slopes add up to nothing in particular.** For them the survey takes the steepest:
# $M_{ij} = \max_k |w_{ijk}|$, its equation (6). With two channels
#
# $${{channels.first:matrix}} \quad\text{and}\quad {{channels.second:matrix}}$$
#
# slopes give $M = {{channels.largest:matrix}}$, contributions $M = {{channels.sum:matrix}}$. Now the positive part of
# $M$, over its largest number: ${{channels.slope:matrix}}$ and ${{channels.contribution:matrix}}$. The same eight
# numbers, and two drawings that disagree in every place.
#
# **Units.** $M$ is in *score per unit*, or in *score*. The heat map is in neither: it is a number without a unit.
#
# Write the whole way. `R.sum(axis=0)` adds the channels, `.max(axis=0)` takes the largest. Where no number is positive,
# the heat map is 0 everywhere; nothing must be divided by 0.

# %%
@ch.exercise("heatmap")
def heatmap(kind, R):
    """R (channels, rows, columns) -> (rows, columns) in [0, 1]; kind is "slope" or "contribution"."""
    raise NotImplementedError


heatmap.check()

# %% survey=["(6)", "figure 4"]
from minixai.whitebox.maps import reduce_channels

net = mx.load("shapes").astype("float64")
x = net.preprocess(scenes(4, 6).pictures[5])  # a cross, and the network says so
slopes, shares = (mx.explain(net, x, name).relevance for name in ("gradient", "lrp-0"))
signed = {"contribution, signed": Drawing(shares.sum(axis=0), "RdBu_r", -0.7, 0.7)}


def cross(f):
    hot = {"slope": f("slope", slopes), "contribution": f("contribution", shares)}
    maps = signed | {f"{kind}: {f.label}": own_scale(m) for kind, m in hot.items()}
    return exhibit(maps, "The cross: what its pixels brought, red and blue; then two heat maps.")


display(book.look(net, x, "A purple cross on green."), ch.yours("heatmap", cross), book.show(reduce_channels))

# %% [markdown]
# (`lrp-0` is the method that chapter 00 asked for contributions.) The first map has red and blue side by side, all
# along the cross. Its darkest blue outweighs its darkest red: the strongest pixel of all speaks *against* cross. No
# heat map tells you so. Below the maps stands the package's own line for the channels; it stacks pictures along axis 0,
# so its channels are axis 1.
#
# ## Light and dark
#
# The scale is half of a drawing; the colours are the other half. The survey draws its Figure 4 in *jet*, from blue
# over cyan, yellow-green and orange to red, "a linear transition", and "intuitively understandable for a human
# observer". Is it?
#
# Give people a handful of grey paint chips, and they will all put them in the same order. With red, yellow, green and
# blue chips they will not (Borland and Taylor, 2007). So ask one thing of a colour map: when the number grows, does
# the colour get lighter? **Lightness**, how light an eye finds a colour, runs from 0, black, to 100, white. Here is
# that of three colour maps, at five numbers, and how often it turns round on the way up. Think of your second guess.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("How light, from the smallest number on the left to the largest:")
print("                 0   1/4   1/2   3/4     1   turns round")
three = ("jet", "magma", "grey")
for name in three:
    five = lightness(colours(name, np.linspace(0, 1, 5)))
    steps = np.sign(np.diff(lightness(colours(name, np.linspace(0, 1, 256)))).round(6))
    turns = int((np.diff(steps[steps != 0]) != 0).sum())
    print(f"{name:9}", *(f"{light:5.0f}" for light in five), f"{turns:9}")

# %% [markdown]
# Jet climbs, dips, climbs again, and then goes down: the colour of the *strongest* relevance is darker than
# that of a quarter of it. In between lie two bright rims, cyan and yellow, that stand for nothing at all. Magma, this
# book's map for what is never negative, climbs all the way, by 20 to 30 with every quarter.
#
# Does that harm *you*? Do not believe me; measure. Below, a strip falls from its peak, on the left, to 0. It does not
# fall evenly, so counting patches will not help. Mark the patch that is worth **half** of the peak: the edge of "the
# important region", if you like. When you are content, choose *this is half*, and see. *Still looking* brings the next
# strip. Give each of the three colour maps three marks. (Below the figure stands the first strip in all three.)
#
# Which of the three do you expect to read worst?

# %%
display(book.figures.marking())
strips = {name: Drawing([hills()[0]], cmap, 0, 1) for name, cmap in zip(three, ("jet", "magma", "gray"), strict=True)}
exhibit(strips, "One strip, falling from 1 to 0, in jet, magma and grey: jet has a bright rim.", bars=False)

# %%
ch.observe("grey_copy", ...)

# %% [markdown]
# *If you see no buttons, the page is being shown without its scripts; `make lab` opens the chapter with them.*
#
# The last column shows a reader who sees light and dark only. In magma and grey that reader does well; in jet
# the peak and the foot are equally dark, and half is nowhere to be found. You have hues to go by, so you should do
# better. By how much, your own table says. Nine marks of one person are no study. But it is nine more than a
# drawing usually gets.
#
# ## Find the twins
#
# Back to scales. Stretching uses the smallest and the largest number of *this* map, and forgets them. So there must be
# maps that it cannot tell apart. Return two that are drawn exactly alike, although some pixel speaks *against* the
# class in one of them and *for* it in the other.

# %%
@ch.exercise("twins", kind="counterexample")
def twins():
    """Two maps of one shape, as np.array([...]), np.array([...])."""
    raise NotImplementedError


twins.check()

# %% [markdown]
# Does it happen outside exercises? Take a hundred pictures that the network has never seen, and the contributions of
# LRP-0 once more. Where does min-max put *nothing*?

# %%
# NBVAL_CHECK_OUTPUT
xs = np.stack([net.preprocess(picture) for picture in scenes(7, 100).pictures])
M = mx.explain(net, xs, "lrp-0").map.reshape(100, -1)  # one row per picture
low, high = M.min(axis=1, keepdims=True), M.max(axis=1, keepdims=True)
zero, stretched = -low / (high - low), (M - low) / (high - low)
quiet = abs(M) < np.maximum(high, -low) / 20
print(f"0 is drawn at {zero.mean():.2f}; in single pictures from {zero.min():.2f} to {zero.max():.2f}")
print(f"weaker than a twentieth of the strongest: {quiet.mean():.0%} of the pixels")
print(f"of these, drawn above a quarter: {(stretched[quiet] > 1 / 4).mean():.1%}")
mean, least, most = mean_interval((-low > high)[:, 0])
print(f"the strongest pixel speaks against: {100 * mean:.0f} of 100 ({100 * least:.0f} to {100 * most:.0f})")

# %% [markdown]
# Three quarters of the pixels have next to nothing to say, and stretched they are painted as if they had a good
# deal, by another amount in every picture. The last line counts how often a heat map leaves out the strongest pixel;
# the brackets say how far chance may have moved the count.
#
# ## Break it
#
# Every heat map has a brightest pixel of 1. Whose? Below, left, is the heat map of the cross once more. Beside it
# is the heat map of something that does not exist: the same map was computed twice, once with sixteen digits per number
# and once with seven, and the two were subtracted. What is left is *rounding*.

# %% tags=["reveal"]
coarse = mx.explain(mx.load("shapes").astype("float32"), x.astype("float32"), "lrp-0").map
fine = shares.sum(axis=0)
pair = {"relevance": fine, "rounding": fine - coarse}
own = {f"{name}, own scale": own_scale(m) for name, m in pair.items()}
shared = {f"{name}, one scale": Drawing(m, "magma", 0, fine.max()) for name, m in pair.items()}
exhibit(own | shared, "On scales of their own both maps glow. On one scale the rounding is black.")

# %%
# NBVAL_CHECK_OUTPUT
less = bool(pair["rounding"].max() < 1e-6 * fine.max())
print("the largest number of the rounding is less than a millionth of the relevance's:", less)
maps = {"all zero": 0 * R, "nothing positive": -R - 5, "one tiny number": np.array([[1e-9, 0], [0, 0]])}
for name, m in maps.items():
    print(f"heat map of {name:16}", mx.Explanation.from_array(m, m[None]).heatmap.tolist())

# %% [markdown]
# Where the relevance is large the rounding is, too: it even looks like an explanation. A map on a scale of its own
# answers *where*, never *how much*. If two maps are to be compared, they need one scale, and the scale needs its
# numbers: a colour bar. A black heat map, on the other hand, may mean that nothing mattered, or that all that mattered
# spoke against.
#
# ## Exit ticket
#
# Your three guesses, and a last question.

# %%
display(ch.reveal("which_lies"), ch.reveal("grey_printer"), ch.reveal("own_scale"))
ch.exercise("bright_lamp", kind="claim").answer(...)

# %% [markdown]
# ## One page to keep
#
# * **Keep the zero.** Signed maps: over the largest magnitude, in diverging colours. Heat maps: the positive part over
#   its largest number, from black. Never stretch from the smallest number.
# * **Contributions are added over the channels; of slopes the steepest is taken.**
# * **Let lightness climb with the number.** Jet's does not.
# * **A scale belongs beside the map**, and one scale to maps that are compared.
# * *Units: those of the relevance, on the colour bar. A heat map has none.*
#
# **What the survey leaves open.** Relevance is to lie in $[0, 1]$, says Section 3.2. Most methods answer with signed
# numbers, and how these get into $[0, 1]$ it does not say. Stretching, magnitudes and cutting all do it, and draw
# different things. That jet is understood "intuitively" is said without a source. (And a map of $N \times N$
# pixels lives in $\mathbb{R}^{N \times N}$; the survey prints $\mathbb{R}^N$.)

# %% [markdown] tags=["deeper"]
# ## Deeper: laid over the picture
#
# The survey lays the heat map over the picture, and so does this package: six tenths colour, four tenths picture, in
# grey. Then the picture shines through. Take heat of 1/2 and of 3/4, over black, middle grey and white paper. How
# light does each come out?

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
print("over          black  grey  white")
for heat in (1 / 2, 3 / 4):
    mixed = [0.6 * colours("magma", heat) + 0.4 * paper for paper in (0, 0.5, 1)]
    print(f"heat {heat:<8}", *(f"{lightness(rgb):6.0f}" for rgb in mixed))

# %% [markdown] tags=["deeper"]
# The weaker heat over white is lighter than the stronger over black. An overlay shows where; for how much go back
# to the map. That is why the figures of this book show both.

# %% [markdown] tags=["deeper"]
# ## Deeper: enlarged
#
# Some methods (Grad-CAM, FEM: chapters 09 and 13) answer with a few large cells, which are enlarged to the picture's
# size. Between the cells' centres the numbers run in straight lines. Two cells, 0 and 4, become four pixels. The
# pixels at the ends lie further out than the centres of their cells, and there is nothing further out to aim at: they
# keep their cell's number.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
from minixai.ops import resize

print(*resize(mx.exact([[[0, 4]]]), (1, 4))[0, 0])

# %% [markdown] tags=["deeper"]
# Other programs put the first and last *centre* on the edge of the picture (0, 4/3, 8/3, 4), and their maps are a
# little wider. Either way the smooth map has no more to say than its cells: it was 8 by 8 numbers, whatever it looks
# like.

# %% tags=["deeper"]
cells = mx.explain(net, x, "grad-cam")
both = {"as computed: 8 x 8": own_scale(cells.relevance), "as drawn: 64 x 64": own_scale(cells.map)}
exhibit(both, "Grad-CAM for the cross: eight by eight cells, and the same numbers enlarged to a smooth cloud.")

# %% [markdown] tags=["deeper"]
# ## Deeper: a second opinion
#
# The maps of this chapter come from one engine, ours. Every method has a twin, written for PyTorch. From the record of
# `minixai crosscheck`:

# %% tags=["deeper"]
book.badge("shapes")
