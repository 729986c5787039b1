# ---
# jupyter:
#   minixai:
#     title: "DeepLIFT: compared with what?"
#     minutes: 90
#     objectives:
#     - compute multipliers by hand and in code, and check that contributions add up to a difference
#     - choose a reference knowingly, and say what the contributions then answer
#     - split a neuron's news into good and bad, and average over who comes first
#     - say which rule jumps where, and judge the two rules by a count
#     needs: ["04"]
#     equations: section 5.2, (19)-(25)
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# Ten eggs stand in the kitchen, and six cups of milk. A pancake takes one egg and one cup. That makes six pancakes. How
# many of the six are due to the eggs?
#
# Nudge and see. One more egg: still six. One more cup: seven. So the milk did it all? Tell that to a cook who has no
# eggs.
#
# And there is a catch in the question. Due to the eggs, *compared with what*? With an empty kitchen? With yesterday,
# when there were four eggs and eight cups? DeepLIFT (for *Deep Learning Important FeaTures*) is the method that wants
# to know this before anything else.
#
# ## Ticket in
#
# Three guesses, before anything is explained. Put a letter such as `"A"` in place of the first dots, then your
# confidence, from 1 (a coin) to 3 (sure).

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.book.figures.ch12 import blacked_out, crossed, one_step_of_ink, rather, two_signals
from minixai.experiments.intervals import mean_interval
from minixai.zoo import digits

ch, net = book.chapter("12_deeplift"), mx.load("digits").astype("float64")
two, now = book.two_pixels().astype("float64"), np.array([10.0, 6.0])
kitchens = {"empty": np.array([0.0, 0]), "milk was there": np.array([0.0, 6]), "yesterday": np.array([4.0, 8])}
book.recap("chain rule")

# %%
first = ch.predict("leftover", ..., confidence=...)
second = ch.predict("hair", ..., confidence=...)
third = ch.predict("newer", ..., confidence=...)
display(first, second, third)

# %% [markdown]
# ## Pancakes out of ReLUs
#
# With $x_1$ eggs and $x_2$ cups of milk, a small network counts the pancakes:
#
# $$S=\mathrm{relu}(x_1)-\mathrm{relu}(x_1-x_2)=\min(x_1,x_2)$$
#
# The second ReLU counts the eggs that are left over. At {{min.picture}} that is four, and $S = {{min.score}}$. The
# slopes are {{min.gradient}}: an egg more is an egg left over. Slope times amount gives {{min.gradient_x_input}}.
#
# ## Compared with what?
#
# Choose a second picture: the **reference**. Send it through the network as well. Now every neuron has two values, $y$
# and $y^0$, and a difference $\Delta y=y-y^0$. So has the score. DeepLIFT shares out *differences*: on every layer, the
# contributions $R$ of its neurons shall add up to how far the score moved.
#
# $$\sum_i R_{\Delta y_i\,\Delta S_c}=\Delta S_c=S_c-S_c^0 \qquad (19)$$
#
# Per unit of its own difference, a contribution is called a **multiplier**:
#
# $$m_{\Delta y\,\Delta S_c} = \frac{R_{\Delta y\,\Delta S_c}}{\Delta y} \qquad (20)$$
#
# Think of it as a slope between two points, where a gradient is a slope at one. For a linear layer both are the weight;
# that is the *Linear rule*. For a ReLU, $y$ goes in and $z$ comes out, and the **Rescale** rule says
# $\Delta z / \Delta y$. Then walk back as in chapter 04: multiply along a path, add where paths meet.
#
# $$m_{\Delta y_i\,\Delta S_c} = \sum_j m_{\Delta y_i\,\Delta z_j}\; m_{\Delta z_j\,\Delta S_c} \qquad (21)$$
#
# **By hand**, from yesterday, {{kitchen.both}}, to today, {{min.picture}}. Into the second ReLU goes $x_1 - x_2$:
# yesterday $-4$, today 4. So $\Delta y = 8$. Out came 0, now comes 4: $\Delta z = 4$, and the multiplier is
# {{kitchen.both_multiplier}}. At the first ReLU it is 1.
#
# * Eggs take two paths: $1 + (-1)\cdot\tfrac12 = \tfrac12$ per egg. There are 6 more: that brings three pancakes.
# * Milk takes one: its weight $-1$, then $\tfrac12$, then $-1$. So $\tfrac12$ per cup. There are 2 *fewer*: that costs
#   one pancake.
#
# Together {{kitchen.both_rise}}: four pancakes yesterday, six today.
#
# And where $\Delta y$ is 0? Take the ReLU's slope at the reference, which is 1 where $y^0 > 0$ and 0 elsewhere. Write
# it for arrays `y` and `y0` of one shape.

