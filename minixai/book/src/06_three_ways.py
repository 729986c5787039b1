# ---
# jupyter:
#   minixai:
#     title: "Three ways through a ReLU: DeconvNet, gradient, guided"
#     minutes: 78
#     objectives:
#     - carry a signal back through a ReLU in three ways, by hand and in code
#     - say which of the three answers is a slope, and of what
#     - find a case in which the methods disagree, and say which one is right about the score
#     - test with an intervention whether a map depends on the class and on what was learnt
#     needs: ["04"]
#     equations: sections 4.1 to 4.3, (3) to (6), figures 5 and 6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# Three students get the same network, the same picture and the same backward pass. At every layer they do exactly the
# same arithmetic - except at the ReLU. The first asks: *was this neuron on?* The second asks: *is the message I am
# carrying good news?* The third asks both.
#
# They come back with three different pictures. Which of them explained the network? Before you read on, decide what
# you would have to see to change your mind.

# %% survey=["figure 6"]
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.zoo.scenes import scenes

ch = book.chapter("06_three_ways")
net = mx.load("shapes").astype("float64")
drawn = scenes(3, 20).pictures  # the first twenty of seed 3: it never trained on them
xs = np.stack([net.preprocess(picture) for picture in drawn])
picture, x, star = drawn[4], xs[4], net.classes.index("star")
three = {name: mx.explain(net, x, name) for name in ("gradient", "deconvnet", "guided-backprop")}
draw.strip({name: e.heatmap for name, e in three.items()}, picture=picture, signed=False)

# %% [markdown]
# Left, a star; the network, which tells ten drawn shapes apart, agrees. Then the three answers to "why star?", each
# scaled so that its strongest pixel is 1. The third is the cleanest: almost black, and then a few spots along the
# edge, as if it had seen what makes a star a star. Keep that feeling in mind; we are going to test it.
#
# ## Ticket in
#
# Make three guesses before anything is explained. Type them into the cells below: in place of the first dots the
# letter, `"A"`, or the letters, `["A", "C"]`, then your confidence, from 1 (a coin) to 3 (sure). Recall:
# $\mathrm{relu}(t)$ is $t$ if $t > 0$, else 0. To *name* a pixel is to give it the number furthest from 0.

# %%
ch.predict("which_pixel", ..., confidence=...)

# %%
ch.predict("other_class", ..., confidence=...)

# %%
ch.predict("surer", ..., confidence=...)

# %% [markdown]
# ## Nine numbers, three gates
#
# A ReLU is a gate. Forwards, a number $y$ goes in, and it comes out only if it is positive. Backwards, a signal $R$
# arrives from the layer after it, and the gate lets it through or not. Here are nine ReLUs of one layer:
#
# $$y = {{gates.y:matrix}} \qquad R = {{gates.r:matrix}}$$
#
# Take a pencil and make three 3 x 3 tables, one per student. In each, write $R$ where the student lets it pass and 0
# where not. Nothing is ever scaled or turned round. The square brackets are 1 if what they hold is true, else 0:
#
# | student | the question | what leaves | in the survey |
# | --- | --- | --- | --- |
# | gradient | was it on? | $R\,[y > 0]$ | 4.2 |
# | DeconvNet | is it good news? | $R\,[R > 0]$ | 4.1 |
# | guided | both | $R\,[y > 0]\,[R > 0]$ | 4.3 |
#
# Guided, facing the same signal, never lets more through than either of the others.
#
# The first row is no invention: the slope of a ReLU is 1 where it is on and 0 where it is off. At $y = 0$ there is a
# kink and no slope; like the survey we take 0. The other two rows are inventions. No slope of anything made them.
#
# Now let Python do it, for arrays of any shape. `kind` is `"gradient"`, `"deconvnet"` or `"guided"`; `y` and `R` have
# one shape, and so has what you return. `np.where(condition, a, b)` takes `a` where the condition is true. Two
# conditions are joined by `&`, each in parentheses.

# %%
@ch.exercise("relu_backward")
def relu_backward(kind, y, R):
    """What leaves a ReLU backwards: y went in on the way forward, R arrives from above."""
    raise NotImplementedError


relu_backward.check()

# %% tags=["reveal"] survey=["figure 5"]
# NBVAL_CHECK_OUTPUT
# The three tables of your pencil: run this when yours are done; that opens it.
from minixai.book.figures.ch06 import three_ways

