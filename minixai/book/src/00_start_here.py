# ---
# jupyter:
#   minixai:
#     title: "Start here: one picture, every explanation"
#     minutes: 55
#     objectives:
#     - tell a slope (score per unit) from a contribution (score)
#     - ask the package for one explanation, and for all of them
#     - use the buttons that check your own code
#     - find a method on the survey's map
#     - say what a convincing map does not show
#     needs: []
#     equations: all of it, from far away
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# A network looks at a small picture and says *heart*. You ask: *why?* Many programs claim to answer. Each hands you
# another picture, with bright spots where, it says, the reason lies. In a moment you will see twelve such answers.
# Before one of them was made, somebody shuffled the network's *weights*, the numbers that hold all it has learnt. Could
# you tell which one that is? How sure would you be?
#
# This book opens these programs one by one, down to the last line. Today we only look round, and learn where the
# buttons are. A cell of code runs when you click into it and press Shift and Enter; run them in order.
#
# First the decision itself. The network has learnt to tell ten drawn shapes apart; it has never seen this one. It
# answers with ten numbers, one per shape, and the largest wins.

# %%
# NBVAL_CHECK_OUTPUT
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.zoo.scenes import scenes

ch, net = book.chapter("00_start_here"), mx.load("shapes").astype("float64")
drawn = scenes(4, 300)  # a program draws them, from a number called seed: here 4; it learnt from other seeds
x = net.preprocess(drawn.pictures[77])
scores = net(x)
display(book.look(net, x, "A red heart on grey-green ground, a little left of the middle; two thin purple lines."))
for c in np.argsort(-scores):
    print(f"{net.classes[c]:>8} {scores[c]:6.1f}")

# %% [markdown]
# These are *scores*, in a unit of the network's own. "Why?" always means "why *this* score?", and the answer may differ
# for the runner-up.
#
# ## Ticket in: twelve answers, one of them worthless
#
# Each map below says where the reason for the score of *heart* lies, by a method of its own: from black (nothing) to
# pale yellow (the most). Thin lines go round the strongest parts. For one map the weights were shuffled. Which?
#
# Run the cell to see the maps and two more questions. Then put each guess in place of the first dots, as a letter in
# quotation marks, and your confidence after it: 1 is a coin, 3 is sure. Run it again.

# %%
first = ch.predict("which_is_scrambled", ..., confidence=...)
second = ch.predict("all_agree", ..., confidence=...)
third = ch.predict("larger_slope", ..., confidence=...)
display(draw.strip(book.twelve_maps(net, x), title="Twelve answers", signed=False, columns=4), first, second, third)

# %% [markdown]
# ## One answer
#
# One line of code asks one method. On the left is the picture. In the middle are the numbers that the method computed,
# one per pixel: red speaks for *heart*, blue against it. On the right is what people usually draw, a **heat map**: only
# the positive numbers, divided by the largest of them, laid over the picture. (The small print is for chapter 10.)

# %%
one = mx.explain(net, x, "lrp-composite")
one

# %% [markdown]
# The two flanks of the heart are red, and there is a little blue near the top; the two lines are almost silent.
#
# ## Two questions that are easily mixed up
#
# Now the smallest example there is: two pixels, and a score that you can compute in your head, $S = 3x_1 - x_2$. At
# $(x_1, x_2) = {{linear.picture}}$ it is {{linear.score}}.
#
# *What happens if I turn a pixel up a little?* The score moves by {{linear.slope}} per unit. That is the **slope**,
# in score per unit. Here it is the same for every picture.
#
# *What did a pixel bring to this score?* $3 \cdot 2$ and $-1 \cdot 1$, so {{linear.contribution}}. That is the
# **contribution**, in score, and the two numbers add up to {{linear.score}}.
#
# Work out both at {{linear14.picture}}, the picture of your third guess. Then run the cell.

# %%
# NBVAL_CHECK_OUTPUT
two = mx.Network.sequential([mx.Linear(mx.exact([[3, -1]]))])  # a network of one layer: S = 3 x1 - x2
for pixels in (mx.exact([2, 1]), mx.exact([1, 4])):
    slope = mx.explain(two, pixels, "gradient").relevance
    share = mx.explain(two, pixels, "lrp-0").relevance  # a method that answers with contributions
    print("picture", *pixels, "  score", *two(pixels), "  slope", *slope, "  contribution", *share)

