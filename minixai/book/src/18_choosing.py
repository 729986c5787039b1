# ---
# jupyter:
#   minixai:
#     title: "Choosing a method; the capstone"
#     minutes: 75
#     objectives:
#     - sort answers by the question each one answers, and say which of them hang on the wiring
#     - tell which methods could have given an answer, and which agreements count only once
#     - choose a method for a question and a person, and say when no map will do
#     - write one page that you would sign, with an experiment, an interval and a sentence that you refuse
#     needs: ["06", "10", "15"]
#     equations: sections 2, 7 and 8
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# mypy: ignore-errors
# ---

# %% [markdown]
# A scan lies on the table. A network has called it *lesion*, and three people ask about this one decision.
#
# The patient: "What would have to look different, for it to say *healthy*?" The developer: "What does it go by, the
# lesion or something beside it?" The regulator: "Is your map about this network, or would any network have drawn it?"
#
# You know some twenty methods by now. Each makes a picture of this scan, and every picture looks like an answer. What
# do you show to whom? And which sentence do you refuse to write under it, however kindly they ask? This chapter ends
# with one page about one decision, and your name on it. (The scans are drawn by a program, as in chapter 14. If you
# have read 12 and not 10, you can follow, too.)
#
# ## Ticket in
#
# Three guesses: a letter for the first dots, then your confidence, from 1 (a coin) to 3 (sure).

# %%
import numpy as np
from IPython.display import display

import minixai as mx
from minixai import book
from minixai.book.figures import ch18
from minixai.book.numbers.ch18 import ASKED, TIE, sixteen, stay
from minixai.experiments.intervals import mean_interval
from minixai.experiments.randomisation import likeness

ch, clinic = book.chapter("18_choosing"), mx.load("lesion")
scans, masks = ch18.hundred_found(clinic)  # a hundred lesions that it finds, in drawings that it never saw
first, second = ch.predict("rewired", ..., confidence=...), ch.predict("forgets_last", ..., confidence=...)
third = ch.predict("last_year", ..., confidence=...)
display(ch18.four_maps(clinic, scans[0]), first, second, third)

# %% [markdown]
# ## Sixteen answers
#
# Begin with something that can be understood completely: $S = \min(x_1, x_2)$ at {{min.picture}}, score {{min.score}}.
# *What did the two pixels do?* In this book sixteen methods have answered. Here they are, in one table.

# %%
display(ch18.Sixteen(), book.recap("multipliers"))

# %% [markdown]
# Read the left column first.
#
# * **What moves it?** A slope, in *score per unit*. Nothing to add up.
# * **What made it up?** Shares, in *score*. They add up to 6, except where $\varepsilon$ kept some, or where
#   $\alpha = 2$, $\beta = 1$ met a neuron without a minus side.
# * **Compared with what?** Also in *score*. Each needs something to stand for "not there": here, black.
# * **What lights up?** DeconvNet and guided stop bad news; what is left has no *unit* that one could name. FEM and
#   Grad-CAM belong here, but two pixels have no feature maps.
#
# The survey (its Section 2) sorts by how a method is *made*: black box or white box, then linearisation, structure,
# adversarial. That tells what a method needs. Our column tells what you get. One pair, {{min.lrp0}}, stands under two
# headings: the same numbers, for two questions.
#
# ## Who could have said this?
#
# You are handed a report without a name: *at {{min.picture}}, pixel 1 gets 0 and pixel 2 gets 6*. Which of the sixteen
# can it be? In general a report is about several pictures. `shares` has one row per picture, a number per pixel;
# `answers[m]` is what method `m` would have reported. Return one number per method: 1 if it agrees with everything, to
# the last digit, else 0. (All numbers here are fractions.)


# %%
@ch.exercise("consistent_methods")
def consistent_methods(shares, answers):
    """For each method, 1 if answers[m] equals shares in every pixel of every picture, else 0."""
    raise NotImplementedError


consistent_methods.check()