for name in ("gates.gradient", "gates.deconvnet", "gates.guided"):
    print(name.split(".")[1])
    for row in book.numbers.value(name):
        print("   ", " ".join(f"{str(v):>3}" for v in row))
three_ways()

# %% [markdown]
# That is the whole difference; the drawing, the survey's figure 5, crosses out what a student stops. The package's own
# lines stand below: `step.choice` and `gate` are the mask $y > 0$, `zero(R)` is 0, and `positive` is your positive part
# from chapter 00. A method is a *table* with one rule per kind of layer. DeconvNet and guided are the gradient's table
# with the rule for the ReLU replaced. So we can put *your* rule there and send all three students through the real
# network.
#
# We start with a 1 at the score of *star* and 0 at the other nine: the *seed* (no kin of the number that drawings start
# from). The chain rule of chapter 04 does the rest. At the picture $x_0$ we take magnitudes. For the gradient that is
# the survey's recipe for class $c$:
#
# $$w = \frac{\partial S_c}{\partial x}\Big|_{x_0}\ (4) \qquad M_{ij} = |w_{ij}|\ (5)
# \qquad M_{ij} = \max_k |w_{ijk}|\ (6)$$
#
# Equation (5) is for grey pictures. For colours, (6) takes the largest over the channels $k$.

# %% survey=["(4)", "(5)", "(6)", "gradient", "deconvnet", "guided-backprop"]
from minixai.whitebox import deconvnet, guided

seed = np.eye(10)[star]  # 1 for the star, 0 for the others


def student(gate, kind, seed):
    # step.x is what went into the ReLU, our y; R is what arrives there; the walk's last stop is the picture
    rule = {mx.ReLU: lambda R, step: gate(kind, step.x, R)}
    *_, last = mx.walk(mx.forward(net, x), seed[None], mx.rules("gradient") | rule)
    w = last.arriving[0]  # (4), with the gradient's gate
    M = abs(w).max(axis=0)  # (5), (6)
    return M / M.max()


kinds = ("gradient", "deconvnet", "guided")
display(book.recap("chain rule"), book.show(mx.ReLU.adjoint, deconvnet.relu_deconvnet, guided.relu_guided))
ch.yours("relu_backward", lambda f: draw.strip({f"{k}: {f.label}": student(f, k, seed) for k in kinds}, signed=False))

# %% [markdown]
# The same three maps as at the top: through your gate if it has passed, else through the book's, and the title says so.
# What should you look for? The gradient is scattered over star and stripes; guided keeps to two spots at the
# edge of the star.
#
# ## Two pixels
#
# Pretty pictures cannot settle who is right. A network that we understand completely can:
#
# $$S = \mathrm{relu}(x_1) - \mathrm{relu}(x_1 - x_2) \qquad\text{at } (x_1, x_2) = {{min.picture}}$$
#
# For positive pixels this is $\min(x_1, x_2)$, so $S = {{min.score}}$. Forwards the first layer computes $y = Wx$ with
# $W = \begin{pmatrix}1 & 0 \\ 1 & -1\end{pmatrix}$, so $y_1 = x_1$ and $y_2 = x_1 - x_2$. Both are positive here. The
# *head* $(1, -1)$ then weighs the two: $S = 1 \cdot \mathrm{relu}(y_1) - 1 \cdot \mathrm{relu}(y_2)$.
#
# Backwards from seed 1, the head arrives at the two ReLUs: $+1$ at the first, $-1$ at the second. Gate it. What passed
# goes on through $W$, transposed: pixel 1 reads both neurons, pixel 2 only the second, with weight $-1$. Do it with
# your pencil for all three.
#
# Then write it as a function, for any picture `x` and any `head`, both arrays of two numbers. Return two numbers, one
# per pixel. You may call your `relu_backward`.

# %%
@ch.exercise("walk_two_layers")
def walk_two_layers(kind, x, head):
    """The signal at the two pixels of S = head . relu(W x), with W = [[1, 0], [1, -1]], from seed 1."""
    raise NotImplementedError


walk_two_layers.check()

# %%
# NBVAL_CHECK_OUTPUT
two, pixels = book.two_pixels(), book.TWO_PIXELS
for step in ([0, 0], [1, 0], [0, 1]):
    moved = pixels + mx.exact(step)
    print(f"at ({moved[0]}, {moved[1]}) the score is", *two(moved))