# %%
@ch.exercise("rescale_multiplier")
def rescale_multiplier(y, y0):
    """The multiplier of a ReLU: y went in, y0 for the reference; an array of their shape."""
    raise NotImplementedError


rescale_multiplier.check()

# %% [markdown]
# Your function goes into the walk, at every ReLU; the other rules are the engine's. `step.x` is what went in, and
# `step.ref.x` the same on the reference's tape. Until your function passes, the book's stands in; a title then calls it
# *reference*, which is not the reference of this chapter.

# %% survey=["(19)", "(20)", "(21)", "deeplift-rescale"]
# NBVAL_CHECK_OUTPUT
def rescale(f, network, x, x0, seed):
    tape = mx.forward(network, x, ref=mx.forward(network, x0))
    rules = mx.rules("deeplift-rescale") | {mx.ReLU: lambda m, step: m * f(step.x, step.ref.x)}
    *_, last = mx.walk(tape, seed[None], rules)
    return last.arriving[0] * (x - x0)  # (20)


def table(f):
    for name, before in kitchens.items():
        R = rescale(f, two, now, before, np.ones(1))
        print(f"{name:14}  eggs {R[0]:2.0f}, milk {R[1]:2.0f}   together {R.sum():.0f} more pancakes")


ch.yours("rescale_multiplier", table)

# %% [markdown]
# One network, three answers, and none of them is wrong. Where the milk was there already, it was the eggs that were
# new.
#
# **Units.** A multiplier is *score per unit*, like a slope. Times $\Delta x$ it is a contribution: *score*. Always
# compared with a reference.
#
# ## A five that was taken for a nine
#
# A real case. Of our twenty handwritten digits, the network reads one wrongly: a five, and it says nine. What in it
# speaks for nine *rather than* five? The walk is linear in its seed. So seed 1 at nine and $-1$ at five, and the
# contributions are about the difference of both scores. First from black: empty paper, for this network. Then from
# another five, one that it reads as a five.

# %%
five, good_five = digits.samples().x[10:12].astype("float64")
references, seed = {"from black": 0 * five, "from the other five": good_five}, np.zeros(10)
seed[[net.classes.index("nine"), net.classes.index("five")]] = 1, -1


def redraw(f):
    found = {f"{name}: {f.label}": rescale(f, net, five, x0, seed)[0] for name, x0 in references.items()}
    return draw.strip(found, picture=five[0], title="Red: for nine rather than five")


display(book.look(net, good_five, "the other five, which it reads as a five"))
ch.yours("rescale_multiplier", redraw)

# %% [markdown]
# Both point at the short stroke that closes the loop. From black it is ink that was added. From the other five it is
# also a gap that was not left open. Does the network agree? Black out the strongest pixel of the first map, then the
# second strongest.

# %%
# NBVAL_CHECK_OUTPUT
R = rather(net, five[None], "deeplift-rescale", [9], [5])  # the map for nine minus the map for five, from black
for k in range(3):
    S = net(blacked_out(five[None], R, k))[0]
    print(f"{k} pixels blacked out: it says {net.classes[S.argmax()]}; nine minus five is {S @ seed:5.2f}")