# %% [markdown]
# At {{linear14.picture}} pixel 1 still has the larger slope, but pixel 2 weighs more. Neither answer is wrong: they
# answer different questions, and many a quarrel in this field is between people who asked different ones. So every
# chapter says what its numbers are: *units: score per unit*, or *units: score*. (`mx.exact`: fractions, no rounding.)
#
# ## The buttons
#
# In every chapter you write short functions, and the book checks them. An easy one first: the **positive part** of an
# array. Numbers larger than 0 stay as they are, all others become 0. Replace the line `raise NotImplementedError` by
# `return` and your code; `np.where(condition, a, b)` takes `a` where the condition holds and `b` elsewhere. Run the
# cell.
#
# If it is not right yet, you are told where, and often why. Stuck? `positive_part.hint()` in a new cell, up to three
# times. `positive_part.solution()` opens after a pass or after three different attempts. Arrays are new to you? The
# toolbox near the end of this page takes five minutes.
#
# Below the verdict your function is used; until you pass, the book's own, *reference*, stands in. Look at the
# blue: it is gone on the right, and nothing else has changed.

# %%
@ch.exercise("positive_part")
def positive_part(x):
    """The numbers of x that are larger than 0; 0 in place of all others."""
    raise NotImplementedError


def redraw(f):
    return draw.strip({"raw map": one.map, f"positive part: {f.label}": f(one.map)}, title="At work")


verdict = positive_part.check()
display(verdict, ch.yours("positive_part", redraw))

# %% [markdown]
# The second function is the idea of this chapter: for a score $S = \sum_i w_i x_i$, what does every pixel bring? Below
# its verdict stands a piece of the package: your *first* function. Inside networks it is called ReLU, the survey's
# equation (2): `choose` asks your question, `forward` acts on it. (`adjoint` is for chapter 06.)
#
# The third exercise is of another kind: find an example. For $S = 3x_1 - x_2$, return a picture of your own at which
# pixel 1 has the larger slope *and* pixel 2 brings more, in magnitude. Zeros and ties are refused: too easy.

# %% survey=["(2)"]
@ch.exercise("contribution")
def contribution(w, x):
    """What each pixel x_i brings to the score: an array of the shape of x."""
    raise NotImplementedError


verdict = contribution.check()
display(verdict, book.show(mx.ReLU))


# %%
@ch.exercise("slope_or_contribution", kind="counterexample")
def slope_or_contribution():
    """A picture (x1, x2), as np.array([..., ...])."""
    raise NotImplementedError


slope_or_contribution.check()

# %% [markdown]
# ## A map of the methods
#
# This book follows a survey of *white-box* methods, which look inside the network. (Equation by equation:
# `book.survey_map()`. *Black-box* methods only ask it questions: chapter 02.) The survey knows three families.
#
# **Linearisation** replaces the network, near this one picture, by something as simple as our $3x_1 - x_2$, and works
# with its slopes. **Structure** goes by the network's layers: most of these methods hand the score back from layer to
# layer, until every pixel has its share. **Adversarial** methods change the picture until the answer tips over; they
# wait for chapter 14.
#
# The first cell lists two families (later chapters explain them); the second draws their maps of
# our heart. Its output is closed: recall your second guess, then run it.

# %%
# NBVAL_CHECK_OUTPUT
for family in ("linearisation", "structure"):
    print(family)
    for m in (m for m in mx.methods() if m.family == family):
        print(f"   {m.section:6} {m.name:22} {'needs ' + ', '.join(m.needs) if m.needs else ''}".rstrip())

# %% tags=["reveal"]
answers = mx.explain_all(net, x)
display(draw.atlas(answers, answers.refused, network="shapes", methods=mx.methods()))
ch.reveal("all_agree")

# %% [markdown]
# ## All answers
#
# Look for twins: some maps can hardly be told apart. Then for families: dust, outlines, clouds. The red and blue ones
# say *against* as well as *for*.
#
# No map is the true one of which the others are bad copies. *What would move the score?* asks the gradient. *What was
# it made of?* asks LRP. *What sets it apart from the score of a black picture?* ask integrated gradients and DeepLIFT.
# *What lit up inside?* asks FEM. Whoever says "the explanation" owes you the question.
#
# ## Your turn
#
# This figure asks the engine each time you change something. Change **one thing at a time**: first the class (why
# *not* a circle?), then the method, then the network, from trained to shuffled. Arrow keys work. The strip below stays
# as it is. Which of its columns changes least?

