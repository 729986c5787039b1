# ---
# jupyter:
#   minixai:
#     title: "Why explain? Wolves, huskies and snow"
#     minutes: 75
#     objectives:
#     - test what a network goes by, by changing one thing at a time
#     - compute how far a cue moves a score, and how much of a map lies off the object
#     - find a picture that gives a cheating network away
#     - say what a map on the object does not prove
#     - tell black box from white box, and one answer from a whole data set
#     needs: ["00"]
#     equations: sections 1 and 2
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# A wolf detector for camera traps is right 90 times in 100. The rangers want to rely on it: where it says *wolf*, the
# sheep come in. You may run one experiment before. Which?
#
# Around 1904 Berlin had a horse that could count. Asked for three and four, Clever Hans tapped his hoof seven times. A
# commission looked for a trick and found none. Then Oskar Pfungst changed one thing: he let people ask who did not know
# the answer. Hans was lost. A movement of the asker's head, too small to notice, had told him when to stop. (Pfungst,
# *Das Pferd des Herrn von Osten*, 1907.) Nobody had to open the horse.
#
# Today you meet such a network, with maps that look innocent and an experiment that does not.
#
# ## Ticket in
#
# Three guesses: a letter in quotation marks for the first dots, then your confidence, from 1 (a coin) to 3 (sure).

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book, draw
from minixai.book.figures.ch01 import hundred_wolves, negative_ground, preferences, right_on, row_of, verdicts
from minixai.experiments.intervals import mean_interval
from minixai.zoo.animals import husky_scene, husky_scenes
from minixai.zoo.scenes import scenes

ch = book.chapter("01_why_explain")
first = ch.predict("one_experiment", ..., confidence=...)
second = ch.predict("swapped", ..., confidence=...)
third = ch.predict("lime_points", ..., confidence=...)
display(first, second, third)

# %% [markdown]
# ## A table of four scores
#
# First a detector small enough for a pencil. It looks at two things: is there snow (1 or 0), and has the animal a long
# snout (1 for a wolf, 0 for a husky)? Its score is $3 \cdot \text{snow} + 1 \cdot \text{snout} - 2$. Above 0 it says
# *wolf*.
#
# | | on snow | on grass |
# | --- | --- | --- |
# | wolf | {{snow.wolf_snow}} | {{snow.wolf_grass}} |
# | husky | {{snow.husky_snow}} | {{snow.husky_grass}} |
#
# Two of the four answers are wrong. Still it looks good: in its pictures nine of ten wolves stand on snow, and nine
# of ten huskies on grass. How often is it right there? How often, if every animal gets the other ground? And if both
# grounds are equally frequent? Pencil first.

# %%
# NBVAL_CHECK_OUTPUT
detector = mx.Network.sequential([mx.Linear(mx.exact([[3, 1]]), mx.exact([-2]))])
T = np.array([[detector(mx.exact([white, snout]))[0] for white in (1, 0)] for snout in (1, 0)])
right = np.array([T[0] > 0, T[1] <= 0])  # the wolf's row, the husky's row; snow, grass
for name, usual in (("as usual", 9), ("swapped", 1), ("balanced", 5)):  # so many of ten on their usual ground
    animals = np.array([[usual, 10 - usual], [10 - usual, usual]])
    print(f"{name:9} {(animals * right).sum():2} of 20 right")

# %% [markdown]
# {{snow.learnt}}, {{snow.swapped}}, {{snow.balanced}}. More pictures of the usual kind would say {{snow.learnt}} again.
#
# So what does it go by? **Change one thing, leave the rest, subtract.** From grass to snow the wolf's score rises from
# {{snow.wolf_grass}} to {{snow.wolf_snow}}, by 3. The husky's rises by 3, too. From husky to wolf it rises by 1, on
# either ground. So the ground moves it by {{snow.ground}}, the animal by {{snow.animal}}. This is the **effect** of a
# cue, and the changing is an **intervention**.
#
# *Units: score.* An effect is the difference of two scores that really came out. A slope, in score per unit, only says
# where a small change would lead.
#
# Write it for any table with the wolf in row 0 and the husky in row 1. The columns go from full snow (the first) to
# grass (the last); there may be half-covered ones between. The ground's effect goes from the last column to the first,
# averaged over both animals. The animal's goes from husky to wolf, averaged over all columns.

# %%
@ch.exercise("cue_effect")
def cue_effect(T):
    """np.array([effect of the ground, effect of the animal]) of a table of scores, T[animal, ground]."""
    raise NotImplementedError


cue_effect.check()

# %% [markdown]
# ## A network that nobody warned
#
# Now a real one, with layers like those of chapter 00. `husky` has learnt from 2,000 drawings: every wolf stood on
# snow, every husky on grass. Nobody told it which of the two to look at. (A wolf's snout is longer, its tail hangs, its
# legs are darker.) A program made the drawings, so we can have any animal on any ground.
#
# We watch one number: the score of *wolf* minus the score of *husky*. Above 0 the network says wolf.

