"""What the whole book shares: its terms, its letters, and where the survey's print must be read with care.

The site makes a page of each (``site/``), and the tests hold the chapters to them: no term before the chapter that
introduces it, unless a recap card stands there.
"""

from typing import NamedTuple


class Term(NamedTuple):
    """A word of the field: the chapter that introduces it, and what it means.

    ``everyday``: people use it without being introduced to it, too, so that the tests cannot tell.
    """

    name: str
    chapter: str
    meaning: str
    others: tuple[str, ...] = ()  # other forms that stand for the same
    everyday: bool = False


class Letter(NamedTuple):
    """A letter of the survey, or one of its several meanings: what we call it in code."""

    letter: str  # LaTeX
    meaning: str
    code: str
    equations: str
    chapter: str


class Erratum(NamedTuple):
    """A place of the survey that must be read with care: what is printed, what is meant, how one sees it."""

    where: str
    printed: str
    meant: str
    why: str
    chapter: str


GLOSSARY = (
    Term("score", "00", "The number the network gives a class before any softmax, $S_c$."),
    Term("slope", "00", "How much the score rises per unit of a pixel: a sensitivity.", ("sensitivity",)),
    Term("contribution", "00", "What a pixel brought to the score, in units of the score."),
    Term("heat map", "00", "A map's positive part over its largest number, enlarged to the picture and drawn."),
    Term("shuffled", "06", "Said of weights: the same numbers, in another order.", everyday=True),
    Term("Clever Hans", "01", "A network that is right for a reason that has nothing to do with the thing."),
    Term("LIME", "01", "A linear model of the score, fitted to copies of the picture with superpixels hidden."),
    Term("black-box method", "02", "An explanation that asks the network for scores only."),
    Term("occlusion", "02", "Hide a window, watch the score, move the window."),
    Term("superpixel", "02", "A patch of neighbouring pixels of like colour, shown or hidden as one."),
    Term("feature map", "03", "What one filter of a layer computes, at every place."),
    Term("receptive field", "03", "The pixels that one number of a layer can see."),
    Term("switch", "03", "Which cell of a max-pool's window won: where the number came from.", ("switches",)),
    Term("tape", "04", "What every layer computed on the way forward, kept for the way back."),
    Term("seed", "04", "The signal with which a walk backwards starts: a 1 at one score, say."),
    Term("adjoint", "04", "The way back through a linear layer: its matrix, transposed."),
    Term("colour map", "05", "A list of colours in which numbers from 0 to 1 are looked up."),
    Term("lightness", "05", "How light an eye finds a colour: 0 is black, 100 is white."),
    Term("min-max", "05", "Stretching a map from its smallest to its largest number; it moves the zero."),
    Term("diverging", "05", "Said of a colour map that is neutral at 0 and differs to both sides."),
    Term("gate", "06", "What a ReLU lets through on the way back.", ("gates",)),
    Term("guided backpropagation", "06", "The gradient, with bad news stopped at every ReLU."),
    Term("DeconvNet", "06", "The way back by good news alone, whatever was on."),
    Term("floor", "08", "What is left of noise in an average of magnitudes, however many.", everyday=True),
    Term("baseline", "07", "The picture that stands for 'nothing there'; also called reference."),
    Term("completeness", "07", "The contributions add up to the difference of the scores of picture and baseline."),
    Term("global average pooling", "09", "Each map's mean, and nothing else, goes on to the classifier.", ("GAP",)),
    Term("feature layer", "09", "The layer whose maps the CAM family and FEM read."),
    Term("relevance", "10", "A share of the score, handed down layer by layer.", everyday=True),
    Term("conservation", "10", "What arrives at a layer leaves it, but for what its biases and eps keep."),
    Term("root point", "11", "The point of comparison at which a neuron is silent; every rule of LRP chooses one."),
    Term("multiplier", "12", "Difference in the output over difference in the input: DeepLIFT's slope."),
    Term("K-sigma rule", "13", "Rare is what lies K spreads above the mean of its map."),
    Term("FEM", "00", "Where do feature maps show values that are rare for them? Asked without any class."),
    Term("adversarial", "00", "Said of a picture changed so little that nobody sees it and the network errs."),
    Term("FGSM", "14", "An attack of one step: every pixel the same distance, by the sign of the loss's slope."),
    Term("generator", "14", "A network from pictures to pictures, trained to turn or keep a decision.", everyday=True),
    Term("faithfulness", "15", "Whether a map agrees with what the network does when what it marks is changed."),
    Term("agreement", "15", "Whether a map agrees with what people mark.", everyday=True),
    Term("scrambling", "15", "Random weights from the last layer upwards, to see when a map notices."),
    Term("deletion", "15", "Take away what the map marks most, bit by bit, and watch the score.", everyday=True),
    Term("batch norm", "16", "A layer that shifts and scales every channel; when it does not train, it is linear."),
    Term("convention", "17", "A choice that a formula leaves open and a program must make.", everyday=True),
)

