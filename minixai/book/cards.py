"""Recap cards: what a chapter takes from an earlier one, said once, here, and shown wherever it is needed."""

from typing import NamedTuple

from minixai.book.numbers import fill
from minixai.taxonomy import closest


class Card(NamedTuple):
    """One idea on one card: where it comes from, what it says (numbers as ``{{name}}``)."""

    title: str
    chapter: str
    text: str

    def _repr_markdown_(self) -> str:
        lines = fill(self.text).splitlines()
        quoted = "\n".join(f"> {line}".rstrip() for line in lines)
        return f"> **Recap: {self.title}** *(chapter {self.chapter})*\n>\n{quoted}"

    def __repr__(self) -> str:
        return f"Recap: {self.title} (chapter {self.chapter})\n{fill(self.text)}"


def recap(name: str) -> Card:
    """The card of that name. Raises ValueError for any other, with the names that come close."""
    if name not in CARDS:
        raise ValueError(f"there is no recap card {name!r}; {closest(str(name), list(CARDS))}")
    return CARDS[name]


CARDS = {
    "slope or contribution": Card(
        "slope or contribution?",
        "00",
        "$S = 3x_1 - x_2$ at {{linear14.picture}}: the **slope** {{linear14.slope}} says what happens if you turn a "
        "pixel up (score per unit); the **contribution** {{linear14.contribution}} says what the pixel brought (score) "
        "and adds up to $S = {{linear14.score}}$. They may rank the pixels differently.",
    ),
    "score": Card(
        "score",
        "00",
        "$S_c$ is the number the network gives class $c$, *before* any softmax. 'Why?' always means 'why this score?'.",
    ),
    "intervention": Card(
        "change one thing and ask again",
        "01",
        "An **intervention** changes one thing in the picture and leaves the rest. The **effect** is the difference of "
        "the two scores; average it over whatever else may vary. It says what the answer depends on. A map, of any "
        "method, says where to look; it neither acquits nor convicts.",
    ),
    "exchange": Card(
        "hiding is exchanging",
        "02",
        "To hide a pixel is to put something else there: black, grey, white, grass. The map is about that *exchange*. "
        "**Occlusion** hides one window after another; what it costs is score, but no share: a box that needs both "
        "its pixels answers {{need.drops}} to a score of 6. **LIME** fits a line to many masks: {{need.weights}}, with "
        "$b = {{need.intercept}}$.",
    ),
    "patch": Card(
        "what a number sees",
        "03",
        "A convolution lays its filter on a **window**, multiplies taps and numbers, and adds. All pixels that reach a "
        "number through the layers are its **patch**. A change goes unnoticed outside the patch or at a tap of 0 "
        "(always), at a ReLU that is off or in a pool that somebody else wins (here and now).",
    ),
    "chain rule": Card(
        "the chain rule, walked",
        "04",
        "Forwards, every layer computes and keeps what it computed. Backwards, a signal arrives at each layer and "
        "leaves multiplied by that layer's slopes. **Where paths meet again, their signals are added.**",
    ),
    "flipped filter": Card(
        "painting and collecting",
        "04",
        "One output *paints* the filter as it is. One pixel *collects* with the filter turned by 180 degrees: "
        "${{paint.filter:matrix}}$ becomes ${{paint.flipped:matrix}}$. Same sums. With the signal "
        "${{paint.signal:matrix}}$ both give ${{paint.sum:matrix}}$.",
    ),
    "adjoint test": Card(
        "the adjoint test",
        "04",
        "$\\langle \\mathrm{conv}(x), G \\rangle = \\langle x, \\mathrm{back}(G) \\rangle$ for every $x$ and $G$; in "
        "our example both are {{paint.forwards}}. It finds a wrong backward pass that no picture gives away.",
    ),
    "heat map": Card(
        "the heat map",
        "05",
        "One number per pixel: contributions are added over the channels, of slopes the steepest is taken (6). "
        "The **heat map** is the positive part, divided by its largest number: 0 stays 0, the strongest pixel is 1. It "
        "says *where*, not *how much*, and nothing about what speaks against.",
    ),
    "three gates": Card(
        "three gates",
        "06",
        "At a ReLU, with $y$ going in forwards and $R$ arriving backwards: the **gradient** passes $R$ where $y > 0$ "
        "(was it on?), **DeconvNet** where $R > 0$ (is it good news?), **guided** where both hold.",
    ),
    "two pixels": Card(
        "the two-pixel network",
        "06",
        "$S = \\min(x_1, x_2) = \\mathrm{relu}(x_1) - \\mathrm{relu}(x_1 - x_2)$ at {{min.picture}}: score "
        "{{min.score}}. Gradient {{min.gradient}}, DeconvNet {{min.deconvnet}}, guided {{min.guided}}. Wired the other "
        "way round: {{min2.gradient}}, {{min2.deconvnet}}, {{min2.guided}}.",
    ),
    "integrated gradients": Card(
        "integrated gradients",
        "07",
        "Walk from a reference $x'$ (often black) straight to the picture $x$. Average the slopes met on the way and "
        "multiply by $x - x'$: contributions, which should add up to $S(x) - S(x')$. A program looks at $n$ places "
        "only and gives each a weight; the weights must add up to 1.",
    ),
    "smoothgrad": Card(
        "SmoothGrad",
        "08",
        "Make $n$ copies of the picture, each with noise of its own; average their maps (8). More copies remove the "
        "accident of the draw, but magnitudes do not cancel: a slope of 0 under jitter of spread $s$ is drawn as "
        "$0.80\\,s$. Averaging the *slopes* (signed) has no such floor, and the same name.",
    ),
    "cam": Card(
        "CAM and Grad-CAM",
        "09",
        "The last maps $A^k$, weighed and added up. The weights are the class's own where the network ends in global "
        "average pooling and one linear layer (**CAM**). Elsewhere the mean slope of the score over each map takes "
        "their place, and a ReLU follows (**Grad-CAM**). Coarse, and about one class.",
    ),
    "shares": Card(
        "relevance, shared out",
        "10",
        "LRP starts with the score and walks back. A neuron with $z = \\sum_i a_i w_i + b$ hands its relevance $R$ "
        "down: to input $i$ the share $R\\, a_i w_i / z$; the bias keeps its own. **$\\varepsilon$** adds a little to "
        "the denominator, away from 0. **$\\gamma$** counts positive weights $1 + \\gamma$ times.",
    ),
    "root points": Card(
        "every rule has a point",
        "11",
        "What a neuron says is due to what differs from a **root point**, where it is silent: step times slope (18). "
        "{{root.a}}, weights {{root.w}}: from {{root.lrp0_at}} LRP-0, {{root.lrp0}}; from {{root.zplus_at}} $z^+$, "
        "{{root.zplus}}; from {{root.wsquare_at}} $w^2$, {{root.wsquare}}. **Deep Taylor** takes points that can "
        "occur: $z^+$ inside, $z^B$ at the pixels. Every neuron has its own; no one picture stands behind the map.",
    ),
    "multipliers": Card(
        "compared with what?",
        "12",
        "DeepLIFT sends a **reference** along and shares out the difference of the scores. A **multiplier** is a slope "
        "between two points: $\\Delta z / \\Delta y$ at a ReLU (**Rescale**), or one for good and one for bad news, "
        "averaged over who comes first (**RevealCancel**). $\\min(x_1, x_2)$ at {{min.picture}}, from zero: "
        "{{min.rescale}} and {{min.revealcancel}}; from {{kitchen.both}}, both {{kitchen.both_rescale}}.",
    ),
    "fem": Card(
        "FEM",
        "13",
        "Each of the last feature maps marks the places where it is at least $K$ spreads above its own mean; a mark is "
        "worth that mean, and the maps are added up. One pass forwards, and **no class**: it says where the network is "
        "busy, never why it chose this class. By hand, $K = 1$: {{rare.answer}}.",
    ),
    "painted answer": Card(
        "an answer that is painted",
        "14",
        "An **attack** moves every pixel by $\\varepsilon$ along the sign of the slope: invisible, and it turns "
        "decisions that random signs leave alone. **Two generators** repaint a picture, one keeping the class, one "
        "changing it; $R = |g_s(x) - g_a(x)|$: {{painted.two}}, where one alone says {{painted.one}}. $R$ never asks "
        "the classifier: count how often the classes came out as they should.",
    ),
    "judges": Card(
        "agreement and faithfulness",
        "15",
        "**Agreement** holds a map against an outline that people drew: AUC, IoU, SIM. None of them asks the network. "
        "**Faithfulness** asks it: hide what the map marks and see what the score loses; the number belongs to a "
        "*fill*. On `husky` the two pull apart. A map that survives scrambled weights does not show what was learnt.",
    ),
    "close calls": Card(
        "too close to call",
        "16",
        "A gate or a pool's winner has no 'nearly'. Where a sum is almost 0, two correct programs may decide "
        "differently, and their maps differ by percents: **share the decisions**, then compare, layer by layer from "
        "the score. A **batch norm** is folded into the layer before it. At a plus, relevance is shared in proportion: "
        "4 at $3 + (-1)$ makes {{sum.split}}.",
    ),
    "conventions": Card(
        "a library is a set of switches",
        "17",
        "One formula leaves choices open: whether the bias counts, the sign of $\\varepsilon$, the weights of places "
        "on a path. $a = {{neuron.a}}$, $w = {{neuron.w}}$, $b = {{neuron.b}}$, $\\gamma = 1$: {{neuron.gamma}} or "
        "{{neuron.alone}}. **Compare numbers with a tolerance, never angles**; two answers at cosine 0.999 may "
        "follow different rules.",
    ),
    "first the question": Card(
        "first the question, then the method",
        "18",
        "**What moves it?** (score per unit) **What made it up?** (score) **Compared with what?** (score) **What "
        "lights up?** (no unit). {{min.lrp0}} answers the second and the third. Methods that are one formula have one "
        "vote. *What if?* wants an intervention with a control, not a map. Sign a number with its interval, pictures, "
        "network and fill; keep a sentence that you refuse.",
    ),
}