# %%
# NBVAL_CHECK_OUTPUT
husky, balanced = (mx.load(name).astype("float64") for name in ("husky", "husky-balanced"))
four = [husky_scene(9, animal, white).picture for animal in ("wolf", "husky") for white in (1, 0)]
display(row_of(four, "A wolf on snow, the same wolf on grass; a husky on the same snow, the husky on grass."))
for animal, row in zip(("wolf", "husky"), np.reshape(preferences(husky, four), (2, 2)), strict=True):
    print(f"{animal:6} on snow {row[0]:6.1f}   on grass {row[1]:6.1f}")

# %% [markdown]
# And a second network: `husky-balanced` has the same kinds of layers, fewer numbers in them, and the same task. But in
# its 4,000 drawings each animal stood on either ground equally often. If *it* wants to be right, only the animal helps.
# Your function compares them on ten scenes. The last lines were recorded for `husky` and a hundred wolves: how far the
# number moved, up or down, on average; in brackets, how far chance may have moved that.

# %%
# NBVAL_CHECK_OUTPUT
def effects(f):
    print(f"ten scenes, {f.label}")
    settings = [(animal, white, n) for n in range(10) for animal in ("wolf", "husky") for white in (1, 0)]
    pictures = [husky_scene(9, *setting).picture for setting in settings]
    for net in (husky, balanced):
        tables = np.reshape(preferences(net, pictures), (10, 2, 2))
        ground, animal = np.mean([f(T) for T in tables], axis=0)
        print(f"{net.name:14}  ground {ground:5.1f}   animal {animal:5.1f}")


ch.yours("cue_effect", effects)
for change in ("snow melts", "wolf becomes husky"):
    print("a hundred wolves, {}: {:.1f} ({:.1f} to {:.1f})".format(change, *hundred_wolves()[change]))

# %% [markdown]
# `husky` goes by the snow and hardly minds who stands there. `husky-balanced` goes by the animal.
#
# ## Your turn: let it snow
#
# The same landscape twice, with wolf and with husky. You change the amount of snow and nothing else. Each
# setting leaves its marks: a dot for the wolf's picture, a square for the husky's. Stay with `husky` first. Guess:
# where will the dots cross the line, and where the squares?

# %%
display(book.figures.amount_of_snow())
ch.observe("what_it_follows", ...)

# %% [markdown]
# Then let it snow for `husky-balanced`. *No slider? Open the chapter with `make lab`.* Here is the wolf with five
# amounts of snow, and what both make of it. The last two lines are from the logs of their training: the share of 200
# unseen drawings that each got right.

# %%
# NBVAL_CHECK_OUTPUT
amounts = [husky_scene(9, "wolf", white).picture for white in (0, 0.25, 0.5, 0.75, 1)]
display(row_of(amounts, "A wolf on grass, then with more and more snow, then on snow alone."))
for net in (husky, balanced):
    print(f"{net.name:14} snow 0 to 1:", *(f"{each:6.1f}" for each in preferences(net, amounts)))
for net in (husky, balanced):
    print(f"{net.name:14} right:", *(f"{cue} {share:.1%}  " for cue, share in right_on(net.name).items()))

# %% [markdown]
# The last two lines answer the rangers. On wolves on snow and huskies on grass ("learnt") both are perfect; a million
# such pictures would not tell them apart. With the grounds swapped, one is nearly always right, the other never; with
# both grounds equally frequent ("balanced"), the other is a coin.
#
# ## What maps say
#
# A map, we are told, does this in one look. The survey opens with a network that told wolves from huskies by the snow,
# and with the explanation that gave it away. The authors of that study had spoilt the network on purpose, with 20
# hand-picked pictures. 27 students saw ten of its answers, among them a wolf without snow and a husky on snow, both
# wrong. 10 of the 27 trusted it. Then they saw maps, made by a method called LIME: 3 still did. (Ribeiro, Singh and
# Guestrin, 2016, section 6.4.)
#
# LIME hides random pieces of the picture, watches the probability of *wolf*, and credits each piece with what it adds.
# (Chapter 02 builds it.) What does it say of *our* `husky`? On each of the hundred wolves, pick a pixel
# of snow and one of the wolf blindly. How often has the snow the larger number? One half is a coin. (Seven rows of
# nineteen in `data/results/clever-hans.md`.) Then what LIME had to work with, and verdicts on both
# halves of the story.

# %% tags=["reveal"] survey=["claim clever-hans"]
# NBVAL_CHECK_OUTPUT
print("How often the snow has the larger number, by methods:")
for name in ("grad-cam", "occlusion", "lrp-0", "lime", "lrp-composite", "gradient", "deep-taylor"):
    print("{:14} {:.2f} ({:.2f} to {:.2f})".format(name, *hundred_wolves()[name]))