# %%
# NBVAL_CHECK_OUTPUT
def suspects(f):
    pictures = mx.exact([[3, 8], [10, 6], [9, 1], [2, 7]])
    answers = np.array([list(sixteen(x).values()) for x in pictures]).swapaxes(0, 1)  # method, picture, pixel
    report = answers[list(ASKED).index("LRP-0")]
    print(f"LRP-0 wrote the report. Who could have ({f.label})?")
    for n in (1, 2, 4):
        named = [name for name, one in zip(ASKED, f(report[:n], answers[:, :n]), strict=True) if one == 1]
        print(f"pictures {n}: {len(named)}:", ", ".join(named))


ch.yours("consistent_methods", suspects)

# %% [markdown]
# ## Four witnesses?
#
# One picture leaves eight suspects, two leave four, and those four stay, however many pictures you add. *Four
# methods agree!*
#
# But on this network they are one formula under four names. LRP-0 is gradient times picture (chapter 10). And without
# biases, a ReLU that is on at the picture is on all the way from black. So the path of IG meets one slope only, and
# Rescale finds the same one. Four methods, one vote.
#
# Break the alliance. Give the second ReLU a bias, $S = \mathrm{relu}(x_1) - \mathrm{relu}(x_1 - x_2 + b)$, and find a
# picture and a $b$ for which the four do *not* all agree.


# %%
@ch.exercise("one_formula", kind="counterexample")
def one_formula():
    """(x, b): two pixels of at least 0, such as np.array([10.0, 6.0]), and the bias."""
    raise NotImplementedError


one_formula.check()

# %% [markdown]
# ## The same function, another program
#
# The regulator goes further: two firms have built *the same function*, and wired it differently. May their
# explanations differ? In chapter 06 DeconvNet and guided turned round with the wiring, and the gradient kept still.
#
# Below is that figure again, but the two pixels are equal: {{sixteen.tie}}. Before you touch it: whose answer will
# change if you switch the wiring, and nothing else? The closed cell after it asks all sixteen.

# %%
display(book.figures.wirings(TIE))
ch.observe("at_the_tie", ...)

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("The same answer in both wirings:")
for x in (book.TWO_PIXELS, TIE):
    print(f"at ({x[0]}, {x[1]}): {len(stay(x))} of 16:", ", ".join(stay(x)))
ch.reveal("rewired")

# %% [markdown]
# At {{min.picture}} half of them describe the function, half the program. At a tie there is no slope to find, and only
# three are left. Two of these cannot notice, since they see nothing but scores; RevealCancel takes the mean over who
# comes first, and here that evens it out. To the regulator: *this answer is about the program; another one that
# decides alike would get another.*
#
# ## Name the map
#
# From two pixels to a real drawing, and to your eyes. Eight maps, each asked about two classes; above the second, how
# alike the two are (1 is the same map). One of the eight comes from a network whose weights were shuffled.
#
# Do not go by beauty, go by conduct. Who must not change at all? Who cannot help changing? Who is dark where nothing
# is? Answer with a dictionary, `{"A": "gradient", "B": ...}`; the verdict says how to tell apart what you confused.

# %%
display(ch18.the_drawing(), ch18.eight())
ch.exercise("name_the_map", kind="maps").answer(...)

# %% [markdown]
# ## Which way to turn
#
# Six people, six questions. Where does each leave the ladder below?
#
# 1. The patient: "What would have to look different?"
# 2. The developer: "Which layer brings the background in, and how much of the score is it?"
# 3. The regulator: "Would a network that has learnt nothing draw the same map?"
# 4. An auditor who can only send pictures to a web page: "Which region matters?"
# 5. The radiologist with last year's scan: "What makes it *lesion*, against the old one?"
# 6. An archive with ten thousand films: "Where is anything going on?"

# %%
display(ch18.ladder(), ch.reveal("last_year"))

# %% [markdown]
# <details><summary>Where they leave: open this when you have placed all six.</summary>
#
# 1: third rung, and no map. Paint it, and ask the network again. 2: LRP; its relevance can be read at every layer.
# 3: second rung. 4: first rung. 5: fourth rung. 6: FEM, in space and time.
#
# </details>
#
# ## What may be said
#
# You will sign a number, so you need a rule for what it allows. It is chapter 15's. A claim says *above this border*,
# and the border is fixed before anybody measures. 1, **confirmed**: the whole interval lies above. -1, **refuted**: all
# of it lies below. 0, **inconclusive**: the rest. Write it for many claims at once.


