# ---
# jupyter:
#   minixai:
#     title: "Real networks, real photographs"
#     minutes: 75
#     objectives:
#     - explain a real network's answer about a photograph, and test what the map suggests
#     - fold a batch norm into the layer before it, and share relevance at a plus
#     - tell a decision that was too close to call from a mistake in a program
#     - find the layer at which two programs part
#     needs: ["10"]
#     equations: sections 5.3 and 7, figure 9 on a photograph
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# A program draws the slopes of one network for one photograph, twice: with sixteen digits, then with seven. On most
# photographs the two maps agree to six digits. On one, a pixel differs by 4 % of the largest number. Roundings are a
# millionth at most. So who is wrong?
#
# Up to now our networks were small and our pictures drawn. Real ones bring three things that a textbook leaves out:
# layers that are none, pluses, and five million decisions per photograph. But first, the photographs.
#
# They need a network that knows photographs. If its weights were fetched (once, 0.7 MB), you see it at work. If not,
# the first line below says what to type, and drawn scenes stand in; nothing is fetched unasked. To hang a picture of
# your own beside ours, put its file, `"dog.jpg"`, in place of the dots in `gallery(...)`.
#
# ## Ticket in
#
# Run both cells. Then put a letter, `"A"`, or two numbers, `(1, 2)`, in place of the first dots, and your confidence
# from 1 (a coin) to 3 (sure).

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.book.figures import ch16
from minixai.zoo.scenes import scenes

ch, shown, drawn = book.chapter("16_real_networks"), ch16.gallery(...), scenes(3, 100)
net, doubt = shown.network, shown.pictures[shown.doubt]
print(shown.words)
display(book.recap("shares"), book.recap("cam"), ch16.on_show(shown))

# %%
first = ch.predict("who_is_wrong", ..., confidence=...)
second = ch.predict("at_a_plus", ..., confidence=...)
third = ch.predict("nothing_happens", ..., confidence=...)
display(first, second, third)

# %% [markdown]
# ## Four photographs
#
# SqueezeNet has learnt from a million photographs of a thousand kinds of things. It answers with a thousand scores;
# the *softmax* turns them into probabilities, which add up to 1. Below are its three best names for each picture, and
# where Grad-CAM finds the reason for the first. (The photographs come with scikit-image. The cat is by Stefan van der
# Walt and the cup by Rachel Michetti, both CC0; his clock and SpaceX's rocket are in the public domain.)
#
# One picture is in doubt. For it you see what spoke for the first name, and what for one that people would rather have
# given. Both maps are divided by their largest number; in the difference, red is where the first has more.

# %%
x, cam = net.preprocess(doubt), {}
for name, picture in shown.pictures.items():
    print(f"{name:8} {ch16.top(net, picture)}")
    cam[name] = mx.explain(net, net.preprocess(picture), "grad-cam").heatmap
said, meant = (mx.explain(net, x, "grad-cam", target=c).heatmap for c in (shown.said, shown.meant))
two = {shown.said: said, shown.meant: meant, f"{shown.said} minus {shown.meant}": said - meant}
display(draw.strip(cam, title="Grad-CAM: why the first name?", signed=False, columns=4))
draw.strip(two, picture=net.unpreprocess(x))

# %% [markdown]
# Of the espresso it is sure. The cat is a cat, though hardly an *Egyptian* one. Of the blurred clock it makes nothing:
# a *spotlight*, by a whisker. And the rocket, it says, is a *pole*; *missile* comes second.
#
# ## A rocket, or a pole
#
# A mistake? Before you file it, look at the difference. The blue lies on the rocket's tip. The red lies on its shaft,
# and low on the towers at both sides. The towers! Those *are* poles, more or less.
#
# That is a suspicion; a map never gives more. So test it. Fade a thing into the sky behind it, and ask again by how
# much *pole* leads over *missile*, 1.0 before. Do the same to a strip of empty sky: fading itself might do something.
# Guess the lead without the left tower, the sky beside it, the right tower, the rocket. Then open.