# %%
cls, stranger = int(scores.argmax()), book.scrambled(net)
quick = ["gradient", "guided-backprop", "grad-cam", "lrp-0", "lrp-gamma", "lrp-composite", "deeplift-rescale", "fem"]
display(book.figures.explanations(net, x, quick, others={"shuffled weights": stranger}))
maps = {}
for suffix, network in (("", net), (", shuffled", stranger)):
    for name in ("gradient", "lrp-gamma", "grad-cam", "fem"):
        maps[name + suffix] = mx.explain(network, x, name, target=cls).heatmap
draw.strip(maps, title="Above: the trained network. Below: the shuffled one", signed=False, columns=4)

# %%
ch.observe("class_or_not", ...)

# %% [markdown]
# *No menus? Open the chapter with `make lab`.* In the strip, the gradient turns to dust; `fem` still finds the heart.
#
# ## Who lies on the shape?
#
# One picture proves nothing. A program drew our pictures, and knows where it put the shape. So we can ask many times
# whether a map lies on it, and give two marks.
#
# *AUC* (chapter 15 says of which curve): pick one pixel on the shape and one off it, blindly. How often has the first
# the larger number? 1 is always, 0.5 is a coin. *Points at it*: how often is the largest number of all on the shape? (A
# blind finger hits about once in nine.) The table is read from a file, made with pictures that the network had never
# seen; brackets say how far chance may have moved a mark.

# %%
import json

from minixai import files
from minixai.metrics import auc, pointing

found = json.loads((files.root("data") / "results" / "localisation.json").read_text())
print(f"{found['scenes']} pictures of seed {found['seed']}\n{'':22} {'AUC':^20}   points at it")
for row in found["rows"]:
    (a, low, high), (hit, least, most) = row["auc"], row["hits"]
    print(f"{row['method']:22} {a:.2f} ({low:.2f} to {high:.2f})   {hit:4.0%} ({least:.0%} to {most:.0%})")

# %% [markdown]
# Who does badly? That depends on the column. `lrp-0` and its twin have an AUC not far from a coin's, and yet they
# *point* better than most. Both are true. On the shape their numbers are large and of both signs; beside it they are
# small. AUC asks which number is larger, and a strong "against" loses to a faint nothing. The other low marks belong to
# DeepLIFT and integrated gradients: they compare with a black picture, from which the ground differs as well as the
# shape.
#
# Are these bad explanations? They never claimed to find shapes. The table measures agreement with an outline that
# *you* would draw. If the *network* looked at the ground, as chapter 01's does, a map that said so would get a bad mark
# and be right.
#
# ## Break it
#
# Shuffle all the weights and explain the same classes again, for twenty pictures. A map that explains *this network*
# has to change. `alike` says how little it did: 1 is the same map, 0 nothing in common. Then come the two marks,
# trained and shuffled. Before you open the output: whose AUC will fall to a coin's, and whose will not?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
def alike(p, q):  # the correlation of two maps; a blank map is like no other
    return np.corrcoef(p.ravel(), q.ravel())[0, 1] if p.any() and q.any() else 0.0


def mark(judge, e):  # the mean over the twenty
    return np.mean([judge(m, mask) for m, mask in zip(e.map, twenty.masks, strict=True)])


twenty = scenes(found["seed"], 20)
inputs = np.stack([net.preprocess(picture) for picture in twenty.pictures])
said = list(net(inputs).argmax(axis=1))
print(f"{'':17} alike     AUC  shuffled   points  shuffled")
for name in quick:
    p, q = (mx.explain(network, inputs, name, target=said) for network in (net, stranger))
    same = np.mean([alike(a, b) for a, b in zip(p.heatmap, q.heatmap, strict=True)])
    aucs, hits = ([mark(judge, e) for e in (p, q)] for judge in (auc, pointing))
    print(f"{name:17} {same:5.2f}   {aucs[0]:5.2f}     {aucs[1]:5.2f}    {hits[0]:5.0%}     {hits[1]:5.0%}")