for name in three:
    w = mx.explain(two, pixels, name).relevance
    print(f"{name:16} ({w[0]}, {w[1]})   times the pixels: ({w[0] * pixels[0]}, {w[1] * pixels[1]})")

# %% [markdown]
# Raise pixel 1 and nothing happens; the two neurons that read it cancel. Raise pixel 2 and the score follows. The
# gradient says so: {{min.gradient}}. DeconvNet and guided say {{min.deconvnet}}. They threw away the $-1$ that was
# going to cancel, because it was bad news, and so they name the one pixel that cannot move the score.
#
# **Units.** The gradient is in *score per unit*: a sensitivity, not a contribution. Times the pixels it gives
# {{min.gradient_x_input}}, which adds up to the score (there are no biases). The other two carry the same unit on
# paper, but they are neither: not a slope of this score, and times the pixels no share of it.
#
# ## The same function, wired differently
#
# There is another way to write the minimum: $\mathrm{relu}(x_2) - \mathrm{relu}(x_2 - x_1)$. Every pair of positive
# pixels gets the same score as before. Should the explanation change?
#
# Say what each student will answer. Then switch the wiring below, and nothing else.

# %%
book.figures.wirings()

# %%
ch.observe("other_wiring", ...)

# %% [markdown]
# *If you see only tables, the page is being shown without its scripts; `make lab` opens the chapter with them.*
#
# <details><summary>Both wirings in numbers: open this when you have answered.</summary>
#
# | at {{min.picture}} | gradient | DeconvNet | guided |
# | --- | --- | --- | --- |
# | $\mathrm{relu}(x_1) - \mathrm{relu}(x_1 - x_2)$ | {{min.gradient}} | {{min.deconvnet}} | {{min.guided}} |
# | $\mathrm{relu}(x_2) - \mathrm{relu}(x_2 - x_1)$ | {{min2.gradient}} | {{min2.deconvnet}} | {{min2.guided}} |
#
# In the second wiring all three are right. So being right once proves little.
#
# </details>
#
# Now move the pixels, too. What happens when $x_2$ becomes larger than $x_1$?
#
# ## Find a case
#
# Below are the nine ReLUs again. Change a number in $y$ or $R$; the cells in which the three students do not agree
# get a double frame. Look for the signs that make all three agree, and for those that part two of them.
#
# Then return two pairs $(y, R)$: in the first pair all three let the *same* signal through, and not nothing. In the
# second no two of the three results are equal. How many places does that need?

# %%
book.figures.gates()

# %%
@ch.exercise("agree_and_differ", kind="counterexample")
def agree_and_differ():
    """Two pairs, (y, R), (y, R); y and R are arrays of one shape, such as np.array([1.0, -2.0])."""
    raise NotImplementedError


agree_and_differ.check()

# %% [markdown]
# ## Break it
#
# Back to the shapes, and to that beautiful map. A map that explains *why star* should change when we
# ask *why cross*. A map that explains *this network* should change when we shuffle the numbers of its last layer, where
# the ten scores are made.
#
# First the star, asked about cross, again with the strongest pixel of each map at 1. Compare with the top of the page.

# %%
why_cross = {name: mx.explain(net, x, name, target="cross").heatmap for name in three}
draw.strip(why_cross, picture=picture, signed=False)

# %%
# NBVAL_CHECK_OUTPUT
# How alike are two maps? Their correlation: 1 is the same picture, 0 is nothing in common. Its mean over 20 pictures.
def alike(maps, others):
    return np.mean([np.corrcoef(p.ravel(), q.ravel())[0, 1] for p, q in zip(maps, others, strict=True)])


# For every picture the class with the highest score and the runner-up; then the network that forgot its last layer.
best, second = np.argsort(-net(xs), axis=1)[:, :2].T
*nodes, top = net.nodes
shuffled = top.op.convert(lambda w: np.random.default_rng(0).permutation(w.ravel()).reshape(w.shape))
forgetful = mx.Network.sequential([node.op for node in nodes] + [shuffled])
rows = []
for name in three:
    asked = ((net, best), (net, second), (forgetful, best))
    maps, other, lost = (mx.explain(n, xs, name, target=list(c)).map for n, c in asked)
    rows.append(f"{name:16} {alike(maps, other):10.2f} {alike(maps, lost):20.2f}")
