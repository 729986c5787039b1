# ---
# jupyter:
#   minixai:
#     title: "A CNN by hand"
#     minutes: 75
#     objectives:
#     - run a small network forwards with a pencil, and write its layers
#     - say which pixels a number can see, and how that grows with depth
#     - give four reasons why a change of the picture may go unnoticed
#     - read the drawing of a network, with its sizes
#     needs: ["00"]
#     equations: sections 3.1 and 3.2, (2), figures 2, 3, 10
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# Nine pixels $Y$ go in, a **filter** $F$ passes over them, four numbers $O$ come out. One of the four says
# {{forward.six}}:
#
# $$Y = {{pocket.picture:matrix}} \qquad F = {{pocket.f1:matrix}} \qquad O = {{pocket.y1:matrix}}$$
#
# The rule: lay the filter on four pixels, multiply each by the number that lies on it, add the products. There are four
# places to lay it on, so $O$ has four numbers.
#
# Take a pencil and circle the pixels that could change the 6, each on its own, moved up or down as far as you like.
#
# Then a harder one. Let the network keep only the largest of the four: 6 again. There is one pixel that could never
# change *this* 6. Which?
#
# Later chapters ask a network *why*. Here we only do what it does, so that nothing inside is a mystery.
#
# ## Ticket in
#
# Run the cell to see four questions. Then put a letter for the first dots, `"A"`, and your confidence after it: 1 is a
# coin, 3 is sure. `shapes` is chapter 00's network, which tells ten drawn shapes apart.

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.book.figures.ch03 import glimpses, neuron, windows_of
from minixai.book.numbers import say
from minixai.zoo.scenes import scenes

ch = book.chapter("03_a_cnn_by_hand")
first, second = ch.predict("the_six", ..., confidence=...), ch.predict("never", ..., confidence=...)
third, fourth = ch.predict("two_layers", ..., confidence=...), ch.predict("one_pixel", ..., confidence=...)
display(first, second, third, fourth)

# %% [markdown]
# ## One cell
#
# The 6 stands at the bottom right of $O$, so the filter lay on the bottom right of $Y$. The piece under the filter is
# its **window**, the filter's numbers are its **taps**. (The survey's figure 10.)

# %% survey=["figure 10"]
neuron(book.pocket(), book.POCKET_PICTURE, "conv1", cell=(1, 1))

# %% [markdown]
# Five pixels lie outside the window: whatever they do, the 6 stays. Of the four inside, one meets the tap 0, and its
# product stays 0. Three are left. That was the first guess.
#
# Raise one of the three by 1, and the 6 moves by the *tap* it meets: 1, 2 or $-1$. Those are **slopes**. The *products*
# 1, 6, 0 and $-1$ say what each pixel brought, and add up to the 6: **contributions**. *Units: a map has a unit of its
# own; contributions are in that unit, slopes in that unit per unit of the pixel. Only at the very end is it called
# score.*
#
# ## Write it
#
# Networks add one thing: a **bias** $b$, the same number for every window, added at the end.
#
# Write it for matrices `Y` and `F` of any size. `Y[i : i + 2, j : j + 3]` is the window of 2 x 3 whose top left corner
# is in row `i` and column `j`, counted from 0. `F.shape` is `(rows, columns)`. A filter of 2 rows fits on 3 rows in 2
# places; and in general? With $b = 1$ the picture above should give `[[5, 0], [3, 7]]`.


# %%
@ch.exercise("conv2d")
def conv2d(Y, F, b):
    """O: for every window of Y, its numbers times the taps of F, added up, plus the bias b."""
    raise NotImplementedError


conv2d.check()

# %% [markdown]
# ## A filter is a question
#
# What is it for? Take two taps, $(-1, 1)$. The answer is the right pixel minus the left one: *is it brighter to the
# right?* On the map red is yes, blue is darker. Put upright, the same taps ask: *is it brighter below?* The picture
# says how much red there is in chapter 00's heart. Which edges will be red in which map? Say it, then run the cell.

# %%
red = scenes(4, 300).pictures[77][..., 0] / 255
asked = {"to the right?": np.array([[-1.0, 1.0]]), "below?": np.array([[-1.0], [1.0]])}


def answers(f):
    return draw.strip({f"{q} ({f.label})": f(red, F, 0.0) for q, F in asked.items()}, picture=red)


ch.yours("conv2d", answers)