# %% tags=["reveal"]
print(f"By how much {shown.said} leads over {shown.meant} without a thing, and what wins then:")
for thing, box in {"(nothing gone)": None, **shown.boxes}.items():
    changed = ch16.faded(doubt, box)
    print(f"{thing:22} {ch16.lead(shown, changed):5.2f}   {ch16.top(net, changed, 2)}")

# %% [markdown]
# Without its left tower the rocket is a *missile*. Without a strip of sky nothing changes. And without the rocket the
# best name is *crane*. So it saw the towers *and* the rocket, and had one word to give. Among its thousand
# names there is no "rocket between two poles". Whose mistake is it, then? (One photograph proves what happened here,
# and no more. Of the drawn scenes, a *cross* is taken for an *arrow* until stripes are faded.)
#
# ## A layer that is none
#
# SqueezeNet is built of layers that you know. The survey's ResNet34 has 36 of a kind that is new, and 16 pluses. We
# take its little sister to pieces, `shapes-resnet`, which is always here.
#
# A **batch norm** takes what a neuron computed, $z$, and makes $\gamma\,(z - \mu)/s + \beta$ of it. Its mean $\mu$ and
# its spread $s$ were measured in training, $\gamma$ (not LRP's) and $\beta$ were learnt; afterwards all four stand
# still. So it multiplies, and it adds. The layer before it could have done that itself.
#
# By hand: $w = {{norm.w}}$, $b = {{norm.b}}$, $\gamma = {{norm.gamma}}$, $\beta = {{norm.beta}}$, $\mu =
# {{norm.mean}}$, $s = {{norm.spread}}$. All is multiplied by $6/2 = {{norm.scale}}$: the weights become
# {{norm.weights}}, the bias $3 \cdot (1 - 3) + 1 = {{norm.bias}}$. At $a = {{norm.a}}$ the neuron gives {{norm.z}},
# the batch norm makes {{norm.y}} of it, and so does the folded neuron.
#
# For LRP it matters. The folded neuron hands down {{norm.shares}}. A program that waves $R$ through the batch norm, as
# if it were a ReLU, shares out at the old weights: {{norm.passed}}.
#
# Write the folding for a layer: `W` has a row per neuron, all else one number per neuron. Return *one* array: the new
# weights and, as its last column, the new biases, `np.column_stack([weights, biases])`.

# %%
@ch.exercise("fold_batchnorm")
def fold_batchnorm(W, b, gamma, beta, mean, spread):
    """The layer (W, b) and the batch norm behind it, as one layer: weights and, in the last column, biases."""
    raise NotImplementedError


fold_batchnorm.check()

# %%
# NBVAL_CHECK_OUTPUT
small = mx.load("shapes-resnet").astype("float64")
star = small.preprocess(drawn.pictures[4]).astype("float64")
same = ch.yours("fold_batchnorm", lambda f: (f.label, np.allclose(ch16.folded_by(small, f)(star), small(star))))
print("nine batch norms folded, the same ten scores:", *same)
for method, params in (("lrp-0", {}), ("lrp-gamma", {"gamma": 1})):
    for way, (_, R) in ch16.three_ways(ch16.normed(), mx.exact([2, 1]), method, **params).items():
        print(f"{method:10} {way:14}", *R)
for way, (score, R) in ch16.three_ways(small, star, "lrp-gamma").items():
    print(f"a star     {way:14} {R.sum():.1f} of {score:.1f} at the pixels")

# %% [markdown]
# LRP-0 does not care whether the batch norm is folded or left standing as a layer of its own. LRP-$\gamma$ does: it
# favours the plus side at *every* layer, and folding makes one layer of two. So one name stands for three methods. The
# survey does not say which; we fold.
#
# And look at the last line. Waved through, it all adds up! No wonder: nearly all biases of this network sit in its
# batch norms, and waving through forgets them. **A sum that adds up is no proof.**
#
# ## A plus
#
# A *residual* network adds what a block computed to what went into the block. On the way back, slopes are copied at
# such a plus (chapter 04: the chain rule). Relevance must be shared out. A plus is a neuron like any other: two inputs,
# weights 1 and 1, no bias. Of {{sum.r}} that arrive at $3 + (-1)$, the sides get {{sum.split}}.
#
# Write it for arrays: at each place $a$ and $b$ were added, and $R$ arrives. Return two rows,
# `np.stack([for_a, for_b])`. You may assume that no sum is 0.