print("                  runner-up  last layer shuffled", *rows, sep="\n")

# %% [markdown]
# There is the answer to your second guess. Ask "why cross?", and guided draws nearly the same picture. Take away
# what the last layer had learnt: the same picture again. What it shows comes from the input and from the gates that the
# input opened; the class has hardly a word in it. The other two maps are uglier, and they change more (not wholly: they
# went through the same pools, and the gradient through the same gates).
#
# One more handle: the **seed**. Up to here it was 1 at a *score*. Many programs explain the *probability* $p$ instead.
# With two classes, $p = 1/(1 + e^{-d})$, where $d$ is the difference of the scores. Then $dp/dd = p\,(1 - p)$, and
# every slope is multiplied by that. How much is left?

# %%
# NBVAL_CHECK_OUTPUT
from fractions import Fraction

for p in (Fraction(1, 2), Fraction(3, 4), Fraction(99, 100)):
    print(f"sure to {p}: slope {p * (1 - p)} = {float(p * (1 - p)):.4f}")

# %% [markdown]
# The surer the network, the smaller the slopes: as if nothing in the picture mattered. That answers your third guess.
# One more reason to ask about scores.
#
# ## Exit ticket
#
# First your guesses from the beginning, beside what happened. Then one last question: what may you say about a sharp
# map?

# %%
display(ch.reveal("which_pixel"), ch.reveal("other_class"), ch.reveal("surer"))
ch.exercise("sharp_map", kind="claim").answer(...)

# %% [markdown]
# ## One page to keep
#
# * At a ReLU, the **gradient** passes $R$ where $y > 0$, **DeconvNet** where $R > 0$, **guided** where both hold. All
#   else is the same chain rule.
# * Only the gradient is the slope of the score. It depends on the function, not on its wiring.
# * The other two stop bad news. That makes clean pictures, and it lets them name a pixel that cannot move the score.
# * Clean is a property of the gate. Whether a map explains is a question for an intervention: another class, other
#   weights.
# * *Units: score per unit*, and only the gradient's can be taken at their word.
#
# **What the survey leaves open.** It says that the gradient *generalises* DeconvNet. It does not: they agree at every
# layer but the ReLU, and there neither contains the other, as your counterexample shows. DeconvNet's gate is printed
# with $Y_{n+1} > 0$; what is meant is the signal that arrives. And (3) prints the offset of the straight line wrongly:
# see below. Twenty pictures and one network settle nothing; chapter 15 asks again, with more of both.

# %% [markdown] tags=["deeper"]
# ## Deeper: the straight line through a picture
#
# Freeze every gate and every pooling switch as this picture set them. What is left is linear, and equation (3) writes
# it down: $S_c(x) \approx w^T x + b$. The survey prints $b = S_c(x_0)$. Put $x = x_0$ in and you see that the score
# would be counted twice over. The line through $x_0$ has $b = S_c(x_0) - w^T x_0$, and $b$ is what the frozen network
# says to a picture of zeros (middle grey, to this network): its biases, carried up through the open gates.

# %% tags=["deeper"] survey=["(3)"]
# NBVAL_CHECK_OUTPUT
b = mx.forward(net, 0 * x, choices=mx.forward(net, x)).output.y[0, star]
wx = (three["gradient"].relevance * x).sum()
print(f"score {net(x)[star]:.4f} = w.x {wx:.4f} + b {b:.4f}")

# %% [markdown] tags=["deeper"]
# ## Deeper: do fewer signals survive?
#
# Facing the *same* signal, guided never lets more through than either of the others: its gate is both of theirs. But
# after one layer the three no longer carry the same signal. Count what leaves each ReLU, on its way down, as a share
# of its neurons: gradient, DeconvNet, guided. Who lets least through at the last ReLU, where all three face the same
# signal? That is a law. What the rows below it show happened to this picture.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
below = {"relu5": "linear1", "relu4": "conv4", "relu3": "conv3", "relu2": "conv2", "relu1": "conv1"}
for relu, layer in below.items():
    shares = [float((three[name].signals[layer] != 0).mean()) for name in three]
    print(relu, *(f"{share:6.2f}" for share in shares))

