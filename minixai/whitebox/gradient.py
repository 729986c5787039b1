"""Section 4.2, gradient backpropagation: the slope of the score, Eqs. (3)-(6).

Sensitivity, not contribution: score per unit of each pixel. Its table is the chain rule itself, and DeconvNet and
guided backpropagation change one line of it. Simonyan, Vedaldi, Zisserman (2014).
"""

from minixai.network import Step
from minixai.ops import AVERAGES, MAXIMA, WEIGHTED, WIRES, Add, Array, ReLU, Softmax
from minixai.walk import Table
from minixai.whitebox.case import Case, Finding, at_picture, signals_of


def adjoint(R: Array, step: Step) -> Array | tuple[Array, ...]:
    """The chain rule at this layer: the transposed derivative applied to what arrives (Appendix A)."""
    return step.op.adjoint(R, *step.operands)


GRADIENT = Table("gradient", dict.fromkeys((*WEIGHTED, *AVERAGES, *MAXIMA, *WIRES, Add, ReLU, Softmax), adjoint))


def gradient(case: Case) -> Finding:
    """w = dS_c/dx at this picture, Eq. (4), in score per unit; the map is |w| or max_k |w|, Eqs. (5), (6)."""
    hops = case.hops(GRADIENT)
    return Finding(at_picture(hops, case), "max", signals_of(hops))