# %%
@ch.exercise("split_residual")
def split_residual(a, b, R):
    """What of R, arriving at a + b, goes to a (first row) and to b (second row)."""
    raise NotImplementedError


split_residual.check()

# %%
# NBVAL_CHECK_OUTPUT
folded, gamma = mx.fold_batchnorm(small), mx.rules("lrp-gamma")
mine = ch.yours("split_residual")
ways = {"copied": lambda a, b, R: (R, R), "halved": lambda a, b, R: (R / 2, R / 2), mine.label: mine}
for way, share in ways.items():
    score, R = ch16.total(folded, star, gamma | ch16.at_plus(share))
    print(f"{way:10} of {score:.1f} the pixels get {R:.1f}")

# %% [markdown]
# `shapes-resnet` has three pluses, and three doublings make eight: about eight times too much. In ResNet34 it would be
# sixteen doublings. Halving is wrong as well, yet its sum looks innocent.
#
# **Units.** A share is a *score*, a contribution; a slope is *score per unit*. Whoever copies treats the one like the
# other.
#
# ## Too close to call
#
# Now the 4 %. Take three pixels, {{tenths.picture:decimal}}, and
#
# $$S = x_1 + x_2 + x_3 + 10\,\mathrm{relu}(x_1 + x_2 - x_3).$$
#
# On paper $x_1 + x_2 - x_3 = 0$. The ReLU's gate is shut, the slopes are {{tenths.closed}}. Open, it would make
# {{tenths.open}} of them. Let the machine add.

# %%
# NBVAL_CHECK_OUTPUT
tenths = ["0.1", "0.2", "0.3"]
for kind in ("exact", "float64", "float32"):
    a, b, c = three = mx.exact(tenths) if kind == "exact" else np.array(tenths, kind)
    slopes = mx.explain(ch16.near_zero().astype(kind), three, "gradient", target=0).relevance
    print(f"{kind:8} the sum is {float(a + b - c):.1e}, the slopes", *map(int, slopes))

# %% [markdown]
# A tenth has no end in binary, so every number is a little off, and every sum. In the score nobody will ever see it.
# But a gate has no "nearly". And mind who is right: seven digits, this once; sixteen opened a gate that is shut.
#
# How often does that happen? Below the pixels are $k$ times as large, and the sum is still 0 on paper. Before you move
# $k$, say which gate you trust.

# %%
display(book.figures.adding())
ch.observe("flicker", ...)

# %% [markdown]
# *If you see only tables, the page is shown without its scripts; `make lab` opens the chapter with them.*
#
# Now change the order. Two correct programs may add in different orders, nobody promises one. So now and then their
# decisions must part: at a ReLU whose sum nearly cancels, or in a pool where the two largest are nearly equal.
#
# Is that our 4 %? Let float32 compute everything, but lend it float64's decisions: which gates were open, which places
# won (`mx.forward(net, x, choices=tape)`). If close calls are all there is, the difference vanishes. A mistake would
# stay.

# %% tags=["reveal"]
tiny = np.stack([small.preprocess(picture) for picture in drawn.pictures])
apart = ch16.close_calls(small, tiny)
print("How far slopes with few digits are from slopes with many, drawn scenes first:")
print(f"{(apart > 0.001).sum()} of {len(apart)} have a pixel 0.1 % off or more; half are under {np.median(apart):.0e}")
cases = {name: ch16.twice(net, net.preprocess(p)) for name, p in shown.pictures.items()}
cases["scene"] = ch16.twice(small, tiny[apart.argmax()])
print(*(f"{name:8} {found}" for name, found in cases.items()), sep="\n")
worst = max(cases, key=lambda name: cases[name].own[-1])
ch16.layer_by_layer(cases[worst], f"Slopes of the {worst}: float32 against float64")