# %% [markdown]
# Two pixels, and the five is a five.
#
# > **What does *not there* look like?** Chapter 02 had to choose a fill, chapter 07 a baseline. The reference is the
# > same choice again, and the survey says it well: black where black means empty, or a picture with the very property
# > that you want to know about. "Why nine?" has no answer. "Why nine, and not like this five?" has one.
#
# ## Good news, bad news
#
# One thing still hurts. From the empty kitchen, Rescale says {{kitchen.empty_rescale}}: all for the milk, like the
# slopes. A look at the second ReLU tells why. Ten eggs were good news for it, six cups bad news. They met *before* the
# ReLU, what was left of them was 4, and 4 is all that Rescale ever sees. Nobody asked what either would have done
# without the other.
#
# **RevealCancel** asks. It keeps the two apart: $\Delta y = \Delta y^+ + \Delta y^-$, here 10 and $-6$ (22). Then it
# lets them into the ReLU, called $g$, one after the other. What does the good news do? If it comes first, it finds
# $y^0$. If it comes second, the bad news is there already. Take the mean.
#
# $$\Delta z^+ = \tfrac12\big(g(y^0{+}\Delta y^+)-g(y^0)\big)
# +\tfrac12\big(g(y^0{+}\Delta y^+{+}\Delta y^-)-g(y^0{+}\Delta y^-)\big) \qquad (23)$$
#
# And the bad news, likewise:
#
# $$\Delta z^- = \tfrac12\big(g(y^0{+}\Delta y^-)-g(y^0)\big)
# +\tfrac12\big(g(y^0{+}\Delta y^-{+}\Delta y^+)-g(y^0{+}\Delta y^+)\big) \qquad (24)$$
#
# **By hand**, $y^0 = 0$: the good news does $\tfrac12 (10 - 0) + \tfrac12 (4 - 0) = {{kitchen.good_out}}$. The bad news
# does $\tfrac12 (0 - 0) + \tfrac12 (4 - 10) = {{kitchen.bad_out}}$. Together 4, as it must be. This ReLU counts against
# the pancakes: the eggs bring 10 through the first and lose 7 here, the milk brings 3. So {{min.revealcancel}}.
#
# Write (23) and (24) for arrays of one shape. The first row of what you return is the effect of the good news.

# %%
@ch.exercise("reveal_cancel")
def reveal_cancel(y0, good, bad):
    """np.stack([effect of good, effect of bad]) on a ReLU: arrays, good >= 0 and bad <= 0."""
    raise NotImplementedError


reveal_cancel.check()

# %% [markdown]
# From here on two signals travel back, one for good news and one for bad. At a ReLU each is multiplied by its own
# effect, per unit of its own part. `two_signals` does that, with your effects. (Its lines stand in the deeper track.)

# %% survey=["(23)", "(24)", "deeplift-revealcancel"]
def both(f):
    for name, before in kitchens.items():
        eggs, milk = two_signals(f, two, now, before, np.ones(1))
        print(f"{name:14}  eggs {eggs:2.0f}, milk {milk:2.0f}")
    calm = two_signals(f, net, five, 0 * five, seed)[0]
    return draw.strip({"Rescale": R[0, 0], f"RevealCancel: {f.label}": calm}, picture=five[0], title="Nine, not five")


ch.yours("reveal_cancel", both)

# %% [markdown]
# From the empty kitchen, half each. From the others, no change at all. On the five, both maps have the same sum. But
# RevealCancel has less blue, and so less red to make up for it.
#
# ## One cup after the other
#
# Ten eggs, and the milk rises. At ten cups the eggs run out, and from there on it is eggs that are missing. You have
# guessed what a hair can do. Start in the empty kitchen and let the milk rise past ten (arrow keys make small steps);
# every place you visit leaves a mark. Then change the kitchen, and do it again.

# %%
book.figures.crossing()

# %%
ch.observe("where_jumps", ...)

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("What the eggs get, just before ten cups, at ten, just after:")
for name, before in kitchens.items():
    for rule in ("deeplift-rescale", "deeplift-revealcancel"):
        eggs = [mx.explain(two, np.array([10, c]), rule, baseline=before).relevance[0] for c in (9.99, 10.0, 10.01)]
        print(f"{name:14} {rule:22}", *(f"{share:6.2f}" for share in eggs))
display(ch.reveal("hair"), crossed())

# %% [markdown]
# *If you see only a table, the page is shown without its scripts; `make lab` opens the chapter with them.*
#
# Between 9.99 cups and 10, the score moves by a hundredth, and all ten pancakes change hands. Why only there? In the
# empty kitchen, $y^0 = x_1 - x_2 = 0$: the reference sits exactly *on the kink*. So $\Delta z/\Delta y$ is 1 just above
# it and 0 just below. From the other two, the slope between two points changes steadily. (Which kitchen, not empty,
# sits on the kink, too?)
#
# A black reference and no biases put *every* ReLU on its kink. Then Rescale is gradient times picture, jumps and all.
#
# ## Find a case
#
# When is RevealCancel worth its length? Find two kitchens between which the second ReLU opens or shuts, and yet both
# rules say the same. (`now` need not be today's.)

# %%
@ch.exercise("both_agree", kind="counterexample")
def both_agree():
    """(now, before): two arrays of eggs and milk, such as np.array([10.0, 6.0])."""
    raise NotImplementedError


both_agree.check()