# %%
@ch.exercise("verdict")
def verdict(low, high, border):
    """1, -1 or 0 for each claim "above the border", from the ends of its interval."""
    raise NotImplementedError


verdict.check()

# %%
# NBVAL_CHECK_OUTPUT
# The survey's Section 7, from the records in data/results; claims of "below" are turned round first
ch.yours("verdict", lambda f: print(f"by {f.label}", ch18.verdicts(f), sep="\n"))

# %% [markdown]
# One line per claim: its verdict, its name, and how many of its statements hold (✓), are open (?), fall (✗). Some
# claims fall with any of their statements; of those that can be read in several ways, all readings must agree. What
# each one says, with its numbers, stands in chapter 15's deeper track.
#
# ## A page about one decision
#
# Back to the patient. She asks a *what if*: third rung, **intervention**. Paint the lesion over, in the grey of the
# ring around it. (What does *not there* look like? Like tissue, as well as we can guess.) The **control** is for the
# developer: the same paint, in the same form, somewhere else in the organ.
#
# Two maps may come along: `lrp-composite` for *what made it up*, the gradient for *what would move it*. Hence the
# regulator's check: shuffle all weights. How alike are the maps before and after? FEM is there for comparison.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Painted over, and healthy now:")
turned, alike, lost = {}, {}, book.scrambled(clinic)
for name, where in (("lesion", masks), ("elsewhere", ch18.elsewhere(masks))):
    room = where.any(axis=(1, 2))  # a lesion in the very middle leaves no other place for its form
    healthy = clinic(ch18.painted_over(scans[room], where[room])).argmax(axis=1) == 0
    share = "{:.2f} ({:.2f} to {:.2f})".format(*mean_interval(1.0 * healthy))
    turned[name] = f"{healthy.sum()} of {room.sum()}, a share of {share}"
    print(f"{name:14} {turned[name]}")
for name in ("lrp-composite", "gradient", "fem"):
    before, after = (mx.explain(network, scans, name, target=1).map for network in (clinic, lost))
    alike[name] = "{:.2f} ({:.2f} to {:.2f})".format(*mean_interval(likeness(before, after)))
    print(f"{name:14} likeness after shuffling {alike[name]}")

# %%
ours = ch18.Page(
    question="What would have to look different, for it to say healthy?", user="the patient",
    methods=("lrp-composite", "gradient"), intervention="the lesion painted over, in the grey around it",
    check=f"likeness after shuffling: LRP {alike['lrp-composite']}, gradient {alike['gradient']}",
    signed=f"Of the drawn lesions that it found it calls healthy, once they are painted over, "
    f"{turned['lesion']}. With the same paint elsewhere: {turned['elsewhere'].split(',')[0]}.",
    refused="The map shows why you are ill.",
)  # fmt: skip
yours = ch18.Page(question="", user="", methods=(), intervention="", check="", signed="", refused="")
display(ours, yours)

# %% [markdown]
# What do you show to whom? To the patient, the painted scan and what the network now says; a map only with its question
# written over it. To the developer, the control: elsewhere, the paint turned no decision. (Chapter 14's warning: none
# of so many still allows a few in a hundred.) To the regulator, the likenesses; the deeper track says what they rest
# on.
#
# And the refused line is what everybody wants to hear. But the network says *lesion*, not *ill*, and a map shows what a
# *method* answers.
#
# **Capstone, in pairs.** Fill in the second page, about `husky`, `shapes`, or a network of your own. The line below it
# checks the form only. Then swap, and grade each other, 0 to 3 a row:
#
# | | 0 | 3 |
# | --- | --- | --- |
# | question fits method | any map would have done | another question would have got another method |
# | evidence | one picture | an intervention with a control, a hundred pictures, an interval |
# | limits named | none | network, pictures, fill, and a refusal that costs something |
# | numbers reproduce | typed | all come out of cells that ran |
#
# ## Break it: give your page away
#
# The other pair has two jobs. First, to find a picture on which your sentence is false. Try it on a careless version of
# ours: *painted over, a lesion is always called healthy*. They have other drawings, numbered from 0. `ch18.leads(45)`
# gives the score of lesion minus that of healthy, as drawn and painted over. Find an exception.
#
# Second, they are your user. The choice "depends on the user", says Section 8. So ask one: let them play the game of
# chapter 01, this time with Grad-CAM, which pointed at the snow in chapter 15. Before they start: how many of ten must
# be right with the map, until you would write *it helped*?