# %% [markdown] tags=["deeper"]
# ## Deeper: fewer high pixels?
#
# Section 4.3 says of the finished maps: guidance reduces "the number of pixels that have a higher importance score",
# and so they are sharper. How many pixels reach a quarter of a map's largest number, a half, three quarters? Below is
# their mean share over 200 pictures; the brackets say how far chance may have moved it. Where does *higher* begin? At
# the half, so the rule said before anything was measured. Guess what it found. From the record
# (`minixai experiment guided-pixels` makes it again):

# %% tags=["deeper", "reveal"] survey=["claim guided-pixels"]
# NBVAL_CHECK_OUTPUT
import json

from minixai import files

found = json.loads((files.root("data") / "results" / "guided-pixels.json").read_text())
print("The share of pixels that reach a level:")
for row in found["panels"][0]["rows"]:
    print("{:16} {:4.0%}  {:6.2%} ({:.2%} to {:.2%})".format(row["label"], row["x"], *row["interval"]))
for said in found["statements"]:
    print("{}: {:.2%} ({:.2%} to {:.2%})".format(said["text"], *said["interval"]))
print("the claim, 'reducing the number of pixels that have a higher importance score':", found["verdict"])

# %% [markdown] tags=["deeper"]
# Guided empties the dark end: fewer of its pixels reach a quarter than the gradient's. At the half no difference shows,
# and at three quarters it has more. What looks so clean is the dust that is gone; bright spots are not fewer.
#
# ## Deeper: a second opinion
#
# Everything above was computed by one engine, ours. If it were wrong, all the pictures would be wrong together. So ask
# somebody who shares no arithmetic with us. PyTorch knows the chain rule by itself; it only has to be told what a ReLU
# does on the way back. In `backward`, `arriving` is our $R$:

# %% tags=["deeper"]
if torch := book.torch_or_say():
    from minixai.pytorch import explain, straight

    display(book.show(straight._Rectified))

# %% tags=["deeper"]
book.second_opinion(net, x, three)

# %% [markdown] tags=["deeper"]
# What is left is the last digit of a float. (Where a ReLU's input is 0 up to that digit a gate may flip, and then two
# correct programs differ visibly; `minixai crosscheck` shares the gates to tell this from a mistake.)
#
# Now a trap. Many programs find a model's ReLUs by looking for *layers* of that name, and hang their gate on each. Here
# is our minimum once more. It does not keep its ReLU as a layer, it calls it. How many does the search find, and what
# does "guided" become? Guess before you run the cell.

# %% tags=["deeper", "reveal"]
if torch:
    kept = book.two_pixels().to_torch()  # layers: linear1, relu1, linear2
    called = torch.nn.Module()
    called.layers = torch.nn.ModuleList([kept.linear1, kept.linear2])
    called.forward = lambda x: called.layers[1](torch.relu(called.layers[0](x)))
    pair, found = torch.tensor([10.0, 6.0]).double(), [m for m in called.modules() if isinstance(m, torch.nn.ReLU)]
    print("What such a program finds, and what it hands out:")
    print(len(found), "ReLU layers, so nothing to change. It hands out the gradient,")
    print(explain(called.eval(), pair, "gradient").relevance.tolist(), "under the name of guided, which is")
    print(explain(called, pair, "guided-backprop").relevance.tolist())

# %% [markdown] tags=["deeper"]
# Nothing crashes, and nothing looks wrong. Our own version for PyTorch listens to the calls instead of looking for
# layers, and refuses by name what it does not know. Chapter 17 tests other libraries on this very case.

# %% [markdown] tags=["deeper"]
# ## Deeper: what DeconvNet was made for
#
# Its authors did not ask "why star?". They asked what a single channel, deep inside, had seen in a picture. The seed
# is then that channel's whole feature map, and 0 in all other channels. Below are the three channels of the last
# convolution that this star excites most. Do they look at the same places? Then take other channels, and another
# picture, before you give any of them a name.

# %% tags=["deeper"]
busy = np.argsort(-mx.forward(net, x)["relu4"].y[0].sum(axis=(1, 2)))[:3]
seen = {f"channel {k}": mx.explain(net, x, "deconvnet", layer="relu4", channel=int(k)).heatmap for k in busy}
draw.strip(seen, picture=picture, signed=False)