# %% [markdown]
# ## Which rule is better?
#
# Better at what? Here are two tests, on 100 digits which the network never trained on. Each map says what speaks for
# the winning class rather than the runner-up, from black.
#
# * *Does it find what counts?* Black out the five pixels that a map likes best. Whose five cost more?
# * *Is it calm?* Put one step of ink more (or less) on one random pixel. Whose map moves less?
#
# In brackets: how far chance may have moved the count.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Wins out of a hundred, ties to nobody:")
many, cost, moved = digits.examples().held_out.x[:100].astype("float64"), {}, {}
best, second = np.argsort(-net(many), axis=1)[:, :2].T
for rule in ("rescale", "revealcancel"):
    maps, after = (rather(net, x, f"deeplift-{rule}", best, second) for x in (many, one_step_of_ink(many)))
    S, T = net(many), net(blacked_out(many, maps, 5))
    cost[rule] = np.array([s[b] - s[c] - t[b] + t[c] for s, t, b, c in zip(S, T, best, second, strict=True)])
    moved[rule] = abs(after - maps).sum(axis=(1, 2, 3)) / abs(maps).sum(axis=(1, 2, 3))
counts = {"Rescale's five cost more": cost["rescale"] - cost["revealcancel"]}
counts |= {"RevealCancel's five cost more": -counts["Rescale's five cost more"]}
for what, lead in (counts | {"RevealCancel's map moves less": moved["rescale"] - moved["revealcancel"]}).items():
    print(f"{what:30} {{:3.0f}} ({{:.0f}} to {{:.0f}})".format(*(100 * v for v in mean_interval(lead > 1e-9))))
ch.reveal("newer")

# %% [markdown]
# So the cleverer rule is calmer, and the plainer one hits harder. They were asked different things. And this is one
# network: on our ten shapes, the record of the noise test has RevealCancel moving *more* than Rescale. Told which rule
# is best, ask for the test and the network.
#
# ## Break it: take away what was learnt
#
# As in chapter 06: explain the runner-up instead, then a network whose weights have been shuffled. How alike are the
# heat maps? 1 is the same map, 0 has nothing in common. The mean is over our twenty digits.

# %%
# NBVAL_CHECK_OUTPUT
xs, stranger = digits.samples().x.astype("float64"), book.scrambled(net)
best, second = np.argsort(-net(xs), axis=1)[:, :2].T
print("                         runner-up   shuffled weights")
for name in ("guided-backprop", "gradient", "deeplift-rescale", "deeplift-revealcancel"):
    found = [mx.explain(n, xs, name, target=list(c)).heatmap for n, c in ((net, best), (net, second), (stranger, best))]
    flat = [[h.ravel() for h in maps] for maps in found]
    alike = [np.mean([np.corrcoef(*pair)[0, 1] for pair in zip(flat[0], other, strict=True)]) for other in flat[1:]]
    print(f"{name:24} {alike[0]:9.2f} {alike[1]:18.2f}")

# %% [markdown]
# A hint of why it is calm: ask RevealCancel about another class, or another network, and more of its map stays than of
# Rescale's. What listens less is less disturbed.
#
# ## Exit ticket
#
# A new kitchen for your pencil, two numbers in brackets such as `(1, 2)`. Then a sentence to check, a letter.

# %%
mine = ch.predict("new_kitchen", ..., confidence=...), ch.exercise("half_each", kind="claim").answer(...)
display(*mine)

# %% [markdown]
# ## One page to keep
#
# * Choose a **reference**; share out the difference of the scores. A **multiplier** is a slope between two points.
# * **Rescale**: $\Delta z / \Delta y$ at a ReLU. It sees only what good and bad news left over, and it may jump where
#   the reference sits on a kink.
# * **RevealCancel**: good and bad news one after the other, in both orders, then the mean.
# * Everything adds up to $S_c - S_c^0$, from any reference. *Units: score, compared with the reference.*
# * The reference is half of the answer. Say it.
#
# **What the survey leaves open.** What to do where $\Delta y=0$, and at a max-pool. How $\Delta y^+$ and $\Delta y^-$
# travel through several layers: "distributed using the Linear rule" has several readings. And Section 7 says that
# DeepLIFT is safe from noisy gradients since it computes none. The deeper track looks at all of these.