picture = husky_scene(9, "wolf", 0.9).picture
hidden = mx.explain(husky, husky.preprocess(picture), "lime", target="wolf", n=100)
print("A hundred random halves of a picture hidden: probability of wolf", hidden.notes["scores"])
print("The snow decides: {}. LIME shows it: {}.".format(*verdicts()))

# %% [markdown]
# Here the story does not repeat itself: LIME ranks the wolf a little *above* the snow. That is no verdict on the
# study, which used another network and photographs. But look at its probabilities. Whatever LIME hid, the network
# stayed sure: there is snow all around, and a part of it is enough. LIME had next to nothing to explain.
#
# Of the others, Grad-CAM does point at the snow; most are near a coin or prefer the wolf. Let us ask for less: how much
# of a map lies *off* the animal? To judge that, we set two things beside it: the share of the picture that is not
# animal, and the other network's map.
#
# Take a map $R$ with numbers of both signs, and a mask of numbers, 1 on the object and 0 elsewhere. What speaks against
# the class is part of the map, too. In `[[3, -1], [0, 2]]`, with the object at the bottom right, the pixels hold 3, 1,
# 0 and 2: six in all, four of them off the object, so {{snow.share}}.

# %%
@ch.exercise("background_share")
def background_share(R, object_mask):
    """The share of the map R, whatever the sign, that lies where object_mask is 0."""
    raise NotImplementedError


background_share.check()

# %%
# NBVAL_CHECK_OUTPUT
drawn = husky_scenes(9, 20)
wolves = drawn.labels == 1  # ten of the twenty, all on snow
x, masks = np.stack([husky.preprocess(p) for p in drawn.pictures[wolves]]), drawn.masks[wolves]
f = ch.yours("background_share")
print(f"off the wolf ({f.label})   husky  balanced   larger for husky")
print(f"{'the picture':28} {1 - masks.mean():.2f}")
for method in ("guided-backprop", "grad-cam", "lrp-composite", "deep-taylor"):
    maps = [mx.explain(net, x, method, target="wolf").map for net in (husky, balanced)]
    one, other = (np.array([f(R, 1.0 * m) for R, m in zip(each, masks, strict=True)]) for each in maps)
    print(f"{method:28} {one.mean():.2f} {other.mean():9.2f} {(one > other).sum():9} of 10")

# %% [markdown]
# Read it twice. Down the column of `husky`, three of the four maps put *less* on the background than its share of the
# picture. Alone, they look innocent. Across, every one of them has more there than the other network's map. The
# evidence is there, but it needs something beside it.
#
# ## Do maps help *you*?
#
# Ten rounds. In each, one of the two networks gave a *right* answer, and a coin decided which. You guess: the cheat, or
# the honest one? First from the picture alone, then with the map of that answer, by `lrp-composite`: red speaks for
# it, blue against. You learn the truth after the last round.

# %%
display(book.figures.who_cheats())
ch.observe("without_maps", ...)

# %% [markdown]
# Ten rounds are few; the last line of the game says how often a coin does as well as you. (Another game:
# `book.figures.who_cheats(seed=21, method="fem")`.)
#
# One way to be right in every round needs no map: change the ground and ask again. In the exercise, find a drawing that
# gives the cheat away. `husky` must get it wrong by at least 5 (of the number we watch), and `husky-balanced` right:
# nobody shall say that the animal was hard to tell.

# %%
@ch.exercise("fooled", kind="counterexample")
def fooled():
    """("husky" or "wolf", amount of snow from 0 to 1, number of the drawing): of drawings 0, 1, 2 ..."""
    raise NotImplementedError


fooled.check()

# %% [markdown]
# ## Break it
#
# Two doubts. Does *every* network fall for a change of ground? And must one have a drawing program? The cell makes do
# with a mask: it turns all colours off the object into their negatives, white to black, green to violet. The control
# is `shapes`, from chapter 00. How many of a hundred answers stay?
#
# And a map that lies on the wolf: does it acquit `husky`? Put a husky in its place. Guess both, then open.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Answers that stay when the ground turns negative:")
animals = husky_scenes(9, 100)
for net, drawn in ((husky, animals), (balanced, animals), (mx.load("shapes"), scenes(9, 100))):
    turned = [negative_ground(p, m) for p, m in zip(drawn.pictures, drawn.masks, strict=True)]
    x, y = (np.stack([net.preprocess(p) for p in each]) for each in (drawn.pictures, turned))
    stays = net(x).argmax(axis=1) == net(y).argmax(axis=1)
    print("{:14} {:.0%} ({:.0%} to {:.0%})".format(net.name, *mean_interval(1.0 * stays)))