# %% [markdown]
# In a network nobody writes the taps; training finds them. But each filter is such a question, put to every window.
#
# ## A whole network, with a pencil
#
# The **pocket CNN** stays with us to the end of the book. It puts two questions to the picture: our $F$, from now on
# $F_1$, and $F_2 = {{pocket.f2:matrix}}$. The answers $O_1$ and $O_2$ are called **feature maps**. Each goes through a
# **ReLU**, number by number:
#
# $$\mathrm{ReLU}(t) = \max(0, t) \qquad (2)$$
#
# Then each map is squeezed into one number, $p_1$ and $p_2$: its largest, by **max-pooling**, or its mean. Last come
# the scores of two classes, $A = p_1 - p_2$ and $B = p_2$. The biases are 0.
#
# Do it: $O_2$, both ReLUs, both ways of squeezing, the scores. The cell has the answers.

# %% tags=["reveal"] survey=["(2)"]
# NBVAL_CHECK_OUTPUT
print("The pocket CNN, layer by layer; two maps, then two numbers:")
tapes = {head: mx.forward(book.pocket(head), book.POCKET_PICTURE) for head in ("max", "mean")}
for layer, what in (("conv1", "O1, O2"), ("relu1", "ReLU")):
    print(f"{what:6}", *map(say, tapes["max"][layer].y[0]), sep="   ")
for head, tape in tapes.items():
    print(f"{head:6}   p1, p2: {say(tape['flatten1'].y[0])}   A, B: {say(tape.output.y[0])}")

# %% [markdown]
# ## Who could still move the 6
#
# With max-pooling $p_1$ is {{forward.six}}, too, and now more pixels have a say. The top left one feeds only the 4; but
# raise it by more than 2, and the 4 overtakes. Go through all nine: *is there an answer that sees this pixel, with a
# tap that is not 0?* Then run the cell, which moves each pixel by 100, up and down.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
moves = np.zeros((2, 3, 3), int)
for i, j in np.ndindex(3, 3):
    for change in (-100, 100):
        x = book.POCKET_PICTURE.copy()
        x[0, i, j] += change
        tape = mx.forward(book.pocket("max"), x)  # keeps what every layer computes: y[picture, map, row, column]
        moves[:, i, j] |= [tape["conv1"].y[0, 0, 1, 1] != 6, tape["maxpool1"].y[0, 0, 0, 0] != 6]
print("Can it be moved? Where there is a nought: no.")
print("the 6 of O: ", moves[0].tolist(), "\nthe 6 of p1:", moves[1].tolist())

# %% [markdown]
# The bottom left pixel is in one window only, and there it meets the tap 0. That will be so in every picture.
#
# ## Who won?
#
# A max-pool forgets three numbers of four. Whoever walks back through it must know which one it kept. So let it write
# down the winner's place, the **switch**.
#
# Larger maps are pooled in windows of 2 x 2 that stand *side by side*: rows 0 and 1, rows 2 and 3, and so on. A row or
# column that fills no window is left out. Places are counted as one reads, from 0: in `[[1, 3, 0, 0], [3, 2, 5, 1]]`
# the winners are the first 3, at place 1, and the 5, at place 6, so return `[[1, 6]]`. Of equals the first one wins, by
# **convention**: somebody had to choose. `M.argmax()` counts in the same way.
#
# Below the verdict your switches are at work. A convolution, a ReLU and a pool make a **conv block** (figure 3). What
# has become of the blue?


# %% survey=["figure 3"]
@ch.exercise("switches")
def switches(Y):
    """For every 2 x 2 window: the place of its largest number, counted through Y row by row."""
    raise NotImplementedError


def block(f):
    conv = mx.Conv2d(asked["to the right?"][None, None]).forward(red[None, None])[0, 0]
    relu = np.maximum(conv, 0)
    pool = relu.ravel()[f(relu).astype(int)]  # the numbers at the winners' places
    return draw.strip({"convolution": conv, "ReLU": relu, f"max-pool: {f.label}": pool}, title="One block")


verdict = switches.check()
display(verdict, ch.yours("switches", block))

# %% [markdown]
# ## Changes that go unnoticed
#
# A pixel may have no say because it lies outside, or meets a tap of 0. Both hold for every picture. Two more reasons
# hold only *here and now*: the ReLU is off, or somebody else won the pool.
#
# Change one pixel of our picture $Y$ so that $O_1$ changes, but not what leaves the ReLU. Then, from $Y$ again, change
# one pixel so that the map behind the ReLU does change, but not its largest number. Return both pictures.


# %%
@ch.exercise("unnoticed", kind="counterexample")
def unnoticed():
    """by_relu, by_pool: two pictures, each np.array([[1, 2, 0], [0, 1, 3], [2, 0, 1]]) with one change."""
    raise NotImplementedError


unnoticed.check()