# %%
@ch.exercise("an_exception", kind="counterexample")
def an_exception():
    """The number of a drawing that is called lesion, as drawn and painted over."""
    raise NotImplementedError


an_exception.check()

# %%
display(book.figures.who_cheats(seed=18, method="grad-cam"))
ch.observe("better_than_a_coin", ...)

# %% [markdown]
# *No buttons? Open the chapter with `make lab`.*
#
# ## The whole survey, cell by cell
#
# Every equation, figure, system and claim of the survey, with the cells that run it: the long table below. Follow a row
# that you do not believe.
#
# ## Exit ticket
#
# Before the table: the guess of yours that is still closed, and two claims.

# %%
signed, cells = (ch.exercise("may_stand_over", kind="claim").answer(...),
                 ch.exercise("what_a_cell_shows", kind="claim").answer(...))  # fmt: skip
display(ch.reveal("forgets_last"), signed, cells, book.survey_map())

# %% [markdown]
# ## One page to keep
#
# * First the question, then the method: *what moves it, what made it up, compared with what, what lights up?*
# * *Units*: score per unit for the first, score for the next two, none for the last.
# * Methods that agree because they are one formula have one vote.
# * Some answers are about the function, some about the program. Rewire and see.
# * *What if?* wants an intervention, not a map. A control goes with it.
# * A number is signed with its interval, its pictures, its network, its fill.
# * Keep a sentence that you refuse. It tells the reader how far the others go.
#
# **What the survey leaves open.** It concludes that the choice "depends on the user" and that "some form of
# user-saliency" must be considered. We have seen maps that please every user and are wrong (15). So: for the user,
# choose the *question*; then let the network, not the user, say whether the answer is true. Whether an explanation
# helps a patient, only patients can show, and this book has asked none.

# %% [markdown] tags=["deeper"]
# ## Deeper: two ways of sorting
#
# The survey's families against our questions. If the family told you the question, every line would have one name.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
family = {m.name: m.family for m in mx.methods()} | {"": "linearisation"}  # "": gradient times picture
outside = {"occlusion": "occlusion", "LIME": "lime"}
for question in dict.fromkeys(question for question, _, _ in ASKED.values()):
    kinds = [family[outside.get(name, method)] for name, (asked, method, _) in ASKED.items() if asked == question]
    print(f"{question:20}", ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)))

# %% [markdown] tags=["deeper"]
# *Compared with what?* is asked in every family of the table: with a grey window, with a path, with a second pass. And
# structure methods answer two different questions. Sort by what you want to know.
#
# ## Deeper: the other claims
#
# Your rule, on what the survey says outside Section 7.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
rule = ch.yours("verdict")
for section in ("1", "4.3", "4.4", "4.5", "5.3", "6"):
    print(f"{section:4}", ch18.verdicts(rule, section))

# %% [markdown] tags=["deeper"]
# ## Deeper: alike to what?
#
# After shuffling, FEM keeps the most likeness. Alike *because* the network knew something, or because both maps follow
# the scan? Set a third map beside them that asks no network: the scan's own brightness.

# %% tags=["deeper"]
# NBVAL_CHECK_OUTPUT
bright = scans[:, 0]
for name in ("lrp-composite", "gradient", "fem"):
    maps = [mx.explain(network, scans, name, target=1).map for network in (clinic, lost)]
    told = ["{:5.2f} ({:.2f} to {:.2f})".format(*mean_interval(likeness(m, bright))) for m in maps]
    print(f"{name:14} like the scan: trained {told[0]}, shuffled {told[1]}")

# %% [markdown] tags=["deeper"]
# With everything forgotten, FEM's and LRP's maps still follow the bright tissue, LRP's no less than before. Where two
# maps are both like the scan, they are like each other, whatever the weights say. So read a likeness after shuffling
# beside this one.
#
# And who checked the engine on this network? From the record of `minixai crosscheck`:

# %% tags=["deeper"]
book.badge("lesion")