pair = [husky_scene(9, animal, 0.9, 2).picture for animal in ("wolf", "husky")]
print("wolf, then husky in its place: {:.1f}, {:.1f}".format(*preferences(husky, pair)))
e = mx.explain(husky, husky.preprocess(pair[0]), "deep-taylor", target="wolf")
draw.strip({"why wolf?": e.heatmap}, picture=pair[0], signed=False, title="A map that lies on the wolf")

# %% [markdown]
# All of `husky`'s answers go with the ground; most of the control's stay. And the network whose map lies on the wolf
# does not mind when a husky takes its place.
#
# ## Where these methods live
#
# To change pictures and read scores, nobody looks inside: the network is a **black box**. LIME is of this kind, and all
# of chapter 02. **White-box** methods use what is inside, the weights and what every layer computes; most maps above
# are of that kind. The survey's second distinction: a share of two hundred drawings speaks about a whole data set
# (*dataset-based*), a map about one picture (*sample-based*).
#
# ## Exit ticket

# %%
display(ch.reveal("one_experiment"), ch.reveal("lime_points"), book.recap("intervention"))
ch.exercise("what_may_you_say", kind="claim").answer(...)

# %% [markdown]
# ## One page to keep
#
# * A cue that goes with the class makes a network right for the wrong reason. More of the same pictures never show it.
# * **Change one thing, leave the rest, subtract.** That is an effect. *Units: score.*
# * A map on the object does not acquit, and a map off it does not convict. Compare: with another network, with the
#   share of the picture, with a changed picture.
# * Maps tell you what to try. Then try it.
#
# **What the survey leaves open.** Explanations, it says, are "only correlation-based" and "do not make causal
# inferences". But we hold the picture and may change it: *the snow made it say wolf* is a causal sentence, and you have
# tested it. Black-box methods, it says, "cannot be used to improve the network performance". `husky-balanced` came
# about with every box closed: we saw what went wrong and changed the pictures. And that LIME gives the snow away did
# not hold here; whether maps are true to their network is chapter 15's question.

# %% [markdown] tags=["deeper"]
# ## Deeper: a reader made of one rule
#
# Do maps help anybody? Let a machine play the game, a hundred pictures with both networks. Its rule: if the largest
# number of the map is off the animal, say *cheat*. A coin gets one half. A second machine swaps the ground and says
# *cheat* if the answer goes with it.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
usual, other = husky_scenes(22, 100), husky_scenes(22, 100, "swapped")
x, y = (np.stack([husky.preprocess(p) for p in s.pictures]).astype(np.float32) for s in (usual, other))
pair = (mx.load("husky"), mx.load("husky-balanced"))
for method in ("fem", "grad-cam", "gradient", "lrp-composite"):
    maps = [mx.explain(net, x, method, target=list(usual.labels)).map for net in pair]
    off = [np.array([not m.flat[R.argmax()] for R, m in zip(each, usual.masks, strict=True)]) for each in maps]
    print("{:16} {:.0%} right ({:.0%} to {:.0%})".format(method, *mean_interval((off[0] + 1.0 - off[1]) / 2)))
goes = [net(x).argmax(axis=1) != net(y).argmax(axis=1) for net in pair]
print("swapped ground   {:.0%} right ({:.0%} to {:.0%})".format(*mean_interval((goes[0] + 1.0 - goes[1]) / 2)))

# %% [markdown] tags=["deeper"]
# Three of the four maps beat the coin, and none beats one more picture. But a program that swaps grounds is a luxury.
# With photographs you ask the map first, to learn *what* to change.

# %% [markdown] tags=["deeper"]
# ## Deeper: give LIME something to explain
#
# LIME fills what it hides with the mean colour of the piece, and snow stays white. And it watches a probability that is
# stuck at 1. Both are choices. Fill with grey instead; watch the score (its *logit*) instead; do both. How far does the
# thing that LIME watches move, from least to most, and what share of its map is off the wolf?

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
wolf = husky_scene(9, "wolf", 0.9)
x = husky.preprocess(wolf.picture)
for choice in ({}, {"fill": 0.5}, {"score": "logit"}, {"fill": 0.5, "score": "logit"}):
    e = mx.explain(husky, x, "lime", target="wolf", n=150, **choice)
    off = f(e.map, 1.0 * wolf.mask)
    print(f"{choice!s:34} {e.notes['scores']:18} off the wolf {off:.2f}, the picture {1 - wolf.mask.mean():.2f}")

# %% [markdown] tags=["deeper"]
# With both changed, LIME has something to explain. Still a smaller share of its map is off the wolf than of the
# picture. Not every map that misses the snow was made carelessly. (One picture; chapter 15 asks a hundred.)
#
# And who checks the engine? From the record of `minixai crosscheck`, all methods on `husky`:

# %% tags=["deeper"]
book.badge("husky")