# %% [markdown]
# ## Patches grow
#
# Put a second layer on top. Its numbers see a window of numbers, and each of those sees a window of pixels. All the
# pixels a number can see are its **patch** (others say *receptive field*). Your third guess was about its width.
#
# The figure counts *on how many ways* each pixel reaches the number with the double frame; 0 means never. All filters
# are 3 x 3. Go from one layer to two, and move the number. Then change the **stride**: with stride 2 the filter moves
# two places at a time. Last the **padding**: a ring of zeros, so that the filter can stand on the edge.
#
# Below: how much of the heart does one number of `shapes` see, layer after layer?

# %%
net = mx.load("shapes")
display(book.figures.patches())
glimpses(net, scenes(4, 300).pictures[77], ["conv1", "conv2", "conv3", "conv4", "maxpool2"])

# %%
ch.observe("wider", ...)

# %% [markdown]
# *If you see only tables, the page is being shown without its scripts; `make lab` opens the chapter with them.*
#
# Most ways lead from the middle, so a patch fades towards its edge. And even in its last map no number of `shapes` has
# seen the whole picture.
#
# ## How many fit?
#
# An axis of `n` numbers gets `p` zeros at either end; a window of `k` moves along it, `s` at a time. How many places
# does it find? Draw $n = 8, k = 3, s = 2, p = 1$: there are 4. A window that hangs over the edge does not count. (`//`
# divides and rounds down.)


# %%
@ch.exercise("output_size")
def output_size(n, k, s, p):
    """How many windows of k, s apart, fit on n numbers with p zeros at either end."""
    raise NotImplementedError


output_size.check()

# %% [markdown]
# ## The network of this book
#
# First the pocket CNN. Then figure 2 of the survey, drawn from `shapes` itself: four conv blocks, two of them without a
# pool. *Flatten* puts all numbers in one row, for **fully connected** layers, in which every output has a weight for
# every input. `3x64x64`: three maps, red, green and blue. When a layer reads several maps, its filter has a sheet of
# taps for each, and *all* products are added. So `3 to 24` means 24 filters of three sheets: 24 questions, 24 maps.
# (The thick frame waits for chapter 09.) Which layers make maps smaller? Your function says.
#
# In letters (survey 3.2): a picture $x$ goes in, and out come the scores $S_1(x), \ldots, S_C(x)$, one for each of $C$
# classes.


# %% survey=["figure 2"]
def sizes(f):
    n = net.input_shape[-1]
    for layer, (k, s, p) in windows_of(net).items():
        n = f(n, k, s, p)
        print(f"{layer:9} window {k}, stride {s}, padding {p}: {n:2.0f} by {n:.0f} ({f.label})")


ch.yours("output_size", sizes)
display(draw.network_figure(book.pocket("max")), draw.network_figure(net), book.recap("score"))

# %% [markdown]
# ## Break it
#
# Three ways to annoy `shapes`, with 100 pictures new to it. Guess before you open the output.
#
# * Move every picture to the right (what leaves comes in on the left): your fourth guess.
# * Turn every filter of the second layer by 180 degrees. Same taps, other order.
# * Show it nothing: a flat picture, all black, grey or white. What does it say, and how sure is it?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Of a hundred pictures:")
hundred = scenes(7, 100)
x = np.stack([net.preprocess(picture) for picture in hundred.pictures])
said = net(x).argmax(axis=1)
for d in (1, 8):
    print(f"moved by {d}: {(net(np.roll(x, d, axis=3)).argmax(axis=1) != said).sum():2} other answers")
ops = [node.op for node in net.nodes]
turned = mx.Conv2d(ops[3].weight[..., ::-1, ::-1], ops[3].bias, padding=1)
odd = mx.Network.sequential([*ops[:3], turned, *ops[4:]])(x).argmax(axis=1)
print(f"right: {(said == hundred.labels).sum()}; filters turned: {(odd == hundred.labels).sum()}")
for v in (0, 128, 255):
    s = net(net.preprocess(np.full((64, 64, 3), v, np.uint8)))
    print(f"flat, {v:3}: {net.classes[s.argmax()]:7} probability {np.exp(s).max() / np.exp(s).sum():.2f}")

# %% [markdown]
# Filters go wherever the shape goes, and a pool does not care where in its window the winner stood. So one pixel hardly
# matters. Eight matter more. Four of those ten had their shape cut by the edge; for the others, fully connected
# layers have other weights for other places.
#
# With its taps in another order a layer asks something else. (Chapter 04 meets the turned filter again, for quite
# another reason.) And nobody taught this network to say *nothing there*: the probabilities add up to 1, so some shape
# has to get them.
#
# ## Exit ticket
#
# By hand: the pocket picture, the filter `[[0, 1], [2, -1]]`, bias 1. Put your $O$ for the dots, as `[[., .], [., .]]`;
# `True` means that it is right. Then your four guesses, and one last question.