# %% [markdown]
# There it was, when this page was made: the clock, 4 %. On its wide even patches many numbers are nearly equal. Of
# five million decisions a handful fell the other way; lend them, and nothing is left. In the plot the crosses jump at
# the layer where it happened and stay up, because what is wrong is carried on; the circles never leave the roundings.
# On your machine other pictures may be hit. **Nobody was wrong.**
#
# ## Where do two programs part?
#
# So share the decisions first. What differs then is a mistake or a convention, and the question is *where*. Come from
# the score, as the signals do, and compare them layer by layer. Where a wrong signal first *arrives*, the layer that
# sent it is the culprit. Further down all are victims.
#
# `ours` and `theirs` have a row per layer in the network's order: the first row is the picture, the last the score.
# Return the number of the first row, coming from the score, with a place that is off by more than `tol` times the
# largest magnitude in that row of `ours`. If there is none, return -1.

# %%
@ch.exercise("first_difference")
def first_difference(ours, theirs, tol):
    """The row where, walking back from the score, the two first differ; -1 if they do not."""
    raise NotImplementedError


first_difference.check()

# %%
# NBVAL_CHECK_OUTPUT
tape, find = mx.forward(folded, star), ch.yours("first_difference")
names, ours = ch16.arrivals(tape, gamma)
for bug, rule in {
    "copied at the middle plus": {"layer2.0.add": lambda R, step: (R, R)},
    "halved at the last plus": {"layer3.0.add": lambda R, step: (R / 2, R / 2)},
    "no gamma in one layer": {"layer1.0.conv2": mx.rules("lrp-0")[mx.Conv2d]},
}.items():
    theirs = ch16.arrivals(tape, gamma | rule).rows
    sums = f"sums {ours[0].sum():.2f} and {theirs[0].sum():.2f}"
    print(f"{bug:26} {sums}, first seen at {names[find(ours, theirs, 1e-9)]}")

# %% [markdown]
# `downsample.1` is one side of its block's plus, so the plus sent the wrong signal; `layer1.0.relu1` got it from
# `layer1.0.conv2`. You have just written `minixai crosscheck`, in small.
#
# ## Break it: the wrong pixels
#
# One mistake no comparison of programs will find: both are given the wrong picture. `shapes` wants red, green, blue, in
# this order, stretched to -2 to 2. Give it something else, a hundred times. In brackets, how far chance may have
# moved the count; then, how alike Grad-CAM's maps are to the right ones (1 is the same).

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Prepared in four ways, scenes still right and maps alike:")
for what, right, same in ch16.misprepared(mx.load("shapes"), drawn):
    print(f"{what:24} {100 * right.value:3.0f} ({100 * right.low:.0f} to {100 * right.high:.0f}) {same:6.2f}")

# %% [markdown]
# No message, and with red and blue exchanged hardly a mistake. Pixels up to 255 cost no more answers, and the maps are
# already others. A good grade does not say that the network saw what you think it saw. Before you explain a picture,
# look at it *as the network gets it*: `net.unpreprocess(x)`.
#
# ## Exit ticket
#
# Your guesses, one more batch norm, and a verdict.

# %%
pencil = ch.predict("new_norm", ..., confidence=...)
display(*(ch.reveal(id) for id in ("who_is_wrong", "at_a_plus", "nothing_happens")), pencil)
ch.exercise("one_of_a_hundred", kind="claim").answer(...)

# %% [markdown]
# ## One page to keep
#
# * A map raises a suspicion; an intervention, with a control, tests it. A label that is "wrong" may be the only word
#   there was.
# * A **batch norm** is folded into the layer before it: weights times $\gamma/s$, bias $\gamma (b - \mu)/s + \beta$.
# * At a **plus**, slopes are copied and relevance is shared in proportion.
# * Gates and winners have no "nearly". Share the decisions before you compare programs; then find the layer.
# * Sums that add up, answers that are right, programs that agree: each can be had with a mistake inside.
# * *Units: score* for shares, *score per unit* for slopes.
#
# **What the survey leaves open.** How relevance passes a batch norm or a plus, though ResNet34 is one of its networks.
# In which arithmetic its figures were made. How its pictures were prepared.

# %% [markdown] tags=["deeper"]
# ## Deeper: the survey's own networks
#
# What is inside four networks? To count that, no weights are needed. (Three quarters of VGG16 are one matrix.)

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
print(*ch16.contents(), sep="\n")

