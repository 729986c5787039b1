# ---
# jupyter:
#   minixai:
#     title: "Start here: one picture, every explanation"
#     minutes: 45
#     objectives:
#     - tell a slope (score per unit) from a contribution (score)
#     - ask the package for one explanation, and for all of them
#     - use the buttons that check your own code
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
# A network looks at a picture of a handwritten digit and says *three*. You ask: *why?* Many programs claim to answer.
# Each of them hands you another picture, with bright spots where, it says, the reason lies. They do not agree with
# one another.
#
# This book opens them all, one after the other, down to the last line. Today we only look round, and learn where the
# buttons are.
#
# Here is the picture. Somebody wrote it on paper; it was scanned, cut out and shrunk to 8 x 8 pixels, and the network
# has never seen it: it learnt its trade on other people's digits. It answers with ten numbers, one per digit, and the
# largest wins.

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.zoo import digits

ch = book.chapter("00_start_here")
net = mx.load("digits")
pictures, labels = digits.samples()
x = pictures[6]
book.look(net, x, "A handwritten three in 8 by 8 grey pixels, light on dark.")

# %%
# NBVAL_CHECK_OUTPUT
scores = net(x)
print(f"somebody wrote {labels[6]}, the network says {net.classes[scores.argmax()]}")
for name, score in zip(net.classes, scores, strict=True):
    print(f"{name:>6} {score:6.1f}")

# %% [markdown]
# These are *scores*: they are in no unit that means anything to you and me, and they need not add up to anything.
# Keep in mind that there are ten of them. "Why?" always means "why *this* score?", and the answer may be quite
# different for the runner-up.
#
# ## A riddle first
#
# Below are four explanations of the score of *three*, by four methods. For one of them the weights of the network
# were shuffled before: all that it had learnt was gone. The map is still a map of our digit. Which of the four is it?
#
# Write your guess where the dots are, with the letter in quotation marks and your confidence: 1 is a coin, 3 is sure.
# Then run the cell. The answer comes at the end of the chapter.

# %%
display(draw.strip(book.four_maps(net, x), signed=False))
ch.predict("which_is_scrambled", ..., confidence=...)

# %% [markdown]
# ## One answer
#
# One line asks one method. Do not worry yet about what it does; look at what it returns. On the left is the picture.
# In the middle are the numbers the method computed, one per pixel, red for positive and blue for negative. On the
# right is what people usually draw: only the positive numbers, on a scale from 0 to the largest, laid over the
# picture.

# %%
mx.explain(net, x, "lrp-0")

# %% [markdown]
# ## Two questions that are easily mixed up
#
# Before we look at more maps, the smallest example there is: two pixels, and a score that you can compute in your
# head, $S = 3x_1 - x_2$. At $(x_1, x_2) = {{linear.picture}}$ the score is {{linear.score}}.
#
# *What happens if I turn a pixel up a little?* The score moves by {{linear.slope}} per unit. That is the **slope**,
# in score per unit. Here it is the same for every picture.
#
# *What did a pixel bring to this score?* {{linear.contribution}}. That is the **contribution**, in score, and the two
# numbers add up to {{linear.score}}.
#
# Both questions are good ones. Now another picture: commit to an answer before you run the cell after the next.

# %%
ch.predict("larger_slope", ..., confidence=...)

# %%
# NBVAL_CHECK_OUTPUT
two = mx.Network.sequential([mx.Linear(mx.exact([[3, -1]]))])
for pixels in (mx.exact([2, 1]), mx.exact([1, 4])):
    slope = mx.explain(two, pixels, "gradient").relevance
    share = mx.explain(two, pixels, "lrp-0").relevance
    print("picture", *pixels, "  score", *two(pixels), "  slope", *slope, "  contribution", *share)

# %% [markdown]
# At {{linear14.picture}} pixel 1 still has the larger slope, but pixel 2 weighs more. Neither answer is wrong. They
# answer different questions, and half of the quarrels in this field are between people who asked different ones.
# Every chapter will say which of the two its method answers: *units: score per unit*, or *units: score*.
#
# (The numbers are exact, because the engine computes in fractions if you hand it fractions. Everything that this book
# works out "by hand" is checked in that way.)
#
# ## The buttons
#
# In every chapter you write a few short functions, and the book checks them. To learn the buttons, an easy one: the
# **positive part** of an array. Numbers larger than 0 stay as they are, all others become 0. It is what turned the
# middle picture above into the right one.
#
# Replace the line `raise NotImplementedError` by your code; `np.where(condition, a, b)` will help. Then run the cell.
# If it is not right yet, you are told where, and often why. Stuck? Type `ch["positive_part"].hint()` in a new cell,
# up to three times. `.solution()` opens after a pass, after three different attempts, or if you insist.
#
# The second function is the idea of this chapter: for a score $S = \sum_i w_i x_i$, what does every pixel bring to
# it?

# %%
@ch.exercise("positive_part")
def positive_part(x):
    """The numbers of x that are larger than 0; 0 in place of all others."""
    raise NotImplementedError