# %%
mine = ...
F = np.array([[0, 1], [2, -1]])
display(*(ch.reveal(guess) for guess in ("the_six", "never", "two_layers", "one_pixel")))
display("not yet" if mine is ... else np.array_equal(ch.yours("conv2d")(book.POCKET_PICTURE[0], F, 1), mine))
ch.exercise("nudged", kind="claim").answer(...)

# %% [markdown]
# ## One page to keep
#
# * **Convolution:** window times taps, added up, plus the bias. The tap is the slope, the product the contribution.
# * **ReLU** (2): negative numbers become 0. **Max-pool:** the largest of a window stays; its place is the *switch*.
# * **Patch:** the pixels a number can see. It grows with every layer, and faster after a stride.
# * A change goes unnoticed outside the patch, at a tap of 0, at a ReLU that is off, in a pool that somebody else wins.
#   The first two hold always; the last two only here.
# * *Units: each map has its own; the last one's is score.*
#
# **What the survey leaves open.** Its pictures are grey, so its filters have one sheet. In signal processing a
# *convolution* would turn the filter first; here nobody does. Relevance is said to lie in $[0, 1]$ and in
# $\mathbb{R}^N$; it has a number for each of $N \times N$ pixels, and often a minus. And $S_c$ is at times a score, at
# times a probability; here it is always the score.
#
# Next: the same network, walked backwards. `ch.progress()` says where you stand.

# %% [markdown] tags=["deeper"]
# ## Deeper: a convolution is a matrix
#
# Read the nine pixels as one long row, and the four answers as another. Then each answer is a sum over all nine pixels,
# most of them times 0. Here are the weights for $F_1$: a line for every answer, a column for every pixel. A line says
# what one answer collects, a column where one pixel goes. Which column is empty, and why did you know?

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
first_filter = mx.Conv2d(mx.exact([[[[1, 2], [0, -1]]]]))
alone = mx.exact(np.eye(9)).reshape(9, 1, 3, 3)  # nine pictures, each with a single 1
M = first_filter.forward(alone).reshape(9, 4).T
for answer, line in zip(("o11", "o12", "o21", "o22"), M, strict=True):
    print(answer, " ".join(f"{str(v):>2}" for v in line))
print("times the picture:", say(M @ book.POCKET_PICTURE.ravel()))

# %% [markdown] tags=["deeper"]
# Four numbers, used again and again; all else is 0. A fully connected layer of the same size has 36 weights, each of
# its own. Count for `shapes`: where do its numbers sit, and how many would its first layer need without sharing?

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
tape = mx.forward(net, 0 * x[:1])
for node in net.nodes:
    numbers = sum(a.size for a in node.op.arrays().values())
    step = tape[node.name]
    unshared = step.x.size * step.y.size + step.y.size
    if numbers:
        print(f"{node.name:8} {numbers:7,} numbers; without sharing {unshared:11,}")

# %% [markdown] tags=["deeper"]
# ## Deeper: is the patch a promise?
#
# So far the patch was computed from strides and sizes. Test it: repaint everything outside with noise, twenty times,
# and see how far the middle numbers of a layer move, in all its maps. Then repaint the inside instead.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
from minixai.book.figures.ch03 import reach

rng, picture = np.random.default_rng(3), x[77:78]
noise = rng.uniform(-2, 2, (20, *picture.shape[1:])).astype(np.float32)
for layer in ("conv1", "conv2", "conv3", "conv4"):
    inside = np.zeros((64, 64), bool)
    inside[reach(net, layer)] = True
    middle = (slice(None), slice(None), *[mx.forward(net, picture)[layer].y.shape[-1] // 2] * 2)
    before = mx.forward(net, picture)[layer].y[middle]
    for where, mask in (("outside", ~inside), ("inside", inside)):
        moved = abs(mx.forward(net, np.where(mask, noise, picture))[layer].y[middle] - before).max()
        print(f"{layer}, {where:7} repainted: moved by at most {moved:4.1f}")

# %% [markdown] tags=["deeper"]
# ## Deeper: from scores to probabilities
#
# "Usually normalized", says the survey's section 3.2: by the **softmax**, $P_c = e^{S_c} / \sum_d e^{S_d}$. Add the
# same number to all scores, and no probability changes. So a class may get *more* probable although its score *falls*:
# the others only have to fall further. One more reason why "why this score?" and "why this probability?" are two
# questions.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
for s in ([2, 1, 0], [12, 11, 10], [1, -1, -2]):
    P = np.exp(s) / np.exp(s).sum()
    print(f"scores {s}: probabilities", *(f"{p:.3f}" for p in P))

# %% [markdown] tags=["deeper"]
# ## Deeper: a second opinion
#
# PyTorch runs the same layers with code of its own. From the record of `minixai crosscheck`:

# %% tags=["deeper"]
book.badge("shapes")