# %% [markdown] tags=["deeper"]
# If their weights are here, both are shown the first picture: figure 9 by VGG16, figure 6 by ResNet34.

# %% tags=["deeper"] survey=["vgg16", "resnet34"]
cat = shown.pictures[next(iter(shown.pictures))]
for name, figure in (("vgg16", ch16.figure9), ("resnet34", ch16.figure6)):
    if network := ch16.if_here(name):
        print(f"{name:8} {ch16.top(network, cat)}")
        display(figure(network, cat))

# %% [markdown] tags=["deeper"]
# ## Deeper: figure 9 on a photograph
#
# The survey reads off a tiger that LRP-$\varepsilon$ without its biases has its importance in a smaller region, that
# $\alpha = 1$, $\beta = 0$ draws contours, and that FEM is more holistic. On 200 drawn scenes that was confirmed
# (chapter 10). Here is our cat, as SqueezeNet sees it. Above it, for each of the pictures: on how many percent of its
# pixels does half of the positive relevance stand?

# %% tags=["deeper"] survey=["figure 9"]
for name, picture in shown.pictures.items():
    shares = ch16.regions(net, picture)
    print(f"{name:8}", "; ".join(f"{way} {100 * share:.1f} %" for way, share in shares.items()))
ch16.figure9(net, cat)

# %% [markdown] tags=["deeper"]
# On all four photographs the region is smallest without biases and largest with FEM. But look what that means: without
# biases, half of the relevance may stand on some hundred of fifty thousand pixels. Dividing by a sum near 0 does that;
# it shows no reason for anything.
#
# ## Deeper: shuffle what tells the names apart
#
# SqueezeNet's last convolution makes a map per name. Shuffle its weights: the network cannot tell a cat from a can any
# more, and a map that answers "why this name?" must change. How alike are the maps, before and after? (Mean over the
# pictures; 1 is the same map.)

# %% tags=["deeper"]
for method, same in ch16.after_shuffling(net, shown.pictures.values()).items():
    print(f"{method:16} {same:5.2f}")

# %% [markdown] tags=["deeper"]
# On the photographs, Grad-CAM forgets everything, as it should. FEM is the same map to the last digit: it never asks
# that layer (chapter 13). And guided backpropagation keeps most of its picture; chapter 06 found that on drawn stars.
#
# ## Deeper: a second opinion, layer by layer
#
# PyTorch derives every method in its own way. First in float64: how far are the two apart, at which layer most? Then
# the picture in doubt in float32. *Alone*: each with its own decisions. *Shared*: the engine with PyTorch's.

# %% tags=["deeper"]
if torch := book.torch_or_say():
    for network, picture in ((small, star), (net.astype("float64"), x.astype("float64"))):
        layers = ch16.against_pytorch(network, picture, "lrp-gamma")
        worst = max(layers, key=layers.get)
        print(f"{network.name}: {len(layers)} layers, furthest apart at {worst}, by {layers[worst]:.0e}")
    for method in ("gradient", "lrp-epsilon", "lrp-gamma", "fem"):
        c = mx.compare(net, net.to_torch(), x, method)
        print(f"{method:12} alone {c.alone:.0e}, shared {c.shared:.0e}, decisions that differ: {len(c.flips)}")
book.badge("shapes-resnet")

# %% [markdown] tags=["deeper"]
# ## Deeper: real GPUs
#
# A GPU adds thousands of numbers at once, in an order of its own, and may round its factors to eleven bits unless it
# is told not to (`careful` tells it). So it meets other close calls than a processor does. With the decisions shared,
# it has to agree like everybody else.

# %% tags=["deeper"]
if torch and torch.cuda.is_available():
    from minixai.crosscheck import careful, crosscheck, defaults

    with careful("cuda"):
        few = defaults(["gradient", "lrp-gamma", "grad-cam", "fem"])
        print(crosscheck(net, net.to_torch().to("cuda"), x, few).as_text())
else:
    print("No GPU here that PyTorch sees. Where there is one: minixai crosscheck --network shapes-resnet --device cuda")