NOTATION = (
    Letter(r"x,\ x_0", "the picture; the very picture that is explained", "x", "(3), (7)", "06"),
    Letter(r"S_c", "score of class c, before the softmax", "score", "(3)", "00"),
    Letter(r"Y_n", "what layer n computes (the survey's maps)", "y", "(2), (30)", "03"),
    Letter(r"a", "activation: a number after a ReLU", "a", "(11) to (15)", "10"),
    Letter(r"w", "weight of a layer", "w, weight", "(11) to (15)", "03"),
    Letter(r"w", "slope of the score: the linear model at a picture", "w", "(3), (4)", "06"),
    Letter(r"w", "filter of a decision in the soft tree", "w", "(1)", "02"),
    Letter(r"w_k^c", "weight of a channel in the last linear layer", "cam_weight", "4.6", "09"),
    Letter(r"R", "relevance: a share of the score", "R", "(11) to (18)", "10"),
    Letter(r"R", "the signal that arrives at a layer, whatever it is", "R, arriving", "4.1", "06"),
    Letter(r"\alpha", "place on the path from baseline to picture", "alpha_path", "(7)", "07"),
    Letter(r"\alpha_k^c", "weight of a channel: mean slope over its map", "cam_weight", "(9)", "09"),
    Letter(r"\alpha, \beta", "what LRP gives to positive and to negative terms", "alpha, beta", "(15)", "10"),
    Letter(r"\beta", "inverse temperature of the soft tree", "beta", "(1)", "02"),
    Letter(r"\varepsilon", "what LRP adds to a denominator", "eps", "(13)", "10"),
    Letter(r"\varepsilon", "size of an attack's step", "eps", "6", "14"),
    Letter(r"\gamma", "how much more positive weights count", "gamma", "(14)", "10"),
    Letter(r"\sigma", "the logistic function", "sigmoid", "(1)", "02"),
    Letter(r"\sigma", "size of the noise, as a share of the picture's range", "sigma", "(8)", "08"),
    Letter(r"\sigma_k", "spread of a feature map", "std", "(26)", "13"),
    Letter(r"k", "channel", "k", "(6), (9), (10)", "06"),
    Letter(r"K", "how many spreads above the mean count as rare", "K", "(26)", "13"),
    Letter(r"x',\ y^0,\ S^0", "baseline, reference: three spellings of it", "baseline, ref", "(7), (19)", "07"),
    Letter(r"m", "multiplier of DeepLIFT", "m", "(19) to (25)", "12"),
    Letter(r"g", "a nonlinearity, such as ReLU", "-", "(23), (24)", "12"),
    Letter(r"g_s,\ g_a", "the two generators", "g_s, g_a", "(27)", "14"),
    Letter(r"\gamma,\ \beta,\ \mu,\ s", "a batch norm's scale, shift, mean, spread", "gamma, beta ...", "-", "16"),
    Letter(r"F", "filter of a convolution", "F", "(28) to (33)", "03"),
    Letter(r"A^k", "feature map of channel k", "A", "(9), (10), (26)", "09"),
    Letter(r"Z", "number of cells in a map", "Z", "(9)", "09"),
)  # fmt: skip

ERRATA = (
    Erratum(
        "Eq. (3)", "b is the score at x_0", "b is the score at x_0 minus w times x_0",
        "Put x = x_0 in: as printed, the score would be counted twice.", "06",
    ),
    Erratum(
        "Section 4.1", "DeconvNet's gate is written with Y_{n+1} > 0", "the signal that arrives must be positive",
        "With the activation in its place the rule would be the gradient's.", "06",
    ),
    Erratum(
        "Section 4.2", "the gradient is a generalisation of DeconvNet",
        "they differ at the ReLU, and neither contains the other",
        "A pair (y, R) on which all three gates differ; chapter 06 asks for one.", "06",
    ),
    Erratum(
        "Eq. (10)", "the text says that the weighted maps are averaged",
        "they are summed over the channels, then rectified",
        "The formula has a sum, and so has every implementation.", "09",
    ),
    Erratum(
        "Eq. (11)", "conservation, without condition", "exact only where nothing is kept: no biases, eps 0",
        "A neuron with a bias of 1 keeps 1; chapter 10 counts it.", "10",
    ),
    Erratum(
        "Eq. (12)", "the text writes a_i where the sum runs over q", "a_q",
        "The denominator must not depend on i.", "10",
    ),
    Erratum("Section 5.1.1", "r_i is summed over i", "over j: all that neuron i feeds", "i stands on the left.", "11"),
    Erratum(
        "Eq. (13)", "eps is added as it stands", "eps with the sign of what it is added to",
        "At z = -eps the printed denominator is 0.", "10",
    ),
    Erratum(
        "Section 5.1, gamma", "the text cites (15)", "the rule is (14)", "(15) is the rule of alpha and beta.", "10",
    ),
    Erratum(
        "Section 5.1.1", "the root point of LRP-eps is eps / (a_j + eps)", "a_i eps / (a_j + eps)",
        "A root is a point, with one number per input: the factor a_i is lost.", "11",
    ),
    Erratum(
        "Section 3.2", "the map R^c is in R^N", "in R^(N x N)", "One number for each pixel of an N x N picture.", "03",
    ),
    Erratum(
        "Section 3.2", "importance scores lie in [0, 1]", "only what is drawn does",
        "Contributions have a sign, and add up to a score; scaling throws both away.", "05",
    ),
    Erratum(
        "Eq. (33)", "the flipped filter is called F again", "F turned by 180 degrees",
        "With F itself the sums of (32) do not come out; chapter 04 lets SymPy say so.", "04",
    ),
    Erratum(
        "Section 7", "LRP, DeepLIFT and FEM compute no gradients", "LRP-0 is gradient times picture on ReLU networks",
        "They agree to the last bit that floats have; in fractions they are equal.", "15",
    ),
)  # fmt: skip