positive_part.check()

# %%
@ch.exercise("contribution")
def contribution(w, x):
    """What each pixel x_i brings to the score: an array of the shape of x."""
    raise NotImplementedError


contribution.check()

# %% [markdown]
# What you have written is used at once. The figure below draws a heat map: the positive part of a raw map. Until your
# function passes, the book's own stands in, and the figure says so.

# %%
raw = mx.explain(net, x, "lrp-0").map
ch.yours("positive_part", lambda f: draw.strip({"raw map": raw, f"positive part: {f.label}": f(raw)}))

# %% [markdown]
# One more kind of exercise: find an example. For $S = 3x_1 - x_2$, return a picture of your own at which pixel 1 has
# the larger slope *and* pixel 2 brings more, in magnitude. Zeros and ties are refused: they are too easy.

# %%
@ch.exercise("slope_or_contribution", kind="counterexample")
def slope_or_contribution():
    """A picture (x1, x2), as np.array([..., ...])."""
    raise NotImplementedError


slope_or_contribution.check()

# %% [markdown]
# ## All answers
#
# Now every method the package knows, on our digit, for the class the network chose. First your guess; then open the
# output of the cell below it.

# %%
ch.predict("all_agree", ..., confidence=...)

# %% tags=["reveal"]
answers = mx.explain_all(net, x)
draw.atlas(answers, answers.refused, network="digits", methods=mx.methods())

# %% [markdown]
# Some are near-copies of one another, some disagree about the very spot. The signed ones, red and blue, say *against*
# as well as *for*; the others cannot. One does not fit this network at all, and says why.
#
# ## Your turn
#
# This figure asks the engine each time you change something. Change **one thing at a time**: first the class (why is
# it *not* an eight?), then the method, then the network, from the trained one to the shuffled one. Arrow keys work.

# %%
stranger = book.scrambled(net)
book.live.explanations(net, x, others={"shuffled weights": stranger})

# %%
ch.observe("class_or_not", ...)

# %% [markdown]
# *If the menus are missing, this page is being shown without a kernel; `make lab` opens the chapter with one.*
#
# ## Break it
#
# Shuffle all the weights and explain the same class again. A map that explains *this network* has to change. The
# table lists the methods, from the map that moved least to the one that moved most (1 means: not at all).

# %%
# NBVAL_CHECK_OUTPUT
cls = int(scores.argmax())
before, after = mx.explain_all(net, x, target=cls), mx.explain_all(stranger, x, target=cls)
alike = {name: np.corrcoef(before[name].heatmap.ravel(), after[name].heatmap.ravel())[0, 1] for name in before}
for name in sorted(alike, key=alike.get, reverse=True):
    print(f"{name:22} {alike[name]:5.2f}")

# %% [markdown]
# Look at the top of the list. Such a map may be lovely, and it may even lie on the right spot; but it can hardly tell
# you what the network has learnt. (One picture proves nothing, of course. Chapter 15 does this for a hundred.)
#
# ## Exit ticket
#
# Your guess from the beginning, then one last question.

# %%
display(ch.reveal("which_is_scrambled"))
ch.exercise("what_follows", kind="claim").answer(...)

# %% [markdown]
# ## What you now have
#
# * A **score** per class; "why" always means "why this score".
# * **Slope** or **contribution**: what would happen, or what was brought. Score per unit, or score.
# * A map that convinces is not a map that explains. To find out, change something: the weights, the class, the
#   picture.
#
# What the survey leaves open: it shows the methods' maps side by side, and no test of which one to believe. That
# question stays with us until chapter 15. `ch.progress()` shows where you stand.

# %% [markdown] tags=["deeper"]
# ## Deeper: sums that are promised
#
# LRP and its relatives claim to share out the score itself, so their numbers must add up to it. What does not arrive
# at the picture must have stayed somewhere on the way, and the package says where. DeepLIFT promises the difference
# from a black picture instead.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
for name in ("lrp-0", "lrp-gamma", "deep-taylor", "deeplift-rescale"):
    e = answers[name]
    kept = sum(float(a) for a in e.absorbed.values())
    print(f"{name:17} {e.total:6.2f} at the picture + {kept:5.2f} on the way = {e.expected:6.2f} promised")

# %% [markdown] tags=["deeper"]
# ## Deeper: when the network is wrong
#
# Explanations are wanted most when something went wrong. Somebody wrote this five; the network took it for a nine.
# Ask for both: what spoke for nine, what for five? The third map explains the difference of the two scores; with
# LRP-0 it is simply the difference of the two maps, as chapter 10 will show.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
odd = pictures[10]
for name in ("nine", "five"):
    print(f"{name} {net(odd)[net.classes.index(name)]:5.2f}")

# %% tags=["deeper"]
nine, five = (mx.explain(net, odd, "lrp-0", target=name).map for name in ("nine", "five"))
draw.strip({"for nine": nine, "for five": five, "nine minus five": nine - five}, picture=odd[0])