# %% [markdown] tags=["deeper"]
# ## Deeper: two signals
#
# The mean over both orders has a name, the *Shapley value* of two players; chapter 07 met it beside its lamps. With it,
# a contribution is the sum of two, one per part, and each part has a multiplier:
#
# $$\Delta y = \Delta y^+ + \Delta y^- \qquad
# R_{\Delta y\,\Delta S_c} = R_{\Delta y^+\,\Delta S_c} + R_{\Delta y^-\,\Delta S_c} \qquad (22)$$
#
# $$m_{\Delta y^+\,\Delta z^+} = \frac{\Delta z^+}{\Delta y^+} \qquad
# m_{\Delta y^-\,\Delta z^-} = \frac{\Delta z^-}{\Delta y^-} \qquad (25)$$
#
# Where do the parts come from? From the *terms* of a neuron, $w_i\,\Delta x_i$, grouped by their sign. So on the way
# back, a term takes the multiplier of the group it stood in. Below: your two signals, then the engine's lines.

# %% tags=["deeper"] survey=["(22)", "(23)", "(24)", "(25)"]
from minixai.whitebox import deeplift

book.show(two_signals, deeplift._relu_parts, deeplift.reveal_linear)

# %% [markdown] tags=["deeper"]
# ## Deeper: one more ReLU
#
# Pancakes are never negative. So $\mathrm{relu}(\min(x_1, x_2))$ counts them as well, with one more ReLU on the way
# that never shuts. Should anything change?

# %% tags=["deeper", "reveal"]
# NBVAL_CHECK_OUTPUT
print("The same pancakes, counted by one more ReLU:")
for name, network in (("min(x1, x2)", book.two_pixels()), ("relu(min(x1, x2))", book.numbers.ch12.one_more_layer())):
    for rule in ("deeplift-rescale", "deeplift-revealcancel"):
        R = mx.explain(network, book.TWO_PIXELS, rule, target=0).relevance
        print(f"{name:18} {rule:22} eggs {R[0]}, milk {R[1]}")

# %% [markdown] tags=["deeper"]
# The last ReLU gets good news, 10 from the first neuron, and bad news, $-4$ from the second. Both orders again: the
# good news is worth 8, the bad one $-2$, so the multipliers are $\tfrac45$ and $\tfrac12$. Eggs:
# $10\cdot\tfrac45 - 7\cdot\tfrac12 = \tfrac92$. Milk: $3\cdot\tfrac12$. The function is the same, the answer is not:
# RevealCancel explains the *wiring*, too.
#
# The survey's words allow another reading. The second neuron's parts, 7 and $-3$, might keep their signs on the way up.
# Then the last ReLU hears of $10 + 3$ and of $-7$, and the answer is {{kitchen.deeper_signs}}. Our engine groups whole
# terms, as the survey explains (22).
#
# ## Deeper: where RevealCancel jumps
#
# At the pancakes RevealCancel never jumps. That is no law. If a whole neuron's difference passes through 0 while its
# parts are large, the neuron changes its group in the layer above. Below, $z = \mathrm{relu}(x_1 - x_2 + 8)$, and
# $S = \mathrm{relu}(z + x_3 - 9)$, from zero, at $x_1 = 5$ and $x_3 = 3$. Now $x_2$ passes 5. This time, look at
# Rescale.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
layers = [mx.Linear(np.array([[1.0, -1, 0], [0, 0, 1]]), np.array([8.0, 0])), mx.ReLU()]
layers += [mx.Linear(np.ones((1, 2)), np.array([-9.0])), mx.ReLU(), mx.Linear(np.ones((1, 1)))]
deep = mx.Network.sequential(layers)
for x2 in (4.99, 5.01):
    for rule in ("deeplift-rescale", "deeplift-revealcancel"):
        R = mx.explain(deep, np.array([5.0, x2, 3]), rule, target=0).relevance
        print(f"x2 = {x2}: {rule:22}", *(f"{share:6.2f}" for share in R), f"  together {R.sum():.2f}")

# %% [markdown] tags=["deeper"]
# ## Deeper: several references
#
# Cannot decide between two kitchens? Take the mean of the answers; it adds up to the mean of the differences. Many
# programs take some training pictures as references, and do just that. Mind what is asked then: compared with this
# crowd, one by one. (And every neuron may have a reference of its own: chapter 11 finds one in every rule of LRP.)

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
e = mx.explain(book.two_pixels(), book.TWO_PIXELS, "deeplift-rescale", baseline=mx.exact([[0, 0], [4, 8]]))
print(*e.relevance, "  together", e.total, "  mean of 6 and 2:", e.expected)