# %% [markdown]
# Look at the AUC of `fem`. It finds the shape for a network that knows nothing about shapes: it shows where the network
# is *busy*, and whatever stands out keeps any network busy. Then look where `lrp-0` points: its map has become another
# one, and still its brightest spot tends to be on the shape. A good mark says that a map lies on the shape, not that
# anything was learnt. The other way round it is safer: a map that hardly moves when all knowledge is gone cannot be a
# map *of* that knowledge, however lovely.
#
# ## When the network is wrong
#
# Explanations are wanted most when something went wrong. Here is the first of our drawings that the network gets
# wrong: a leaf, taken for an arrow. What spoke for which? The last map explains the difference of the two scores: with
# LRP, the difference of the maps. Look before you read the numbers.

# %%
# NBVAL_CHECK_OUTPUT
odd = drawn.pictures[18]
arrow, leaf = (mx.explain(net, net.preprocess(odd), "lrp-composite", target=name).map for name in ("arrow", "leaf"))
maps = {"for arrow": arrow, "for leaf": leaf, "arrow minus leaf": arrow - leaf}
display(draw.strip(maps, picture=odd, title="What spoke for which answer"))
covered = odd.copy()
covered[9:33, 36:] = odd[33:57, 36:]  # rows 9 to 32, columns from 36: ground from below, over the small things
for what, picture in (("as drawn", odd), ("covered", covered)):
    s = dict(zip(net.classes, net(net.preprocess(picture)), strict=True))
    print(f"{what:8}   arrow {s['arrow']:5.2f}   leaf {s['leaf']:5.2f}")

# %% [markdown]
# Red on the last map is where the wrong answer won, blue where the right one did. Some of the red is not on the leaf at
# all: it is on the small things to the right, which spoke *against* leaf. A suspicion; so test it. Cover them, and the
# network says leaf. That is what maps are good for: they tell you what to try.
#
# ## Exit ticket
#
# Your first guess, a card for later chapters, one last question.

# %%
display(ch.reveal("which_is_scrambled"), book.recap("slope or contribution"))
ch.exercise("what_follows", kind="claim").answer(...)

# %% [markdown]
# ## One page to keep
#
# * "Why" always means "why this **score**".
# * **Slope** or **contribution**: what would happen, or what was brought. *Units: score per unit, or score.*
# * A map that convinces is not yet a map that explains. To find out, change something: the class, the weights, the
#   picture.
#
# **What the survey leaves open.** "A saliency map is a representative of what the network has learnt", its section 7
# begins, and then judges maps by how well they agree with people. You have seen maps that agree with people and
# represent nothing learnt. What would show that a map is true to the *network*? Chapter 15 takes that up.
# `ch.progress()` says where you stand.

# %% [markdown] tags=["deeper"]
# ## Deeper: a toolbox of six lines
#
# Pictures, weights and maps are all NumPy arrays: tables of numbers with a **shape**. Whoever can read these six lines
# can read most of the code in this book. Arithmetic goes place by place. `axis=0` means "along the first direction":
# `sum(axis=0)` adds the rows up and leaves one number per column. A question to an array gives an array of answers.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
a = np.array([[1.0, -2.0, 0.5], [3.0, 0.0, -1.0]])
print(a.shape, a[0, 1], a[1])  # its shape; one number (row 0, column 1: we count from 0); a whole row
print(a * [10, 1, 2])  # place by place; the short one is used for every row
print(a.sum(), a.sum(axis=0), a.max(axis=1))  # over everything; per column; per row
print(a > 0)  # a question to every number
print(np.where(a > 0, 1, -1))  # 1 where the answer is yes, -1 where it is no
print(a.argmax(), divmod(int(a.argmax()), 3))  # where the largest stands, counted through; as row and column

# %% [markdown] tags=["deeper"]
# ## Deeper: sums that are promised
#
# LRP and its relatives claim to share out the score itself, so their numbers must add up to it. What does not arrive
# at the picture must have stayed somewhere on the way, and the package says where. DeepLIFT and integrated gradients
# promise the difference from the score of a black picture instead. DeepLIFT keeps its promise exactly; integrated
# gradients add up many small steps and come close.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
for name in ("lrp-0", "lrp-gamma", "deep-taylor", "deeplift-rescale", "integrated-gradients"):
    e = answers[name]
    kept = sum(float(a) for a in e.absorbed.values())
    print(f"{name:20} {e.total:6.2f} at the picture, {kept:5.2f} kept on the way, {e.expected:6.2f} promised")

# %% [markdown] tags=["deeper"]
# And who checks the engine? Every method here has a twin that was written for PyTorch and shares no arithmetic with
# it. From the record of `minixai crosscheck`, two precisions:

# %% tags=["deeper"]
book.badge("shapes")