# %% [markdown] tags=["deeper"]
# ## Deeper: a gradient in disguise
#
# Take the biases out of the digit network. From black, every ReLU's reference is 0: on its kink. Then
# $\Delta z/\Delta y$ is 1 or 0, exactly the gate of the gradient. How far from gradient times picture (which is
# chapter 10's LRP-0) is Rescale, with and without biases, as a share of its largest number? Below it, from the record:
# by how much maps of 100 pictures of shapes moved under 2 % of noise, 0 being not at all, and what became of the
# survey's "not sensitive to this problem as they do not compute gradients".

# %% tags=["deeper"] survey=["claim sensitivity"]
# NBVAL_CHECK_OUTPUT
from dataclasses import replace

from minixai.experiments.results import stored

bare = [replace(node, op=node.op.convert(lambda a: 0 * a if a.ndim == 1 else a)) for node in net.nodes]
for name, network in (("biases as learnt", net), ("biases 0", replace(net, nodes=tuple(bare)))):
    e, slopes = mx.explain(network, xs, "deeplift-rescale"), mx.explain(network, xs, "gradient").relevance
    print(f"{name:16} {abs(e.relevance - slopes * xs).max() / abs(e.relevance).max():.2f}")
record = stored("sensitivity")
for row in record.panels[0].rows:
    if row.label == "gradient" or row.label.startswith("deeplift"):
        print(f"{row.label:22} {{:.3f}} ({{:.3f}} to {{:.3f}})".format(*row.interval))
print("the claim, of LRP, DeepLIFT and FEM together:", record.verdict)

# %% [markdown] tags=["deeper"]
# ## Deeper: max-pools, and a second opinion
#
# A maximum that *rose* did so because of its winner under the picture; one that *fell*, because of the winner under the
# reference. The engine gives the winner all of it, per unit of the winner's own difference. Then the sum holds, also
# where windows overlap. Here a row of three pixels, windows of two, and the two maxima added.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
pool = mx.Network.sequential([mx.MaxPool2d((1, 2), (1, 1)), mx.Flatten(), mx.Linear(mx.exact([[1, 1]]))])
for x, x0 in (([1, 4, 2], [3, 0, 0]), ([5, 4, 2], [3, 6, 0])):
    e = mx.explain(pool, mx.exact([[x]]), "deeplift-rescale", baseline=mx.exact([[x0]]))
    print(f"{x0} to {x}:", *e.relevance.ravel(), "  together", e.total, "  should be", e.expected)

# %% [markdown] tags=["deeper"]
# PyTorch is asked next. It has no multipliers, but it has a chain rule that can be told a slope. Picture and reference
# ride in one batch, and each ReLU claims that its slope is $\Delta z / \Delta y$. For RevealCancel two more rows ride
# along: the parts. No arithmetic is shared with the engine. Then Captum, a library that calls its Rescale *DeepLift*:
# does it agree, and does its answer add up?

# %% tags=["deeper"]
if torch := book.torch_or_say():
    from minixai.pytorch import deeplift as theirs

    display(book.show(theirs._rescaled, theirs._revealed))
display(book.second_opinion(net, five, ["deeplift-rescale", "deeplift-revealcancel"]))
book.badge("digits")

# %% tags=["deeper"]
if torch and (attr := book.captum_or_say()):
    yesterday = torch.tensor(kitchens["yesterday"])[None]
    R = attr.DeepLift(two.to_torch()).attribute(torch.tensor(now)[None], yesterday, target=0).detach().numpy()
    print("pancakes, from yesterday:", *(f"{share:.2f}" for share in R[0]))
    ours, x, said = mx.explain(net, xs, "deeplift-rescale"), torch.tensor(xs), torch.tensor(net(xs).argmax(axis=1))
    R = attr.DeepLift(net.to_torch()).attribute(x, 0 * x, target=said).detach().numpy()
    apart, top = abs(R - ours.relevance).max(axis=(1, 2, 3)), abs(ours.relevance).max(axis=(1, 2, 3))
    print(f"digits: apart by {(apart / top).min():.0%} to {(apart / top).max():.0%} of a map's largest number")
    print(f"missing from the sum: up to {abs(R.sum(axis=(1, 2, 3)) - ours.expected).max():.2f} of score")

# %% [markdown] tags=["deeper"]
# On the pancakes we agree. The digit network has max-pools behind its ReLUs, and there Captum's answer misses its own
# sum; chapter 17 tells why. The lesson is ours to keep: a promised sum can be checked without a second program. Print
# it.
